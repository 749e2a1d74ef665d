"""Which device and number format a computation uses, how many threads, and where its randomness comes from.

torch is imported inside the functions only: `prepare_environment` must have run before torch is loaded, and the
command line's help must not wait for it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

if TYPE_CHECKING:
    import torch

Use = Literal["training", "generation"]


# About 20 µs: longer than most gaps between two parallel loops of a small network, and little to lose.
SPINS = 10_000
# Seconds of looking whether the machine does something else.
LOOK = 0.1
# Numbers of two knobs in glibc's malloc.h; and the most that mallopt(3) takes for them, in bytes: of freed memory that
# stays, and of a piece that is kept.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT, LARGEST_KEPT = 2**31 - 1, 32 * 2**20
# Weights of a network whose loops are shorter than the sleep of a thread; chibi-mini has 15 million, SD 1.5 860.
SMALL = 100_000_000


def prepare_environment(brief: bool = False) -> None:
    """Sets what must be in the environment before torch is imported. Call it first in every program.

    - `OMP_WAIT_POLICY=PASSIVE`: by default OpenMP's threads spin while they wait; beside another busy process that
      makes two threads up to 50 times slower than one. On a machine that does nothing else, a short wait
      (`GOMP_SPINCOUNT`) makes a training step on two cores twice as fast, and its result is the same.
    - `OMP_NUM_THREADS`: our thread count. `accelerate launch` sets it to 1, which would leave all other cores idle.
    - A brief program keeps the memory that it frees for its next step (`keep_freed_memory`).
    - No usage statistics are sent by the page or the hub client, and W&B stays offline unless asked otherwise.

    Args:
        brief: the program computes for some minutes and ends, so the machine is likely to stay as quiet as it is now.
    """
    if brief:
        keep_freed_memory()
        if _machine_is_quiet():
            os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
    os.environ["OMP_NUM_THREADS"] = str(thread_count())
    for name, value in {
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
        "WANDB_MODE": "offline",
    }.items():
        os.environ.setdefault(name, value)


def _machine_is_quiet() -> bool:
    """Whether less than half of the cores have work at this moment.

    Not the load of the last minute: that holds what the same person did before, and it would be his own second run that
    is slow.
    """
    return psutil.cpu_percent(LOOK) < 50


def keep_freed_memory(limits: tuple[int, int] = (KEPT, LARGEST_KEPT)) -> None:
    """Has the C library keep what is freed, rather than hand it back to the system and ask for it anew.

    A training step of chibi-mini frees and takes the same 80 MB again: 20,000 page faults, each of which the system
    answers with a cleared page. Without them its numbers are the same and it is a fifth quicker (docs/benchmarks.md). A
    program that stays open gives its memory back instead. Only glibc has the knob (mallopt(3)); elsewhere nothing
    changes.

    Args:
        limits: bytes of freed memory that stay, and the largest piece that is kept.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):
            tell = ctypes.CDLL(None).mallopt
            for knob, limit in zip((M_TRIM_THRESHOLD, M_MMAP_THRESHOLD), limits, strict=True):
                tell(knob, limit)


def thread_count() -> int:
    """Threads for the CPU's work: `$WORKBENCH_THREADS`, else `$OMP_NUM_THREADS`, else the cores this process may use.

    Cores beyond an affinity mask or a container's quota are not counted: more threads than that only wait for each
    other. An `OMP_NUM_THREADS` of 1 that comes from `accelerate launch` is not a person's wish and does not count
    either. Processes that share a machine under one launch divide the cores.
    """
    for name in ("WORKBENCH_THREADS", "OMP_NUM_THREADS"):
        wish = os.environ.get(name, "")
        from_launcher = name == "OMP_NUM_THREADS" and wish == "1" and "ACCELERATE_MIXED_PRECISION" in os.environ
        if wish.isdecimal() and int(wish) > 0 and not from_launcher:
            return int(wish)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no container, or one without a limit, which is the word `max`
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, max(1, round(int(quota) / int(period))))
    neighbours = os.environ.get("LOCAL_WORLD_SIZE", "1")
    return max(1, cores // int(neighbours)) if neighbours.isdecimal() and int(neighbours) else cores


def set_threads(count: int | None = None) -> int:
    """Gives torch its thread count, also when it was imported before `prepare_environment` ran.

    Args:
        count: number of threads; None for `thread_count()`.

    Returns:
        The number that was set.
    """
    import torch

    count = count or thread_count()
    torch.set_num_threads(count)
    return count


def drawing_threads(weights: int) -> int:
    """With how many threads a CPU draws quickest.

    In a program that stays, threads sleep while they wait for each other (see `prepare_environment`). Waking up takes
    longer than a small network's loops: on two cores chibi-mini draws four avatars in 8.8 s with two such threads and
    in 6.0 s with one; beside four others who draw, in 23 s and 18 s.

    Args:
        weights: of the denoiser.
    """
    asleep = os.environ.get("OMP_WAIT_POLICY") == "PASSIVE" and "GOMP_SPINCOUNT" not in os.environ
    if asleep and weights < SMALL and "WORKBENCH_THREADS" not in os.environ:
        return 1
    return thread_count()


def pick_device(wanted: str | torch.device | None = None) -> torch.device:
    """The best device there is: an NVIDIA GPU, else Apple's GPU, else the CPU.

    Args:
        wanted: a device to use instead, for example "cpu" or "cuda:1".
    """
    import torch

    if wanted is not None:
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def pick_dtype(device: torch.device, use: Use = "generation") -> torch.dtype:
    """The number format that is fast and safe on a device.

    CPUs keep weights in float32: half precision is emulated on most of them (see `quick_half`). Apple's GPU generates
    in float16. NVIDIA GPUs use bfloat16 where they have it (no overflow, so no black pictures), else float16 for
    generation only.
    """
    import torch

    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16
        return torch.float16 if use == "generation" else torch.float32
    if device.type == "mps" and use == "generation":
        return torch.float16
    return torch.float32


@cache
def cpu_computes_half() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in units of its own (Intel's AMX); most emulate them slowly.

    Measured with torch 2.13 on two cores that have them, a training step of chibi-mini with 8 pictures takes 0.27 s of
    CPU time in bfloat16 and 0.52 s in float32.
    """
    with suppress(OSError):  # not Linux: nothing is known of its units, and float32 is right everywhere
        return "amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return False


def halves_quickly(device: torch.device) -> bool:
    """Whether `quick_half` changes anything on a device."""
    return device.type == "cpu" and cpu_computes_half()


def quick_half(device: torch.device) -> Any:
    """A context in which a CPU that has the units for it computes in bfloat16; elsewhere it changes nothing."""
    import torch

    return torch.autocast("cpu", torch.bfloat16) if halves_quickly(device) else nullcontext()


def generator(seed: int, step: int = 0) -> torch.Generator:
    """Randomness that depends on nothing but a run's seed and the step, so that a resumed run repeats it exactly.

    It lives on the CPU: the same numbers then come on every device.

    Args:
        seed: the run's or the picture's seed, 0 or more.
        step: the optimizer step, 0 or more.
    """
    import torch

    return torch.Generator().manual_seed(_mix(seed, step))


def _mix(seed: int, step: int) -> int:
    """One 63-bit number from two, by splitmix64's finalizer: near neighbours give unrelated streams."""
    mask = (1 << 64) - 1
    value = (seed * 0x9E3779B97F4A7C15 + step + 1) & mask
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = ((value ^ (value >> shift)) * factor) & mask
    return (value ^ (value >> 31)) >> 1
