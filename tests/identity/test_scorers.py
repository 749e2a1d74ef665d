"""A vision model of the person's own as scorer: a CLIP of a few thousand random weights, in CLIP's real format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.errors import IdentityError
from workbench.identity import likeness
from workbench.identity.calibration import save_calibration
from workbench.identity.scorers import VisionScorer, measure_scorer, open_scorer
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import CLIPConfig, CLIPModel

    folder = tmp_path_factory.mktemp("models") / "tiny-clip"
    small = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = CLIPConfig(
            text_config=small | {"vocab_size": 99},
            vision_config=small | {"image_size": 32, "patch_size": 8},
            projection_dim=16,
        )
        CLIPModel(config).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: mit\ntags: [clip]\n---\n# A CLIP\n")
    return folder


def pictures(person: int) -> tuple[list[Image.Image], list[Image.Image]]:
    drawn = [
        draw(sample_character(person), sample_scene(person * 9 + i), s, 128)
        for i, s in enumerate(("chibi", "photo", "photo"))
    ]  # type: ignore[arg-type]
    return drawn[:1], drawn[1:]


def test_a_model_is_opened_by_its_folder_and_says_its_licence(clip: Path) -> None:
    scorer = open_scorer(clip)
    assert scorer.name == "tiny-clip" and scorer.licence == "mit"
    chibis, photos = pictures(1)
    seen = scorer.see(chibis + photos, ["chibi", "photo", "photo"])
    assert seen.embeddings.shape == (3, 16)
    np.testing.assert_allclose(np.linalg.norm(seen.embeddings, axis=1), 1, atol=1e-5)
    alone = scorer.see(photos[:1], ["photo"])
    np.testing.assert_allclose(alone.embeddings[0], seen.embeddings[1], atol=1e-5)


def test_without_a_calibration_it_compares_and_does_not_judge(clip: Path) -> None:
    chibis, photos = pictures(2)
    [found] = likeness(chibis, photos, {}, scorer=VisionScorer(clip))
    assert found.similarity is not None and found.probability is None
    assert found.verdict == "unknown" and "tiny-clip" in found.reason


def test_a_measured_one_judges(clip: Path, tmp_path: Path) -> None:
    calibration = measure_scorer(VisionScorer(clip), first=900, people=6, photos=2)
    assert set(calibration.curves) == {"chibi", "photo"} and calibration.made["scorer"] == "tiny-clip"
    save_calibration(calibration, tmp_path / "measured.json")
    scorer = VisionScorer(clip, tmp_path / "measured.json")
    assert scorer.calibration == calibration
    chibis, photos = pictures(3)
    [found] = likeness(chibis, photos, {}, scorer=scorer)
    assert found.verdict in ("likely", "unsure", "unlikely") and found.probability is not None


def test_models_of_other_kinds_are_refused(clip: Path, tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    BertModel(
        BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=50)
    ).save_pretrained(tmp_path / "bert")
    with pytest.raises(IdentityError, match="no model that looks at pictures"):
        open_scorer(tmp_path / "bert")
    with pytest.raises(IdentityError, match="cannot be opened"):
        open_scorer(tmp_path)
    with pytest.raises(IdentityError, match="no such folder"):
        open_scorer("no such thing")
    with pytest.raises(IdentityError, match="not on this machine"):
        open_scorer("nobody/nothing-at-all")
