"""Makes chibi-mini, the built-in base: an autoencoder, then a text encoder and a denoiser, from drawings alone.

    python recipes/train_chibi_mini.py                       # all stages, about two hours of two cores
    python recipes/train_chibi_mini.py stage=denoiser minutes=60   # go on with one stage, on a faster machine too
    python recipes/train_chibi_mini.py stage=render          # then stage=encode, stage=denoiser or stage=decoder, and
                                                             # stage=pack in a new work folder: goes on from the
                                                             # pipeline that is there
    torchrun --nproc-per-node 2 recipes/train_chibi_mini.py stage=denoiser threads=1   # a process a core

Stages: `render` (drawings, packed), `autoencoder`, `encode` (drawings to latents), `text` (the text encoder learns to
read captions), `denoiser`, `decoder` (sharpen the decoder with a critic of patches; latents unchanged), `pack` (write
the pipeline folder). Each stage keeps checkpoints in `work=` and continues from them; `minutes=` bounds the training
stages. Some of the drawings are photo-like and some are chibis, with the domain word first in each caption: one
character is met in both, which is what later lets a person cross.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.models.attention_processor import AttnProcessor
from known_facts import Readout, character, facts_of, scene
from long_training import (
    Clock,
    autocast,
    device_of,
    follow,
    learn,
    load_checkpoint,
    processes,
    rank,
    save_checkpoint,
    set_rate,
    snapshot,
)
from picture_losses import pixels_of, psnr_of, reconstruction_loss
from safetensors.torch import load_file, save_file
from sharpen_decoder import Drawings, sharpen
from torch import nn
from tqdm import tqdm

from workbench.backbones.cpu_norm import use_quick_group_norm
from workbench.backbones.word_tokenizer import train_tokenizer
from workbench.config import ROOT, home
from workbench.world.pack import Pack, render_pack
from workbench.world.words import describe

SCHEDULE: dict[str, Any] = {  # v-prediction and zero terminal SNR (arXiv 2305.08891): plain backgrounds stay plain
    "num_train_timesteps": 1000, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
    "prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing",
    "steps_offset": 1,
}  # fmt: skip
STYLES = ("chibi", "photo")
# Neutral names in some captions: the base learns that a word it does not know says nothing about the looks.
SYLLABLES = (
    "zkq",
    "vex",
    "ohw",
    "qil",
    "xun",
    "jop",
    "wiz",
    "fyx",
    "kov",
    "zum",
    "yaq",
    "bex",
    "dux",
    "hok",
    "lyv",
    "pax",
)


@dataclass(frozen=True)
class Recipe:
    stage: str = "all"
    minutes: float = 60.0  # of each training stage asked for; `all` gives the autoencoder a third of it
    drawings: int = 12288  # of each style
    work: str = ""  # default: workspace/chibi-mini
    out: str = str(ROOT / "workbench" / "backbones" / "chibi_mini")
    size: int = 256
    seed: int = 0
    threads: int = 0  # 0: one per core

    @property
    def folder(self) -> Path:
        return Path(self.work) if self.work else home() / "chibi-mini"


def read_arguments(arguments: list[str]) -> Recipe:
    known = {field.name: type(getattr(Recipe(), field.name)) for field in fields(Recipe)}
    given: dict[str, Any] = {}
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key not in known or not value:
            sys.exit(f"{argument}: not a setting of this recipe. Use {', '.join(f'{k}=…' for k in known)}.")
        given[key] = known[key](value)
    return Recipe(**given)


# ---------------------------------------------------------------- models


def new_autoencoder(size: int) -> AutoencoderKL:
    """16 times smaller, 16 channels: flat art needs few latents, and a 16×16 grid keeps the denoiser small."""
    widths = (16, 32, 64, 128, 128)
    return AutoencoderKL(
        block_out_channels=widths, down_block_types=["DownEncoderBlock2D"] * 5, up_block_types=["UpDecoderBlock2D"] * 5,
        layers_per_block=1, latent_channels=16, norm_num_groups=8, mid_block_add_attention=False, sample_size=size,
        scaling_factor=1.0, force_upcast=False,
    )  # fmt: skip


def new_denoiser(text_width: int) -> UNet2DConditionModel:
    """Most of the work happens on the 8×8 grid, where a step costs a quarter and attention sees the whole picture."""
    return UNet2DConditionModel(
        sample_size=16, in_channels=16, out_channels=16, block_out_channels=(96, 256), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=4, cross_attention_dim=text_width, use_linear_projection=True,
    )  # fmt: skip


def new_text_encoder(tokenizer: Any) -> nn.Module:
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=256, intermediate_size=768, num_hidden_layers=3,
            num_attention_heads=4, max_position_embeddings=tokenizer.model_max_length, projection_dim=256,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip


# ---------------------------------------------------------------- stages


def crops_of(packs: list[Pack], rng: np.random.Generator, batch: int, size: int) -> torch.Tensor:
    """Random square crops of random drawings, `(batch, 3, size, size)` in [-1, 1]; faces are met more often."""
    out = np.empty((batch, size, size, 3), dtype=np.uint8)
    for i in range(batch):
        pack = packs[int(rng.integers(len(packs)))]
        picture = pack[int(rng.integers(len(pack)))]
        room = picture.shape[0] - size
        # Half of the crops are drawn around the eyes, which carry most of what people look at.
        top = int(rng.integers(room + 1)) if rng.random() < 0.5 else int(np.clip(rng.normal(60, 14), 0, room))
        left = int(rng.integers(room + 1)) if rng.random() < 0.5 else int(np.clip(rng.normal(64, 22), 0, room))
        patch = picture[top : top + size, left : left + size]
        out[i] = patch[:, ::-1] if rng.random() < 0.5 else patch
    return pixels_of(out)


def train_autoencoder(recipe: Recipe) -> None:
    """Trains on crops: a fully convolutional net sees the same pixels, in more varied pictures."""
    packs = [Pack(recipe.folder / "pack", style, recipe.size, in_memory=True) for style in STYLES]
    packs = [pack for pack in packs if len(pack)]
    torch.manual_seed(recipe.seed)  # every process starts from the same weights
    model = new_autoencoder(recipe.size).to(device_of(), memory_format=torch.channels_last)
    use_quick_group_norm(model)
    weights = list(model.parameters())
    optimizer = torch.optim.AdamW(weights, lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    path = recipe.folder / "autoencoder.safetensors"
    facts = load_checkpoint(path, model, optimizer)
    step, samples = facts.get("step", 0), facts.get("samples", 0)
    clock, batch = Clock(recipe.folder, "autoencoder", recipe.minutes, facts), 8
    while (share := clock.share()) < 1:
        rng = np.random.default_rng([recipe.seed, step, 1, rank()])
        torch.manual_seed((recipe.seed * 1_000_003 + step) * 64 + rank())  # the posterior's noise
        true = crops_of(packs, rng, batch, 128).to(device_of(), memory_format=torch.channels_last)
        rate = set_rate(optimizer, 1.2e-3, (step + 1) / 100, share, least=0.02)
        with autocast():
            posterior = model.encode(true).latent_dist
            made = model.decode(posterior.sample()).sample
            drift = posterior.kl().mean() / posterior.mean[0].numel()
        loss = reconstruction_loss(made.float(), true) + 1e-4 * drift.float()
        learn(loss, optimizer, weights)
        step, samples = step + 1, samples + batch * processes()
        if step % 10 == 0:
            psnr = psnr_of(made.detach().float(), true)
            clock.tell(step, samples, loss=loss.item(), psnr=psnr, kl=drift.item(), lr=rate)
        if clock.due():
            save_checkpoint(path, model, optimizer, {"step": step, "samples": samples, "seconds": clock.seconds})
    save_checkpoint(path, model, optimizer, {"step": step, "samples": samples, "seconds": clock.seconds})
    clock.bar.close()


def encode_drawings(recipe: Recipe) -> None:
    """Encodes every packed drawing once; afterwards each latent channel gets mean 0 and deviation 1."""
    model = autoencoder_of(recipe).to(device_of(), memory_format=torch.channels_last).eval()
    for style in STYLES[rank() :: processes()]:
        pack = Pack(recipe.folder / "pack", style, recipe.size)
        grid = recipe.size // 16
        moments = np.empty((len(pack), 32, grid, grid), dtype=np.float16)
        for start in tqdm(range(0, len(pack), 16), desc=f"encode {style}"):
            batch = np.stack([pack[i] for i in range(start, min(start + 16, len(pack)))])
            pixels = pixels_of(batch).to(device_of())
            with torch.no_grad(), autocast():
                posterior = model.encode(pixels.contiguous(memory_format=torch.channels_last)).latent_dist
            packed = torch.cat([posterior.mean, posterior.std], 1).float().cpu().numpy()
            moments[start : start + len(batch)] = packed.clip(-6e4, 6e4)
        np.save(recipe.folder / f"latents-{style}.npy", moments, allow_pickle=False)
    if processes() > 1:
        torch.distributed.barrier()
    scale = recipe.folder / "latents-scale.npy"
    if shipped(recipe):  # scaled already; measuring again would move what the denoiser has learned
        np.save(scale, np.stack([np.zeros(16), np.ones(16)]), allow_pickle=False)
        return
    means = np.concatenate([np.load(recipe.folder / f"latents-{s}.npy", mmap_mode="r")[:2048, :16] for s in STYLES])
    means = means.astype(np.float64)
    np.save(scale, np.stack([means.mean((0, 2, 3)), means.std((0, 2, 3))]), allow_pickle=False)


def caption_of(index: int, style: str, rng: np.random.Generator) -> str:
    """A caption of a training drawing, worded anew each time; some are short, some carry a neutral name."""
    completeness = float(rng.choice([1.0, 0.85, 0.5], p=[0.45, 0.35, 0.2]))
    text = describe(character(index), scene(index, style), style, int(rng.integers(2**31)), completeness)
    if rng.random() < 0.15:
        name = str(rng.choice(SYLLABLES))
        for whom in ("a child", "a young person", "an old person", "a person"):
            text = text.replace(f"of {whom}", f"of {name} {whom.split(' ', 1)[1]}")
    return text


def tokens_of(tokenizer: Any, captions: list[str]) -> torch.Tensor:
    ids: torch.Tensor = tokenizer(
        captions, padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt"
    ).input_ids
    return ids.to(device_of())


def train_text(recipe: Recipe) -> None:
    """The text encoder first learns to read: from captions to facts, a hundred times quicker than through pictures."""
    tokenizer = tokenizer_of(recipe)
    torch.manual_seed(recipe.seed)
    model = nn.ModuleDict({"text": new_text_encoder(tokenizer), "text_readout": Readout(256)}).to(device_of())
    model["text"].set_attn_implementation("eager")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    path = recipe.folder / "text.safetensors"
    done = load_checkpoint(path, model, optimizer)
    step, samples = done.get("step", 0), done.get("samples", 0)
    clock, batch, weights = Clock(recipe.folder, "text", recipe.minutes, done), 128, list(model.parameters())
    while (share := clock.share()) < 1:
        rng = np.random.default_rng([recipe.seed, step, 3, rank()])
        drawings = [(int(rng.integers(recipe.drawings)), STYLES[i % 3 == 2]) for i in range(batch)]
        facts = torch.tensor([facts_of(*drawing) for drawing in drawings], device=device_of())
        ids = tokens_of(tokenizer, [caption_of(*drawing, rng) for drawing in drawings])
        rate = set_rate(optimizer, 1e-3, (step + 1) / 100, share, least=0.1)
        with autocast():
            loss, right = model["text_readout"](model["text"](ids)[0], facts)
        learn(loss, optimizer, weights)
        step, samples = step + 1, samples + batch * processes()
        clock.tell(step, samples, loss=loss.item(), right=right.item(), lr=rate)
    save_checkpoint(path, model, optimizer, {"step": step, "samples": samples, "seconds": clock.seconds})
    clock.bar.close()


def new_model(tokenizer: Any) -> nn.ModuleDict:
    """What learns together: text encoder, denoiser, and a readout of each."""
    text, unet = new_text_encoder(tokenizer), new_denoiser(256)
    return nn.ModuleDict({"text": text, "unet": unet, "text_readout": Readout(256), "unet_readout": Readout(256)})


class Middle:
    """Keeps what the denoiser's middle block gave in the last call, `(batch, positions, width)`."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self.states = torch.empty(0)
        unet.mid_block.register_forward_hook(self.keep)

    def keep(self, module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        self.states = output.flatten(2).transpose(1, 2)


def mixture(alphas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How much there is of the picture and of the noise at levels `(batch,)`; each `(batch, 1, 1, 1)`."""
    return alphas.sqrt()[:, None, None, None], (1 - alphas).sqrt()[:, None, None, None]


def train_denoiser(recipe: Recipe) -> None:
    """Text encoder and denoiser together, from scratch, on cached latents."""
    device = device_of()
    moments = {style: np.load(recipe.folder / f"latents-{style}.npy") for style in STYLES}
    centre, spread = np.load(recipe.folder / "latents-scale.npy").astype(np.float32)[:, :, None, None]
    tokenizer = tokenizer_of(recipe)
    torch.manual_seed(recipe.seed)
    model = new_model(tokenizer).to(device)
    text, unet = model["text"], model["unet"]
    if device.type == "cpu":  # the fused attention's backward is the slowest part there: 21 against 30 samples/s a core
        unet.set_attn_processor(AttnProcessor())
        text.set_attn_implementation("eager")
    unet.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    path, average = recipe.folder / "denoiser.safetensors", snapshot(model)
    done = load_checkpoint(path, model, optimizer, average)
    if not done and shipped(recipe):
        done = continue_shipped(recipe, model)
    if not path.exists() and (recipe.folder / "text.safetensors").exists():
        read = nn.ModuleDict({part: model[part] for part in ("text", "text_readout")})
        load_checkpoint(recipe.folder / "text.safetensors", read)
    if not path.exists():  # the mean of the weights begins where they begin
        average = snapshot(model)
    step, samples = done.get("step", 0), done.get("samples", 0)
    alphas = DDIMScheduler(**SCHEDULE).alphas_cumprod.to(device)
    middle = Middle(unet)
    # Fused group norms, activations and copies: 55 against 38 samples/s a core of the denoiser alone. It takes more
    # than a minute first, and a compiler.
    worth = recipe.minutes >= 10 and any(map(shutil.which, ("g++", "clang++")))
    forward = torch.compile(unet, dynamic=False) if worth else unet
    clock = Clock(recipe.folder, "denoiser", recipe.minutes, done)
    batch, running, weights = 32, np.zeros(0), list(model.parameters())
    while (share := clock.share()) < 1:
        rng = np.random.default_rng([recipe.seed, step, 2, rank()])
        picked, captions, known = [], [], []
        for i in range(batch):
            style = STYLES[i % 3 == 2]  # two chibis for each photo: chibis are what people look at
            index = int(rng.integers(len(moments[style])))
            both = moments[style][index].astype(np.float32)
            picked.append(
                (both[:16] + both[16:] * rng.standard_normal(both[:16].shape, dtype=np.float32) - centre) / spread
            )
            captions.append("" if rng.random() < 0.1 else caption_of(index, style, rng))  # "": guidance needs it
            known.append(facts_of(index, style))
        ids, facts = tokens_of(tokenizer, captions), torch.tensor(known, device=device)
        latents = torch.from_numpy(np.stack(picked)).to(device)
        generator = torch.Generator().manual_seed((recipe.seed * 1_000_003 + step) * 64 + rank())
        noise = torch.randn(latents.shape, generator=generator).to(device)
        t = torch.randint(0, 1000, (batch,), generator=generator).to(device)
        keep, blur = mixture(alphas[t])
        noisy, target = keep * latents + blur * noise, keep * noise - blur * latents
        rate = set_rate(optimizer, 8e-4, (step + 1 - done.get("step", 0)) / 200, share, least=0.02)
        with autocast():
            context = text(ids)[0]
            made = forward(noisy.contiguous(memory_format=torch.channels_last), t, context, return_dict=False)[0]
            read_text, right_text = model["text_readout"](context, facts)
            read_unet, right_unet = model["unet_readout"](middle.states, facts)
        error = F.mse_loss(made.float(), target)
        # The readouts lead the way at first and leave the picture its say towards the end.
        learn(error + (0.06 * (1 - share) + 0.01) * (read_text + read_unet), optimizer, weights)
        step, samples = step + 1, samples + batch * processes()
        if step % 4 == 0:
            follow(average, model, min(0.9992**4, (step + 1) / (step + 10)))
        told = np.array([error.item(), read_text.item(), read_unet.item(), right_text.item(), right_unet.item()])
        running = told if not running.size else 0.98 * running + 0.02 * told
        names = ("loss", "text_loss", "middle_loss", "text_right", "middle_right")
        clock.tell(step, samples, **dict(zip(names, running, strict=True)), lr=rate)
        if clock.due(180):
            state = {"step": step, "samples": samples, "seconds": clock.seconds}
            save_checkpoint(path, model, optimizer, state, average)
    save_checkpoint(path, model, optimizer, {"step": step, "samples": samples, "seconds": clock.seconds}, average)
    clock.bar.close()


def guess_latents(recipe: Recipe) -> list[np.ndarray]:
    """Latents as the denoiser has them in the end, `(drawings, 16, 16, 16)` of each style, unscaled, kept on disk.

    Noise of the first half of the schedule is added to a drawing's latents and taken away again in one step. The
    denoiser errs by a sixth of a deviation there, where the encoder's own noise is a hundredth: a decoder that only
    ever sees the encoder's latents leans on digits that no generated picture has.
    """
    centre, spread = np.load(recipe.folder / "latents-scale.npy").astype(np.float32)[:, :, None, None]
    alphas = DDIMScheduler(**SCHEDULE).alphas_cumprod
    tokenizer, denoiser = tokenizer_of(recipe), recipe.folder / "denoiser.safetensors"
    files = {style: recipe.folder / f"guesses-{style}.npy" for style in STYLES}
    made = denoiser.stat().st_mtime if denoiser.exists() else 0.0
    mine = list(files.items())[rank() :: processes()]
    missing = {style: path for style, path in mine if not path.exists() or path.stat().st_mtime < made}
    model = finished_model(recipe)[0].to(device_of()).eval() if missing else nn.ModuleDict()
    for style, path in missing.items():
        moments = np.load(recipe.folder / f"latents-{style}.npy", mmap_mode="r")
        guesses = np.empty((len(moments), 16, *moments.shape[2:]), dtype=np.float16)
        for start in tqdm(range(0, len(moments), 32), desc=f"guess {style}"):
            rng = np.random.default_rng([recipe.seed, start, 4])
            latents = torch.from_numpy((moments[start : start + 32, :16].astype(np.float32) - centre) / spread)
            t = torch.from_numpy(rng.integers(20, 500, len(latents)))
            keep, blur = mixture(alphas[t])
            noise = torch.from_numpy(rng.standard_normal(latents.shape, dtype=np.float32))
            noisy = keep * latents + blur * noise
            ids = tokens_of(tokenizer, [caption_of(start + i, style, rng) for i in range(len(latents))])
            with torch.no_grad(), autocast():
                velocity = model["unet"](noisy.to(ids.device), t.to(ids.device), model["text"](ids)[0]).sample
            guessed = (keep * noisy - blur * velocity.float().cpu()).numpy()
            guesses[start : start + len(latents)] = guessed * spread + centre
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, guesses, allow_pickle=False)
        part.rename(path)
    if processes() > 1:
        torch.distributed.barrier()
    return [np.load(path, mmap_mode="r") for path in files.values()]


def train_decoder(recipe: Recipe) -> None:
    """Sharpens the decoder; see `sharpen_decoder.py`."""
    chibis, photos = (
        Drawings(
            Pack(recipe.folder / "pack", style, recipe.size, in_memory=True),
            np.load(recipe.folder / f"latents-{style}.npy", mmap_mode="r"),
            guesses,
        )
        for style, guesses in zip(STYLES, guess_latents(recipe), strict=True)
    )
    sharpen(autoencoder_of(recipe), chibis, photos, recipe.folder, recipe.minutes, recipe.seed)


def shipped(recipe: Recipe) -> bool:
    """Whether there is a finished pipeline and no autoencoder of this work folder: then training goes on from it."""
    return (Path(recipe.out) / "model_index.json").exists() and not (recipe.folder / "autoencoder.safetensors").exists()


def autoencoder_of(recipe: Recipe) -> AutoencoderKL:
    """The autoencoder as its own stage left it, or the pipeline's, whose latents are scaled already."""
    model = new_autoencoder(recipe.size)
    if shipped(recipe):  # its weights alone: diffusers writes the folder that a model was opened from into its config
        model.load_state_dict(AutoencoderKL.from_pretrained(Path(recipe.out) / "vae").state_dict())
    else:
        load_checkpoint(recipe.folder / "autoencoder.safetensors", model)
    return model


def finished_model(recipe: Recipe) -> tuple[nn.ModuleDict, dict[str, Any]]:
    """The text encoder and the denoiser as they are shipped, with the running mean of their weights, and the facts."""
    model, average = new_model(tokenizer_of(recipe)), dict[str, torch.Tensor]()
    facts = load_checkpoint(recipe.folder / "denoiser.safetensors", model, average=average)
    if not facts:
        if not shipped(recipe):
            sys.exit(f"{recipe.folder}: there is no denoiser yet. Run stage=denoiser first.")
        return model, continue_shipped(recipe, model)
    model.load_state_dict(average, strict=False)
    return model, facts


def continue_shipped(recipe: Recipe, model: nn.ModuleDict) -> dict[str, Any]:
    """Starts the text encoder and the denoiser from the pipeline folder; the optimizer begins anew."""
    pipeline = StableDiffusionPipeline.from_pretrained(recipe.out)
    model["text"].load_state_dict(pipeline.text_encoder.state_dict())
    model["unet"].load_state_dict(pipeline.unet.state_dict())
    facts: dict[str, Any] = json.loads((Path(recipe.out) / "training.json").read_text())
    return facts


def tokenizer_of(recipe: Recipe) -> Any:
    """The word tokenizer, made from the world's own captions at first use."""
    from transformers import CLIPTokenizer

    folder = Path(recipe.out) / "tokenizer" if shipped(recipe) else recipe.folder / "tokenizer"
    if not (folder / "vocab.json").exists():
        rng = np.random.default_rng(recipe.seed)
        captions = [caption_of(i, STYLES[i % 2], rng) for i in range(8000)]
        train_tokenizer(captions, folder, rare=SYLLABLES, length=64)
    return CLIPTokenizer.from_pretrained(folder)


def pack_pipeline(recipe: Recipe) -> None:
    """Writes the Stable-Diffusion-format folder in fp16, with per-channel latent scaling folded into 1×1 layers."""
    vae, decoder = autoencoder_of(recipe), dict[str, torch.Tensor]()
    sharpened = load_checkpoint(recipe.folder / "decoder.safetensors", average=decoder)
    vae.load_state_dict(decoder, strict=False)
    centre, spread = (torch.from_numpy(v).float() for v in np.load(recipe.folder / "latents-scale.npy"))
    with torch.no_grad():
        quant, post = vae.quant_conv, vae.post_quant_conv
        # encode: mean' = (mean - centre) / spread, logvar' = logvar - 2 log(spread); decode undoes it first.
        quant.weight[:16] /= spread[:, None, None, None]
        quant.bias[:16] = (quant.bias[:16] - centre) / spread
        quant.bias[16:] -= 2 * spread.log()
        post.bias += (post.weight[:, :, 0, 0] * centre).sum(1)
        post.weight *= spread[None, :, None, None]
    tokenizer, (model, facts) = tokenizer_of(recipe), finished_model(recipe)
    if shipped(recipe):  # what earlier folders did stays told
        facts = json.loads((Path(recipe.out) / "training.json").read_text()) | facts
    if sharpened:
        facts["decoder"] = sharpened
    scheduler = DPMSolverMultistepScheduler(**SCHEDULE, algorithm_type="dpmsolver++", solver_order=2)
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=model["text"], tokenizer=tokenizer, unet=model["unet"], scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).to(dtype=torch.float16)  # fmt: skip
    out = Path(recipe.out)
    keep = out / "README.md"
    card = keep.read_text() if keep.exists() else None
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    pipeline.save_pretrained(part)
    write_older_names(part, tokenizer)
    (part / "training.json").write_text(json.dumps(facts | {"drawings_per_style": recipe.drawings}, indent=2) + "\n")
    if card is not None:
        (part / "README.md").write_text(card)
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"{out}: {size / 1e6:.1f} MB after {facts['samples']} samples in {facts['seconds'] / 60:.0f} minutes")


def write_older_names(folder: Path, tokenizer: Any) -> None:
    """What other readers of the format expect.

    transformers 4 wants `text_model.` before the text encoder's keys, and vocab.json beside tokenizer.json.
    transformers 5 opens weights in the type that the configuration names, diffusers in fp32 unless told otherwise: so
    the configuration says fp32, or a pipeline opened without a type would have two.
    """
    settings = folder / "text_encoder" / "config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"dtype": "float32"}, indent=2) + "\n")
    weights = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(weights)
    named = {k if k.startswith("text_model.") else f"text_model.{k}": v for k, v in tensors.items()}
    save_file(named, weights, metadata={"format": "pt"})
    for name in ("vocab.json", "merges.txt"):
        source = Path(tokenizer.name_or_path) / name
        if source.exists():
            shutil.copy(source, folder / "tokenizer" / name)


def main() -> None:
    recipe = read_arguments(sys.argv[1:])
    if processes() > 1:
        torch.distributed.init_process_group("gloo" if device_of().type == "cpu" else "nccl")
    torch.set_num_threads(recipe.threads or os.cpu_count() or 1)
    recipe.folder.mkdir(parents=True, exist_ok=True)
    whole = recipe.stage == "all"
    third = Recipe(**{**recipe.__dict__, "minutes": recipe.minutes / 3}) if whole else recipe
    stages = {
        "render": lambda: [
            render_pack(recipe.folder / "pack", style, recipe.drawings, recipe.size) for style in STYLES
        ],
        "autoencoder": lambda: train_autoencoder(third),
        "encode": lambda: encode_drawings(recipe),
        "text": lambda: train_text(Recipe(**{**recipe.__dict__, "minutes": min(recipe.minutes, 5)})),
        "denoiser": lambda: train_denoiser(recipe),
        "decoder": lambda: train_decoder(third),
        "pack": lambda: pack_pipeline(recipe),
    }
    if not whole and recipe.stage not in stages:
        sys.exit(f"stage={recipe.stage}: there is no such stage. Use all, {', '.join(stages)}.")
    for name in stages if whole else [recipe.stage]:
        stages[name]()


if __name__ == "__main__":
    main()
