"""Attaches a fresh adapter to a base: low-rank matrices beside chosen layers (arXiv 2106.09685), through peft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, get_peft_model_state_dict
from torch import nn

from workbench.backbones import Backbone
from workbench.errors import TrainingError
from workbench.training.kinds import LINEAR_ONLY, make_config, plain_lora, start_of
from workbench.training.word import LEARNED, TABLE, learn_word, word_tokens

TEXT_TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
NAME = "default"


@dataclass(frozen=True)
class Attachment:
    """An adapter that is attached to a base and can learn.

    Args:
        backbone: what it is attached to.
        configs: peft's configuration of each part, by what the pipeline calls it: `unet` or `transformer`, and
            `text_encoder`, `text_encoder_2` when they learn too.
        kind: of the denoiser's part, see `kinds`.
        start: what that kind has to remember of its first weights.
    """

    backbone: Backbone
    configs: dict[str, PeftConfig]
    kind: str = "lora"
    start: dict[str, torch.Tensor] = field(default_factory=dict)

    def part(self, part: str) -> nn.Module:
        """The network of a part."""
        return self.backbone.denoiser if part == self.backbone.denoiser_name else self.backbone.text_encoders[part]

    def parameters(self, part: str) -> list[nn.Parameter]:
        """What learns in a part."""
        return [parameter for parameter in self.part(part).parameters() if parameter.requires_grad]

    def state(self) -> dict[str, torch.Tensor]:
        """Everything that learns, by its full name, on the device and not copied."""
        return {name: parameter.data for name, parameter in self._named()}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Takes over what `state` gave.

        Raises:
            TrainingError: if the names or shapes differ.
        """
        own = dict(self._named())
        if own.keys() != state.keys() or any(own[name].shape != state[name].shape for name in own):
            raise TrainingError(
                "The checkpoint", "it holds another adapter than the settings describe", "Start with resume=never"
            )
        for name, parameter in own.items():
            parameter.data.copy_(state[name])

    def groups(
        self, rate: float, text_rate: float = 0.0, word_rate: float = 0.0, ratio: float = 1.0
    ) -> list[tuple[list[nn.Parameter], float]]:
        """What learns, grouped by its learning rate.

        Args:
            rate: of the denoiser's part.
            text_rate: of the text encoders' parts.
            word_rate: of the trigger word's rows in the token table.
            ratio: LoRA+ (arXiv 2402.12354): the second matrix, which starts at zero, learns so many times faster.

        Returns:
            (parameters, learning rate) pairs; each parameter is in one of them.
        """
        groups = []
        for part in self.configs:
            own = rate if part == self.backbone.denoiser_name else text_rate
            rest: list[nn.Parameter] = []
            faster: list[nn.Parameter] = []
            word: list[nn.Parameter] = []
            for name, parameter in self.part(part).named_parameters():
                if parameter.requires_grad:
                    up = ratio != 1 and ".lora_B." in name
                    (word if LEARNED in name else faster if up else rest).append(parameter)
            groups += [(rest, own), (faster, ratio * own), (word, word_rate)]
        return [group for group in groups if group[0]]

    def saved_state(self, part: str) -> dict[str, torch.Tensor]:
        """A part's weights under the names that peft and diffusers save."""
        if part not in self.configs:
            return {}
        # The token table itself is the base's: only what was learned of the trigger word is saved.
        return dict(get_peft_model_state_dict(self.part(part), adapter_name=NAME, save_embedding_layers=False))

    def saved(self) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, Any], str]:
        """All parts as a LoRA file holds them, whatever kind was trained.

        Returns:
            States and configurations by part, and what to tell the person of the conversion, if there was one.
        """
        states = {part: self.saved_state(part) for part in self.configs}
        configs: dict[str, Any] = dict(self.configs)
        name = self.backbone.denoiser_name
        states[name], configs[name], told = plain_lora(
            self.kind, self.part(name), states[name], self.configs[name], self.start
        )
        return states, configs, told

    def _named(self) -> Iterator[tuple[str, nn.Parameter]]:
        for part in self.configs:
            for name, parameter in self.part(part).named_parameters():
                if parameter.requires_grad:
                    yield f"{part}.{name}", parameter


def attach_lora(
    backbone: Backbone,
    rank: int,
    alpha: float,
    targets: Sequence[str],
    dropout: float = 0.0,
    text_rank: int = 0,
    text_targets: Sequence[str] = TEXT_TARGETS,
    seed: int = 0,
    kind: str = "lora",
    word: str = "",
) -> Attachment:
    """Attaches an adapter that changes nothing yet: one of its two matrices is zero.

    Args:
        backbone: is changed in place; all its own weights stay frozen.
        rank: of the denoiser's part.
        alpha: the change is scaled by alpha / rank; the text encoder's part has the same ratio.
        targets: layers of the denoiser, by the end of their names; `auto` stands for the base's own.
        dropout: share of the adapter's inputs that is switched off at each step.
        text_rank: of each text encoder's part; 0 leaves the text encoders as they are.
        text_targets: layers of the text encoder.
        seed: of the matrix that is not zero.
        kind: of the denoiser's part, see `kinds.KINDS`; text encoders take plain LoRA.
        word: a trigger word whose rows in the token table learn too; empty for none.

    Raises:
        TrainingError: if a target is no layer of the network, or the base has no text encoder that can learn.
    """
    configs = {backbone.denoiser_name: make_config(kind, rank, alpha, chosen_targets(backbone, targets), dropout)}
    if text_rank > 0:
        if not backbone.text_encoders:
            raise TrainingError(
                "lora.text_encoder", f"{backbone.id} has no text encoder that can learn", "Set lora.text_encoder=false"
            )
        for part in backbone.text_encoders:
            configs[part] = make_config("lora", text_rank, alpha * text_rank / rank, text_targets, dropout)
    backbone.hold(*(("denoiser", "text") if text_rank > 0 or word else ("denoiser",)))
    tokens = word_tokens(backbone, word) if word else {}
    for part, ids in tokens.items():
        configs[part] = _with_table(configs.get(part), len(ids))
    attachment = Attachment(backbone, configs, kind)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for part, config in configs.items():
            network = attachment.part(part)
            _check_targets(part, network, config, linear_only=kind in LINEAR_ONLY)
            network.add_adapter(config, adapter_name=NAME)  # type: ignore[operator]
            for parameter in network.parameters():
                if parameter.requires_grad:
                    # Small updates to half-precision weights would be rounded away.
                    parameter.data = parameter.data.float()
    for part, ids in tokens.items():
        learn_word(backbone.text_encoders[part], NAME, ids)
    attachment.start.update(start_of(kind, backbone.denoiser, NAME))
    return attachment


def chosen_targets(backbone: Backbone, targets: Sequence[str]) -> list[str]:
    """The layers that targets stand for: `auto` is the base's own choice."""
    return [layer for target in targets for layer in (backbone.targets if target == "auto" else (target,))]


def _with_table(config: PeftConfig | None, tokens: int) -> LoraConfig:
    """A text encoder's configuration with the token table as one more target, of a rank and scale of its own."""
    if config is None:
        return LoraConfig(r=tokens, lora_alpha=tokens, target_modules=[TABLE])
    assert isinstance(config, LoraConfig)
    config.target_modules = [*sorted(config.target_modules or ()), TABLE]
    config.rank_pattern, config.alpha_pattern = {TABLE: tokens}, {TABLE: tokens}
    return config


def _check_targets(part: str, network: nn.Module, config: Any, linear_only: bool = False) -> None:
    layers = [name for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    wanted = sorted(target for target in config.target_modules or () if target != TABLE)
    missing = [target for target in wanted if not any(f".{name}".endswith(f".{target}") for name in layers)]
    if missing:
        known = sorted({name.rsplit(".", 1)[-1] if not name[-1].isdigit() else _tail(name) for name in layers})
        setting = "The text encoder's targets" if part.startswith("text") else "lora.targets"
        raise TrainingError(
            setting,
            f"no layer of the base ends in {', '.join(missing)}",
            f"Choose among its layers: {', '.join(known)}",
        )
    convolutions = {
        target
        for target in wanted
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and f".{name}".endswith(f".{target}")
    }
    if linear_only and convolutions:
        raise TrainingError(
            "lora.targets",
            f"this kind of adapter does not change convolutions such as {', '.join(sorted(convolutions))}",
            "Leave them out, or set lora.kind=lora",
        )


def _tail(name: str) -> str:
    """The end of a numbered layer's name that tells it from others: `ff.net.2`, `to_out.0`, `time_emb`."""
    parts = name.split(".")
    words = [index for index, part in enumerate(parts) if not part.isdigit()]
    start = words[-1] if len(words) < 2 or parts[words[-1]] != "net" else words[-2]
    return ".".join(parts[start:])
