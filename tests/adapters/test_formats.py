"""Every form goes out and comes back with the same keys, alphas and picture; peft itself opens what we write for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from workbench.adapters import attach, detach, inspect_adapter, read_card
from workbench.adapters.formats import FORMS, export_adapter, import_peft, is_peft_folder
from workbench.adapters.header import read_header
from workbench.adapters.proof import draw_small
from workbench.adapters.report import report_adapter
from workbench.adapters.weights import read_weights
from workbench.backbones import open_backbone
from workbench.errors import AdapterError


@pytest.fixture(scope="module")
def backbone(base: Path) -> Any:
    return open_backbone(base, device="cpu")


def picture(backbone: Any, path: Path) -> np.ndarray:
    """What base and adapter draw together; the base is left bare."""
    attach(backbone.pipeline, read_weights(path), "one", path.name)
    drawn = draw_small(backbone)
    detach(backbone.pipeline, "one")
    return drawn


def same_weights(one: Path, other: Path) -> None:
    ours, theirs = read_weights(one), read_weights(other)
    assert ours.keys() == theirs.keys()
    for place, weight in ours.items():
        assert torch.equal(weight.down, theirs[place].down) and torch.equal(weight.up, theirs[place].up), place
        assert weight.alpha == theirs[place].alpha, place


@pytest.fixture(scope="module")
def uneven(adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter whose ranks and alphas differ from layer to layer."""
    path = tmp_path_factory.mktemp("uneven") / "uneven.safetensors"
    tensors = load_file(export_adapter(adapter, "kohya", path.with_name("plain.safetensors")))
    for key in list(tensors):
        if key.endswith(".alpha") and "attn2" in key:
            tensors[key] = torch.tensor(8.0)
        if "ff_net_0_proj" in key and key.endswith("down.weight"):
            tensors[key] = tensors[key][:3].clone()
        if "ff_net_0_proj" in key and key.endswith("up.weight"):
            tensors[key] = tensors[key][:, :3].clone()
    save_file(tensors, path, {"modelspec.title": "uneven"})
    return path


@pytest.mark.parametrize("which", ["adapter", "uneven"])
def test_all_forms_go_round(which: str, backbone: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    source: Path = request.getfixturevalue(which)
    before = picture(backbone, source)
    kohya = export_adapter(source, "kohya", tmp_path / "k.safetensors")
    diffusers = export_adapter(kohya, "diffusers", tmp_path / "d.safetensors")
    folder = export_adapter(diffusers, "peft", tmp_path / "peft")
    back = import_peft(folder, "back").path
    for path, spelling in ((kohya, "kohya"), (diffusers, "diffusers"), (back, "diffusers")):
        assert inspect_adapter(path).spelling == spelling
        same_weights(source, path)
    np.testing.assert_array_equal(picture(backbone, back), before)
    assert read_card(back) == read_card(source)
    assert set(read_header(back).tensors) == set(read_header(diffusers).tensors)


def test_diffusers_files_keep_every_byte_of_their_weights(adapter: Path, tmp_path: Path) -> None:
    copy = export_adapter(adapter, "diffusers", tmp_path / "d.safetensors")
    assert copy.read_bytes() == adapter.read_bytes()  # our own file holds nothing private


def test_plain_diffusers_opens_what_was_kohya(uneven: Path, backbone: Any, base: Path, tmp_path: Path) -> None:
    path = export_adapter(uneven, "diffusers", tmp_path / "d.safetensors", backbone)
    fresh = open_backbone(base, device="cpu")
    fresh.pipeline.load_lora_weights(str(path))
    np.testing.assert_array_equal(draw_small(fresh), picture(backbone, uneven))


def test_peft_itself_opens_the_folder(uneven: Path, backbone: Any, base: Path, tmp_path: Path) -> None:
    folder = export_adapter(uneven, "peft", tmp_path / "peft")
    fresh = open_backbone(base, device="cpu")
    for part in ("unet", "text_encoder"):
        model = PeftModel.from_pretrained(getattr(fresh.pipeline, part), folder / part)
        setattr(fresh.pipeline, part, model.merge_and_unload())
    np.testing.assert_allclose(draw_small(fresh), picture(backbone, uneven), atol=1e-4)


def test_a_folder_tells_its_network_without_its_name(adapter: Path, tmp_path: Path) -> None:
    folder = export_adapter(adapter, "peft", tmp_path / "peft")
    for part, other in (("unet", "checkpoint-100"), ("text_encoder", "words")):
        (folder / part).rename(folder / other)
    assert is_peft_folder(folder) and is_peft_folder(folder / "words") and not is_peft_folder(tmp_path)
    same_weights(adapter, import_peft(folder, "back").path)
    alone = import_peft(folder / "checkpoint-100", "alone")
    assert alone.info is not None and alone.info.components == ("unet",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"peft_type": "LOHA"}, "LOHA"),
        ({"bias": "all"}, "bias"),
        ({"modules_to_save": ["conv_in"]}, "whole layers"),
        ({"r": "many"}, "cannot be read"),
    ],
)
def test_what_is_more_than_lora_is_refused(adapter: Path, tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    folder = export_adapter(adapter, "peft", tmp_path / "peft")
    file = folder / "unet" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(AdapterError, match=reason):
        import_peft(folder, "x")


def test_pickles_and_strangers_in_a_folder_are_refused_by_name(adapter: Path, tmp_path: Path) -> None:
    folder = export_adapter(adapter, "peft", tmp_path / "peft")
    file = folder / "unet" / "adapter_model.safetensors"
    tensors = load_file(file)
    save_file(tensors | {"base_model.model.conv_in.strange": torch.ones(2, 2)}, file)
    with pytest.raises(AdapterError, match=r"1 of its weights are not understood.*conv_in\.strange"):
        import_peft(folder, "x")
    assert import_peft(folder, "x", partial=True).name == "x"
    file.rename(file.with_name("adapter_model.bin"))
    with pytest.raises(AdapterError, match="can run code"):
        import_peft(folder, "y")
    with pytest.raises(AdapterError, match="no adapter_config"):
        import_peft(tmp_path, "y")


def test_a_taken_folder_and_an_unknown_form(adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=FORMS[0]):
        export_adapter(adapter, "ckpt", tmp_path / "x")
    (tmp_path / "here").mkdir()
    shutil.copy(adapter, tmp_path / "here" / "a")
    with pytest.raises(AdapterError, match="something in it"):
        export_adapter(adapter, "peft", tmp_path / "here")


def test_the_report_says_what_a_file_is(adapter: Path, uneven: Path, backbone: Any) -> None:
    report = report_adapter(adapter, backbone)
    assert (report.family, report.spelling, report.ranks, report.alphas) == ("sd1", "diffusers", (2, 4), (2.0, 3.0))
    assert report.targets[0].startswith("unet: ") and "attention" in report.targets[0]
    assert report.targets[1].startswith("text_encoder: attention")
    assert report.dtypes == ("F32",) and report.trained_on[0] == "tiny" and "trigger zkq person" in report.trained_on
    assert report.proof is not None and report.proof.change > 0 and not report.no_proof
    assert 0 < report.strongest[1] < 10 and report.warnings == () and report.private == ()
    reads = {each.program: each for each in report.readers}
    assert reads["diffusers"].reads == "yes" and reads["PEFT"].reads == "no"
    assert reads["ComfyUI"].reads == "partly" and "alphas, which differ" in reads["ComfyUI"].note
    reads = {each.program: each for each in report_adapter(uneven).readers}
    assert reads["diffusers"].reads == "partly"  # one alpha for all
    assert reads["ComfyUI"].reads == reads["kohya, A1111, Forge"].reads == "yes"


def test_the_report_names_layers_that_do_not_fit(adapter: Path, backbone: Any, tmp_path: Path) -> None:
    tensors = load_file(adapter)
    key = next(key for key in tensors if key.startswith("unet.") and "to_q.lora_A" in key)
    tensors[key] = torch.zeros(4, 99)
    save_file(tensors, tmp_path / "odd.safetensors")
    with pytest.raises(AdapterError, match=r"1 of its \d+ layers do not fit tiny: unet\..*to_q"):
        report_adapter(tmp_path / "odd.safetensors", backbone)


def test_absurd_weights_are_shown_as_such(adapter: Path, tmp_path: Path) -> None:
    from workbench.adapters import import_adapter

    loud = {key: value * 100 if "lora_B" in key else value for key, value in load_file(adapter).items()}
    save_file(loud, tmp_path / "loud.safetensors")
    entry = import_adapter(tmp_path / "loud.safetensors", "loud")
    assert any("absurdly large" in note for note in entry.notes)
    assert "absurdly large" in report_adapter(entry.path).warnings[0]
    silent = {key: torch.zeros_like(value) for key, value in loud.items()}
    save_file(silent, tmp_path / "silent.safetensors")
    assert "changes nothing" in report_adapter(tmp_path / "silent.safetensors").warnings[0]
