"""A base model of a few thousand weights in Stable Diffusion 1.x format, for tests.

It draws nothing sensible, but it opens, encodes, trains, saves and generates through exactly the code that the
real bases use, in milliseconds.
"""

from __future__ import annotations

import json
from pathlib import Path

WORDS = [
    "chibi",
    "photo",
    "person",
    "of",
    "a",
    "with",
    "hair",
    "eyes",
    "glasses",
    "wearing",
    "smiling",
    "background",
    "zkq",
    "red",
    "blue",
    "hoodie",
]
START, END = "<|startoftext|>", "<|endoftext|>"
TOKENS = 64
PICTURE_SIZE = 32


def byte_letters() -> list[str]:
    """The 256 printable letters that stand for bytes in byte-level BPE (GPT-2's table, in its order)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = [chr(code) for code in printable]
    return letters + [chr(256 + index) for index in range(256 - len(printable))]


def vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """CLIP's vocabulary in small: letters, letters that end a word, one token for each of `WORDS`, the two marks."""
    letters = byte_letters()
    tokens = letters + [letter + "</w>" for letter in letters]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            pair = (parts[0], parts[1])
            parts = [parts[0] + parts[1], *parts[2:]]
            if pair not in merges:
                merges.append(pair)
                tokens.append(parts[0])
    return {token: index for index, token in enumerate([*dict.fromkeys(tokens), START, END])}, merges


def make_tiny_base(folder: Path, prediction: str = "v_prediction", seed: int = 0) -> Path:
    """Writes a random `StableDiffusionPipeline` that draws 32 px pictures.

    Args:
        folder: where to write it; made when missing.
        prediction: `v_prediction` (with zero terminal SNR, as chibi-mini) or `epsilon` (as SD 1.5).
        seed: of the random weights.

    Returns:
        The folder.
    """
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    vocab, merges = vocabulary()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 3,
            up_block_types=("UpDecoderBlock2D",) * 3,
            block_out_channels=(8, 8, 16),
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=4,
            sample_size=PICTURE_SIZE,
            scaling_factor=0.7,
        )
        unet = UNet2DConditionModel(
            sample_size=PICTURE_SIZE // 4,
            in_channels=4,
            out_channels=4,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            block_out_channels=(16, 32),
            layers_per_block=1,
            cross_attention_dim=32,
            attention_head_dim=8,
            norm_num_groups=4,
        )
        text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(vocab),
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=2,
                max_position_embeddings=TOKENS,
                bos_token_id=vocab[START],
                eos_token_id=vocab[END],
                pad_token_id=vocab[END],
            )
        )
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        prediction_type=prediction,
        rescale_betas_zero_snr=prediction == "v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
    )
    StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=TOKENS),
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    # Readers older than transformers 5 look for these two beside tokenizer.json.
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    lines = "\n".join(["#version: 0.2", *(" ".join(pair) for pair in merges)])
    (folder / "tokenizer" / "merges.txt").write_text(lines + "\n", encoding="utf-8")
    return folder
