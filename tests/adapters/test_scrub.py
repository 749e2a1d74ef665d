"""What other tools tell of the photos is found, said with its reason, and does not leave with an export."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from workbench.adapters import export_kohya, import_adapter, read_card
from workbench.adapters.header import data_sha256, read_header
from workbench.adapters.scrub import RULES, private_findings, scrub_file, scrubbed

KOHYA = {
    "ss_dataset_dirs": '{"10_mia lopez": {"n_repeats": 10, "img_count": 12}}',
    "ss_tag_frequency": '{"10_mia lopez": {"1girl": 12, "hospital bed": 3}}',
    "ss_bucket_info": '{"buckets": {"0": {"resolution": [512, 768], "count": 12}}}',
    "ss_datasets": '[{"subsets": [{"image_dir": "D:\\\\photos\\\\mia"}]}]',
    "ss_training_comment": "for the wedding",
    "ss_sd_model_name": "/home/mia/models/anything-v5.safetensors",
    "ss_output_name": "mia",
    "ss_network_dim": "16",
    "ss_network_alpha": "8.0",
    "ss_learning_rate": "0.0001",
    "ss_resolution": "(512, 512)",
    "ss_reg_dataset_dirs": "{}",
    "sshs_model_hash": "a" * 64,
}


def test_what_kohya_writes_is_found_with_its_reason() -> None:
    found = {finding.key: finding for finding in private_findings(KOHYA)}
    assert set(found) == {
        "ss_dataset_dirs", "ss_tag_frequency", "ss_bucket_info", "ss_datasets", "ss_training_comment",
        "ss_sd_model_name",
    }  # fmt: skip
    assert "folders" in found["ss_dataset_dirs"].why and "mia lopez" in found["ss_dataset_dirs"].sample


def test_only_that_is_taken_out() -> None:
    kept = scrubbed(KOHYA)
    text = json.dumps(kept)
    for secret in ("lopez", "hospital", "wedding", "/home", "photos"):
        assert secret not in text
    assert kept["ss_sd_model_name"] == "anything-v5.safetensors"  # still tells which base it wants
    for key in ("ss_network_dim", "ss_network_alpha", "ss_resolution", "ss_output_name", "sshs_model_hash"):
        assert kept[key] == KOHYA[key]
    assert private_findings(kept) == [] and scrubbed(kept) == kept


@pytest.mark.parametrize(
    "value",
    [
        "C:\\Users\\mia\\x.json",
        '{"a": "/home/mia/x"}',
        "--train_data_dir=/mnt/photos/mia",
        "~/selfies/mia",
        "see /Users/mia/Desktop/me",
    ],
)
def test_folders_are_found_under_any_key(value: str) -> None:
    (finding,) = private_findings({"somebody.s_key": value})
    assert "folder" in finding.why and scrubbed({"somebody.s_key": value}) == {}


@pytest.mark.parametrize(
    "value", ["stabilityai/sd-turbo", "and/or", "https://example.org/a/b", "1.0/2.0", "text/plain", "a\\b"]
)
def test_what_only_looks_like_a_folder_stays(value: str) -> None:
    assert private_findings({"note": value}) == []


def test_the_photos_own_record_in_a_thumbnail() -> None:
    picture, exif, buffer = Image.new("RGB", (40, 30), "pink"), Image.Exif(), io.BytesIO()
    exif[0x010F] = "camera of mia"
    picture.save(buffer, "JPEG", exif=exif)
    uri = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    (finding,) = private_findings({"modelspec.thumbnail": uri})
    assert "thumbnail" in finding.why
    kept = scrubbed({"modelspec.thumbnail": uri})["modelspec.thumbnail"]
    assert private_findings({"modelspec.thumbnail": kept}) == []
    content = base64.b64decode(kept.partition("base64,")[2])
    assert b"camera" not in content and Image.open(io.BytesIO(content)).size == (40, 30)


def test_a_folder_in_pefts_configuration_goes_and_the_scale_stays() -> None:
    table = {"unet.r": 4, "unet.lora_alpha": 2, "unet.base_model_name_or_path": "/home/mia/base"}
    kept = scrubbed({"lora_adapter_metadata": json.dumps(table)})
    assert json.loads(kept["lora_adapter_metadata"]) == {"unet.r": 4, "unet.lora_alpha": 2}


def test_our_own_file_has_nothing_to_hide(adapter: Path) -> None:
    with safe_open(adapter, "pt") as file:
        metadata = file.metadata()
    assert private_findings(metadata) == [] and scrubbed(metadata) == metadata


@pytest.fixture
def telling(adapter: Path, tmp_path: Path) -> Path:
    """An adapter that another tool wrote."""
    path = tmp_path / "telling.safetensors"
    tensors = load_file(export_kohya(adapter, tmp_path / "plain.safetensors"))
    save_file(tensors, path, KOHYA)
    return path


def test_an_import_shows_and_an_export_strips(telling: Path, tmp_path: Path) -> None:
    entry = import_adapter(telling, "friend")
    assert entry.path.read_bytes() == telling.read_bytes()  # what came in is not changed behind the owner's back
    assert {finding.key for finding in entry.private} >= {"ss_dataset_dirs", "ss_tag_frequency"}
    exported = read_header(export_kohya(entry.path, tmp_path / "out.safetensors")).metadata
    assert private_findings(exported) == [] and "lopez" not in json.dumps(exported)
    kept = read_header(export_kohya(entry.path, tmp_path / "kept.safetensors", keep_private=True)).metadata
    assert "ss_tag_frequency" in kept


def test_a_file_is_cleaned_in_place_and_its_weights_stay(telling: Path) -> None:
    before = data_sha256(telling, read_header(telling))
    base = read_card(telling).base
    assert len(scrub_file(telling)) == 6 and scrub_file(telling) == []
    assert data_sha256(telling, read_header(telling)) == before and read_card(telling).base == base


def test_every_rule_has_a_reason_and_matches_something() -> None:
    assert all(len(rule.why) > 15 for rule in RULES)
    assert len({rule.key for rule in RULES}) == len(RULES)
