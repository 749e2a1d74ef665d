"""The training loop as diffusers' published DreamBooth-LoRA script has it, written anew for comparison.

What the script does each step is done here each step: pictures come from a DataLoader, the VAE encodes them, the text
encoder reads the prompt, the optimizer is torch's AdamW as that script makes it. Launched by accelerate like ours:

    accelerate launch --config_file accelerate_config.yaml benchmarks/training_peer.py BASE PHOTOS OUT STEPS BATCH RANK
"""

from __future__ import annotations

import time

START = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from accelerate import Accelerator  # noqa: E402
from diffusers import AutoencoderKL, DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel  # noqa: E402
from diffusers.optimization import get_scheduler  # noqa: E402
from diffusers.utils import convert_state_dict_to_diffusers  # noqa: E402
from peft import LoraConfig, get_peft_model_state_dict  # noqa: E402
from PIL import Image  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402
from transformers import CLIPTextModel, CLIPTokenizer  # noqa: E402

IMPORTED = time.perf_counter()
PROMPT = "photo of zkq person"


class Photos(Dataset[dict[str, torch.Tensor]]):
    """A folder of photos: opened, resized and turned into tensors each time one is asked for."""

    def __init__(self, folder: Path, tokenizer: Any, size: int) -> None:
        self.files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
        self.tokenizer, self.size = tokenizer, size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        with Image.open(self.files[index]) as opened:
            picture = opened.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(picture, np.float32)).permute(2, 0, 1) / 127.5 - 1
        words = self.tokenizer(
            PROMPT, truncation=True, padding="max_length", max_length=self.tokenizer.model_max_length,
            return_tensors="pt",
        )  # fmt: skip
        return {"pixels": pixels, "ids": words.input_ids[0]}


def main(base: Path, photos: Path, out: Path, steps: int, batch_size: int, rank: int) -> dict[str, float]:
    """Trains and saves; returns seconds by part."""
    accelerator = Accelerator()
    scheduler = DDPMScheduler.from_pretrained(base, subfolder="scheduler")
    tokenizer = CLIPTokenizer.from_pretrained(base, subfolder="tokenizer")
    text_encoder = CLIPTextModel.from_pretrained(base, subfolder="text_encoder")
    vae = AutoencoderKL.from_pretrained(base, subfolder="vae")
    unet = UNet2DConditionModel.from_pretrained(base, subfolder="unet")
    for network in (vae, text_encoder, unet):
        network.requires_grad_(False)
    half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(accelerator.mixed_precision, torch.float32)
    for network in (unet, vae, text_encoder):
        network.to(accelerator.device, dtype=half)
    unet.add_adapter(
        LoraConfig(
            r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=["to_k", "to_q", "to_v", "to_out.0"]
        )
    )
    for parameter in unet.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    learned = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-4, betas=(0.9, 0.999), weight_decay=1e-2, eps=1e-8)
    size = int(unet.config.sample_size) * 2 ** (len(vae.config.block_out_channels) - 1)
    loader = DataLoader(Photos(photos, tokenizer, size), batch_size=batch_size, shuffle=True, num_workers=0)
    rates = get_scheduler("constant", optimizer=optimizer)
    unet, optimizer, loader, rates = accelerator.prepare(unet, optimizer, loader, rates)
    loaded = time.perf_counter()

    done, paces = 0, []
    unet.train()
    while done < steps:
        for batch in loader:
            began = time.perf_counter()
            pixels = batch["pixels"].to(dtype=half)
            latents = vae.encode(pixels).latent_dist.sample() * vae.config.scaling_factor
            noise = torch.randn_like(latents)
            levels = torch.randint(
                0, scheduler.config.num_train_timesteps, (len(latents),), device=latents.device
            ).long()
            noisy = scheduler.add_noise(latents, noise, levels)
            words = text_encoder(batch["ids"], return_dict=False)[0]
            predicted = unet(noisy, levels, words, return_dict=False)[0]
            flow = scheduler.config.prediction_type == "v_prediction"
            target = scheduler.get_velocity(latents, noise, levels) if flow else noise
            loss = F.mse_loss(predicted.float(), target.float(), reduction="mean")
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            rates.step()
            optimizer.zero_grad()
            loss.detach().item()  # the script shows the loss of each step
            paces.append(time.perf_counter() - began)
            done += 1
            if done >= steps:
                break
    trained = time.perf_counter()
    state = convert_state_dict_to_diffusers(get_peft_model_state_dict(accelerator.unwrap_model(unet).float()))
    StableDiffusionPipeline.save_lora_weights(out, unet_lora_layers=state, safe_serialization=True)
    end = time.perf_counter()
    return {
        "imports": IMPORTED - START, "loading": loaded - IMPORTED, "training": trained - loaded,
        "saving": end - trained, "step": float(np.median(paces[len(paces) // 4 :])),
    }  # fmt: skip


if __name__ == "__main__":
    base, photos, out, *numbers = sys.argv[1:]
    print(json.dumps(main(Path(base), Path(photos), Path(out), *map(int, numbers))))
