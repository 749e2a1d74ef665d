"""What a single-file checkpoint holds, told from the names and shapes of its weights; nothing is loaded.

Community bases are shared as one `.safetensors` file with the names that their family's first code gave.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.backbones.families import known_families
from workbench.errors import BackboneError

PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")
LONGEST_HEADER = 100 * 1024 * 1024
UNET, FLOW = "model.diffusion_model.", ("model.diffusion_model.", "")

# Kinds of weights that are no whole base of ours, by a piece of a name, most telling first.
_OTHERS = {
    "lora_": "an adapter, not a base", "hada_w": "an adapter, not a base", "lokr_": "an adapter, not a base",
    "control_model.": "a ControlNet", "controlnet_": "a ControlNet", "control_layers": "a ControlNet",
    "motion_modules": "a motion module", "string_to_param": "a learned word", "emb_params": "a learned word",
    "conditioner.embedders.0.model.text_projection": "an SDXL refiner",
    "cond_stage_model.model.": "a Stable Diffusion 2 base",
    "single_stream_modulation.lin": "a FLUX.2 base", "early_stream_modulations": "a FLUX.3 base",
    "distilled_guidance_layer": "a Chroma base", "txt_in.individual_token_refiner": "a Hunyuan base",
    "double_stream_blocks": "a HiDream base", "double_layers.0.attn.w2q": "an AuraFlow base",
    "cross_attn.q_linear": "a Sana or PixArt base", "head.modulation": "a Wan base", "edm_mean": "a Playground base",
}  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """What a single file holds.

    Attributes:
        family: its family's name.
        vae, text: whether the autoencoder and the text encoders are inside.
        prediction: `v_prediction` when the file says so, else empty: the family's usual.
        zero_snr: it was trained to start from pure noise (arXiv 2305.08891).
        shapes: name -> shape of every weight.
    """

    family: str
    vae: bool
    text: bool
    prediction: str
    zero_snr: bool
    shapes: Mapping[str, tuple[int, ...]]


def read_shapes(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """The header of a safetensors file: shapes by name, and the words it says of itself.

    Raises:
        BackboneError: it is no safetensors file, or cut off.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= LONGEST_HEADER:
                # Only now: a header's true length may begin with the same byte as a pickle.
                if start[:2] == b"PK" or start[:1] == b"\x80":
                    raise BackboneError(path.name, "it is a pickle under another name, which could run code", CONVERT)
                raise BackboneError(path.name, "it is no safetensors file", "Fetch it again, or choose another one")
            header = json.loads(file.read(length))
        table = {
            name: (tuple(each["shape"]), each["data_offsets"][1]) for name, each in header.items() if name[:2] != "__"
        }
        end = 8 + length + max((stop for _, stop in table.values()), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackboneError(path.name, "its header cannot be read", "Fetch the file again: it is damaged") from error
    if path.stat().st_size < end:
        raise BackboneError(path.name, "it is cut off", "Fetch the file again: it did not arrive whole")
    return {name: shape for name, (shape, _) in table.items()}, dict(header.get("__metadata__") or {})


CONVERT = (
    'Convert it once, on a machine with nothing to lose: python -c "import sys, torch, safetensors.torch as s; '
    "d = torch.load(sys.argv[1], map_location='cpu', weights_only=True); d = d.get('state_dict', d); "
    "s.save_file({k: v.contiguous().clone() for k, v in d.items() if hasattr(v, 'contiguous')}, sys.argv[2])\" "
    "OLD.ckpt NEW.safetensors"
)


def refuse_pickle(name: str) -> None:
    """Raises BackboneError for the name of a file that can run code, with the line that converts it."""
    if name.lower().endswith(PICKLES):
        raise BackboneError(name, "files of this kind can run code when they are opened", CONVERT)


def detect(path: Path) -> Checkpoint:
    """Tells what a single file holds.

    Raises:
        BackboneError: it is no safetensors file, of a kind that is no base, or of a family that cannot be opened.
    """
    refuse_pickle(path.name)
    if path.suffix.lower() != ".safetensors":
        raise BackboneError(path.name, "it is no .safetensors file", "Give a .safetensors file or a diffusers folder")
    shapes, metadata = read_shapes(path)
    family = _family(path.name, shapes)
    vae = any(name.startswith(("first_stage_model.decoder.", "vae.decoder.", "vae.first_stage")) for name in shapes)
    text = any(name.startswith(("cond_stage_model.", "conditioner.embedders.", "text_encoders.")) for name in shapes)
    said = metadata.get("modelspec.prediction_type", metadata.get("prediction_type", "")).lower()
    velocity = "v_pred" in shapes or said in ("v", "v_prediction", "v-prediction")
    return Checkpoint(
        family=family,
        vae=vae,
        text=text,
        prediction="v_prediction" if velocity else "",
        zero_snr="ztsnr" in shapes or metadata.get("ztsnr", "").lower() in ("true", "1"),
        shapes=shapes,
    )


def _family(name: str, shapes: Mapping[str, tuple[int, ...]]) -> str:
    def there(piece: str, prefixes: tuple[str, ...] = FLOW) -> bool:
        return any(prefix + piece in shapes for prefix in prefixes)

    for piece, words in _OTHERS.items():
        if any(piece in key for key in shapes):
            raise _refusal(name, f"it is {words}")
    first = shapes.get(f"{UNET}input_blocks.0.0.weight")
    if first is not None:
        if first[1] not in (4, 16):
            raise _refusal(name, f"it is an inpainting or editing base (its first layer takes {first[1]} channels)")
        if f"{UNET}label_emb.0.0.weight" in shapes or "conditioner.embedders.1.model.ln_final.weight" in shapes:
            return "sdxl"
        return "sd1"
    if there("double_blocks.0.img_attn.norm.key_norm.scale"):
        return "flux"
    if there("joint_blocks.0.context_block.adaLN_modulation.1.bias"):
        return "sd3"
    if there("transformer_blocks.0.img_mod.1.weight") and there("transformer_blocks.0.txt_mod.1.weight"):
        return "qwen-image"
    if there("layers.0.adaLN_modulation.0.weight") and there("cap_embedder.0.weight"):
        return "z-image"
    if any(key.startswith(("first_stage_model.", "encoder.", "decoder.")) for key in shapes):
        raise _refusal(name, "it is an autoencoder alone")
    raise _refusal(name, "its family is not known (none of the weights that tell a family is in it)")


def _refusal(name: str, reason: str) -> BackboneError:
    return BackboneError(name, reason, f"Choose a whole base of one of these families: {known_families()}")
