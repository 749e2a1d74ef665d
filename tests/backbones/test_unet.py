"""A base's arithmetic, checked against diffusers' own schedulers and pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import make_tiny_base

from workbench.backbones import Backbone, open_backbone


@pytest.fixture(params=["v_prediction", "epsilon"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Backbone:
    return open_backbone(make_tiny_base(tmp_path / "tiny", prediction=request.param), device="cpu")


def test_it_knows_its_sizes(backbone: Backbone) -> None:
    assert (backbone.family, backbone.id) == ("sd1", "tiny")
    assert (backbone.resolution, backbone.latent_channels, backbone.latent_scale) == (32, 4, 4)
    assert (backbone.prediction, backbone.timesteps) == ("v_prediction", 1000)


def test_noise_and_target_are_the_schedulers(either: Backbone) -> None:
    latents, noise = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
    timesteps = torch.tensor([0, 500, 999])
    scheduler = either.pipeline.scheduler
    torch.testing.assert_close(either.noisy(latents, noise, timesteps), scheduler.add_noise(latents, noise, timesteps))
    wanted = noise if either.prediction == "epsilon" else scheduler.get_velocity(latents, noise, timesteps)
    torch.testing.assert_close(either.target(latents, noise, timesteps), wanted)


def test_snr_falls_to_zero_where_the_schedule_does(backbone: Backbone) -> None:
    snr = backbone.snr(torch.arange(1000))
    assert bool((snr[1:] < snr[:-1]).all()) and bool(snr.isfinite().all())
    assert snr[-1] == 0


def test_a_latent_is_scaled_and_decodes_to_its_picture(backbone: Backbone) -> None:
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    mean, std = backbone.encode_images(images)
    assert mean.shape == std.shape == (2, 4, 8, 8)
    vae = backbone.pipeline.vae
    with torch.no_grad():
        latent = vae.encode(images).latent_dist
    torch.testing.assert_close(mean, latent.mean * 0.7)
    torch.testing.assert_close(std, latent.std * 0.7)


def test_half_precision_bases_encode_in_full(base: Path, backbone: Backbone) -> None:
    half = open_backbone(base, device="cpu", dtype=torch.bfloat16)
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    mean, _ = half.encode_images(images)
    assert mean.dtype == torch.float32
    assert half.pipeline.vae.dtype == torch.bfloat16
    # Only the weights have been rounded, to 8 bits; computing in bfloat16 would be off by more.
    assert (mean - backbone.encode_images(images)[0]).abs().max() < 0.02


def test_words_are_the_pipelines(backbone: Backbone) -> None:
    prompts = ["chibi of zkq person, smiling", "photo"]
    ids = backbone.tokenize(prompts)["ids"]
    assert ids.shape == (2, 64)
    with torch.no_grad():
        text = backbone.encode_text(prompts)["text"]
        theirs = backbone.pipeline.encode_prompt(prompts, backbone.device, 1, False)[0]
    torch.testing.assert_close(text, theirs)
    assert len(set(ids[0].tolist())) > 5, "the tokenizer has no words"


def test_too_long_prompts_are_cut(backbone: Backbone) -> None:
    assert backbone.tokenize(["person " * 200])["ids"].shape == (1, 64)


def test_predicting_is_the_denoisers(backbone: Backbone) -> None:
    noisy, timesteps, text = torch.randn(2, 4, 8, 8), torch.tensor([3, 900]), torch.randn(2, 64, 32)
    with torch.no_grad():
        predicted = backbone.predict(noisy, timesteps, {"text": text})
        theirs = backbone.denoiser(noisy, timesteps, text).sample
    torch.testing.assert_close(predicted, theirs)


def test_attention_on_a_cpu_is_the_libraries(backbone: Backbone) -> None:
    from diffusers.models.attention_processor import AttnProcessor2_0

    batch = (torch.randn(2, 4, 8, 8), torch.tensor([3, 900]), {"text": torch.randn(2, 64, 32)})
    ours = backbone.denoiser.attn_processors
    with torch.no_grad():
        full = backbone.predict(*batch)
        with torch.autocast("cpu", torch.bfloat16):
            half = backbone.predict(*batch)
        try:
            backbone.denoiser.set_attn_processor(AttnProcessor2_0())
            theirs = backbone.predict(*batch)
        finally:
            backbone.denoiser.set_attn_processor(ours)
    assert torch.equal(full, theirs)
    torch.testing.assert_close(half.float(), theirs, atol=0.05, rtol=0.05)


def test_nothing_of_a_base_learns(backbone: Backbone) -> None:
    for network in (backbone.denoiser, *backbone.text_encoders.values(), backbone.pipeline.vae):
        assert not any(parameter.requires_grad for parameter in network.parameters())
