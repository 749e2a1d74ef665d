"""Training: the adapter attached, the loss, what each step sees, and the run folder that tells of it all.

starting.py           from a command line to a training
run.py, stopping.py   the run folder and how a run ends (no torch)
launch.py, report.py  what comes from `accelerate launch`; seconds and versions
lora.py               the adapter on the base
pieces.py             a base that several processes share (FSDP)
batches.py            what a step learns from, by (seed, step)
objective.py          the loss of each example
optimizer.py          AdamW and the learning rate
checkpoint.py         exact continuation
follow.py, previews.py  what a person sees on the way
"""

from __future__ import annotations

from workbench.training.run import RunFolder, StopAsked
from workbench.training.stopping import Stopping, attempted

__all__ = ["RunFolder", "StopAsked", "Stopping", "attempted"]
