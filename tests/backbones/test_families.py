"""Every family's arithmetic, checked against diffusers' own pipeline of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_families import FLOW, make_tiny, name_it

from workbench.backbones import FAMILIES, Backbone, open_backbone
from workbench.backbones.flow import pack, training_shift, unpack

PROMPTS = ["chibi of zkq person, smiling", "photo"]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each family's tiny base, made once."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = make_tiny(family, tmp_path_factory.mktemp("families") / family)
        return made[family]

    return folder


@pytest.fixture
def opened(folders: Callable[[str], Path]) -> Callable[[str], Any]:
    def open_one(family: str) -> Any:
        return open_backbone(name_it(folders(family), f"tiny-{family}", family=family, resolution=32), device="cpu")

    return open_one


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_becomes_latents_and_a_prompt_becomes_words(family: str, opened: Callable[[str], Any]) -> None:
    backbone: Backbone = opened(family)
    assert (backbone.family, backbone.id, backbone.resolution) == (family, f"tiny-{family}", 32)
    assert (backbone.latent_channels, backbone.latent_scale) == (4, 4)
    mean, std = backbone.encode_images(torch.rand(2, 3, 32, 32) * 2 - 1)
    assert mean.shape == std.shape == (2, 4, 8, 8) and mean.dtype == torch.float32
    words = backbone.tokenize(PROMPTS)
    assert {len(tensor) for tensor in words.values()} == {2}
    by_words, by_ids = backbone.encode_text(PROMPTS), backbone.encode_text(words)
    assert all(torch.equal(by_words[name], by_ids[name]) for name in by_ids)
    assert not torch.equal(by_ids["text"][0], by_ids["text"][1])
    assert backbone.unread("chibi") == "" and "zebra" in backbone.unread("a " * 1200 + "zebra")
    for network in (backbone.denoiser, *backbone.text_encoders.values(), backbone.pipeline.vae):
        assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("family", FLOW)
def test_sampling_with_our_parts_is_the_pipelines_own(family: str, opened: Callable[[str], Any]) -> None:
    """Words, time, packing and sign: all must be right for two steps of ours to land where the pipeline lands."""
    backbone = opened(family)
    pipeline = backbone.pipeline
    unguided = backbone.drawing([""] * 2, 1.0, 0.0)
    seeds = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    begun: dict[str, torch.Tensor] = {}

    def note(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        begun[str(step)] = tensors["latents"]
        return tensors

    end = pipeline(
        list(PROMPTS), height=32, width=32, num_inference_steps=3, generator=seeds, output_type="latent",
        callback_on_step_end=note, **unguided,
    ).images  # fmt: skip

    def grid(latents: torch.Tensor) -> torch.Tensor:
        return unpack(latents, 8, 8) if latents.ndim == 3 else latents

    sigmas = pipeline.scheduler.sigmas
    latents = grid(begun["0"])
    with torch.no_grad():
        text = backbone.encode_text(PROMPTS)
        for now, after in pairwise(sigmas[1:]):
            timesteps = (now * backbone.timesteps - 1).expand(2)
            latents = latents + (after - now) * backbone.predict(latents, timesteps, text)
    torch.testing.assert_close(latents, grid(end), atol=1e-4, rtol=1e-4)
    images = backbone.decode_drawn(end, 32, 32)
    assert images.shape == (2, 3, 32, 32)


@pytest.mark.parametrize("family", FLOW)
def test_the_line_between_picture_and_noise(family: str, opened: Callable[[str], Any]) -> None:
    backbone = opened(family)
    latents, noise = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
    timesteps = torch.tensor([0, 499, 999])
    share = torch.tensor([0.001, 0.5, 1.0]).view(-1, 1, 1, 1)
    noisy = backbone.noisy(latents, noise, timesteps)
    torch.testing.assert_close(noisy, (1 - share) * latents + share * noise)
    # Walking back along the target from anywhere arrives at the picture.
    torch.testing.assert_close(noisy - share * backbone.target(latents, noise, timesteps), latents)
    snr = backbone.snr(timesteps)
    assert snr.tolist() == pytest.approx([999.0**2, 1.0, 0.0], rel=1e-3)
    assert backbone.prediction == "flow" and backbone.shift > 1


def test_sdxl_is_told_what_its_pipeline_tells(opened: Callable[[str], Any]) -> None:
    backbone = opened("sdxl")
    pipeline = backbone.pipeline
    with torch.no_grad():
        text, _, pooled, _ = pipeline.encode_prompt(list(PROMPTS), device=backbone.device)
        ours = backbone.encode_text(PROMPTS)
        torch.testing.assert_close(ours["text"], text)
        torch.testing.assert_close(ours["pooled"], pooled)
        noisy, timesteps = torch.randn(2, 4, 8, 8), torch.tensor([3, 900])
        sizes = pipeline._get_add_time_ids(
            (32, 32), (0, 0), (32, 32), dtype=torch.float32, text_encoder_projection_dim=32
        )
        theirs = pipeline.unet(
            noisy, timesteps, text, added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes.repeat(2, 1)}
        ).sample
        torch.testing.assert_close(backbone.predict(noisy, timesteps, ours), theirs)


def test_velocity_and_zero_snr_are_read_from_the_scheduler(tmp_path: Path) -> None:
    changes = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    backbone = open_backbone(make_tiny("sdxl", tmp_path / "v", **changes), device="cpu")
    assert backbone.prediction == "v_prediction"
    last = torch.tensor([999])
    # diffusers' Euler sampler keeps a tiny number there to divide by; training needs the zero.
    assert float(backbone.snr(last)) == 0.0 and float(backbone.pipeline.scheduler.alphas_cumprod[-1]) > 0
    latents, noise = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    assert torch.equal(backbone.noisy(latents, noise, last), noise)
    assert torch.equal(backbone.target(latents, noise, last), -latents)


def test_packing_is_undone_and_is_the_pipelines() -> None:
    from diffusers import FluxPipeline, QwenImagePipeline

    latents = torch.randn(2, 4, 6, 8)
    tokens = pack(latents)
    assert torch.equal(unpack(tokens, 6, 8), latents)
    assert torch.equal(tokens, FluxPipeline._pack_latents(latents, 2, 4, 6, 8))
    assert torch.equal(tokens, QwenImagePipeline._pack_latents(latents, 2, 4, 6, 8))


def test_the_shift_of_known_schedulers() -> None:
    assert training_shift({"shift": 3.0}, 4096) == 3.0
    flux = {"use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15}
    assert training_shift(flux, 4096) == pytest.approx(3.158, abs=1e-3)  # e to the power of 1.15
    assert training_shift(flux, 256) == pytest.approx(1.6487, abs=1e-4)


def test_sd3_does_without_t5(folders: Callable[[str], Path], tmp_path: Path) -> None:
    import json
    import shutil

    copy = Path(shutil.copytree(folders("sd3"), tmp_path / "small"))
    index = json.loads((copy / "model_index.json").read_text())
    index |= {"text_encoder_3": [None, None], "tokenizer_3": [None, None]}
    (copy / "model_index.json").write_text(json.dumps(index))
    shutil.rmtree(copy / "text_encoder_3")
    backbone = open_backbone(copy, device="cpu")
    with torch.no_grad():
        ours = backbone.encode_text(PROMPTS)
        theirs, _, pooled, _ = backbone.pipeline.encode_prompt(PROMPTS, None, None)
    torch.testing.assert_close(ours["text"], theirs)
    torch.testing.assert_close(ours["pooled"], pooled)


def test_sdxl_is_told_the_size_of_the_bucket_and_where_the_picture_was_cut(opened: Callable[[str], Any]) -> None:
    backbone = opened("sdxl")
    told: list[torch.Tensor] = []

    def note(_: Any, __: Any, options: dict[str, Any]) -> None:
        told.append(options["added_cond_kwargs"]["time_ids"])

    backbone.denoiser.register_forward_pre_hook(note, with_kwargs=True)
    ids = backbone.tokenize(PROMPTS)
    with torch.no_grad():
        for words in (ids, ids | {"cut": torch.tensor([[0, 3], [2, 0]])}):
            backbone.predict(torch.randn(2, 4, 10, 6), torch.tensor([1, 2]), backbone.encode_text(words))
    assert told[0].tolist() == [[40, 24, 0, 0, 40, 24]] * 2
    assert told[1].tolist() == [[40, 24, 0, 3, 40, 24], [40, 24, 2, 0, 40, 24]]


def test_an_sdxl_autoencoder_that_overflows_in_half_precision_decodes_in_full(
    folders: Callable[[str], Path], tmp_path: Path
) -> None:
    backbone = open_backbone(folders("sdxl"), device="cpu", dtype=torch.float16)
    vae = backbone.pipeline.vae
    with torch.no_grad():
        # 5 powers of ten up inside and down again at the end, as the real one grows in its middle.
        vae.decoder.conv_in.weight.mul_(1e4)
        vae.decoder.mid_block.resnets[0].conv2.weight.mul_(3e4)
        latents = torch.randn(1, 4, 8, 8, dtype=torch.float16)
        assert not bool(vae.decode(latents / vae.config.scaling_factor).sample.isfinite().all())
        decoded = backbone.decode_drawn(latents, 32, 32)
    assert bool(decoded.isfinite().all()) and vae.dtype == torch.float16
    assert vae.config.force_upcast, "the pipeline's own decoding would draw black"
