"""One part of a base in memory at a time: text encoders, then autoencoder, then denoiser.

A base that was opened in phases has all its networks, but their weights are read when they are asked for and given
back when others are. What was changed here and cannot be read again (a denoiser with an adapter, or in 4 bits) waits
in the computer's memory instead; without a GPU it stays where it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from workbench.backbones.protocol import Backbone

ROLES = ("text", "vae", "denoiser")
PIECE = "DTensor"  # torch's class of a weight that several processes share
# Of a pipeline's arguments, those that its text encoders know nothing of.
_NOT_WORDS = ("generator", "num_inference_steps", "height", "width")


class Phases:
    """Which networks of a base have their weights, and where the others get them from."""

    def __init__(
        self, networks: Mapping[str, Mapping[str, nn.Module]], load: Callable[[str], nn.Module], device: torch.device
    ) -> None:
        """
        Args:
            networks: for each of `ROLES`, its networks by what the pipeline calls them; without weights (see `empty`).
            load: reads a network anew, on the CPU.
            device: where networks work.
        """
        self._networks, self._load, self._device = networks, load, device
        self._there: set[str] = set()
        self._prepare: list[Callable[[nn.Module], object]] = []
        self._said: dict[str, list[Any]] = {}

    def hold(self, *roles: str) -> None:
        """Gives these roles their weights; all others give theirs back first."""
        for role in ROLES:
            if role not in roles and role in self._there:
                for network in self._networks[role].values():
                    put_aside(network) if _is_own(network) else empty(network)
                self._there.discard(role)
        for role in roles:
            if role not in self._there:
                for name, network in self._networks[role].items():
                    self._fetch(role, name, network)
                self._there.add(role)

    def prepare_denoiser(self, prepare: Callable[[nn.Module], object]) -> None:
        """Does something to the denoiser when it has its weights and before they are on the device."""
        self._prepare.append(prepare)
        if "denoiser" in self._there:
            self._get_ready()

    def said(self, backbone: Backbone, call: Mapping[str, Any]) -> list[Any]:
        """What the text encoders make of a call of the pipeline, by the pipeline's own code; remembered.

        The pipeline is called and stopped when it is done with words, before it looks at the denoiser.
        """
        key = json.dumps({name: value for name, value in call.items() if name not in _NOT_WORDS}, sort_keys=True)
        if key not in self._said:
            self.hold("text")
            self._said[key] = _listen(backbone.pipeline, call)
        return self._said[key]

    def _fetch(self, role: str, name: str, network: nn.Module) -> None:
        if _is_own(network):
            bring_back(network, self._device)
            return
        fill(network, self._load(name))
        if role == "denoiser":
            self._get_ready()
        network.to(self._device)
        if "unet" in self._networks["denoiser"]:
            lay_out(network, name, self._device)

    def _get_ready(self) -> None:
        while self._prepare:
            prepare = self._prepare.pop(0)
            for network in self._networks["denoiser"].values():
                prepare(network)


def lay_out(network: nn.Module, name: str, device: torch.device) -> None:
    """Gives the convolutions of a UNet's pipeline the memory layout in which they are quick.

    On a CPU an autoencoder decodes in half of the time so (bf16, chibi-mini), and a UNet of small grids gains nothing.

    Args:
        network: with its weights.
        name: what the pipeline calls it.
        device: where it works.
    """
    if name == "vae" or (name == "unet" and device.type == "cuda"):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def draw_latents(backbone: Backbone, **call: Any) -> Any:
    """The pipeline's own latents for a call, as `output_type="latent"` gives them; in phases where the base is so."""
    pipeline, phases = backbone.pipeline, backbone.phases
    if phases is None:
        return pipeline(**call, output_type="latent").images
    said = phases.said(backbone, call)
    phases.hold("denoiser")
    answers = iter(said)
    with _replaced(pipeline, encode_prompt=lambda *_, **__: next(answers)):
        return pipeline(**call, output_type="latent").images


class _Heard(Exception):
    """The pipeline is done with words."""


def _listen(pipeline: Any, call: Mapping[str, Any]) -> list[Any]:
    heard: list[Any] = []
    encode = pipeline.encode_prompt

    def note(*args: Any, **options: Any) -> Any:
        heard.append(encode(*args, **options))
        return heard[-1]

    def stop(*_: Any, **__: Any) -> Any:
        raise _Heard

    with _replaced(pipeline, encode_prompt=note, prepare_latents=stop):
        try:
            pipeline(**call)
        except _Heard:
            return heard
    raise RuntimeError(f"{type(pipeline).__name__} drew without preparing latents")


@contextmanager
def _replaced(pipeline: Any, **methods: Callable[..., Any]) -> Iterator[None]:
    """Other methods for one pipeline inside the block."""
    vars(pipeline).update(methods)
    try:
        yield
    finally:
        for name in methods:
            del vars(pipeline)[name]


def empty(network: nn.Module) -> None:
    """Takes a network's weights away: tensors without elements take their place, of their type and on their device."""
    for module in network.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                module._parameters[name] = nn.Parameter(_nothing(weight), requires_grad=False)
        for name, table in module._buffers.items():
            if table is not None and name not in module._non_persistent_buffers_set:
                module._buffers[name] = _nothing(table)


def _nothing(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(0, dtype=tensor.dtype, device="cpu" if tensor.is_meta else tensor.device)


def fill(network: nn.Module, fresh: nn.Module) -> None:
    """Gives a network the weights of another of its kind, without a copy; weights that are shared stay shared."""
    taken: dict[int, nn.Parameter] = {}
    theirs = dict(fresh.named_modules())
    for place, module in network.named_modules():
        other = theirs[place]
        for name, weight in other._parameters.items():
            if weight is not None:
                module._parameters[name] = taken.setdefault(id(weight), nn.Parameter(weight.data, requires_grad=False))
        module._buffers.update(other._buffers)


def put_aside(network: nn.Module) -> None:
    """Moves what does not learn to the computer's memory.

    What learns stays, for optimizer and average hold on to it. Layers in 8 bits stay too, and pieces of a network that
    several processes share: bitsandbytes and torch keep their weights in more than one place.
    """
    for weight in _frozen(network):
        weight.data = weight.data.to("cpu")


def bring_back(network: nn.Module, device: torch.device) -> None:
    """Undoes `put_aside`."""
    for weight in _frozen(network):
        weight.data = weight.data.to(device)


def _frozen(network: nn.Module) -> Iterator[nn.Parameter]:
    for weight in network.parameters():
        if not weight.requires_grad and type(weight).__name__ not in ("Int8Params", PIECE):
            yield weight


def _is_own(network: nn.Module) -> bool:
    """Whether a network is no longer what its file holds: it carries an adapter, was quantised, or is in pieces."""
    if getattr(network, "peft_config", None):
        return True
    return any(type(weight).__name__ in ("Params4bit", "Int8Params", PIECE) for weight in network.parameters())


def in_pieces(network: nn.Module) -> bool:
    """Whether several processes share a network's weights; then all of them have to run it together."""
    return any(type(weight).__name__ == PIECE for weight in network.parameters())
