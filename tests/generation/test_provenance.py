"""Every picture says in its file that a model made it, in the words of IPTC, and tells nothing of the person there."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from PIL import Image

from workbench.gallery import Gallery
from workbench.generation import Picture, picture_png, read_record
from workbench.generation.provenance import MADE_BY_MODEL, digital_source, put_into_gif, xmp_packet

RECORD: dict[str, Any] = {
    "prompt": "chibi of zkq person, secret", "negative": "", "seed": 1, "steps": 2, "guidance": 4.0, "size": 16,
    "adapters": [{"name": "mia", "strength": 1.0, "sha256": ""}], "created": "2026-01-02T03:04:05+00:00",
}  # fmt: skip


def test_the_packet_is_xmp_with_iptcs_property() -> None:
    packet = xmp_packet().decode()
    body = packet[packet.index("<x:xmpmeta") : packet.index("<?xpacket end")]
    (description,) = ElementTree.fromstring(body).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    name = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    assert description.attrib[name] == MADE_BY_MODEL
    assert MADE_BY_MODEL == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def test_pictures_of_the_gallery_carry_it_beside_their_record(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    name = gallery.add(Picture(Image.new("RGB", (16, 16), "teal"), RECORD))
    path = gallery.get(name).path
    assert digital_source(path) == MADE_BY_MODEL and read_record(path)["prompt"] == RECORD["prompt"]
    with Image.open(path) as image:
        assert b"secret" not in image.info["xmp"] and MADE_BY_MODEL.encode() in image.info["xmp"]
    content = picture_png(Picture(Image.new("RGB", (16, 16), "teal"), RECORD))
    assert content.count(b"XML:com.adobe.xmp") == 1


def test_gif_stays_a_gif() -> None:
    plain = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    frames[0].save(plain, "GIF", save_all=True, append_images=frames[1:], duration=50)
    marked = put_into_gif(plain.getvalue())
    with Image.open(io.BytesIO(marked)) as image, Image.open(io.BytesIO(plain.getvalue())) as before:
        assert image.n_frames == before.n_frames == 3  # type: ignore[attr-defined]
        assert image.convert("RGB").tobytes() == before.convert("RGB").tobytes()
    assert digital_source(marked) == MADE_BY_MODEL and digital_source(plain.getvalue()) == ""
