"""Ties a run's living parts to its checkpoints: saves them, and puts them back as they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.backbones import Backbone
from workbench.dataset.encode import EncodedSet
from workbench.training.checkpoint import Checkpoint, check_facts, last_checkpoint, save_checkpoint
from workbench.training.ema import Average
from workbench.training.lora import Attachment, chosen_targets
from workbench.training.optimizer import group_state, load_optimizer_state, optimizer_state
from workbench.training.run import RunFolder
from workbench.training.techniques import text_rank_of

# Settings that change nothing of what is learnt.
HARMLESS = ("name", "photos", "follow.")


def facts_of(values: Mapping[str, Any], backbone: Backbone, data: EncodedSet, word: str) -> dict[str, Any]:
    """What must be the same for a run to be continued, by its setting's name.

    Args:
        values: the run's settings by dotted name.
        backbone: its base.
        data: its data set.
        word: the trigger word, where it is learned; else empty.
    """
    return {
        "base": backbone.fingerprint,
        "photos": data.photos_digest,
        "data.resolution": values["data.resolution"],
        "lora.rank": values["lora.rank"],
        "lora.alpha": values["lora.alpha"],
        "lora.targets": sorted(chosen_targets(backbone, values["lora.targets"])),
        "lora.text_encoder": text_rank_of(values["train.techniques"], values["lora.text_encoder"]),
        "lora.kind": values["lora.kind"],
        "trigger": word,
    }


class Continuation:
    """Saves a run's state and continues it."""

    def __init__(
        self,
        run: RunFolder,
        adapter: Attachment,
        optimizer: Any,
        scaler: Any,
        facts: Mapping[str, Any],
        settings: Mapping[str, Any],
        average: Average | None = None,
    ) -> None:
        """
        Args:
            run: whose checkpoints.
            adapter, optimizer: what learns, and how.
            scaler: fp16's loss scaler, or None.
            facts: what must be the same to continue, by its setting's name.
            settings: those that differ from the defaults, by name, to tell which others were changed.
            average: a running average that is kept too.
        """
        self._run, self._adapter, self._optimizer, self._scaler = run, adapter, optimizer, scaler
        self._facts, self._settings = dict(facts), dict(settings)
        self._average = average or Average({}, 0.0)
        self.step = 0

    def restore(self, writes: bool = True) -> str:
        """Goes back to the last checkpoint, if there is one; `step` is then the number of steps done.

        Args:
            writes: this process may correct the run's metrics.

        Returns:
            What to tell the person; empty when the run starts from nothing.

        Raises:
            ResumeError: if something was changed that must be the same.
        """
        checkpoint = last_checkpoint(self._run.checkpoints)
        if checkpoint is None:
            return ""
        check_facts(checkpoint, self._facts, self._run.name)
        self._adapter.load_state(self._average.load(checkpoint.adapter))
        kind = "train.optimizer"
        before = checkpoint.extra.get("settings", {})
        # What one optimizer remembers means nothing to another.
        if before.get(kind) == self._settings.get(kind):
            load_optimizer_state(self._optimizer, checkpoint.optimizer, checkpoint.extra.get("groups", ()))
        if self._scaler is not None and checkpoint.extra.get("scaler"):
            self._scaler.load_state_dict(checkpoint.extra["scaler"])
        self.step = checkpoint.step
        if writes:
            self._run.forget_metrics_after(self.step)
        changed = sorted(
            key
            for key in before.keys() | self._settings.keys()
            if before.get(key) != self._settings.get(key) and not key.startswith(HARMLESS)
        )
        note = f"; changed from here on: {', '.join(changed)}" if changed else ""
        return f"continues after step {self.step}{note}"

    def save(self, step: int) -> None:
        """Writes a checkpoint, unless the one of this step is there already.

        Args:
            step: steps done.

        Raises:
            StorageError: if it cannot be written; earlier ones stay.
        """
        if step == self.step:
            return
        extra = {
            "settings": self._settings,
            "scaler": self._scaler.state_dict() if self._scaler is not None else None,
            "groups": group_state(self._optimizer),
        }
        learned = self._adapter.state() | self._average.state()
        state = optimizer_state(self._optimizer)
        save_checkpoint(self._run.checkpoints, Checkpoint(step, learned, state, self._facts, extra))
        self.step = step
