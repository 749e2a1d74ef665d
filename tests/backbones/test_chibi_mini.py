"""The built-in base: a true Stable-Diffusion-format folder, small enough, and its tools compute what they say."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from workbench.backbones.cpu_norm import use_quick_group_norm
from workbench.backbones.word_tokenizer import train_tokenizer
from workbench.config import ROOT

FOLDER = ROOT / "workbench" / "backbones" / "chibi_mini"


def test_it_opens_in_plain_diffusers_and_draws() -> None:
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(FOLDER)
    pipeline.set_progress_bar_config(disable=True)
    parts = {name: next(getattr(pipeline, name).parameters()).dtype for name in ("unet", "vae", "text_encoder")}
    assert set(parts.values()) == {torch.float32}, "opened without a type, all parts have the same one"
    picture = pipeline(
        "chibi of a person, yellow background", num_inference_steps=12, generator=torch.Generator().manual_seed(1)
    ).images[0]
    assert picture.size == (256, 256)
    corner = picture.crop((0, 0, 24, 24)).resize((1, 1)).getpixel((0, 0))
    assert corner[0] > 180 and corner[1] > 160 and corner[2] < corner[1] - 25, f"asked for yellow, got {corner}"


def test_it_is_small_and_older_readers_find_their_keys() -> None:
    from safetensors import safe_open

    assert sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()) < 60e6
    with safe_open(FOLDER / "text_encoder" / "model.safetensors", "pt") as file:
        assert all(key.startswith("text_model.") for key in file.keys())  # noqa: SIM118
    assert (FOLDER / "tokenizer" / "vocab.json").exists() and (FOLDER / "tokenizer" / "merges.txt").exists()


def test_a_caption_fits_and_any_text_can_be_written() -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(FOLDER / "tokenizer")
    assert tokenizer.tokenize("chibi of zkq person") == ["chibi</w>", "of</w>", "zkq</w>", "person</w>"]
    ids = tokenizer("萌版头像 Ünïcødé 🙂").input_ids
    assert tokenizer.eos_token_id not in ids[1:-1], "no byte is unknown"


def test_a_tokenizer_made_from_captions_keeps_whole_words(tmp_path: Path) -> None:
    from transformers import CLIPTokenizer

    train_tokenizer(["a red hat", "a blue hat", "a red coat"] * 20, tmp_path, rare=["qxv"], length=16)
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path)
    assert tokenizer.tokenize("a red hat qxv") == ["a</w>", "red</w>", "hat</w>", "qxv</w>"]
    assert tokenizer.model_max_length == 16
    assert tokenizer("red").input_ids[0] == tokenizer.bos_token_id


def test_the_quick_group_norm_is_the_ordinary_one() -> None:
    torch.manual_seed(0)
    plain = nn.GroupNorm(4, 16)
    nn.init.normal_(plain.weight)
    nn.init.normal_(plain.bias)
    quick = nn.GroupNorm(4, 16)
    quick.load_state_dict(plain.state_dict())
    assert use_quick_group_norm(nn.Sequential(quick, nn.ReLU())) == 1
    values, gradient = torch.randn(2, 16, 64, 64) * 3 + 1, torch.randn(2, 16, 64, 64)
    one = values.clone().requires_grad_()
    two = values.clone().contiguous(memory_format=torch.channels_last).requires_grad_()
    made = quick(two)
    assert torch.allclose(plain(one), made, atol=1e-4)
    plain(one).backward(gradient)
    made.backward(gradient)
    assert torch.allclose(one.grad, two.grad, atol=1e-4)  # type: ignore[arg-type]
    assert torch.allclose(plain.weight.grad, quick.weight.grad, rtol=1e-3, atol=1e-3)  # type: ignore[arg-type]
    assert torch.allclose(plain.bias.grad, quick.bias.grad, rtol=1e-3, atol=1e-3)  # type: ignore[arg-type]
