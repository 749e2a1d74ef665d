"""Trains the product's likeness score: photos and chibis of one person near each other, everyone else further away.

    python recipes/train_likeness.py characters=4096 minutes=8

Each character is drawn four times, twice as a photo and twice as a chibi, each time in another scene, so that nothing
but the person is common to the four. Pairs are pulled together and all others of the batch pushed apart (InfoNCE,
arXiv 1807.03748; both ways, as in arXiv 2103.00020); half of a batch shares hair colour and skin, so that these alone
do not do. The net starts from the trait reader.

Drawing and training can be stopped and continued: what is there already is kept in `workspace/likeness/`. At the end
the score is calibrated on people it never saw, its rates are stated on yet others, and weights and calibration are
written beside `workbench/identity/network.py`, unless `to=DIR` says where else.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from workbench.captions.reader import SIZE
from workbench.captions.reader import WEIGHTS as READER
from workbench.config import home, make_folder
from workbench.device import set_threads
from workbench.identity.calibration import Calibration, fit_curve, photos_limit, rates, save_calibration, sha256_of
from workbench.identity.likeness import see_with
from workbench.identity.network import DOMAINS, WEIGHTS, domain_indices, new_verifier, save_verifier, start_from_reader
from workbench.world.character import Character, sample_character, sample_scene
from workbench.world.draw import draw

LEARNT_FROM = 3_000_000  # characters; the base's own are drawn from 1,000,000 on, tests and benchmarks below that
FITTED_ON, STATED_ON = 4_000_000, 4_500_000
VIEWS = ("photo", "photo", "chibi", "chibi")
PAIRS = ((0, 2), (1, 3), (0, 1), (2, 3))  # photo and chibi twice, photo and photo, chibi and chibi
ROOM = 144  # px drawn; the net sees 128 of them, so that framing can vary
CHUNK = 64  # characters in a file
PHOTOS = 4  # that a person is calibrated with


def draw_chunk(folder: Path, chunk: int) -> None:
    """Draws a chunk of characters as uint8 `(64, 4, 144, 144, 3)`; one that is there already stays."""
    path = folder / f"drawings-{chunk:05d}.npy"
    if path.exists():
        return
    pictures = np.empty((CHUNK, len(VIEWS), ROOM, ROOM, 3), dtype=np.uint8)
    for offset in range(CHUNK):
        number = LEARNT_FROM + chunk * CHUNK + offset
        for view, style in enumerate(VIEWS):
            scene = sample_scene(len(VIEWS) * number + view)
            pictures[offset, view] = np.asarray(draw(sample_character(number), scene, style, ROOM, seed=view))  # type: ignore[arg-type]
    part = path.with_suffix(f".part{os.getpid()}")
    with part.open("wb") as file:
        np.save(file, pictures, allow_pickle=False)
    part.rename(path)


def augment(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """`(b, 3, 144, 144)` in [0, 1] to `(b, 3, 128, 128)` in [-1, 1]: framing, mirror, light, colour, softness, noise.

    Softness is strong: pictures that a base draws are less crisp than drawings.
    """
    b = len(batch)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.rand(b, *shape, generator=generator) * (high - low) + low

    zoom, angle = uniform(0.8, 1.0), uniform(-0.14, 0.14)
    mirror = (uniform(0, 1) < 0.5).float() * 2 - 1
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    rows = [cos * mirror, -sin, uniform(-0.09, 0.09), sin * mirror, cos, uniform(-0.09, 0.09)]
    grid = F.affine_grid(torch.stack(rows, 1).view(b, 2, 3), [b, 3, SIZE, SIZE], align_corners=False)
    x = F.grid_sample(batch, grid, padding_mode="reflection", align_corners=False)
    x = (x * uniform(0.75, 1.2, 1, 1, 1) * uniform(0.94, 1.06, 3, 1, 1)).clamp(0, 1) ** uniform(0.85, 1.2, 1, 1, 1)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * uniform(0.8, 1.2, 1, 1, 1)
    soft = F.interpolate(F.interpolate(x, size=SIZE // 3, mode="area"), size=SIZE, mode="bilinear")
    x = torch.lerp(x, soft, (uniform(0, 1, 1, 1, 1) < 0.5).float() * uniform(0, 1, 1, 1, 1))
    x = x + torch.randn(x.shape, generator=generator) * uniform(0, 0.05, 1, 1, 1)
    return x.clamp(0, 1) * 2 - 1


def likely_confused(character: Character) -> tuple[str, str]:
    """What two people who are easily mixed up have in common."""
    return character.hair_colour, character.skin


def pick(groups: list[list[int]], size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """A batch of `size` characters out of `count`: half of it from one group of people who look alike."""
    group = groups[int(rng.choice(len(groups), p=np.array([len(g) for g in groups]) / count))]
    alike = rng.permutation(group)[: size // 2]
    others = rng.permutation(np.setdiff1d(np.arange(count), alike))[: size - len(alike)]
    return np.concatenate([alike, others])


def pair_loss(a: torch.Tensor, b: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """InfoNCE both ways: row i of a `(b, d)` belongs to row i of b and to no other."""
    logits = scale * a @ b.T
    right = torch.arange(len(a))
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2


def train(net: torch.nn.Module, pictures: np.ndarray, minutes: float, folder: Path, size: int) -> dict[str, float]:
    """Trains until the minutes are used up, those of earlier attempts included.

    Args:
        net: changed in place.
        pictures: uint8 `(characters, 4, 144, 144, 3)`.
        minutes: of training in all.
        folder: where the state is kept, every half minute.
        size: characters in a batch.
    """
    state, spent, step = folder / "net.safetensors", 0.0, 0
    if state.exists():
        with safe_open(state, "pt") as file:
            noted = json.loads(file.metadata()["done"])
        net.load_state_dict(load_file(state))
        spent, step = float(noted["seconds"]), int(noted["steps"])
        print(f"continues after {step} steps, {spent:.0f} s", flush=True)
    else:
        start_from_reader(net, READER)
    count = len(pictures)
    groups: dict[tuple[str, str], list[int]] = {}
    for index in range(count):
        groups.setdefault(likely_confused(sample_character(LEARNT_FROM + index)), []).append(index)
    heads = [p for name, p in net.named_parameters() if not name.startswith("trunk")]
    trunk = [p for name, p in net.named_parameters() if name.startswith("trunk")]
    optimizer = torch.optim.AdamW([{"params": trunk}, {"params": heads}], lr=1e-3, weight_decay=0.02)
    peaks = (5e-4, 2e-3)
    size = min(size, count)
    domains = domain_indices([style for style in VIEWS for _ in range(size)])  # type: ignore[misc]
    net.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    began = saved = time.monotonic()

    def keep() -> None:
        done = json.dumps({"seconds": spent + time.monotonic() - began, "steps": step})
        part = state.with_suffix(".part")
        save_file({k: v.contiguous() for k, v in net.state_dict().items()}, part, metadata={"done": done})
        part.rename(state)

    while (share := (spent + time.monotonic() - began) / (minutes * 60)) < 1:
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * min(1, (step + 1) / 50) * (0.02 + 0.49 * (1 + np.cos(np.pi * share)))
        rng, generator = np.random.default_rng([7, step]), torch.Generator().manual_seed(step)
        people = pick(list(groups.values()), size, count, rng)
        drawn = torch.from_numpy(pictures[people]).permute(1, 0, 4, 2, 3).flatten(0, 1).float() / 255
        with torch.autocast("cpu", dtype=torch.bfloat16):
            batch = augment(drawn, generator).contiguous(memory_format=torch.channels_last)
            embeddings, _ = net(batch, domains)
        views = embeddings.float().view(len(VIEWS), size, -1)
        scale = net.log_scale.exp().clamp(max=50)  # type: ignore[operator]
        loss = torch.stack([pair_loss(views[a], views[b], scale) for a, b in PAIRS]).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step % 20 == 0:
            right = (views[2] @ views[0].T).argmax(1) == torch.arange(size)
            print(f"step {step}  loss {loss.item():.3f}  right {right.float().mean():.2f}  {share:.0%}", flush=True)
        if time.monotonic() - saved > 30:
            keep()
            saved = time.monotonic()
    keep()
    net.eval()
    return {"steps": step, "drawings": step * len(VIEWS) * size, "seconds": round(minutes * 60, 1)}


def measure_texture(net: torch.nn.Module, pictures: np.ndarray) -> None:
    """Notes in the net what the texture of each domain's drawings is like, from at most 2,048 drawings of each.

    Chibis are softened and noised, as those of a small base are. Photos are taken as they are: what is unlike a drawn
    photo shall be noticed.
    """
    edge = (ROOM - SIZE) // 2
    for index, domain in enumerate(DOMAINS):
        views = [view for view, style in enumerate(VIEWS) if style == domain]
        drawn = torch.from_numpy(pictures[:1024, views].reshape(-1, ROOM, ROOM, 3)).permute(0, 3, 1, 2)
        parts = []
        for number, part in enumerate(drawn.split(64)):
            if domain == "chibi":
                seen = augment(part.float() / 255, torch.Generator().manual_seed(number))
            else:
                seen = part[:, :, edge:-edge, edge:-edge].float() / 127.5 - 1
            with torch.no_grad():
                parts.append(net.look(seen)[1].double())  # type: ignore[operator]
        texture = torch.cat(parts)
        deviation = texture.std(0).clamp(min=1e-4)
        # Shrunk towards no correlation, so that few drawings do not make any direction look certain.
        correlation = 0.99 * torch.corrcoef((texture / deviation).T) + 0.01 * torch.eye(texture.shape[1])
        whiten = torch.linalg.cholesky(torch.linalg.inv(correlation)) / deviation[:, None]
        net.centre[index], net.whiten[index] = texture.mean(0), whiten.clamp(-6e4, 6e4)  # type: ignore[index,operator]


def compare(net: torch.nn.Module, first: int, people: int) -> dict[str, dict[str, np.ndarray]]:
    """Draws people and compares each one's pictures with everyone's photos.

    Returns:
        By domain: `same` (n,), `different` (m,), `alike` (k,) similarities, `strangeness` (n,), `top1` (n,), and of the
        photos that were compared with, `photos` (n, 4) strangeness.
    """
    characters = [sample_character(first + index) for index in range(people)]
    kinds: dict[str, list] = {"reference": [], "photo": [], "chibi": []}
    for index, character in enumerate(characters):
        scenes = [sample_scene((first + index) * 8 + scene) for scene in range(PHOTOS + 2)]
        kinds["reference"] += [draw(character, scene, "photo", SIZE, seed=s) for s, scene in enumerate(scenes[:PHOTOS])]
        kinds["photo"].append(draw(character, scenes[PHOTOS], "photo", SIZE, seed=PHOTOS))
        # Every other chibi is as soft as a small base draws.
        chibi = draw(character, scenes[PHOTOS + 1], "chibi", SIZE)
        kinds["chibi"].append(chibi.resize((64, 64)).resize((SIZE, SIZE)) if index % 2 else chibi)
    photos = see_with(net, kinds["reference"], ["photo"] * len(kinds["reference"]))
    mean = photos.embeddings.reshape(people, PHOTOS, -1).mean(1)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    own = np.eye(people, dtype=bool)
    alike = np.array([[likely_confused(a) == likely_confused(b) for b in characters] for a in characters]) & ~own
    result = {}
    for domain in DOMAINS:
        seen = see_with(net, kinds[domain], [domain] * people)
        table = (seen.embeddings @ mean.T).astype(np.float64)
        result[domain] = {
            "same": table[own],
            "different": table[~own],
            "alike": table[alike],
            "strangeness": seen.strangeness,
            "photos": photos.strangeness.reshape(people, PHOTOS),
            "top1": table.argmax(1) == np.arange(people),
        }
    return result


def main(arguments: list[str]) -> None:
    """Draws, trains, calibrates and writes; `arguments` are words of the form key=value."""
    words = dict(word.split("=", 1) for word in arguments)
    characters, minutes = int(words.get("characters", 4096)), float(words.get("minutes", 8))
    people, size = int(words.get("people", 256)), int(words.get("batch", 32))
    target = Path(words.get("to", WEIGHTS.parent)) / WEIGHTS.name
    folder = make_folder(home() / "likeness")
    set_threads()
    torch.manual_seed(0)

    chunks = range(-(-characters // CHUNK))
    if (processes := int(words.get("processes", 1))) > 1:
        with ProcessPoolExecutor(processes) as pool:
            for done in [pool.submit(draw_chunk, folder, chunk) for chunk in chunks]:
                done.result()
    for chunk in chunks:
        draw_chunk(folder, chunk)
    pictures = np.concatenate([np.load(folder / f"drawings-{chunk:05d}.npy") for chunk in chunks])[:characters]

    net = new_verifier()
    made = train(net, pictures, minutes, folder, size)
    measure_texture(net, pictures)
    save_verifier(net, target)

    fitted = compare(net, FITTED_ON, people)
    measured = ("same", "different", "alike", "strangeness")
    curves = {name: fit_curve(*(each[part] for part in measured)) for name, each in fitted.items()}
    stated = compare(net, STATED_ON, people)
    figures = {
        name: rates(curves[name], each["same"], each["different"], each["alike"])
        | {"top1": round(float(each["top1"].mean()), 4), "people": people}
        for name, each in stated.items()
    }
    made |= {"characters": characters, "learnt_from": LEARNT_FROM, "fitted_on": FITTED_ON, "stated_on": STATED_ON}
    limit = photos_limit(fitted["photo"]["photos"])
    calibration = Calibration(curves, figures, made | {"weights": sha256_of(target)}, limit)
    save_calibration(calibration, target.with_suffix(".json"))
    for name, each in figures.items():
        print(
            f"{name}: top-1 of {people} {each['top1']:.1%}, likely: {each['tpr']:.1%} of own and {each['fpr']:.2%} of "
            f"strangers' pictures ({each['fpr_alike']:.1%} of look-alikes'), AUC {each['auc']:.4f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
