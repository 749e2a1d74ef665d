"""Prompts in the words that people use, read in the words that the base has learnt."""

from __future__ import annotations

import pytest

from workbench.backbones.catalogue import catalogue, reads_world_words
from workbench.captions import read_as
from workbench.captions.read_as import _table, world_words
from workbench.world.character import CHARACTER_WORDS, SCENE_WORDS, sample_character, sample_scene
from workbench.world.words import describe


def test_the_world_s_own_captions_are_never_changed() -> None:
    for seed in range(600):
        caption = describe(sample_character(seed), sample_scene(seed), ("chibi", "photo")[seed % 2], seed)
        read = read_as(caption)
        assert read.text == caption and not read.changed and read.notes() == []


def test_every_word_of_the_world_is_known() -> None:
    said = {word for words in (CHARACTER_WORDS | SCENE_WORDS).values() for each in words for word in each.split()}
    assert said - {"none", "standing"} <= world_words()


def test_synonyms_mean_words_of_the_world() -> None:
    strange = {
        said: means
        for said, means in _table().phrases.items()
        if not {word for word in means.lstrip("+").split() if word != ","} <= world_words()
    }
    assert strange == {}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("chibi of a redhead with specs", "chibi of a person with ginger hair with glasses"),
        (
            "A chibi of a grinning woman, wearing a navy jumper.",
            "A chibi of a smiling person, wearing a blue sweater",
        ),
        ("blond curls, seaside", "curly blonde hair, beach"),
        ("chibi of a bearded man, grey hoody", "chibi of a person, full beard, gray hoodie"),
        ("long red hair and round spectacles", "long straight ginger hair, round glasses"),
        ("a red dress on a yellow backdrop", "a red dress, a yellow background"),
        ("two plaits, baseball cap", "braids, cap"),
    ],
)
def test_english_synonyms(said: str, meant: str) -> None:
    read = read_as(said)
    assert read.text == meant and read.changed
    assert read_as(meant).text == meant, "what was read once stays"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("萌版头像，短发，圆眼镜", "chibi of a person, short hair, round glasses"),
        (
            "一个红发女孩的Q版头像，穿着蓝色连帽衫，在海边微笑",
            "chibi of a person, ginger hair, wearing a blue hoodie, in the beach, smiling",
        ),
        (
            "戴眼镜的老爷爷，白发，大胡子，灰色毛衣，公园背景",
            "an old person, wearing glasses, white hair, full beard, gray sweater, park background",
        ),
        ("黑色短发圆眼镜，T恤", "short black hair, round glasses, t-shirt"),
        ("双马尾，猫耳，和服，生气，紫色背景", "pigtails hair, cat ears, kimono, angry, purple background"),
        ("小孩，大笑，黄色背景", "a child, laughing, yellow background"),
    ],
)
def test_chinese(said: str, meant: str) -> None:
    read = read_as(said)
    assert read.text == meant and read.left_out == ()
    assert read.notes() == [f"Read as: {meant}"]
    assert not read_as(read.text).changed


def test_unknown_words_are_left_out_and_told() -> None:
    read = read_as("chibi of a person holding a balloon, smiling, 恐龙")
    assert read.text == "chibi of a person, smiling"
    assert read.left_out == ("holding", "balloon", "恐龙")
    assert read.notes()[1] == "Left out, since the base does not know it: holding, balloon, 恐龙"


def test_nothing_known_still_draws_somebody() -> None:
    assert read_as("dragon castle").text == "chibi of a person"
    assert read_as("ボブ").left_out == ("ボブ",)
    assert read_as("smiling 🎈").text == "smiling" and read_as("smiling 🎈").left_out == ("🎈",)


def test_what_is_denied_is_not_drawn() -> None:
    assert read_as("chibi of a person, no hat, smiling").text == "chibi of a person, smiling"
    read = read_as("不戴眼镜，短发")
    assert read.text == "short hair" and read.left_out == ("不戴眼镜",)


def test_the_words_of_adapters_stay() -> None:
    keep = ("zkq woman",)
    assert not read_as("chibi of zkq woman, smiling", keep).changed
    assert (
        read_as("chibi of Zkq woman, grinning, with another woman", keep).text == "chibi of Zkq woman, smiling, woman"
    )
    assert read_as("zkq的萌版，挥手", keep).text == "chibi of zkq woman, waving"
    assert read_as("一个女孩的萌版", keep).text == "chibi of a person"
    assert read_as("chibi of zkq person").left_out == ("zkq",)


def test_marks_of_other_programs_do_not_matter() -> None:
    prompt = "chibi of a person, (smiling:1.2)!"
    assert read_as(prompt).text == prompt
    assert read_as("chibi of a person;\nsmiling").text == "chibi of a person;\nsmiling"
    assert read_as("").text == "" and not read_as("").changed


def test_only_the_built_in_base_reads_world_words() -> None:
    assert [name for name in catalogue() if reads_world_words(name)] == ["chibi-mini"]
    assert not reads_world_words("some/hub-id")
