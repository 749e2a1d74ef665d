"""Mixes are what peft makes of the same adapters; what a rank cannot hold is counted; the card names the parents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from tiny_adapter import make_adapter

from workbench.adapters import attach, detach, find_adapter, read_card
from workbench.adapters.blend import Ingredient, mix_adapters, resize_adapter
from workbench.adapters.formats import export_peft
from workbench.adapters.fuse import fuse_adapters
from workbench.adapters.mix import METHODS, Part, block_strength, mix, resize, split_blocks
from workbench.adapters.proof import draw_small
from workbench.adapters.weights import LoraWeight, read_weights
from workbench.adapters.word import PLACES
from workbench.backbones import open_backbone
from workbench.config import shelf
from workbench.errors import AdapterError


@pytest.fixture(scope="module")
def two(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("two")
    licence = {"licence": "CC-BY-4.0", "scope": "stickers"}
    return (
        make_adapter(folder / "mia.safetensors", base, 1, **licence),
        make_adapter(folder / "lena.safetensors", base, 2, trigger="lna", licence="CC0-1.0"),
    )


@pytest.fixture
def full(two: tuple[Path, Path]) -> Path:
    shelf().mkdir(parents=True)
    for path in two:
        (shelf() / path.name).write_bytes(path.read_bytes())
    return shelf()


def change(weight: LoraWeight) -> torch.Tensor:
    """The whole change of a layer: (out, in)."""
    return weight.up.flatten(1) @ weight.down.flatten(1) * (weight.alpha / weight.rank)


@pytest.fixture(scope="module")
def pefts(base: Path, two: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Both adapters on the tiny UNet, through peft alone."""
    folder = tmp_path_factory.mktemp("pefts")
    for path in two:
        export_peft(path, folder / path.stem)
    unet = open_backbone(base, device="cpu").pipeline.unet
    model = PeftModel.from_pretrained(unet, folder / "mia" / "unet", adapter_name="mia")
    model.load_adapter(folder / "lena" / "unet", adapter_name="lena")
    return model


@pytest.mark.parametrize(
    ("ours", "theirs", "density"),
    [("cat", "cat", 1.0), ("linear", "linear", 1.0), ("svd", "svd", 1.0), ("ties", "ties_svd", 0.4),
     ("dare", "dare_linear_svd", 1.0)],
)  # fmt: skip
def test_mixing_is_what_peft_does(two: tuple[Path, Path], pefts: Any, ours: str, theirs: str, density: float) -> None:
    strengths = (0.7, -0.3)
    name = f"mixed_{theirs}"
    pefts.add_weighted_adapter(
        ["mia", "lena"], list(strengths), name, combination_type=theirs, svd_rank=4 if "svd" in theirs else None,
        density=density,
    )  # fmt: skip
    parts = [Part(path.stem, read_weights(path), strength) for path, strength in zip(two, strengths, strict=True)]
    mixed = mix(parts, ours, rank=4, density=density).weights
    compared = 0
    for place, module in pefts.base_model.model.named_modules():
        if name in getattr(module, "lora_A", {}):
            expected = module.get_delta_weight(name).flatten(1)
            got = change(mixed["unet", place])
            assert torch.allclose(got, expected, atol=2e-4 * float(expected.abs().max())), place
            compared += 1
    assert compared == sum(part == "unet" for part, _ in mixed)


def test_svd_is_exact_when_the_rank_allows_and_counts_what_it_loses(two: tuple[Path, Path]) -> None:
    parts = [Part(path.stem, read_weights(path), strength) for path, strength in zip(two, (0.6, 0.4), strict=True)]
    exact, whole = mix(parts, "cat"), mix(parts, "svd", rank=8)
    assert whole.kept == pytest.approx(1.0, abs=1e-6) and max(exact.ranks) == 8
    for place, weight in exact.weights.items():
        assert torch.allclose(change(weight), change(whole.weights[place]), atol=1e-5)
    small = mix(parts, "svd", rank=2)
    assert 0.3 < small.kept < 0.999 and small.ranks == (2,)
    lost = sum(float((change(w) - change(small.weights[at])).square().sum()) for at, w in exact.weights.items())
    energy = sum(float(change(w).square().sum()) for w in exact.weights.values())
    assert small.kept == pytest.approx(1 - lost / energy, abs=1e-4)


def test_dare_is_seeded_and_right_on_average(two: tuple[Path, Path]) -> None:
    parts = [Part(path.stem, read_weights(path), 0.5) for path in two]

    def mixed(seed: int) -> dict[Any, LoraWeight]:
        return mix(parts, "dare", rank=16, density=0.5, seed=seed).weights

    state = torch.random.get_rng_state()
    one, again, other = mixed(1), mixed(1), mixed(2)
    assert torch.equal(torch.random.get_rng_state(), state), "nobody else's dice are touched"
    place = next(iter(one))
    assert torch.equal(one[place].up, again[place].up) and not torch.equal(one[place].up, other[place].up)


def test_resizing_by_rank_and_by_energy(two: tuple[Path, Path]) -> None:
    weights = read_weights(two[0])
    assert resize(weights, rank=64).kept == pytest.approx(1.0)
    half = resize(weights, rank=2)
    assert half.ranks == (2,) and 0 < half.kept < 1
    most = resize(weights, energy=0.9)
    assert most.kept >= 0.9 - 1e-6
    for place, weight in weights.items():
        kept = most.weights[place]
        share = float(change(kept).square().sum() / change(weight).square().sum())
        assert share >= 0.9 - 1e-4
        if kept.rank > 1:  # the smallest rank that does
            fewer = resize({place: weight}, rank=kept.rank - 1)
            assert fewer.kept < 0.9
    for wrong in ({}, {"rank": -1}, {"energy": 1.5}):
        with pytest.raises(AdapterError):
            resize(weights, **wrong)  # type: ignore[arg-type]


def test_blocks_have_strengths_of_their_own(two: tuple[Path, Path]) -> None:
    table = {"up_blocks.1": 0.5, "unet.up_blocks.1.attentions.0": 2.0, "text_encoder": 0.0, "rest": 0.25}
    for place, strength in (
        (("unet", "up_blocks.1.resnets.0.conv1"), 0.5),
        (("unet", "up_blocks.1.attentions.0.proj_in"), 2.0),
        (("unet", "up_blocks.10.resnets.0.conv1"), 0.25),
        (("unet", "mid_block.attentions.0.proj_in"), 0.25),
        (("text_encoder", "encoder.layers.0.mlp.fc1"), 0.0),
    ):
        assert block_strength(place, table) == strength
    assert block_strength(("unet", "conv_in"), {}) == 1.0
    weights = read_weights(two[0])
    mixed = mix([Part("mia", weights, 1.0, {"text_encoder": 0.0})], "cat").weights
    assert {part for part, _ in mixed} == {"unet"}


def test_identity_of_one_and_style_of_another_share_nothing(two: tuple[Path, Path]) -> None:
    weights = read_weights(two[0])
    identity, style = split_blocks(weights, "identity"), split_blocks(weights, "style")
    for place in weights:
        assert block_strength(place, identity) + block_strength(place, style) == 1.0
    assert block_strength(("unet", "mid_block.attentions.0.proj_in"), identity) == 1.0
    assert block_strength(("unet", "up_blocks.1.attentions.0.proj_in"), style) == 1.0
    assert block_strength(("text_encoder", "encoder.layers.0.self_attn.q_proj"), identity) == 1.0
    with pytest.raises(AdapterError, match="UNet"):
        split_blocks({("transformer", "x_embedder"): next(iter(weights.values()))}, "style")


def test_learned_words_are_added_token_by_token(two: tuple[Path, Path]) -> None:
    def word(*ids: int) -> LoraWeight:
        down = torch.zeros(len(ids), 10)
        down[torch.arange(len(ids)), list(ids)] = 1
        return LoraWeight(down, torch.randn(4, len(ids)), float(len(ids)))

    one, other = word(3, 5), word(5, 7)
    for method in METHODS:
        mixed = mix([Part("a", {PLACES[0]: one}, 0.5), Part("b", {PLACES[0]: other}, 2.0)], method).weights[PLACES[0]]
        expected = 0.5 * one.up @ one.down + 2.0 * other.up @ other.down
        assert torch.allclose(change(mixed), expected, atol=1e-6)
        assert set(mixed.down.sum(1).tolist()) == {1.0} and mixed.rank == 3


def test_a_mix_on_the_shelf_is_proven_and_names_its_parents(base: Path, full: Path) -> None:
    backbone: Any = open_backbone(base, device="cpu")
    parts = [Ingredient("mia", 0.6), Ingredient("lena", 0.4)]
    blend = mix_adapters(parts, "both", "cat", backbone=backbone)
    assert blend.proof is not None and blend.proof.difference < 1e-4 < blend.proof.change
    attach(backbone.pipeline, read_weights(full / "mia.safetensors"), "a", "mia")
    attach(backbone.pipeline, read_weights(full / "lena.safetensors"), "b", "lena")
    backbone.pipeline.set_adapters(["a", "b"], [0.6, 0.4])
    together = draw_small(backbone)
    for name in ("a", "b"):
        detach(backbone.pipeline, name)
    attach(backbone.pipeline, read_weights(blend.entry.path), "c", "both")
    np.testing.assert_allclose(draw_small(backbone), together, atol=1e-4)
    card = find_adapter("both").card
    assert card.parents == ["mia × 0.6", "lena × 0.4"] and card.tags == ["mix"] and card.trigger == "zkq"
    assert card.licence == "mia: CC-BY-4.0; lena: CC0-1.0" and card.scope == "mia: stickers; lena: not stated"
    assert card.settings["mix"]["method"] == "cat" and card.settings["parents"][1]["trigger"] == "lna"
    assert any("zkq and lna" in note for note in blend.notes)
    with pytest.raises(AdapterError, match="one of that name"):
        mix_adapters(parts, "both")
    smaller = resize_adapter("both", "small", rank=2, backbone=backbone)
    assert smaller.ranks == (2,) and 0 < smaller.kept < 1 and smaller.proof is not None
    assert read_card(smaller.entry.path).parents == ["both × 1"]


@pytest.mark.parametrize(
    ("ingredients", "more", "reason"),
    [
        (["mia"], {}, "a second"),
        (["mia", "nobody"], {}, "not on the shelf"),
        (["mia"] * 5, {}, "two to 4"),
        (["mia", "lena"], {"method": "magic"}, "svd, cat"),
        (["mia", "lena"], {"density": 0.0}, "share above 0"),
        (["mia", "lena"], {"rank": 5000}, "1 to 1024"),
    ],
)
def test_what_cannot_be_mixed(full: Path, ingredients: list[str], more: dict[str, Any], reason: str) -> None:
    with pytest.raises(AdapterError, match=reason):
        mix_adapters([Ingredient(name) for name in ingredients], "new", **more)
    assert sorted(path.name for path in full.iterdir()) == ["lena.safetensors", "mia.safetensors"]


def test_strengths_of_zero_and_other_sizes_are_refused(full: Path) -> None:
    with pytest.raises(AdapterError, match="strengths are zero"):
        mix_adapters([Ingredient("mia", 0.0), Ingredient("lena", 0.0)], "new")
    weights = read_weights(full / "mia.safetensors")
    place = next(iter(weights))
    other = {place: LoraWeight(torch.zeros(4, 99), torch.zeros(98, 4), 4.0)}
    with pytest.raises(AdapterError, match="another size than mia's"):
        mix([Part("mia", weights), Part("odd", other)])
    unequal = {place: resize({place: weights[place]}, rank=1).weights[place]}
    with pytest.raises(AdapterError, match="equal ranks"):
        mix([Part("mia", weights), Part("thin", unequal)], "linear")


def test_fusing_makes_a_base_that_draws_the_person_alone(base: Path, full: Path, tmp_path: Path) -> None:
    fused = fuse_adapters([("mia", 0.8), ("lena", 0.5)], str(base), tmp_path / "fused")
    assert fused.difference < 1e-4 < fused.change and fused.layers > 20
    kept = {path.relative_to(base) for path in base.rglob("*") if path.is_file()}
    assert kept <= {path.relative_to(fused.folder) for path in fused.folder.rglob("*")}
    readme = (fused.folder / "README.md").read_text()
    assert "mia × 0.8, lena × 0.5" in readme and "CC-BY-4.0" in readme and "zkq" in readme
    with pytest.raises(AdapterError, match="of that name"):
        fuse_adapters([("mia", 0.8)], str(base), tmp_path / "fused")
    with pytest.raises(AdapterError, match="strengths are zero"):
        fuse_adapters([("mia", 0.0)], str(base), tmp_path / "none")
    assert not (tmp_path / "none").exists()
