"""The documents hold: every command in them is a real one, every file and picture they name is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.cli import build_parser
from workbench.config import ROOT, load_settings
from workbench.errors import ConfigError

READMES = ("README.md", "README.zh.md")
DOCUMENTS = (*READMES, "CONTRIBUTING.md", "CONTRIBUTING.zh.md")
# Commands of other people's programs that a reader types as they are.
FOREIGN = ("git", "cd", "source", "pip", "export", "sudo", "python3")
PLACEHOLDERS = re.compile(r"\b(DIR|NAME|FILE)\b")


def commands(text: str) -> Iterator[str]:
    """The command lines of all code blocks marked bash, continued lines joined, comments left out."""
    for block in re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip() and not line.strip().startswith("#"):
                yield line.strip()


def wrong(command: str) -> str:
    """Why a command would not run, empty if it would."""
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    program = Path(words[0]).name if words else ""
    if program == "make":
        return wrong_target(words[1:])
    if program == "workbench":
        return wrong_workbench(words[1:])
    if program in ("accelerate", "streamlit", "python"):
        return wrong_script(words[1:])
    return "" if program in FOREIGN else f"{program} is no command of this project"


def wrong_target(words: list[str]) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z]+) \?=", makefile, re.MULTILINE))
    for word in words:
        name, equals, value = word.partition("=")
        if (name not in variables) if equals else (word not in targets):
            return f"make has no {name}"
        if equals and name == "CONSTRAINTS" and not (ROOT / value).is_file():
            return f"{value} is not there"
    return ""


def wrong_workbench(words: list[str]) -> str:
    try:
        args = build_parser().parse_args(words)
    except SystemExit:
        return f"workbench does not take {' '.join(words)}"
    return wrong_settings(getattr(args, "settings", []), getattr(args, "config", None))


def wrong_script(words: list[str]) -> str:
    """Of `accelerate launch SCRIPT …`, `streamlit run SCRIPT …` and `python SCRIPT …`."""
    scripts = [index for index, word in enumerate(words) if word.endswith(".py")]
    if not scripts:
        return "it names no script"
    files = [word for word in words if re.fullmatch(r"[\w/.-]+\.(py|yaml)", word)]
    missing = [file for file in files if not (ROOT / file).is_file()]
    if missing:
        return f"{missing[0]} is not there"
    rest = words[scripts[0] + 1 :]
    if words[scripts[0]] != "recipes/train_lora.py":
        return ""
    config = Path(rest[rest.index("--config") + 1]) if "--config" in rest else None
    return wrong_settings([word for word in rest if "=" in word], config)


def wrong_settings(words: list[str], config: Path | None) -> str:
    if config is not None and not (ROOT / config).is_file():
        return f"{config} is not there"
    try:
        load_settings(ROOT / config if config else None, words)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_is_real(name: str) -> None:
    found = list(commands((ROOT / name).read_text(encoding="utf-8")))
    assert found, f"{name} shows no command"
    assert [f"{command}: {reason}" for command in found if (reason := wrong(PLACEHOLDERS.sub("x", command)))] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r"(?:src|href)=\"([^\"#]+)\"", text)
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_the_first_screen_shows_a_picture_and_the_two_commands(name: str) -> None:
    top = "\n".join((ROOT / name).read_text(encoding="utf-8").splitlines()[:45])
    assert re.search(r"!\[[^\]]*\]\(|<img ", top), "no picture"
    assert "make demo" in top and "make ui" in top


@pytest.mark.parametrize(
    "command",
    [
        "make fly",
        "make venv CONSTRAINTS=nowhere.txt",
        "workbench fly",
        "workbench check",
        "workbench train rnk=3",
        ".venv/bin/workbench create --colour red",
        "accelerate launch recipes/nowhere.py",
        "accelerate launch recipes/train_lora.py --config recipes/configs/nowhere.yaml",
        "accelerate launch recipes/train_lora.py steps=many",
        "streamlit run ui/nowhere.py",
        "frobnicate",
    ],
)
def test_a_command_that_would_not_run_is_found(command: str) -> None:
    assert wrong(command)


@pytest.mark.parametrize(
    "command",
    [
        "make demo",
        'make test ARGS="-k photos"',
        "make venv CONSTRAINTS=constraints-cuda.txt",
        "workbench check x   # says what is wrong",
        "WORKBENCH_HOME=/tmp/x .venv/bin/workbench train photos=x name=x steps=300 --background",
        "workbench create --adapter sample:0.8 --expression laughing",
        "accelerate launch --config_file accelerate_config.yaml recipes/train_lora.py "
        "--config recipes/configs/identity.yaml photos=x name=x lora.rank=8",
        "git clone https://example.org/x.git",
    ],
)
def test_a_command_that_would_run_passes(command: str) -> None:
    assert wrong(command) == ""
