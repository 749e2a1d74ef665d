"""Latents and words, computed once, kept by their content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from workbench.backbones import Backbone
from workbench.dataset import Example, build_dataset
from workbench.dataset.encode import encode
from workbench.errors import ConfigError, DatasetError


def picture(seed: int, size: tuple[int, int] = (32, 32)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8))


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    return build_dataset(
        tmp_path / "mia",
        photos=[(picture(1), "photo of zkq person"), (picture(2, (48, 32)), "photo of zkq person, smiling")],
        class_pictures=[(picture(3), "chibi of a person")],
        anchors=[(picture(4), "chibi of zkq person")],
    )


class Counting:
    """A backbone that counts the pictures it encodes."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone, self.encoded = backbone, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backbone, name)

    def encode_images(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.encoded += len(images)
        return self._backbone.encode_images(images)


def test_a_lesson_says_what_the_base_was_asked_for_and_else_what_is_said(backbone: Backbone, tmp_path: Path) -> None:
    asked, anyone = "chibi of a young person with red hair", "chibi of a person"
    examples = build_dataset(
        tmp_path / "mia", [(picture(1), "photo of zkq person")], [(picture(3), "chibi of a person")],
        [(picture(4), "chibi of zkq person", asked, anyone)],
    )  # fmt: skip
    data = encode(backbone, examples, teach=True, keep_text=False)
    lessons = data.lessons
    assert lessons is not None
    expected = backbone.encode_text(["photo of zkq person", asked, asked, "", anyone, *[anyone] * 2, ""])
    assert lessons.keys() == expected.keys() and data.wordings == ((0,), (1, 2, 3, 4), (5, 6, 7))
    for name, tensor in expected.items():
        torch.testing.assert_close(lessons[name], tensor)
    assert encode(backbone, examples).lessons is None


def test_every_picture_has_its_latents(backbone: Backbone, examples: list[Example]) -> None:
    data = encode(backbone, examples, flips=True, weights={"class": 0.3})
    assert data.grids[0].mean.shape == data.grids[0].std.shape == (6, 4, 8, 8)  # photos are shown mirrored too
    assert data.grids[0].views == ((0, 1), (2, 3), (4,), (5,))
    assert data.kinds == {"photo": (0, 1), "anchor": (2,), "class": (3,)}
    assert data.weights.tolist() == pytest.approx([1, 1, 1, 0.3])
    assert data.names[0] == "photo-000.png" and len(data) == 4


def test_latents_are_those_of_the_picture_and_its_mirror(backbone: Backbone, examples: list[Example]) -> None:
    data = encode(backbone, examples, flips=True)
    for row, image in enumerate([picture(1), ImageOps.mirror(picture(1))]):
        pixels = torch.from_numpy(np.array(image, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        torch.testing.assert_close(data.grids[0].mean[row], backbone.encode_images(pixels)[0][0], atol=1e-5, rtol=1e-4)


def test_words_are_kept_as_ids_or_as_embeddings(backbone: Backbone, examples: list[Example]) -> None:
    data = encode(backbone, examples)
    texts = [example.text for example in examples]
    assert torch.equal(data.ids["ids"], backbone.tokenize(texts)["ids"])
    with torch.no_grad():
        assert data.text is not None
        assert torch.equal(data.text["text"], backbone.encode_text(texts)["text"])
    assert encode(backbone, examples, keep_text=False).text is None


def test_the_second_time_nothing_is_computed(backbone: Backbone, examples: list[Example], tmp_path: Path) -> None:
    first, second = Counting(backbone), Counting(backbone)
    once = encode(first, examples, flips=True, cache_dir=tmp_path / "cache")
    again = encode(second, examples, flips=True, cache_dir=tmp_path / "cache")
    assert (first.encoded, second.encoded) == (6, 0)
    assert torch.equal(once.grids[0].mean, again.grids[0].mean) and torch.equal(once.grids[0].std, again.grids[0].std)


def test_what_changed_is_computed_again(backbone: Backbone, examples: list[Example], tmp_path: Path) -> None:
    encode(backbone, examples, cache_dir=tmp_path / "cache")
    # Same file names and order, another picture behind one of them.
    picture(8).save(examples[0].file)
    content = build_dataset(tmp_path / "other", photos=[(picture(8), "photo of zkq person")])
    changed = [replace(examples[0], sha256=content[0].sha256), *examples[1:]]
    counting = Counting(backbone)
    data = encode(counting, changed, cache_dir=tmp_path / "cache")
    assert counting.encoded == 1
    assert torch.equal(data.grids[0].mean[0], encode(backbone, content).grids[0].mean[0])
    assert data.digest != encode(backbone, examples, cache_dir=tmp_path / "cache").digest


def test_another_base_or_size_is_not_the_same_latent(
    backbone: Backbone, examples: list[Example], tmp_path: Path
) -> None:
    encode(backbone, examples, cache_dir=tmp_path / "cache")
    larger = Counting(backbone)
    assert encode(larger, examples, resolution=64, cache_dir=tmp_path / "cache").grids[0].mean.shape[-1] == 16
    other = Counting(backbone)
    other.fingerprint = "another"
    encode(other, examples, cache_dir=tmp_path / "cache")
    assert (larger.encoded, other.encoded) == (4, 4)


def test_a_broken_cache_file_is_made_again(backbone: Backbone, examples: list[Example], tmp_path: Path) -> None:
    encode(backbone, examples, cache_dir=tmp_path / "cache")
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    counting = Counting(backbone)
    encode(counting, examples, cache_dir=tmp_path / "cache")
    assert counting.encoded == 4


def test_a_picture_that_cannot_be_opened_is_named(backbone: Backbone, examples: list[Example]) -> None:
    examples[1].file.write_text("no picture")
    with pytest.raises(DatasetError, match=r"photo-001\.png: it cannot be opened"):
        encode(backbone, examples)


def test_a_latent_that_is_not_finite_is_named(backbone: Backbone, examples: list[Example]) -> None:
    class Overflowing(Counting):
        def encode_images(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            mean, std = super().encode_images(images)
            mean[2] = float("inf")
            return mean, std

    with pytest.raises(DatasetError, match=r"anchor-000\.png: tiny cannot encode it"):
        encode(Overflowing(backbone), examples)


def test_a_size_the_base_cannot_encode(backbone: Backbone, examples: list[Example]) -> None:
    with pytest.raises(ConfigError, match=r"data\.resolution: 30 cannot be divided by 8, as tiny needs\. Use 32"):
        encode(backbone, examples, resolution=30)
