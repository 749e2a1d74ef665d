"""The kinds of jobs that the queue can run.

training      a run: `accelerate launch recipes/train_lora.py`; the request is its settings
generation    pictures: `workbench create`; the request is its words
"""

from __future__ import annotations

from workbench.jobs.kind import Kind
from workbench.jobs.pictures import Pictures
from workbench.jobs.training import Training

KINDS: dict[str, Kind] = {"training": Training(), "generation": Pictures()}
