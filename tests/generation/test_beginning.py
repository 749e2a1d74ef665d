"""Where a drawing begins: near another seed, or from a picture; in every family, and again from its recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import make_tiny_base
from tiny_families import make_tiny, name_it

from workbench.backbones import FAMILIES, open_backbone
from workbench.errors import GenerationError
from workbench.generation import (
    Engine,
    Picture,
    Request,
    Start,
    Variation,
    keep_start,
    parameters_text,
    picture_png,
    read_record,
    read_start,
    request_from_record,
)
from workbench.generation.beginning import running_steps, slerp

PROMPT = "chibi of zkq person, smiling"


def draw(engine: Engine, **changed: Any) -> Picture:
    return engine.generate(Request(**({"prompt": PROMPT, "count": 1, "steps": 4, "seed": 5} | changed)))[0]


def pixels(picture: Picture | Image.Image) -> np.ndarray:
    return np.asarray(picture.image if isinstance(picture, Picture) else picture, dtype=np.int16)


def far(one: Picture | Image.Image, other: Picture | Image.Image) -> float:
    return float(np.abs(pixels(one) - pixels(other)).mean())


def drawing(side: int = 32) -> Image.Image:
    """Something with a shape: a light disc on a dark ground."""
    y, x = np.mgrid[:side, :side]
    inside = (x - side / 2) ** 2 + (y - side / 2) ** 2 < (side / 3) ** 2
    return Image.fromarray(np.where(inside[..., None], (240, 200, 40), (20, 40, 90)).astype(np.uint8))


def left_half(side: int = 32) -> Image.Image:
    mask = Image.new("L", (side, side))
    mask.paste(255, (0, 0, side // 2, side))
    return mask


def without_noise(engine: Engine) -> Image.Image:
    """What the autoencoder makes of the drawing: no noise at all would give that."""
    backbone = engine.backbone
    mean, _ = backbone.encode_images(torch.from_numpy(pixels(drawing()) / 127.5 - 1).float().permute(2, 0, 1)[None])
    shown = backbone.decode_drawn(backbone.drawn_form(mean), 32, 32).float()
    image: Image.Image = backbone.pipeline.image_processor.postprocess(shown)[0]
    return image


@pytest.fixture(scope="session")
def of_family(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Engine]:
    made: dict[str, Engine] = {}

    def engine(family: str) -> Engine:
        if family not in made:
            folder = make_tiny(family, tmp_path_factory.mktemp("families") / family)
            name = name_it(folder, f"tiny-{family}", family=family, resolution=32)
            made[family] = Engine(open_backbone(name, device="cpu"))
        return made[family]

    return engine


def test_slerp_keeps_the_strength_of_noise() -> None:
    one, other = (torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert torch.equal(slerp(one, other, 0), one) and torch.equal(slerp(one, other, 1), other)
    between = slerp(one, other, 0.5)
    assert float(between.std()) == pytest.approx(1, abs=0.05), "the straight line's middle would have 0.71"
    assert torch.dot(between.flatten(), one.flatten()) == pytest.approx(
        float(torch.dot(between.flatten(), other.flatten())), rel=0.05
    )
    assert torch.equal(slerp(one, one, 0.3), one)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_variation_runs_from_one_seed_to_another(family: str, of_family: Callable[[str], Engine]) -> None:
    engine = of_family(family)
    plain, other = draw(engine, seed=5, steps=2), draw(engine, seed=77, steps=2)
    same = draw(engine, steps=2, variation=Variation(77, 0.0))
    whole = draw(engine, steps=2, variation=Variation(77, 1.0))
    np.testing.assert_array_equal(pixels(same), pixels(plain))
    np.testing.assert_array_equal(pixels(whole), pixels(other))
    near = draw(engine, steps=2, variation=Variation(77, 0.1))
    assert 0 < far(near, plain) < far(other, plain)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_can_be_begun_from(family: str, of_family: Callable[[str], Engine]) -> None:
    engine = of_family(family)
    kept = keep_start(drawing())
    seen: list[tuple[int, int, int]] = []
    request = Request(PROMPT, count=1, steps=8, seed=5, start=Start(kept, 0.25))
    (faint,) = engine.generate(request, lambda *at: seen.append(at))
    assert seen == [(0, 1, 2), (0, 2, 2)], "a quarter of eight steps"
    strong = draw(engine, steps=8, start=Start(kept, 1.0))
    clean = without_noise(engine)
    weak = draw(engine, steps=150, start=Start(kept, 0.01))
    assert far(weak, clean) < far(faint, clean) and far(weak, clean) < far(strong, clean)
    plain = draw(engine, steps=8)
    np.testing.assert_array_equal(pixels(draw(engine, steps=8)), pixels(plain), "the scheduler is as it was")
    varied = draw(engine, steps=8, start=Start(kept, 0.25), variation=Variation(9, 0.5))
    assert far(varied, faint) > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_under_a_mask_the_rest_stays(family: str, of_family: Callable[[str], Engine]) -> None:
    engine = of_family(family)
    start = Start(keep_start(drawing()), 0.9, keep_start(left_half()))
    picture = draw(engine, start=start)
    np.testing.assert_array_equal(pixels(picture)[:, 16:], pixels(drawing())[:, 16:])
    assert far(Image.fromarray(pixels(picture)[:, :12].astype(np.uint8)), drawing().crop((0, 0, 12, 32))) > 5


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize(
    "sampler",
    ["DDIMScheduler", "EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "DPMSolverMultistepScheduler",
     "HeunDiscreteScheduler", "PNDMScheduler", "UniPCMultistepScheduler", "LCMScheduler"],
)  # fmt: skip
def test_samplers_of_all_kinds_begin_late(prediction: str, sampler: str, tmp_path: Path) -> None:
    import diffusers

    backbone = open_backbone(make_tiny_base(tmp_path / "base", prediction), device="cpu")
    pipeline = backbone.pipeline
    pipeline.scheduler = getattr(diffusers, sampler).from_config(
        pipeline.scheduler.config, rescale_betas_zero_snr=False, skip_prk_steps=True
    )
    engine = Engine(backbone)
    kept = keep_start(drawing())
    clean = without_noise(engine)
    alike = far(draw(engine, steps=50, start=Start(kept, 0.02)), clean)
    assert alike < 0.7 * far(draw(engine, steps=10, start=Start(kept, 1.0)), clean)
    np.testing.assert_array_equal(
        pixels(draw(engine, variation=Variation(9, 0.0))), pixels(draw(engine)), "noise of each step comes as it did"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"variation": Variation(2**32 - 1, 0.3)},
        {"start": "picture"},
        {"start": "mask", "variation": Variation(8, 0.2), "enlarge": 2},
        {"enlarge": 4},
    ],
)
def test_the_recipe_makes_it_again(changed: dict[str, Any], engine: Engine, base: Path, shelf_folder: Path) -> None:
    if "start" in changed:
        mask = keep_start(left_half(64), "mia") if changed["start"] == "mask" else ""
        changed = changed | {"start": Start(keep_start(drawing(100), "mia"), 0.7, mask)}
    request = Request(PROMPT, count=2, steps=4, seed=3, adapters=[("mia", 0.8)], **changed)
    picture = engine.generate(request)[1]
    record = read_record(picture_png(picture))
    assert record == {**picture.record} and request_from_record(record, 1).start == request.start
    again = Engine(open_backbone(base, device="cpu"), shelf_folder).remake(record)
    np.testing.assert_array_equal(pixels(again), pixels(picture))
    assert {**again.record, "created": ""} == {**record, "created": ""}
    if "variation" in changed:
        assert record["seed"] == 3, "variations keep the seed and count the other up"
        assert record["variation"]["seed"] == (changed["variation"].seed + 1) % 2**32
        assert f"Variation seed: {record['variation']['seed']}, Variation seed strength: " in parameters_text(record)
    if request.start:
        assert "Denoising strength: 0.7" in parameters_text(record)
    if request.enlarge > 1:
        assert picture.image.size == (32 * request.enlarge,) * 2
        assert f"Size: {32 * request.enlarge}x{32 * request.enlarge}" in parameters_text(record)


def test_a_second_pass_at_a_higher_resolution(engine: Engine) -> None:
    small = draw(engine)
    large = draw(engine, size=64, steps=8, start=Start(keep_start(small.image), 0.25))
    assert large.image.size == (64, 64) and large.record["size"] == 64


def test_pictures_to_begin_from_are_kept_once_and_lose_what_is_not_pixels(own_places: Path) -> None:
    name = keep_start(drawing(), "mia")
    assert keep_start(drawing(), "mia") == name and keep_start(left_half()) != name
    assert sorted(path.parent.name for path in (own_places / "workspace" / "starts").rglob("*.png")) == [
        "anyone", "mia",
    ]  # fmt: skip
    np.testing.assert_array_equal(np.asarray(read_start(name)), np.asarray(drawing()))
    assert read_start(keep_start(Image.new("RGBA", (9, 9), (0, 0, 0, 0)))).getpixel((4, 4)) == (255, 255, 255)
    assert max(read_start(keep_start(Image.new("RGB", (5000, 100)))).size) == 2048
    assert keep_start(drawing(), "../../etc") == name and not (own_places / "etc").exists()
    for stranger in ("0" * 64, "../x", "*", ""):
        with pytest.raises(GenerationError, match="not on this computer"):
            read_start(stranger)


def test_a_start_that_is_gone_is_told(engine: Engine) -> None:
    with pytest.raises(GenerationError, match="Choose the picture again"):
        draw(engine, start=Start("0" * 64))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Variation(-1, 0.5),
        lambda: Variation(1, 1.5),
        lambda: Variation(1, float("nan")),
        lambda: Start("../secret"),
        lambda: Start(""),
        lambda: Start("0" * 64, 0.0),
        lambda: Start("0" * 64, 0.5, "mask.png"),
        lambda: Request(PROMPT, enlarge=3),
    ],
)
def test_what_is_out_of_range_is_refused(wrong: Callable[[], Any]) -> None:
    with pytest.raises(GenerationError, match="Choose"):
        wrong()


def test_steps_that_run() -> None:
    assert running_steps({"steps": 20}) == 20
    assert running_steps({"steps": 20, "start": {"noise": 0.3}}) == 6
    assert running_steps({"steps": 4, "start": {"noise": 0.01}}) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_looking_does_not_change_the_picture(family: str, of_family: Callable[[str], Engine]) -> None:
    engine = of_family(family)
    looks: list[tuple[int, Any]] = []
    request = Request(PROMPT, count=2, steps=8, seed=5)
    seen = engine.generate(request, on_look=lambda *at: looks.append(at))
    assert [candidate for candidate, _ in looks] == [0] * 3 + [1] * 3
    assert all(image.size == (32, 32) for _, image in looks)
    np.testing.assert_array_equal(pixels(seen[0]), pixels(draw(engine, steps=8)))
