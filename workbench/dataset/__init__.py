"""From photos and captions to tensors: the folder on disk, the pictures the base adds, the encoding done once.

Only `folder` and `prompts` can be imported without torch.
"""

from __future__ import annotations

from workbench.dataset.folder import KINDS, Example, build_dataset, load_examples

__all__ = ["KINDS", "Example", "build_dataset", "load_examples"]
