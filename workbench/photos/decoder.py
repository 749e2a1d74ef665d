"""Decodes pictures in one process of its own, which is kept for the next one.

A picture that takes all memory, never ends, or crashes its decoder costs that process and nothing else.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from PIL import Image

from workbench.config import ROOT
from workbench.errors import PhotoError
from workbench.photos.decode import KEPT_SIDE

# 80 million pixels of the most wasteful kind (16-bit grey) take 1.3 GB.
MEMORY = 3 * 2**30
COMPUTING, WAITING = 60, 180.0  # s for one picture: of its processor, and of the clock on a busy machine
_SMALLER = "Save a smaller copy as JPEG and bring that"
_SCRIPT = Path(__file__).with_name("decoder_process.py")


def decode_apart(data: bytes, name: str) -> tuple[Image.Image, tuple[int, int]]:
    """Like `workbench.photos.decode.decode_picture`, in the decoder's process; pictures take turns.

    Raises:
        PhotoError: the picture is refused, takes too much memory or time, or breaks its decoder.
    """
    with _decoder.turn:
        return _decoder.decode(data, name)


class _Decoder:
    """The process, started at the first picture and again after it has died."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def decode(self, data: bytes, name: str) -> tuple[Image.Image, tuple[int, int]]:
        process = self._started(name)
        end = time.monotonic() + WAITING
        called = name.encode()
        try:
            self._say(process, struct.pack("<IQ", len(called), len(data)) + called, end)
            self._say(process, data, end)
            words_length, length = struct.unpack("<IQ", self._hear(process, 12, end))
            if words_length > 100_000 or length > KEPT_SIDE * KEPT_SIDE * 3:
                raise EOFError
            said = json.loads(self._hear(process, words_length, end))
            pixels = self._hear(process, length, end)
            if "refused" in said:
                raise PhotoError(*map(str, said["refused"]))
            width, height = said["pixels"]
            return Image.frombytes("RGB", (width, height), pixels), (int(said["size"][0]), int(said["size"][1]))
        except PhotoError:
            raise
        except TimeoutError as error:
            self.stop()
            raise PhotoError(name, "opening it takes too long", _SMALLER) from error
        except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
            code = self.stop()
            slow = code == -signal.SIGXCPU
            reason = "opening it takes too long" if slow else "its decoder broke on it: the file is damaged or hostile"
            raise PhotoError(name, reason, _SMALLER) from error
        except BaseException:
            self.stop()  # interrupted in the middle of an answer: the rest of it would be taken for the next one's
            raise

    def stop(self) -> int | None:
        """Ends the process; how it had ended before, if it had."""
        process, self.process = self.process, None
        if process is None:
            return None
        with suppress(subprocess.TimeoutExpired):  # it has not ended by itself, so it is killed
            process.wait(0.5)
        code = process.poll()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        return code

    def _started(self, name: str) -> subprocess.Popen[bytes]:
        if self.process is not None and self.process.poll() is None:
            return self.process
        # No variable of ours: what decodes strangers' files needs no passphrase and no token.
        environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-s", str(_SCRIPT), str(MEMORY), str(COMPUTING)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd="/",
                start_new_session=True, bufsize=0,
            )  # fmt: skip
        except OSError as error:
            raise PhotoError(name, f"no process can be started to open it ({error.strerror})", "Try again") from error
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            with suppress(OSError, AttributeError):  # fewer turns of both processes; Linux only
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 2**20)
        return self.process

    @staticmethod
    def _say(process: subprocess.Popen[bytes], data: bytes, end: float) -> None:
        rest, pipe = memoryview(data), process.stdin
        assert pipe is not None
        while rest:
            if not select.select([], [pipe], [], max(0.0, end - time.monotonic()))[1]:
                raise TimeoutError
            with suppress(BlockingIOError):
                rest = rest[os.write(pipe.fileno(), rest) :]

    @staticmethod
    def _hear(process: subprocess.Popen[bytes], count: int, end: float) -> bytes:
        heard, pipe = bytearray(), process.stdout
        assert pipe is not None
        while len(heard) < count:
            if not select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(pipe.fileno(), min(count - len(heard), 2**20))
            if not part:
                raise EOFError
            heard += part
        return bytes(heard)


_decoder = _Decoder()
# A forked child must not talk into its parent's pipes.
os.register_at_fork(after_in_child=_decoder.__init__)  # type: ignore[misc]
atexit.register(_decoder.stop)
