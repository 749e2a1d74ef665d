"""How the judges learn. Called by `python -m benchmarks.identity.judges`."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from benchmarks.identity import judge_data
from benchmarks.identity.judge_nets import Probe, Verifier
from benchmarks.identity.judges import SIZE, load_net, new_net, save_net, to_input
from workbench.captions.reader import ANSWERS

CHARACTERS_AT_ONCE = 48
SAVE_SECONDS = 60.0
PEAK = {"probe": 2e-3, "verifier": 1e-3}


def train(stage: str, work: Path, out: Path, minutes: float, characters: int) -> None:
    """Trains a judge for so long, going on from what an earlier call left.

    Args:
        stage: `probe` or `verifier`. The verifier starts from the probe's eyes when it starts from nothing.
        work: where drawings and full-precision weights are kept.
        out: where the weights in half precision go.
        minutes: of computing, for each thread; the rate falls to nothing within them. Time that other programs take
            is not counted, so a busy machine gives the same judge, later.
        characters: how many are drawn.
    """
    pictures, answers = judge_data.load(judge_data.render(work, characters))
    torch.manual_seed(0)
    net, kept = new_net(stage), work / f"{stage}.safetensors"
    facts: dict[str, Any] = {"seconds": 0.0, "samples": 0}
    if kept.exists():
        facts |= load_net(kept, net)
    elif stage == "verifier" and (work / "probe.safetensors").exists():
        eyes = Probe()
        load_net(work / "probe.safetensors", eyes)
        net.trunk.load_state_dict(eyes.trunk.state_dict())
    net = net.to(memory_format=torch.channels_last).train()
    # What continues keeps its shape: a full rate would undo what is learnt.
    peak = PEAK[stage] * (0.5 if facts["samples"] else 1.0)
    optimizer = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=0.02, fused=True)
    random = np.random.default_rng([facts["samples"], STREAMS[stage]])
    started, saved = _computed(), time.monotonic()
    before, step = dict(facts), 0
    bar = tqdm(total=round(minutes * 60), unit="s", desc=stage)
    while (spent := _computed() - started) < minutes * 60:
        share = spent / (minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = peak * min(1.0, (step + 1) / 50) * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)
        loss = LOSSES[stage](net, pictures, answers, random)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        facts["samples"] = before["samples"] + step * CHARACTERS_AT_ONCE * 2
        facts["seconds"] = round(before["seconds"] + spent, 1)
        bar.n = round(spent)
        bar.set_postfix(step=step, loss=f"{loss.item():.3f}", refresh=step % 5 == 0)
        if time.monotonic() - saved > SAVE_SECONDS:
            saved = time.monotonic()
            save_net(kept, net, facts, half=False)
    bar.close()
    facts |= {"characters": len(pictures), "seeds": judge_data.JUDGE_SEEDS}
    save_net(kept, net, facts, half=False)
    save_net(out / f"{stage}.safetensors", net, facts, half=True)


def _computed() -> float:
    return time.process_time() / torch.get_num_threads()


def probe_loss(net: Probe, pictures: np.ndarray, answers: np.ndarray, random: np.random.Generator) -> torch.Tensor:
    """Cross-entropy of every attribute, for a chibi and a photo of each character, in different scenes."""
    people, views = _pick(len(pictures), random)
    batch = augment(pictures[people, views], random)
    right = torch.from_numpy(answers[people, views])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net(batch)
    pieces = logits.float().split([len(words) for words in ANSWERS.values()], dim=1)
    return sum(
        (F.cross_entropy(piece, right[:, index], label_smoothing=0.05) for index, piece in enumerate(pieces)),
        torch.zeros(()),
    )


def verifier_loss(net: Verifier, pictures: np.ndarray, _: np.ndarray, random: np.random.Generator) -> torch.Tensor:
    """Each chibi must find its person's photo in the batch, and each photo its chibi (arXiv 2103.00020, figure 3)."""
    people, views = _pick(len(pictures), random)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        places = net(augment(pictures[people, views], random))
    chibis, photos = places.float().chunk(2)
    similarity = chibis @ photos.T * net.sharpness.clamp(max=4.6).exp()
    own = torch.arange(len(chibis))
    return (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2


LOSSES: dict[str, Any] = {"probe": probe_loss, "verifier": verifier_loss}
STREAMS = {"probe": 1, "verifier": 2}


def _pick(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Characters and views: first a chibi of each of 48, then a photo of each of the same."""
    people = random.choice(count, CHARACTERS_AT_ONCE, replace=False)
    views = np.concatenate([random.integers(0, 2, CHARACTERS_AT_ONCE), random.integers(2, 4, CHARACTERS_AT_ONCE)])
    return np.tile(people, 2), views


def augment(pictures: np.ndarray, random: np.random.Generator) -> torch.Tensor:
    """uint8 `(b, 144, 144, 3)` to a tensor `(b, 3, 128, 128)`: framing, mirror, light, softness, noise.

    Mild, since shades are answers: what a base draws is softer and noisier than a drawing, and hardly turned.
    """
    cut = np.empty((len(pictures), SIZE, SIZE, 3), dtype=np.uint8)
    room = pictures.shape[1] - SIZE
    for index, picture in enumerate(pictures):
        top, left = random.integers(0, room + 1, 2)
        patch = picture[top : top + SIZE, left : left + SIZE]
        cut[index] = patch[:, ::-1] if random.random() < 0.5 else patch
    batch = to_input(cut)
    generator = torch.Generator().manual_seed(int(random.integers(2**62)))

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(len(batch), 1, 1, 1, generator=generator) * (high - low) + low

    batch = (batch + 1) * uniform(0.92, 1.06) * (1 + 0.03 * torch.randn(len(batch), 3, 1, 1, generator=generator)) - 1
    soft = F.avg_pool2d(batch, 5, 1, 2)
    batch = torch.lerp(batch, soft, uniform(0, 1) * (uniform(0, 1) < 0.5))
    batch = batch + uniform(0, 0.06) * torch.randn(batch.shape, generator=generator)
    return batch.clamp(-1, 1).contiguous(memory_format=torch.channels_last)
