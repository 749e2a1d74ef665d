"""A base in phases: never two of its parts in memory, and the same words, latents, losses and pictures as ever."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_families import make_tiny, name_it
from tiny_single_file import write_single_file

from workbench.adapters import Card, save_adapter
from workbench.backbones import Backbone, open_backbone
from workbench.backbones.phases import empty, fill
from workbench.dataset import Example, build_dataset
from workbench.dataset.encode import encode
from workbench.dataset.pictures import hear_prompts, make_pictures
from workbench.training.batches import draw_batch
from workbench.training.lora import attach_lora
from workbench.training.objective import Objective, Weighting, learn_in_parts

PROMPTS = ["chibi of zkq person", "photo of a person", "smiling"]


def weights(backbone: Backbone) -> dict[str, int]:
    """How many numbers each part of the pipeline holds now."""
    networks = {name: part for name, part in backbone.pipeline.components.items() if isinstance(part, torch.nn.Module)}
    return {name: sum(weight.numel() for weight in part.parameters()) for name, part in networks.items()}


def there(backbone: Backbone) -> set[str]:
    return {"text" if name.startswith("text") else name for name, count in weights(backbone).items() if count}


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    random = np.random.default_rng(0)
    photos = [
        (Image.fromarray(random.integers(0, 255, (32, 32, 3), np.uint8)), f"photo of zkq, {word}") for word in "ab"
    ]
    return build_dataset(tmp_path / "mia", photos=photos)


@pytest.mark.parametrize("family", ["sd1", "sdxl", "flux", "sd3", "qwen-image", "z-image"])
def test_a_whole_run_in_phases_is_the_usual_run(family: str, examples: list[Example], tmp_path: Path) -> None:
    name = name_it(make_tiny(family, tmp_path / "base"), f"tiny-{family}", resolution=32, steps=2)
    usual, phased = open_backbone(name, "cpu"), open_backbone(name, "cpu", phased=True)
    denoiser = phased.denoiser_name
    assert there(phased) == set() and sum(weights(usual).values()) > 10_000
    assert phased.fingerprint == usual.fingerprint and phased.size_multiple == usual.size_multiple

    # Words, then latents: each phase's weights are really gone when the next one's come.
    alive: list[weakref.ref[torch.Tensor]] = []
    seen: list[set[str]] = []
    load = phased.phases._load  # type: ignore[union-attr]

    def watched(part: str) -> torch.nn.Module:
        gc.collect()
        seen.append(there(phased))
        role = "text" if part.startswith("text") else part
        assert seen[-1] <= {role}, f"{part} is read while {seen[-1]} is there"
        assert role == "text" or all(each() is None for each in alive), "weights outlived their phase"
        fresh = load(part)
        alive.extend(weakref.ref(weight.untyped_storage()) for weight in fresh.parameters())
        return fresh

    phased.phases._load = watched  # type: ignore[union-attr, method-assign]
    hear_prompts(phased, PROMPTS)
    assert there(phased) == {"text"}
    data = encode(phased, examples, cache_dir=tmp_path / "cache")
    assert there(phased) == {"vae"}
    expected = encode(usual, examples)
    assert torch.equal(data.grids[0].mean, expected.grids[0].mean)
    assert data.text is not None and expected.text is not None
    assert all(torch.equal(data.text[key], value) for key, value in expected.text.items())

    # The denoiser learns, alone.
    losses = []
    for backbone in (usual, phased):
        adapter = attach_lora(backbone, 2, 2.0, ["auto"], seed=1)
        batch = draw_batch(data, 0, 0, 2, backbone.timesteps)
        losses.append(learn_in_parts(Objective(backbone, Weighting(), False), batch, 1, torch.Tensor.backward))
        with torch.no_grad():
            for index, parameter in enumerate(adapter.parameters(denoiser)):
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(index)))
        if backbone is phased:
            assert there(phased) == {denoiser} and seen[-1] == set()
            assert not any(weight.numel() for part in phased.text_encoders.values() for weight in part.parameters())
    assert torch.equal(*losses)

    # A preview: the words are remembered, the adapter waits while the autoencoder works.
    phased.phases._load = load  # type: ignore[union-attr, method-assign]
    ours, theirs = (make_pictures(each, PROMPTS, [1, 2, 3]) for each in (phased, usual))
    assert there(phased) == {denoiser, "vae"}, "without a GPU the learning denoiser stays where it is"
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(np.asarray(one, int) - np.asarray(other, int)).max() <= 1

    # Saved means proven, in phases too.
    states, configs, _ = adapter.saved()
    card = Card(name="mia", trigger="zkq", base=name, base_fingerprint=phased.fingerprint, family=family)
    assert save_adapter(tmp_path / "mia.safetensors", states, configs, card, phased).exists()


def test_words_and_latents_are_kept_so_that_nothing_is_read_again(
    base: Path, examples: list[Example], tmp_path: Path
) -> None:
    first = encode(open_backbone(base, "cpu", phased=True), examples, cache_dir=tmp_path / "cache")
    again = open_backbone(base, "cpu", phased=True)
    data = encode(again, examples, cache_dir=tmp_path / "cache")
    assert there(again) == set(), "a text encoder or an autoencoder was read for nothing"
    assert data.text is not None and first.text is not None and torch.equal(data.text["text"], first.text["text"])
    changed = [*examples[:1], build_dataset(tmp_path / "x", photos=[(Image.new("RGB", (32, 32)), "another")])[0]]
    encode(again, changed, cache_dir=tmp_path / "cache")
    assert there(again) == {"vae"} and len(list((tmp_path / "cache").iterdir())) == 2 + 1 + 1 + 1


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_a_single_file_opens_in_phases(family: str, tmp_path: Path) -> None:
    folder = make_tiny(family, tmp_path / "folder")
    name = name_it(
        write_single_file(folder, tmp_path / "x.safetensors"), "mine", rest=str(folder), resolution=32, steps=2
    )
    usual, phased = open_backbone(name, "cpu"), open_backbone(name, "cpu", phased=True)
    assert there(phased) == set()
    one, other = (np.asarray(make_pictures(each, PROMPTS[:1], [3])[0], int) for each in (phased, usual))
    assert np.abs(one - other).max() <= 1 and there(phased) == {"vae"}


def test_weights_that_are_shared_stay_shared() -> None:
    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3, bias=False)
            self.two.weight = self.one.weight
            self.register_buffer("kept", torch.ones(2))
            self.register_buffer("small", torch.ones(2), persistent=False)

    network, fresh = Tied(), Tied()
    empty(network)
    assert network.one.weight.numel() == network.kept.numel() == 0 and network.small.numel() == 2
    fill(network, fresh)
    assert network.one.weight is network.two.weight and torch.equal(network.one.weight, fresh.one.weight)
    assert torch.equal(network.kept, torch.ones(2)) and not network.one.weight.requires_grad


def test_a_file_that_breaks_between_two_phases_is_named(base: Path, tmp_path: Path) -> None:
    import shutil

    from workbench.errors import BackboneError

    copy: Any = shutil.copytree(base, tmp_path / "copy")
    backbone = open_backbone(copy, "cpu", phased=True)
    (copy / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(BackboneError, match="copy: its files are broken"):
        backbone.hold("vae")
