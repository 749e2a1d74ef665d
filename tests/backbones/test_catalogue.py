"""Finding and opening bases, and what is said of those that cannot be opened."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.backbones import FAMILIES, catalogue, fingerprint_folder, locate, open_backbone
from workbench.backbones.catalogue import HERE
from workbench.errors import BackboneError


@pytest.fixture
def copy(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base, tmp_path / "copy"))


def refusal(name: Path | str) -> str:
    with pytest.raises(BackboneError) as caught:
        open_backbone(name, device="cpu")
    return str(caught.value)


def test_every_entry_is_complete() -> None:
    for entry in catalogue().values():
        assert entry.words and entry.source and entry.licence != "unknown"
        assert entry.family in FAMILIES and entry.memory >= 0
        assert "/" in entry.source or (HERE / entry.source).parent == HERE


def test_unknown_names_get_the_nearest_known_one() -> None:
    assert "Did you mean chibi-mini" in refusal("chibi_mini")
    assert "Known names: chibi-mini" in refusal("something")


def test_a_hub_id_without_a_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The address of the hub is read when its client is imported, so this needs a process of its own.
    code = "from workbench.backbones import open_backbone; open_backbone('nobody/nothing')"
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "nobody/nothing: it is not on this machine and cannot be fetched" in done.stderr


def test_a_folder_without_an_index(tmp_path: Path) -> None:
    assert "no model_index.json" in refusal(tmp_path)


def test_an_unknown_family(copy: Path) -> None:
    index = json.loads((copy / "model_index.json").read_text())
    (copy / "model_index.json").write_text(json.dumps(index | {"_class_name": "KandinskyPipeline"}))
    assert "KandinskyPipeline" in refusal(copy) and "FLUX.1" in refusal(copy)


def test_an_index_that_is_not_json(copy: Path) -> None:
    (copy / "model_index.json").write_text("{")
    assert "its files are broken" in refusal(copy)


def test_weights_that_could_run_code_are_not_opened(copy: Path) -> None:
    (copy / "unet" / "diffusion_pytorch_model.safetensors").rename(copy / "unet" / "diffusion_pytorch_model.bin")
    assert "no safetensors file in unet/" in refusal(copy)


@pytest.mark.parametrize("part", ["unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"])
def test_truncated_weights(copy: Path, part: str) -> None:
    file = copy / f"{part}.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    assert "its files are broken" in refusal(copy)


def test_half_precision_files_alone_are_enough(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    open_backbone(base, device="cpu").pipeline.save_pretrained(folder, variant="fp16")
    assert open_backbone(folder, device="cpu").resolution == 32


def test_the_fingerprint_is_the_contents(base: Path, copy: Path) -> None:
    before = fingerprint_folder(base)
    assert len(before) == 64 and fingerprint_folder(copy) == before

    config = json.loads((copy / "unet" / "config.json").read_text())
    (copy / "unet" / "config.json").write_text(json.dumps(config | {"_diffusers_version": "99"}))
    (copy / "README.md").write_text("A card draws nothing.")
    assert fingerprint_folder(copy) == before

    scheduler = json.loads((copy / "scheduler" / "scheduler_config.json").read_text())
    (copy / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler | {"prediction_type": "epsilon"}))
    assert fingerprint_folder(copy) != before


def test_one_changed_weight_changes_the_fingerprint(base: Path, copy: Path) -> None:
    file = copy / "vae" / "diffusion_pytorch_model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert fingerprint_folder(copy) != fingerprint_folder(base)


def test_a_short_name_wins_over_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chibi-mini").mkdir()
    try:
        found, entry = locate("chibi-mini")
    except BackboneError as error:
        assert "missing from this installation" in str(error)
    else:
        assert found.is_relative_to(HERE) and entry.id == "chibi-mini"


def test_listing_bases_does_not_load_torch() -> None:
    code = "import sys, workbench.backbones as b; b.catalogue(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
