"""A frozen base in pieces: every process keeps one, and borrows the others' layer by layer (FSDP, arXiv 2304.11277).

`accelerate launch --use_fsdp` asks for it, for transformers that are too large to train on one GPU. Only the base is
cut (torch's `fully_shard`). The adapter, a thousandth of it, is whole in every process: its gradients are averaged as
between processes that share nothing, so optimizer, checkpoints and file are those of any other run.

Whoever runs the base borrows pieces of all the others, so they have to run it too. In a step all do. While one process
draws or validates, the others run the base as often on a picture of no interest (`Pieces.led`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from workbench.backbones import Backbone, pick
from workbench.dataset.encode import EncodedSet
from workbench.errors import ConfigError
from workbench.training.kinds import PLAIN

DONE, AGAIN = 0, 1


class Pieces:
    """The pieces of a run's base; in a run that did not ask for them every method does what is usual."""

    def __init__(
        self,
        accelerator: Any,
        asked: bool,
        kind: str = "lora",
        text_encoder: bool = False,
        quantise: str = "none",
        compiled: bool = False,
    ) -> None:
        """
        Args:
            accelerator: of the run.
            asked: the launch asked for pieces.
            kind: of the adapter, see `kinds`.
            text_encoder: text encoders learn too.
            quantise: see `memory.save_memory`.
            compiled: the denoiser's blocks are compiled.

        Raises:
            ConfigError: if a setting does not go with pieces.
        """
        self._accelerator = accelerator
        # Alone there is nobody to share with.
        self._active = asked and accelerator.num_processes > 1
        self._stand_in: Any = None
        self._denoiser: nn.Module | None = None
        whole = "Launch with --multi_gpu to have the base whole in each process, or set "
        if self._active and kind not in PLAIN:
            raise ConfigError(
                "lora.kind",
                f"{kind} reads the base's own weights, and FSDP leaves no process with all of them",
                f"{whole}lora.kind=lora",
            )
        if self._active and quantise != "none":
            raise ConfigError(
                "memory.quantise",
                "FSDP cannot cut weights that bitsandbytes has quantised",
                f"{whole}memory.quantise=none",
            )
        if self._active and text_encoder:
            raise ConfigError(
                "lora.text_encoder", "FSDP is there for the transformer alone", f"{whole}lora.text_encoder=false"
            )
        if self._active and compiled:
            raise ConfigError(
                "train.compile", "FSDP fetches a block's weights as it runs", f"{whole}train.compile=false"
            )

    def cut(self, backbone: Backbone, data: EncodedSet) -> None:
        """Cuts a base, before the adapter is attached: at once, or in phases when it gets its weights.

        Args:
            backbone: is changed in place.
            data: the encoded data set; one example of it is the picture of no interest.

        Raises:
            ConfigError: if the base has no transformer.
        """
        if not self._active:
            return
        if backbone.denoiser_name != "transformer":
            raise ConfigError(
                "accelerate", f"FSDP is there for transformers, and {backbone.id} has a UNet", "Launch with --multi_gpu"
            )
        from torch.distributed.device_mesh import init_device_mesh

        # peft knows by this name that the layers it adapts still compute whole.
        mesh = init_device_mesh(backbone.device.type, (self._accelerator.num_processes,), mesh_dim_names=("fsdp",))
        if backbone.phases is None:
            cut_network(backbone.denoiser, mesh)
        else:
            # Layer by layer on their way to the GPU, which never holds the whole denoiser.
            backbone.phases.prepare_denoiser(lambda network: cut_network(network, mesh))
        self._denoiser = backbone.denoiser
        self._stand_in = _one_example(backbone, data)

    def prepare(self, objective: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Any, Any]:
        """What `Accelerator.prepare` does, which would cut the adapter too."""
        if not self._active:
            prepared: tuple[Any, Any] = self._accelerator.prepare(objective, optimizer)
            return prepared
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                torch.distributed.broadcast(parameter.data, 0)  # the same start, whatever the processes' machines
        # What is called evaluation there is precision alone, without wrapping.
        model = self._accelerator.prepare_model(objective, device_placement=False, evaluation_mode=True)
        return model, self._accelerator.prepare_optimizer(optimizer)

    def average(self, parameters: Sequence[nn.Parameter]) -> None:
        """Averages the gradients over the processes."""
        if not self._active:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        joined = torch.cat([gradient.flatten() for gradient in gradients])  # one message, not hundreds
        torch.distributed.all_reduce(joined)
        joined /= self._accelerator.num_processes
        parts = joined.split([gradient.numel() for gradient in gradients])
        torch._foreach_copy_(
            gradients, [part.view_as(gradient) for part, gradient in zip(parts, gradients, strict=True)]
        )

    def agreed(self, wish: bool) -> bool:
        """The wish of the process that writes, in all of them: what it draws, the others have to draw with it."""
        return bool(self._told(int(wish))) if self._active else wish

    @contextmanager
    def led(self) -> Iterator[None]:
        """Inside the block the process that writes may run the base; for the others the block ends when it has."""
        if not self._active:
            yield
        elif not self._accelerator.is_main_process:
            yield
            self.follow()
        else:
            assert self._denoiser is not None, "led before the base was cut"
            hook = self._denoiser.register_forward_pre_hook(lambda *_: self._told(AGAIN) and None, prepend=True)
            try:
                yield
            finally:
                hook.remove()
            # After an error it is not told: the others are in the middle of something, and the launch ends them.
            self._told(DONE)

    @torch.no_grad()
    def follow(self) -> None:
        """Runs the base as often as the process that writes does, until that one is done."""
        while self._active and self._told(DONE) == AGAIN:
            self._stand_in()

    def _told(self, number: int) -> int:
        """The number of the process that writes, in all of them."""
        told = torch.tensor(number, device=self._accelerator.device)
        torch.distributed.broadcast(told, 0)
        return int(told.item())


def cut_network(network: Any, mesh: Any) -> None:
    """Cuts a network's weights into one piece for each process of a mesh, block by block.

    Args:
        network: a diffusers transformer; is changed in place, and its pieces are then on the mesh's device.
        mesh: of one dimension.
    """
    from torch.distributed.fsdp import fully_shard

    # They warn of blocks that return views; nobody changes those in place here.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    names = set(getattr(network, "_no_split_modules", None) or ())
    blocks = [module for module in network.modules() if type(module).__name__ in names]
    for module in [*reversed(blocks), network]:
        fully_shard(module, mesh=mesh, reshard_after_forward=True)


def _one_example(backbone: Backbone, data: EncodedSet) -> Any:
    """A function that runs the base once, on the smallest picture there is."""
    grid = data.grids[-1]
    first = torch.zeros(1, dtype=torch.long, device=data.device)
    assert data.text is not None, "the text encoders do not learn"
    text = pick(data.text, first)
    if grid.cut is not None:
        text["cut"] = grid.cut[:1]
    return lambda: backbone.predict(grid.mean[:1], first, text)
