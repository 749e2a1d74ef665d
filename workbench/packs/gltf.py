"""A picture as a glTF 2.0 card: one upright rectangle, one metre high, that looks the same in any light.

The file is a GLB (glTF 2.0 specification, section 4): a header, a JSON chunk and a binary chunk with the corners and
the picture. The material says KHR_materials_unlit; a program that does not know it draws the same card, lit.
"""

from __future__ import annotations

import io
import json
import struct
from typing import Any

from PIL import Image

from workbench.errors import PackError
from workbench.generation.provenance import MADE_BY_MODEL

_MAGIC, _VERSION, _JSON, _BIN = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
_FLOAT, _SHORT, _VERTICES, _INDICES = 5126, 5123, 34962, 34963


def write_card(png: bytes, name: str = "card") -> bytes:
    """A GLB with a picture on it.

    Args:
        png: the picture, transparent where nothing is.
        name: of the node.
    """
    import workbench

    with Image.open(io.BytesIO(png)) as image:
        half = image.width / image.height / 2
    # Counter-clockwise from below left; the picture's first row is v = 0. The card stands on the ground.
    corners = [(-half, 0.0, 0.0), (half, 0.0, 0.0), (half, 1.0, 0.0), (-half, 1.0, 0.0)]
    positions = b"".join(struct.pack("<3f", *corner) for corner in corners)
    normals = struct.pack("<3f", 0, 0, 1) * 4
    uvs = struct.pack("<8f", 0, 1, 1, 1, 1, 0, 0, 0)
    indices = struct.pack("<6H", 0, 1, 2, 0, 2, 3)
    views, binary = _views([positions, normals, uvs, indices, png])
    single = [struct.unpack("<f", struct.pack("<f", each))[0] for each in (-half, half)]
    table = {
        "asset": {
            "version": "2.0",
            "generator": f"chibi-workbench {workbench.__version__}",
            "extras": {"DigitalSourceType": MADE_BY_MODEL},
        },
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": name}],
        "meshes": [
            {
                "name": name,
                "primitives": [
                    {"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0}
                ],
            }
        ],
        "materials": [
            {
                "name": name,
                "alphaMode": "BLEND",
                "doubleSided": True,
                "pbrMetallicRoughness": {
                    "baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 1.0,
                },
                "extensions": {"KHR_materials_unlit": {}},
            }
        ],
        "textures": [{"sampler": 0, "source": 0}],
        # Linear with mipmaps; clamped, so that no line of the other side shows at an edge.
        "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
        "images": [{"bufferView": 4, "mimeType": "image/png", "name": name}],
        "accessors": [
            {"bufferView": 0, "componentType": _FLOAT, "count": 4, "type": "VEC3",
             "min": [single[0], 0.0, 0.0], "max": [single[1], 1.0, 0.0]},
            {"bufferView": 1, "componentType": _FLOAT, "count": 4, "type": "VEC3"},
            {"bufferView": 2, "componentType": _FLOAT, "count": 4, "type": "VEC2"},
            {"bufferView": 3, "componentType": _SHORT, "count": 6, "type": "SCALAR"},
        ],
        "bufferViews": [
            view | ({"target": _VERTICES} if index < 3 else {"target": _INDICES} if index == 3 else {})
            for index, view in enumerate(views)
        ],
        "buffers": [{"byteLength": len(binary)}],
    }  # fmt: skip
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<2I", len(text), _JSON) + text + struct.pack("<2I", len(binary), _BIN) + binary
    return struct.pack("<3I", _MAGIC, _VERSION, 12 + len(chunks)) + chunks


def read_card(content: bytes) -> tuple[dict[str, Any], Image.Image]:
    """Reads a card back and checks that it is whole.

    Returns:
        The JSON part, and the picture.

    Raises:
        PackError: it is no GLB, its parts do not fit together, or it is no unlit card.
    """
    try:
        magic, version, length = struct.unpack_from("<3I", content)
        size, kind = struct.unpack_from("<2I", content, 12)
        table = json.loads(content[20 : 20 + size])
        rest, binary_kind = struct.unpack_from("<2I", content, 20 + size)
        binary = content[28 + size : 28 + size + rest]
        whole = (magic, version, length, kind, binary_kind) == (_MAGIC, _VERSION, len(content), _JSON, _BIN)
        if not whole or len(binary) != rest or size % 4 or rest % 4 or table["buffers"][0]["byteLength"] > rest:
            raise ValueError("the header does not fit")
        for view in table["bufferViews"]:
            if view["byteOffset"] + view["byteLength"] > rest or view["byteOffset"] % 4:
                raise ValueError("a part lies outside")
        if "KHR_materials_unlit" not in table["materials"][0]["extensions"] or table["asset"]["version"] != "2.0":
            raise ValueError("it is lit")
        view = table["bufferViews"][table["images"][0]["bufferView"]]
        picture = Image.open(io.BytesIO(binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]))
        picture.load()
    except (struct.error, ValueError, KeyError, IndexError, TypeError, OSError, SyntaxError, RecursionError) as error:
        raise PackError("The card", f"it is no whole GLB ({error})", "Make it again") from error
    return table, picture


def _views(parts: list[bytes]) -> tuple[list[dict[str, int]], bytes]:
    """Parts one after the other, each beginning at a multiple of four."""
    views, binary = [], b""
    for part in parts:
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(part)})
        binary += part + b"\0" * (-len(part) % 4)
    return views, binary
