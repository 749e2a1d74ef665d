"""Single files, as community bases are shared: opened without a network, or refused with the way out."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_families import make_tiny, name_it
from tiny_single_file import write_single_file

from workbench.backbones import open_backbone
from workbench.backbones.detect import detect
from workbench.backbones.single_file import CONFIGS, clip_tokenizer
from workbench.errors import BackboneError


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny("sdxl", tmp_path_factory.mktemp("folders") / "sdxl")


@pytest.fixture(scope="module")
def sdxl_file(sdxl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_single_file(sdxl, tmp_path_factory.mktemp("files") / "anime-xl.safetensors")


def refusal(name: Path | str) -> str:
    with pytest.raises(BackboneError) as caught:
        open_backbone(name, device="cpu")
    return str(caught.value)


def same_weights(one: Any, other: Any) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("family", ["sd1", "sdxl", "sd3", "qwen-image", "z-image"])
def test_a_file_is_the_base_it_was_made_from(family: str, tmp_path: Path) -> None:
    folder = make_tiny(family, tmp_path / "folder")
    file = write_single_file(folder, tmp_path / "base.safetensors")
    assert detect(file).family == family
    name = name_it(file, "mine", rest=str(folder), resolution=32, family=family)
    backbone, whole = open_backbone(name, device="cpu"), open_backbone(folder, device="cpu")
    assert backbone.id == "mine" and backbone.family == family
    assert same_weights(backbone.denoiser, whole.denoiser)
    for part in ("vae", "text_encoder", "text_encoder_2"):
        if hasattr(whole.pipeline, part):
            assert same_weights(getattr(backbone.pipeline, part), getattr(whole.pipeline, part)), part
    ids, theirs = backbone.tokenize(["photo of zkq person"]), whole.tokenize(["photo of zkq person"])
    assert all(torch.equal(ids[word], theirs[word]) for word in theirs)
    assert backbone.fingerprint != whole.fingerprint and len(backbone.fingerprint) == 64


@pytest.mark.parametrize(
    ("marks", "words"),
    [(("v_pred", "ztsnr"), {}), ((), {"modelspec__prediction_type": "v", "ztsnr": "true"})],
    ids=["weights", "metadata"],
)
def test_velocity_and_zero_snr_are_read_from_the_file(
    sdxl: Path, tmp_path: Path, marks: tuple[str, ...], words: dict[str, str]
) -> None:
    file = write_single_file(sdxl, tmp_path / "noob-v.safetensors", marks=marks, **words)
    backbone = open_backbone(name_it(file, "noob-v", rest=str(sdxl)), device="cpu")
    assert backbone.prediction == "v_prediction"
    assert float(backbone.snr(torch.tensor([999]))) == 0
    config = backbone.pipeline.scheduler.config
    assert config.timestep_spacing == "trailing" and config.rescale_betas_zero_snr
    assert backbone.guidance_rescale == pytest.approx(0.7)
    plain = open_backbone(sdxl, device="cpu")
    assert plain.prediction == "epsilon" and float(plain.snr(torch.tensor([999]))) > 0
    assert plain.guidance_rescale == 0


def test_a_missing_autoencoder_is_named_and_can_come_from_elsewhere(sdxl: Path, tmp_path: Path) -> None:
    file = write_single_file(sdxl, tmp_path / "bare.safetensors", leave_out="first_stage_model.")
    told = refusal(file)
    assert "autoencoder (VAE) is missing" in told and "rest:" in told and "bases.yaml" in told
    other = make_tiny("sdxl", tmp_path / "other", seed=3)
    backbone, elsewhere = (
        open_backbone(name_it(file, name, rest=str(rest)), device="cpu")
        for name, rest in (("bare", sdxl), ("b", other))
    )
    assert backbone.fingerprint != elsewhere.fingerprint, "latents of two autoencoders would be taken for each other"
    assert same_weights(backbone.pipeline.vae, open_backbone(sdxl, device="cpu").pipeline.vae)


def test_a_transformer_alone_says_what_else_it_needs(tmp_path: Path) -> None:
    file = write_single_file(make_tiny("z-image", tmp_path / "z"), tmp_path / "z.safetensors")
    told = refusal(file)
    assert "transformer alone" in told and "Tongyi-MAI/Z-Image" in told


def test_the_rest_must_be_of_the_same_family(sdxl_file: Path, tmp_path: Path) -> None:
    rest = make_tiny("sd1", tmp_path / "sd1")
    assert "Name a base of the same family" in refusal(name_it(sdxl_file, "mixed", rest=str(rest)))


def test_a_file_that_lacks_weights_in_the_middle_is_named(sdxl: Path, sdxl_file: Path, tmp_path: Path) -> None:
    weights = load_file(sdxl_file)
    del weights["conditioner.embedders.0.transformer.text_model.encoder.layers.1.mlp.fc1.weight"]
    save_file(weights, tmp_path / "holes.safetensors")
    assert "weights of its text_encoder are missing" in refusal(
        name_it(tmp_path / "holes.safetensors", "holes", rest=str(sdxl))
    )


@pytest.mark.parametrize("suffix", ["ckpt", "bin", "pt"])
def test_files_that_can_run_code_are_refused_with_the_line_that_converts_them(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"model.{suffix}").write_bytes(b"\x80\x02}q\x00.")
    told = refusal(tmp_path / f"model.{suffix}")
    assert "can run code" in told and "weights_only=True" in told and "save_file" in told


def test_the_line_that_converts_works(sdxl_file: Path, tmp_path: Path) -> None:
    import shlex
    import subprocess
    import sys

    from workbench.backbones.detect import CONVERT

    old, new = tmp_path / "old.ckpt", tmp_path / "new.safetensors"
    torch.save({"state_dict": load_file(sdxl_file), "epoch": 3}, old)
    line = shlex.split(CONVERT[CONVERT.index("python -c") :])
    line = [sys.executable, *line[1:-2], str(old), str(new)]
    subprocess.run(line, check=True)
    assert detect(new).family == "sdxl"


def test_a_pickle_under_another_name_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    assert "pickle under another name" in refusal(tmp_path / "model.safetensors")


def test_a_file_that_is_cut_off_or_broken(sdxl_file: Path, tmp_path: Path) -> None:
    content = sdxl_file.read_bytes()
    for name, part in (("cut", content[:-1000]), ("head", content[:500]), ("empty", b""), ("text", b"hello " * 20)):
        (tmp_path / f"{name}.safetensors").write_bytes(part)
    assert "did not arrive whole" in refusal(tmp_path / "cut.safetensors")
    for name in ("head", "empty", "text"):
        assert "no safetensors file" in (told := refusal(tmp_path / f"{name}.safetensors")) or "damaged" in told


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": (4, 8)}, "an adapter, not a base"),
        ({"control_model.input_blocks.0.0.weight": (4, 4)}, "a ControlNet"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (320, 9, 3, 3)}, "takes 9 channels"),
        ({"conditioner.embedders.0.model.text_projection": (8, 8)}, "an SDXL refiner"),
        ({"cond_stage_model.model.token_embedding.weight": (8, 8)}, "a Stable Diffusion 2 base"),
        ({"single_stream_modulation.lin.weight": (8, 8)}, "a FLUX.2 base"),
        ({"first_stage_model.decoder.conv_in.weight": (8, 4)}, "an autoencoder alone"),
        ({"some.other.weight": (8, 8)}, "its family is not known"),
    ],
)
def test_what_is_no_base_of_a_known_family_is_named(
    tmp_path: Path, weights: dict[str, tuple[int, ...]], words: str
) -> None:
    save_file({name: torch.zeros(shape) for name, shape in weights.items()}, tmp_path / "x.safetensors")
    told = refusal(tmp_path / "x.safetensors")
    assert words in told and "Stable Diffusion XL" in told


@pytest.mark.parametrize(
    ("weight", "family"),
    [
        ("model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale", "flux"),
        ("double_blocks.0.img_attn.norm.key_norm.scale", "flux"),
        ("model.diffusion_model.joint_blocks.0.context_block.adaLN_modulation.1.bias", "sd3"),
    ],
)
def test_other_families_are_told_by_their_weights(tmp_path: Path, weight: str, family: str) -> None:
    save_file({weight: torch.zeros(4)}, tmp_path / "x.safetensors")
    assert detect(tmp_path / "x.safetensors").family == family


def test_a_header_that_lies_about_its_length(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")
    assert "no safetensors file" in refusal(tmp_path / "x.safetensors")


def test_clips_vocabulary_is_the_one_that_clip_was_trained_with() -> None:
    tokenizer = clip_tokenizer()
    # Token ids that are in the documentation of CLIP and of every model that uses it.
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert len(tokenizer) == 49408 and tokenizer.pad_token_id == 49407
    assert clip_tokenizer("text_encoder_2")("a", padding="max_length", max_length=5).input_ids[-1] == 0


@pytest.mark.parametrize(
    ("family", "part", "count"),
    [
        ("sd1", "unet", 859_520_964), ("sd1", "vae", 83_653_863), ("sd1", "text_encoder", 123_060_480),
        ("sdxl", "unet", 2_567_463_684), ("sdxl", "vae", 83_653_863), ("sdxl", "text_encoder", 123_060_480),
        ("sdxl", "text_encoder_2", 694_659_840),
    ],
)  # fmt: skip
def test_the_shipped_configurations_have_the_published_number_of_weights(family: str, part: str, count: int) -> None:
    import diffusers
    import transformers
    from accelerate import init_empty_weights

    kind = json.loads((CONFIGS / family / "model_index.json").read_text())[part]
    folder = CONFIGS / family / part
    with init_empty_weights():
        if kind[0] == "diffusers":
            network = getattr(diffusers, kind[1]).from_config(json.loads((folder / "config.json").read_text()))
        else:
            network = getattr(transformers, kind[1])(transformers.CLIPTextConfig.from_pretrained(folder))
    assert sum(weight.numel() for weight in network.parameters()) == count
