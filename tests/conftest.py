"""Every test has a home and a shelf of its own: none can see or touch what a person has made."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# Before any test module imports torch.
from workbench.device import prepare_environment

prepare_environment()

import pytest  # noqa: E402

from workbench.config import ROOT  # noqa: E402

# A shell that starts the tests in the background makes them, and every process they start, deaf to Ctrl-C; the tests
# of Ctrl-C would then wait for nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Points WORKBENCH_HOME and WORKBENCH_LORAS to fresh folders, and W&B, hub and page to nowhere.

    Returns:
        The folder that holds both.
    """
    folder = tmp_path_factory.mktemp("places")
    monkeypatch.setenv("WORKBENCH_HOME", str(folder / "workspace"))
    monkeypatch.setenv("WORKBENCH_LORAS", str(folder / "loras"))
    # Plain, so that tests can look into files; those of the vault (tests/privacy) work on encrypted ones. Keys never go
    # to the keyring or the configuration folder of whoever runs the tests.
    monkeypatch.setenv("WORKBENCH_VAULT", "plain")
    monkeypatch.setenv("WORKBENCH_KEYS", str(folder / "keys"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def in_ci() -> bool:
    """Whether a test that lacks a tool must fail instead of being skipped."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")
