from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config import (
    ROOT,
    TECHNIQUES,
    Settings,
    atomic_write,
    changed_settings,
    explain,
    find_path,
    home,
    load_settings,
    safe_name,
    setting_names,
    settings_to_yaml,
    shelf,
    storage_errors,
    strengths,
    with_settings,
)
from workbench.errors import ConfigError, StorageError, SubjectError

CONFIGS = sorted((ROOT / "recipes" / "configs").glob("**/*.yaml"))


def test_defaults_are_valid_and_survive_a_round_trip(tmp_path: Path) -> None:
    settings = load_settings(None, [])
    assert settings == Settings()
    file = tmp_path / "settings.yaml"
    file.write_text(settings_to_yaml(settings), encoding="utf-8")
    assert load_settings(file, []) == settings
    assert changed_settings(settings) == {}


def test_overrides_are_stronger_than_the_file_and_take_short_names(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: 米娅\nlora: {rank: 8, alpha: 4}\ntrain:\n  learning_rate: 5e-4\ntraits: {glasses: round}\n")
    words = ["rank=32", "train.steps=7", "flips=no", "trackers=tensorboard,wandb", "traits.freckles=true", "seed=3"]
    settings = load_settings(file, words)
    assert settings.name == "米娅"
    assert (settings.lora.rank, settings.lora.alpha) == (32, 4.0)
    assert settings.train.learning_rate == 5e-4  # YAML 1.1 itself takes this for text
    assert settings.train.techniques["flips"] == 0
    assert settings.follow.trackers == ["tensorboard", "wandb"]
    assert settings.traits == {"glasses": "round", "freckles": True}
    assert changed_settings(settings)["train.steps"] == 7


def test_values_may_contain_equals_signs_and_brackets() -> None:
    assert load_settings(None, ["photos=/a=b/[c]"]).photos == "/a=b/[c]"


def test_prompts_on_the_command_line_keep_their_commas() -> None:
    follow = load_settings(None, ["preview_prompts=chibi of {trigger}, smiling; photo of {trigger}, sad"]).follow
    assert follow.preview_prompts == ["chibi of {trigger}, smiling", "photo of {trigger}, sad"]


def test_all_mistakes_come_in_one_error_with_the_nearest_known_name(tmp_path: Path) -> None:
    file = tmp_path / "b.yaml"
    file.write_text("learning_rat: 1\nlora: {rnk: 4}\ntrain: 5\nname: 12\n")
    words = ["steps=0", "rank=big", "nonsense", "schedule=cos", "warmup=nan", "trigger=two words", "targets=[]"]
    with pytest.raises(ConfigError) as caught:
        load_settings(file, words)
    text = str(caught.value)
    for part in [
        "learning_rat is not a setting; did you mean train.learning_rate?",
        "lora.rnk is not a setting; did you mean lora.rank?",
        "train is a group of settings",
        "name must be text",
        "train.steps must be at least 1, not '0'",
        "lora.rank must be a whole number, not 'big'",
        "'nonsense' is not of the form key=value",
        "train.schedule must be cosine or constant or linear",
        "train.techniques has warmup at 'nan'; it must be a number",
        "trigger must be one word",
        "lora.targets is empty",
    ]:
        assert part in text
    assert "\n" not in text
    assert str(file) in text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"lora: {rank: 8", "not valid YAML"),
        (b"- a\n- b\n", "does not contain settings"),
        (b"\xff\xfe\x00bad", "cannot be read"),
    ],
)
def test_a_file_that_is_no_settings_file_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        load_settings(file, [])
    assert str(file) in str(caught.value)


def test_a_missing_settings_file_is_named() -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(Path("nowhere.yaml"), [])


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="no effect without"):
        load_settings(None, ["class_pictures=0", "anchors=0", "prior_weight=1"])
    with pytest.raises(ConfigError, match="same word"):
        load_settings(None, ["trigger=person"])
    with pytest.raises(ConfigError, match="multiple of 8"):
        load_settings(None, ["resolution=100"])
    with pytest.raises(ConfigError, match="can be filled in"):
        load_settings(None, ["preview_prompts=a {person}"])


def test_every_setting_is_explained_and_short_names_are_unique() -> None:
    names = setting_names()
    leaves = [name.rpartition(".")[2] for name in names]
    assert len(set(leaves)) == len(leaves)
    for name in names:
        assert explain(name).endswith("."), name


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_configs_load_and_say_only_what_differs(path: Path) -> None:
    settings = load_settings(path, [])
    assert settings != Settings()
    text = path.read_text(encoding="utf-8")
    assert all(name.rpartition(".")[2] in text for name in changed_settings(settings))
    assert "#" in text, "a config gives the reasons for its values"


def test_there_are_shipped_configs() -> None:
    assert "identity.yaml" in [path.name for path in CONFIGS]


@given(st.text(max_size=60))
def test_a_safe_name_is_one_file_name_and_stays_itself(text: str) -> None:
    try:
        name = safe_name(text)
    except SubjectError:
        return
    assert Path(name).name == name and name not in (".", "..")
    assert len((name + ".kohya.safetensors").encode()) < 255
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "text", ["", "  ", "..", "../x", "a/b", "-rf", ".hidden", "a b", "x" * 41, "a\nb", "a\0", "con:"]
)
def test_names_that_are_no_file_names_are_refused(text: str) -> None:
    with pytest.raises(SubjectError):
        safe_name(text)


@pytest.mark.parametrize("text", ["mia", "Mia_2", "小雨", "हिन्दी", "Zoë-1", "Łukasz"])
def test_names_of_any_script_are_fine(text: str) -> None:
    assert safe_name(f" {text} ") == text


def test_state_lives_where_the_environment_says(own_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home() == own_places / "workspace"
    assert shelf() == own_places / "loras"
    monkeypatch.delenv("WORKBENCH_HOME")
    monkeypatch.setenv("WORKBENCH_LORAS", "")
    assert home() == ROOT / "workspace"
    assert shelf() == ROOT / "loras"


def test_paths_from_configs_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_path("recipes/configs") == ROOT / "recipes/configs"
    (tmp_path / "recipes").mkdir()
    assert find_path("recipes") == Path("recipes")
    assert find_path("nowhere/at/all") == Path("nowhere/at/all")


def test_atomic_write_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.txt"
    atomic_write(target, "första")
    atomic_write(target, b"second")
    assert target.read_bytes() == b"second"
    assert [file.name for file in target.parent.iterdir()] == ["file.txt"]
    assert stat.S_IMODE(target.stat().st_mode) & stat.S_IRUSR


def test_a_disk_that_fills_up_keeps_the_old_file_and_says_so(tmp_path: Path) -> None:
    """A process that may write only 4 KB to a file stands in for the disk that fills up half way."""
    target = tmp_path / "state.json"
    atomic_write(target, "old")
    said = in_a_process(
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))",
        f"atomic_write(Path({str(target)!r}), b'x' * 20_000)",
    )
    assert said.startswith("StorageError") and "the disk is full" in said
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_device_is_named() -> None:
    with pytest.raises(StorageError, match="/dev/full: the disk is full"), storage_errors(Path("/dev/full")):
        Path("/dev/full").write_text("x")


def test_a_place_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(StorageError, match="something else is already there") as caught:
        atomic_write(tmp_path / "home" / "x", "y")
    assert "home" in str(caught.value)


def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    # root may write everywhere, so root becomes nobody first.
    become_nobody = "import os; os.geteuid() or os.setuid(65534)"
    said = in_a_process(become_nobody, f"atomic_write(Path({str(locked / 'x')!r}), 'y')")
    assert said.startswith("StorageError") and "may not use it" in said and "locked" in said


def in_a_process(*lines: str) -> str:
    """Runs lines in a Python of their own and returns the error they end with, without the names of modules."""
    start = "from pathlib import Path; from workbench.config import atomic_write"
    script = "\n".join([start, *lines])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    return last.removeprefix("workbench.errors.")


def test_techniques_are_named_numbers(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("train:\n  techniques: {huber: 0.1, ema: 0.9}\n")
    settings = load_settings(file, ["techniques.ema=0.99", "train.techniques.mask=0.5"])
    assert settings.train.techniques == {"huber": 0.1, "ema": 0.99, "mask": 0.5}
    assert load_settings(None, ["techniques=huber=0.2,shift=3"]).train.techniques == {"huber": 0.2, "shift": 3.0}
    assert load_settings(None, ['techniques={"huber": 0.2}']).train.techniques == {"huber": 0.2}
    (tmp_path / "b.yaml").write_text(settings_to_yaml(settings))
    assert load_settings(tmp_path / "b.yaml") == settings


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("techniques.hubber=0.1", "did you mean huber?"),
        ("techniques.ema=2", "goes from 0 to 0.9999"),
        ("techniques.ema=often", "has ema at 'often'; it must be a number"),
        ("flips=0.5", "must be 0 or 1"),
        ("patience=1.5", "must be a whole number"),
        ("text_rank=0", "goes from 1 to 512"),
        ("warmpu=0.1", "did you mean techniques.warmup?"),
        ("techniques=3", "names '3', which is no technique"),
        ("parts=3", "8 pictures do not make 3 equal parts"),
    ],
)
def test_what_is_no_technique_is_named(word: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(None, [word])
    assert told in str(caught.value)


def test_every_technique_says_what_does_it() -> None:
    for name, technique in TECHNIQUES.items():
        package, module, *function = technique.where.split(".")
        source = (ROOT / "workbench" / package / f"{module}.py").read_text()
        assert not function or f" {function[-1]}" in source, technique.where
        assert technique.at_least <= technique.usual <= technique.at_most, name
        assert technique.at_most > 0 and technique.words.endswith("."), name


def test_settings_of_earlier_versions_are_techniques_now(tmp_path: Path) -> None:
    old = tmp_path / "old.yaml"
    # As an earlier version wrote it, every default named.
    old.write_text(
        "lora: {rank: 8, dropout: 0.0}\ntrain: {clip: 1.0, weight_decay: 0.01, prior_weight: 8.0}\n"
        "data: {flips: true, captions: true}\nfollow: {patience: 0}\n"
    )
    assert load_settings(old, []) == load_settings(None, ["rank=8"])
    old.write_text("lora: {dropout: 0.1}\ntrain: {clip: 0, weight_decay: 0.05, techniques: {huber: 0.1}}\n")
    settings = load_settings(old, ["dropout=0.2"])
    assert settings.train.techniques["clip"] == 0 and settings.train.techniques["weight_decay"] == 0.05
    assert settings.train.techniques["dropout"] == 0.2 and settings.train.techniques["huber"] == 0.1
    assert load_settings(old, ["dropout=0", "clip=1"]).train.techniques == {"weight_decay": 0.05, "huber": 0.1}
    assert strengths({})["clip"] == 1.0 and strengths({"clip": 0})["clip"] == 0
    with pytest.raises(ConfigError, match="weight_decay at 11"):
        load_settings(None, ["train.weight_decay=11"])


def test_phases_and_a_text_encoder_that_learns_do_not_go_together() -> None:
    with pytest.raises(ConfigError, match=r"memory\.phased gives the text encoders' memory back"):
        load_settings(None, ["memory.phased=true"])
    assert load_settings(None, ["memory.phased=true", "text_encoder=false"]).memory.phased
    with pytest.raises(ConfigError, match="leave out mask or buckets"):
        load_settings(None, ["techniques=mask=0.8,buckets=2"])


def test_settings_can_be_changed_by_dotted_name() -> None:
    changed = with_settings(Settings(), {"memory.parts": 2, "lora.rank": 4})
    assert (changed.memory.parts, changed.lora.rank, changed.train) == (2, 4, Settings().train)
    assert changed_settings(changed) == {"memory.parts": 2, "lora.rank": 4}


def test_a_written_settings_file_without_class_pictures_is_read_again(tmp_path: Path) -> None:
    chosen = load_settings(None, ["data.class_pictures=0"])
    written = tmp_path / "request.yaml"
    written.write_text(settings_to_yaml(chosen), encoding="utf-8")
    assert load_settings(written, []) == chosen
