"""A picture from a hosted service, OpenAI Images, as a comparison: what words alone give, without an adapter.

This leaves the computer. Words are sent, and nothing else: there is no argument that a photo, a picture or an adapter
could be put into. It is off whenever the computer is set to stay offline, without a key, and without the official
client (the extra `hosted`). The key is read from `OPENAI_API_KEY`, is never kept, shown or written. Whoever calls
`draw_hosted` has asked the person before, each time: nothing is sent twice, not even after an error.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from workbench.errors import GenerationError
from workbench.generation.record import RECORD_FORMAT, Picture
from workbench.generation.request import LONGEST_PROMPT

KEY, ADDRESS = "OPENAI_API_KEY", "OPENAI_BASE_URL"
OPENAI = "https://api.openai.com/v1"
# Any of these says that this computer stays offline.
OFFLINE = ("WORKBENCH_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
MODELS = ("gpt-image-2.5-flare", "gpt-image-2.5-sunburst")
SIZE = "1024x1024"
SECONDS = 180.0
LARGEST_REPLY = 64 * 2**20
LARGEST_SIDE = 4096
_PLATFORM = ("X-Stainless-OS", "X-Stainless-Arch", "X-Stainless-Runtime", "X-Stainless-Runtime-Version")


@dataclass(frozen=True)
class Hosted:
    """Whether the hosted service can be asked, and where the words would go.

    Args:
        host: the name of the computer that would get them.
        off: why it cannot be asked; empty when it can.
        way_out: what to do about that.
    """

    host: str
    off: str = ""
    way_out: str = ""


def hosted_service() -> Hosted:
    """Looks at this computer only; nothing is sent."""
    parts = urlsplit(os.environ.get(ADDRESS) or OPENAI)
    host = parts.hostname or ""
    for name in OFFLINE:
        if os.environ.get(name, "").strip().lower() in ("1", "true", "yes", "on"):
            return Hosted(host, f"this computer is set to stay offline ({name})", f"Unset {name}")
    if not host or (parts.scheme != "https" and host not in ("127.0.0.1", "::1", "localhost")):
        return Hosted(host, f"{ADDRESS} is no https address", f"Correct or unset {ADDRESS}")
    if find_spec("openai") is None:
        return Hosted(host, "the official client is not installed", "Run `pip install 'chibi-workbench[hosted]'`")
    if not os.environ.get(KEY):
        return Hosted(host, f"there is no key in {KEY}", f"Set {KEY} in the terminal and start the page again")
    return Hosted(host)


def draw_hosted(words: str, model: str = MODELS[0]) -> Picture:
    """Sends words to the hosted service and gets one picture. Ask the person first.

    Args:
        words: all that is sent about the picture.
        model: the service's name of its model.

    Returns:
        The picture; its record says where it was made. It cannot be made again: the service has no seeds.

    Raises:
        GenerationError: it is off (see `hosted_service`), the words are empty or too long, the service refuses or does
            not answer, or what came back is no picture.
    """
    service = hosted_service()
    if service.off:
        raise GenerationError("The hosted service", service.off, service.way_out)
    words = words.strip()
    if not 0 < len(words) <= LONGEST_PROMPT:
        raise GenerationError("The words", "they are empty or too long", f"Write up to {LONGEST_PROMPT} letters")
    made = _open(_ask(words, model, service.host))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    note = f"Made by {model} at {service.host} from these words alone; it cannot be made again"
    return Picture(
        made,
        {
            "format": RECORD_FORMAT, "prompt": words, "negative": "", "seed": 0, "steps": 0, "guidance": 0.0,
            "guidance_rescale": 0.0, "size": 0, "adapters": [], "base": f"{service.host}: {model}"[:200],
            "created": created, "versions": {}, "notes": [note],
        },
    )  # fmt: skip


def _ask(words: str, model: str, host: str) -> str:
    """Sends the words once; the picture as base64."""
    import openai
    from openai import Omit, OpenAI

    def refused(reason: str, way_out: str) -> GenerationError:
        return GenerationError(f"The hosted service at {host}", reason, way_out)

    # What the client would tell of this computer is left out; a retry would send without asking.
    headers: dict[str, Any] = {name: Omit() for name in _PLATFORM}
    try:
        with OpenAI(max_retries=0, timeout=SECONDS, default_headers=headers) as client:
            reply = client.images.generate(model=model, prompt=words, n=1, size=SIZE, extra_headers=headers)
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise refused("it does not accept the key", f"Check {KEY}, and whether your account may use {model}") from error
    except openai.RateLimitError as error:
        raise refused("it says that the limit or the credit is used up", "Wait, or look at your account") from error
    except (openai.BadRequestError, openai.NotFoundError, openai.UnprocessableEntityError) as error:
        raise refused(f"it refuses: {_said(error)}", "Change the words or the model") from error
    except openai.APITimeoutError as error:
        raise refused(f"it did not answer within {SECONDS:.0f} s", "Try again later") from error
    except openai.APIConnectionError as error:
        raise refused("it cannot be reached", "Check the connection") from error
    except openai.OpenAIError as error:
        raise refused(f"something went wrong there ({type(error).__name__})", "Try again later") from error
    content = reply.data[0].b64_json if reply.data else None
    if not content or len(content) > LARGEST_REPLY:
        # An address instead of a picture would have to be fetched from yet another computer: that was not asked.
        raise refused("its answer holds no picture", "Try another model")
    return content


def _said(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return " ".join(str(body.get("message") or type(error).__name__).split())[:300].rstrip(".")


def _open(content: str) -> Image.Image:
    try:
        with Image.open(io.BytesIO(base64.b64decode(content, validate=True)), formats=["PNG", "JPEG", "WEBP"]) as image:
            if max(image.size) > LARGEST_SIDE:
                raise ValueError(image.size)
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, binascii.Error, Image.DecompressionBombError) as error:
        raise GenerationError("The hosted service", "what it sent is no picture", "Try again later") from error
