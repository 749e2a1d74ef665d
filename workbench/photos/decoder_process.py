"""The process that decodes: run by `decoder.py` as a script, with nothing of the workbench in it but `decode.py`.

After its imports it gives away what it does not need: files, other processes, and memory and time without end. A
decoder that a hostile picture has taken over finds no photo, no key and nowhere to write.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import resource
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

# Linux, x86-64 and arm64 alike.
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT, _NO_NEW_PRIVILEGES = 444, 446, 38
_ALL_OF_VERSION_1 = (1 << 13) - 1  # the thirteen rights over files that Landlock began with


def main(memory: int, seconds: int) -> None:
    """Answers one picture after another until its parent is gone.

    Args:
        memory: bytes of addresses beside what the imports take.
        seconds: of computing for one picture.
    """
    decode = _sibling("decode")
    decode.register_formats()
    decode.decode_picture(_small_png(), "warm")  # what decoders load late must be there before files are given away
    _give_away(memory)
    # Nothing that a decoder prints may get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked = sys.stdin.buffer
    while (head := asked.read(12)) and len(head) == 12:
        name_length, length = struct.unpack("<IQ", head)
        name = asked.read(name_length).decode("utf-8", "replace")
        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
        _answer(answers, decode, asked.read(length), name)


def _answer(answers: BinaryIO, decode: Any, data: bytes, name: str) -> None:
    try:
        image, size = decode.decode_picture(data, name)
        said, pixels = {"pixels": image.size, "size": size}, image.tobytes()
    except decode.PhotoError as error:
        said, pixels = {"refused": [error.thing, error.reason, error.way_out]}, b""
    words = json.dumps(said).encode()
    answers.write(struct.pack("<IQ", len(words), len(pixels)) + words)
    answers.write(pixels)
    answers.flush()


def _give_away(memory: int) -> None:
    in_use = 0
    with suppress(OSError):
        in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)]
    if in_use:  # elsewhere than on Linux the system does not count addresses
        limits.append((resource.RLIMIT_AS, in_use + memory))
    for which, limit in limits:
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (limit, limit))
    with suppress(OSError, AttributeError):
        _no_files()


def _no_files() -> None:
    """Landlock without a rule: no file and no folder can be opened, made or removed from here on."""
    system = ctypes.CDLL(None, use_errno=True)
    rights = (ctypes.c_uint64 * 1)(_ALL_OF_VERSION_1)
    rules = system.syscall(_LANDLOCK_CREATE, ctypes.byref(rights), ctypes.sizeof(rights), 0)
    if rules < 0:
        return  # a kernel without it
    system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    system.syscall(_LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


def _small_png() -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


def _sibling(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
