"""The engine draws the same picture for the same request, whatever it drew before."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from workbench.adapters import export_kohya
from workbench.backbones import open_backbone
from workbench.device import quick_half
from workbench.errors import AdapterError, GenerationError
from workbench.generation import Engine, Picture, Request, picture_png, read_record

PROMPT = "chibi of zkq person, smiling"


def pixels(picture: Picture) -> np.ndarray:
    return np.asarray(picture.image)


def one(engine: Engine, **changed: object) -> np.ndarray:
    return pixels(engine.generate(Request(**({"prompt": PROMPT, "count": 1, "steps": 3, "seed": 5} | changed)))[0])


def test_a_candidate_is_the_same_alone_and_among_others(engine: Engine) -> None:
    four = engine.generate(Request(PROMPT, seed=10, count=4, steps=3, adapters=[("mia", 1.0)]))
    assert [picture.seed for picture in four] == [10, 11, 12, 13]
    assert len({picture.image.tobytes() for picture in four}) == 4
    alone = one(engine, seed=12, adapters=[("mia", 1.0)])
    np.testing.assert_array_equal(alone, pixels(four[2]))


def test_the_seed_wraps_around(engine: Engine) -> None:
    pictures = engine.generate(Request(PROMPT, seed=2**32 - 1, count=2, steps=1))
    assert [picture.seed for picture in pictures] == [2**32 - 1, 0]
    np.testing.assert_array_equal(pixels(pictures[1]), one(engine, seed=0, steps=1))


def test_adapters_come_and_go_without_a_trace(engine: Engine, base: Path) -> None:
    untouched = Engine(open_backbone(base, device="cpu"))
    bare = one(untouched)
    mia = one(engine, adapters=[("mia", 1.0)])
    both = one(engine, adapters=[("mia", 0.7), ("leo", 0.5)])
    assert len({array.tobytes() for array in (bare, mia, both, one(engine, adapters=[("leo", 1.0)]))}) == 4
    np.testing.assert_array_equal(one(engine), bare)
    np.testing.assert_array_equal(one(engine, adapters=[("mia", 1.0)]), mia)
    np.testing.assert_array_equal(one(engine, adapters=[("mia", 0.7), ("leo", 0.5)]), both)
    np.testing.assert_array_equal(one(engine, adapters=[("mia", 0.0)]), bare)
    assert not np.array_equal(one(engine, adapters=[("mia", -1.0)]), mia)


def test_the_engine_draws_what_plain_diffusers_draws(engine: Engine, base: Path, shelf_folder: Path) -> None:
    import torch

    pipeline = open_backbone(base, device="cpu").pipeline
    pipeline.load_lora_weights(str(shelf_folder / "mia.safetensors"), adapter_name="mia")
    pipeline.set_adapters(["mia"], [0.6])
    backbone = engine.backbone
    with quick_half(torch.device("cpu")):
        latents = pipeline(
            PROMPT, height=32, width=32, num_inference_steps=3, guidance_scale=backbone.guidance,
            guidance_rescale=backbone.guidance_rescale, generator=torch.Generator("cpu").manual_seed(5),
            output_type="latent",
        ).images  # fmt: skip
    with torch.no_grad():
        decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    image = pipeline.image_processor.postprocess(decoded)[0]
    np.testing.assert_array_equal(np.asarray(image), one(engine, adapters=[("mia", 0.6)]))


def test_old_adapters_leave_the_memory(base: Path, shelf_folder: Path, tmp_path: Path) -> None:
    from tiny_adapter import make_adapter

    for seed in range(6):
        make_adapter(tmp_path / f"p{seed}.safetensors", base, seed=seed)
    engine = Engine(open_backbone(base, device="cpu"), tmp_path)
    first = one(engine, adapters=[("p0", 1.0)], steps=1)
    for seed in range(6):
        one(engine, adapters=[(f"p{seed}", 1.0)], steps=1)
    assert len(engine.backbone.pipeline.get_list_adapters()["unet"]) == 4
    np.testing.assert_array_equal(one(engine, adapters=[("p0", 1.0)], steps=1), first)


def test_a_file_that_was_trained_again_is_read_again(base: Path, shelf_folder: Path, tmp_path: Path) -> None:
    shutil.copy(shelf_folder / "mia.safetensors", tmp_path / "me.safetensors")
    engine = Engine(open_backbone(base, device="cpu"), tmp_path)
    before = one(engine, adapters=[("me", 1.0)])
    shutil.copy(shelf_folder / "leo.safetensors", tmp_path / "me.safetensors")
    after = one(engine, adapters=[("me", 1.0)])
    assert not np.array_equal(before, after)
    export_kohya(shelf_folder / "leo.safetensors", tmp_path / "kohya.safetensors")
    np.testing.assert_array_equal(one(engine, adapters=[("kohya", 1.0)]), after)


def test_any_picture_can_be_made_again_from_its_png(engine: Engine, base: Path, shelf_folder: Path) -> None:
    request = Request(PROMPT, "sad", seed=3, count=2, steps=4, guidance=2.5, adapters=[("mia", 0.8), ("leo", -0.3)])
    picture = engine.generate(request)[1]
    record = read_record(picture_png(picture))
    other = Engine(open_backbone(base, device="cpu"), shelf_folder)
    again = other.remake(record)
    np.testing.assert_array_equal(pixels(again), pixels(picture))
    assert {**again.record, "created": ""} == {**picture.record, "created": ""}
    changed = other.remake(record | {"base_fingerprint": "0" * 64})
    assert "base is not the one" in changed.notes[-1]


def test_notes_tell_what_would_surprise(engine: Engine) -> None:
    long = "chibi of zkq person, " + "smiling " * 80 + "unicorn"
    (picture,) = engine.generate(Request(long, count=1, steps=1, adapters=[("leo", 1.0)]))
    assert "did not see" in picture.notes[1] and "unicorn" in picture.notes[1]
    assert "'lky'" in picture.notes[0]
    (picture,) = engine.generate(Request(PROMPT, count=1, steps=1, adapters=[("mia", 1.0)]))
    assert picture.notes == []


def test_progress_and_stop(engine: Engine) -> None:
    seen: list[tuple[int, int, int]] = []
    finished: list[int] = []
    request = Request(PROMPT, count=3, steps=2)
    engine.generate(request, lambda *at: seen.append(at), None, lambda candidate, _: finished.append(candidate))
    assert seen == [(0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 2), (2, 1, 2), (2, 2, 2)] and finished == [0, 1, 2]
    asked: list[None] = []

    def after_three() -> bool:
        asked.append(None)
        return len(asked) > 5

    kept = engine.generate(request, should_stop=after_three)
    assert [picture.seed for picture in kept] == [0]
    np.testing.assert_array_equal(pixels(kept[0]), one(engine, seed=0, steps=2))
    assert engine.generate(request, should_stop=lambda: True) == []


def test_sizes_that_do_not_fit_name_one_that_does(engine: Engine) -> None:
    assert one(engine, size=64).shape == (64, 64, 3)
    with pytest.raises(GenerationError, match="Choose 64"):
        engine.generate(Request(PROMPT, size=67))


def test_adapters_that_cannot_be_used(engine: Engine, tmp_path: Path, shelf_folder: Path) -> None:
    with pytest.raises(AdapterError, match="not on the shelf"):
        one(engine, adapters=[("nobody", 1.0)])
    (shelf_folder / "cut.safetensors").write_bytes((shelf_folder / "mia.safetensors").read_bytes()[:900])
    try:
        with pytest.raises(AdapterError, match="cut off"):
            one(engine, adapters=[("mia", 1.0), ("cut", 1.0)])
    finally:
        (shelf_folder / "cut.safetensors").unlink()
    one(engine, adapters=[("mia", 1.0)])


def test_nan_is_an_error_and_not_a_black_picture(base: Path, shelf_folder: Path) -> None:
    import torch

    engine = Engine(open_backbone(base, device="cpu"), shelf_folder)
    with torch.no_grad():
        engine.backbone.pipeline.unet.conv_out.weight.fill_(float("nan"))
    with pytest.raises(GenerationError, match="NaN"):
        one(engine)


def test_threads_take_turns(engine: Engine) -> None:
    expected = {name: one(engine, adapters=[(name, 1.0)]).tobytes() for name in ("mia", "leo")}
    drawn: dict[str, list[bytes]] = {"mia": [], "leo": []}

    def draw(name: str) -> None:
        for _ in range(3):
            drawn[name].append(one(engine, adapters=[(name, 1.0)]).tobytes())

    threads = [threading.Thread(target=draw, args=(name,)) for name in drawn]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn == {name: [expected[name]] * 3 for name in drawn}
