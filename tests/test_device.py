from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.device import drawing_threads, generator, pick_device, pick_dtype, set_threads, thread_count


def environment_of(call: str = "prepare_environment()", **extra: str) -> dict[str, str]:
    """What `prepare_environment` leaves in a fresh process, and how many threads torch takes there."""
    script = (
        f"import json, os; from workbench.device import prepare_environment, set_threads; {call};"
        "import sys; assert 'torch' not in sys.modules; set_threads(); import torch;"
        "print(json.dumps(dict(os.environ) | {'threads': torch.get_num_threads()}))"
    )
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OMP_", "GOMP_", "WORKBENCH_", "ACCEL"))
    }
    done = subprocess.run([sys.executable, "-c", script], env=clean | extra, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_a_launch_uses_all_cores_without_spinning() -> None:
    # `accelerate launch` sets OMP_NUM_THREADS to 1 beside its own variables.
    seen = environment_of(OMP_NUM_THREADS="1", ACCELERATE_MIXED_PRECISION="no")
    cores = len(os.sched_getaffinity(0))
    assert int(seen["threads"]) == int(seen["OMP_NUM_THREADS"]) <= cores
    if cores > 1 and environment_of()["threads"] != 1:
        assert int(seen["threads"]) > 1
    assert seen["OMP_WAIT_POLICY"] == "PASSIVE"
    assert seen["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert seen["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] == "false"


@pytest.mark.parametrize(("load", "brief", "spins"), [(10.0, True, True), (10.0, False, False), (90.0, True, False)])
def test_threads_wait_for_a_moment_only_where_nobody_else_wants_the_cores(
    load: float, brief: bool, spins: bool
) -> None:
    seen = environment_of(f"import psutil; psutil.cpu_percent = lambda _: {load}; prepare_environment(brief={brief})")
    assert ("GOMP_SPINCOUNT" in seen) == spins and seen["OMP_WAIT_POLICY"] == "PASSIVE"


def test_a_wish_for_threads_is_heard() -> None:
    assert int(environment_of(OMP_NUM_THREADS="1")["threads"]) == 1
    assert int(environment_of(WORKBENCH_THREADS="3", OMP_NUM_THREADS="1")["threads"]) == 3


def test_processes_of_one_launch_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORKBENCH_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    alone = thread_count()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert thread_count() == max(1, alone // 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1000")
    assert thread_count() == 1


@pytest.mark.parametrize(
    ("environment", "weights", "threads"),
    [
        ({}, 15_000_000, 1),  # a small network, threads that sleep
        ({}, 860_000_000, 3),
        ({"GOMP_SPINCOUNT": "10000"}, 15_000_000, 3),  # a short wait instead
        ({"WORKBENCH_THREADS": "2"}, 15_000_000, 2),
    ],
)
def test_a_small_network_is_drawn_by_one_thread_where_threads_sleep(
    environment: dict[str, str], weights: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOMP_SPINCOUNT", "WORKBENCH_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "3"} | environment).items():
        monkeypatch.setenv(name, value)
    assert drawing_threads(weights) == threads


def test_set_threads_changes_a_torch_that_is_loaded() -> None:
    before = torch.get_num_threads()
    try:
        assert set_threads(1) == 1 == torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def test_the_cpu_computes_in_full_precision() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_dtype(torch.device("cpu")) == pick_dtype(torch.device("cpu"), "training") == torch.float32
    assert pick_dtype(torch.device("mps")) == torch.float16
    assert pick_dtype(torch.device("mps"), "training") == torch.float32


def test_the_best_device_is_picked() -> None:
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert pick_device().type == expected


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**20))
def test_randomness_depends_on_seed_and_step_alone(seed: int, step: int) -> None:
    first = torch.randn(8, generator=generator(seed, step))
    torch.manual_seed(seed + 1)
    assert torch.equal(first, torch.randn(8, generator=generator(seed, step)))
    assert not torch.equal(first, torch.randn(8, generator=generator(seed, step + 1)))
    assert not torch.equal(first, torch.randn(8, generator=generator(seed + 1, step)))


def test_neighbouring_streams_are_unrelated() -> None:
    """Correlation of 4,096 normal numbers has a standard deviation of 1/64; 6 of those would be chance once in a
    billion."""
    streams = torch.stack([torch.randn(4096, generator=generator(0, step)) for step in range(40)])
    correlations = torch.corrcoef(streams) - torch.eye(40)
    assert correlations.abs().max() < 6 / 64
