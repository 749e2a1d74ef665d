"""Is the built-in base good enough to show? What it draws from captions, what its autoencoder loses, its seconds.

    python -m benchmarks.chibi_mini                        # a look: 48 pictures of each way of drawing
    python -m benchmarks.chibi_mini --count 500 --photos 200 --out benchmarks/results/chibi-mini-cpu.json

Pictures are judged by the identity benchmark's probe, which shares neither net nor drawings with anything that ships.
Beside each share stands what the probe sees in the world's own drawings of the same captions, after the autoencoder
(`kept`: no denoiser can give more) and before, and what guessing gives.
Finished pictures are kept under `workspace/cache`, so a stopped measurement goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from workbench.captions.reader import ANSWERS, truth
from workbench.config import atomic_write, home
from workbench.device import prepare_environment, set_threads
from workbench.world.character import Character, Scene, sample_character, sample_scene
from workbench.world.draw import Style, draw
from workbench.world.words import describe

if TYPE_CHECKING:
    from benchmarks.identity.judges import Judges
    from workbench.backbones import Backbone

SEEDS = 600_000  # characters that no training used
# Not shown, or not said: photos show no arms, chibis no light.
HIDDEN = {"chibi": ("light",), "photo": ("pose",)}
COLOURS = ("hair_colour", "skin", "eye_colour", "clothing_colour", "background")
EYES = (64, 92, 192, 156)  # the box of a chibi's eyes in a 256 px picture
TARGETS = {
    "mean, chibi": 0.92, "colours, chibi": 0.95, "worst, chibi": 0.80, "mean, photo": 0.85,
    "psnr, chibi": 30.0, "psnr, photo": 27.0,
}  # fmt: skip


def main() -> None:
    """Measures, prints a table, and writes it where it is asked to."""
    parser = argparse.ArgumentParser(description="Is the built-in base good enough to show?")
    parser.add_argument("--base", default="chibi-mini", help="base model")
    parser.add_argument("--count", type=int, default=48, help="chibis")
    parser.add_argument("--photos", type=int, help="photo-like pictures; default: as many as chibis")
    parser.add_argument("--judges", type=Path, metavar="DIR", help="weights of other judges than the shipped ones")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the numbers as JSON")
    args = parser.parse_args()
    prepare_environment()
    set_threads()
    from benchmarks.identity.judges import HERE, Judges
    from workbench.backbones import open_backbone
    from workbench.training.report import machine, versions

    judges, backbone = Judges(args.judges or HERE), open_backbone(args.base)
    counts: dict[Style, int] = {"chibi": args.count, "photo": args.count if args.photos is None else args.photos}
    looked = {style: obedience(backbone, judges, style, count) for style, count in counts.items() if count}
    styles = {style: rows for style, (rows, _) in looked.items()}
    report: dict[str, Any] = {
        "base": backbone.id,
        "base_fingerprint": backbone.fingerprint,
        "pictures": counts,
        "attributes": styles,
        "sharpness of drawn": {style: share for style, (_, share) in looked.items()},
        "autoencoder": autoencoder(backbone),
        "seconds an avatar": seconds_an_avatar(backbone),
        "probe": judges.facts["probe"],
        "machine": machine(backbone.device.type),
        "versions": versions(),
    }
    report["summary"] = summary(report)
    for style, rows in styles.items():
        columns = ("made", "kept", "drawn", "guess")
        print(f"\n{style:16}" + "".join(f" {column:>8}" for column in columns))
        for name, row in rows.items():
            print(f"{name:16}" + "".join(f" {row[column]:8.2f}" for column in columns))
    print()
    for name, value in report["summary"].items():
        target = TARGETS.get(name)
        print(f"{name:22} {value:8.3f}" + (f"   target {target:g}" if target else ""))
    if args.out:
        atomic_write(args.out, json.dumps(report, indent=1) + "\n")


def obedience(
    backbone: Backbone, judges: Judges, style: Style, count: int
) -> tuple[dict[str, dict[str, float]], float]:
    """Attribute -> share of pictures that show what their full caption says; of the true drawings, as the autoencoder
    gives them back and as they are; by guessing. And how sharp the pictures are, as a share of the true drawings."""
    from workbench.dataset.pictures import cached_pictures

    people = [(sample_character(SEEDS + i), sample_scene(SEEDS + i)) for i in range(count)]
    prompts = [describe(character, scene, style, i) for i, (character, scene) in enumerate(people)]
    made: list[Image.Image] = []
    for start in tqdm(range(0, count, 8), f"{style} pictures", unit="batch"):
        some = slice(start, start + 8)
        seeds = [SEEDS + index for index in range(count)[some]]
        made += cached_pictures(backbone, prompts[some], seeds, home() / "cache" / "pictures")
    drawn = [draw(character, scene, style, 256, seed=i) for i, (character, scene) in enumerate(people)]
    kept = [decoded_again(backbone, picture) for picture in tqdm(drawn, f"{style} drawings through the autoencoder")]
    found = {"made": made, "kept": kept, "drawn": drawn}
    rows = compare({name: judges.look(pictures).found for name, pictures in found.items()}, people, prompts, style)
    sharp, true = (statistics.fmean(sharpness(np.asarray(each)) for each in pictures) for pictures in (made, drawn))
    return rows, sharp / true


def compare(
    found: Mapping[str, np.ndarray], people: Sequence[tuple[Character, Scene]], prompts: Sequence[str], style: Style
) -> dict[str, dict[str, float]]:
    """Shares of right answers, attribute by attribute; beside them that of guessing.

    Args:
        found: column -> (pictures, attributes) answers of the probe.
        people: who and how, for each picture.
        prompts: what was asked for. Where a caption leaves the shape of the eyes open, any shape is right, so the
            picture does not count for it.
        style: what was drawn.
    """
    right = np.array([list(truth(character, scene, style).values()) for character, scene in people])
    rows: dict[str, dict[str, float]] = {}
    for index, (name, words) in enumerate(ANSWERS.items()):
        if name in HIDDEN[style]:
            continue
        asked = [
            name != "eye_shape" or f"{character.eye_shape} {character.eye_colour} eyes" in words_
            for (character, _), words_ in zip(people, prompts, strict=True)
        ]
        if any(asked):
            shares = {
                column: float((each[asked, index] == right[asked, index]).mean()) for column, each in found.items()
            }
            rows[name] = shares | {"guess": 1 / len(words)}
    return rows


def autoencoder(backbone: Backbone, count: int = 32) -> dict[str, float]:
    """Mean PSNR in dB of drawings that were encoded and decoded again; of chibis also around the eyes."""
    found: dict[str, list[float]] = {"chibi": [], "photo": [], "eyes of chibis": []}
    styles: tuple[Style, ...] = ("chibi", "photo")
    for style in styles:
        for seed in tqdm(range(SEEDS, SEEDS + count), f"{style} through the autoencoder"):
            drawn = draw(sample_character(seed), sample_scene(seed), style, backbone.resolution, seed=seed)
            picture, again = np.asarray(drawn), np.asarray(decoded_again(backbone, drawn))
            found[style].append(psnr(picture, again))
            if style == "chibi":
                left, top, right, bottom = (round(edge * backbone.resolution / 256) for edge in EYES)
                box = np.s_[top:bottom, left:right]
                found["eyes of chibis"].append(psnr(picture[box], again[box]))
    return {name: statistics.fmean(values) for name, values in found.items()}


def decoded_again(backbone: Backbone, picture: Image.Image) -> Image.Image:
    """A picture as the autoencoder gives it back."""
    import torch

    vae = backbone.pipeline.vae
    batch = torch.from_numpy(np.asarray(picture.convert("RGB")).copy()).permute(2, 0, 1)[None]
    with torch.no_grad():
        decoded = vae.decode(vae.encode(batch.to(next(vae.parameters())) / 127.5 - 1).latent_dist.mode()).sample[0]
    pixels = ((decoded.float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).numpy())


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of pictures of 0 to 255: 10 log10(255² / mean squared difference)."""
    error = float(np.square(one.astype(np.float64) - other.astype(np.float64)).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def sharpness(picture: np.ndarray) -> float:
    """Mean of the steepest 2 % of the steps in brightness between neighbouring pixels, 0 to 255: the outlines.

    A squared error hardly minds whether a line is drawn or smeared; this minds nothing else.
    """
    gray = picture.astype(np.float64) @ (0.299, 0.587, 0.114)  # Rec. 601
    down, across = np.abs(np.diff(gray, axis=0))[:, :-1], np.abs(np.diff(gray, axis=1))[:-1]
    steps = np.sort(np.hypot(down, across), axis=None)
    return float(steps[-max(1, steps.size // 50) :].mean())


def seconds_an_avatar(backbone: Backbone, tries: int = 5) -> float:
    """Median seconds of one picture at the base's own steps, once the engine is warm."""
    from workbench.generation import Engine, Request

    engine = Engine(backbone)
    seconds = []
    for index in range(tries + 1):
        start = time.perf_counter()
        engine.generate(Request("chibi of a person, smiling, wearing a red hoodie", seed=index, count=1))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def summary(report: dict[str, Any]) -> dict[str, float]:
    """The figures that have targets, by name."""
    figures: dict[str, float] = {}
    for style, rows in report["attributes"].items():
        made = {name: row["made"] for name, row in rows.items()}
        figures[f"mean, {style}"] = statistics.fmean(made.values())
        figures[f"colours, {style}"] = statistics.fmean(made[name] for name in COLOURS)
        figures[f"worst, {style}"] = min(made.values())
    figures |= {f"sharpness, {style}": value for style, value in report["sharpness of drawn"].items()}
    figures |= {f"psnr, {name}": value for name, value in report["autoencoder"].items()}
    return figures | {"seconds an avatar": report["seconds an avatar"]}


if __name__ == "__main__":
    main()
