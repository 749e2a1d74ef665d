"""The recipe of the built-in base: what it knows of its drawings, and all of its stages once, very small."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from loaded import load_recipe
from safetensors.torch import load_file

from workbench.world.pack import character_of, scene_of


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    return load_recipe("train_chibi_mini")


@pytest.fixture(scope="module")
def facts(recipe: ModuleType) -> ModuleType:
    import known_facts

    return known_facts


@pytest.mark.parametrize("style", ["chibi", "photo"])
def test_facts_are_those_of_the_drawing(facts: ModuleType, style: str) -> None:
    for index in range(20):
        true = character_of(index).to_dict() | scene_of(index, style).to_dict()
        known = dict(zip(facts.FACTS, facts.facts_of(index, style), strict=True))
        assert [name for name, fact in known.items() if fact < 0] == ["light" if style == "chibi" else "pose"]
        assert all(facts.FACTS[name][fact] == true[name] for name, fact in known.items() if fact >= 0)


def test_readout_finds_a_fact_at_whatever_position_it_stands(facts: ModuleType) -> None:
    torch.manual_seed(0)
    readout = facts.Readout(16, inner=8)
    optimizer = torch.optim.Adam(readout.parameters(), lr=1e-2)
    words, places = torch.randn(3, 16), len(facts.FACTS)
    for _ in range(150):
        known = torch.randint(0, 2, (32, places))
        known[:, 1:] = -1  # only the first fact is known
        states = 0.3 * torch.randn(32, 6, 16)
        states[torch.arange(32), torch.randint(0, 6, (32,))] += 3 * words[known[:, 0]]
        loss, right = readout(states, known)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert right > 0.95


def test_readout_of_nothing_known_has_no_loss(facts: ModuleType) -> None:
    readout = facts.Readout(16)
    loss, _ = readout(torch.randn(2, 5, 16), torch.full((2, len(facts.FACTS)), -1))
    assert loss == 0


def test_wrong_setting_is_named(recipe: ModuleType) -> None:
    with pytest.raises(SystemExit, match="colour=blue: not a setting"):
        recipe.read_arguments(["colour=blue"])


def test_critic_leaves_the_pixels_their_say(recipe: ModuleType) -> None:
    import picture_losses as losses

    torch.manual_seed(0)
    critic, true = losses.PatchCritic(width=4), torch.rand(2, 3, 64, 64) * 2 - 1
    made = torch.nn.functional.avg_pool2d(true, 5, 1, 2)
    alone = losses.judge(made, true, critic, share=0.0)
    moved = made.clone().requires_grad_()
    by_pixels = torch.autograd.grad(losses.reconstruction_loss(moved, true), moved)[0]
    assert torch.allclose(alone.gradient, by_pixels)
    heard = losses.judge(made, true, critic, share=0.4)
    critics = heard.gradient - by_pixels
    assert 0.1 * by_pixels.norm() < critics.norm() <= 0.81 * by_pixels.norm(), "two voices of 0.4 each"
    assert heard.pixels == pytest.approx(losses.reconstruction_loss(made, true).item())
    assert critic.layers[0].bias.grad is not None, "the critic learns, too"
    assert critic.layers[0].bias.grad.norm() > 0


def test_critic_tells_blurred_from_drawn_and_says_where_to_go(recipe: ModuleType) -> None:
    """A picture that follows the critic alone gets the sharp edges it was blurred of, against a flat-eyed start."""
    import picture_losses as losses

    torch.manual_seed(0)
    critic = losses.PatchCritic(width=8)
    optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.99))
    for _ in range(80):
        true = (torch.rand(8, 3, 8, 8) > 0.5).float().mul(2).sub(1).repeat_interleave(8, 2).repeat_interleave(8, 3)
        made = torch.nn.functional.avg_pool2d(true, 7, 1, 3)
        said = losses.judge(made, true, critic, 0.4)
        optimizer.step()
        optimizer.zero_grad()
    assert said.critic < 1.0, "2 is guessing"
    with torch.no_grad():
        drawn, decoded = (critic(pictures)[0].float().mean() for pictures in (true, made))
    assert drawn > decoded


def test_psnr_is_that_of_the_formula(recipe: ModuleType) -> None:
    import picture_losses as losses

    true = torch.zeros(1, 3, 4, 4)
    assert losses.psnr_of(true + 0.2, true) == pytest.approx(20.0, abs=1e-4)  # 10 log10(2² / 0.2²)
    assert losses.psnr_of(true + 9.0, true + 1.0) == pytest.approx(90.0), "what is out of range is clipped"


@pytest.mark.slow
def test_all_stages_from_nothing_to_a_pipeline(
    recipe: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import StableDiffusionPipeline

    work, out = tmp_path / "work", tmp_path / "base"
    monkeypatch.setattr(sys, "argv", ["", f"work={work}", f"out={out}", "drawings=64", "minutes=0.05"])
    recipe.main()
    pipeline = StableDiffusionPipeline.from_pretrained(out)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline("chibi of a person with red hair", num_inference_steps=2).images[0]
    assert picture.size == (256, 256)
    facts = json.loads((out / "training.json").read_text())
    assert facts["samples"] > 0

    # A new work folder goes on from the pipeline that is there.
    again, weights = tmp_path / "again", out / "unet" / "diffusion_pytorch_model.safetensors"
    before = torch.cat([tensor.float().flatten() for tensor in load_file(weights).values()])
    autoencoder = out / "vae" / "diffusion_pytorch_model.safetensors"
    was = load_file(autoencoder)
    for stage in ("render", "encode", "denoiser", "decoder", "pack"):
        # Long enough for several steps on a busy machine: the first is spent compiling, at a rate near zero.
        minutes = "minutes=0.4" if stage == "denoiser" else "minutes=0.05"
        arguments = ["", f"work={again}", f"out={out}", "drawings=64", minutes, f"stage={stage}"]
        monkeypatch.setattr(sys, "argv", arguments)
        recipe.main()
    assert json.loads((out / "training.json").read_text())["samples"] > facts["samples"]
    after = torch.cat([tensor.float().flatten() for tensor in load_file(weights).values()])
    assert 0 < (after - before).norm() < 0.1 * before.norm(), "it began with other weights"
    # The decoder moved; what makes latents did not, or the denoiser and all adapters would mean something else.
    now = load_file(autoencoder)
    moved = {name.split(".")[0] for name in was if not torch.equal(was[name], now[name])}
    assert "decoder" in moved
    assert moved <= {"decoder", "post_quant_conv"}
    assert json.loads((out / "training.json").read_text())["decoder"]["samples"] > 0
    assert not [file.name for file in out.rglob("*.json") if str(tmp_path) in file.read_text()], "folders are not told"
