"""The verifier: a small net that puts photos and chibis of one person near each other.

Its trunk is the trait reader's (`workbench/captions/reader.py`) and starts from the reader's weights: what tells traits
tells people apart. On top of it each way of drawing has a head of its own, since the same hair looks different there.
Trained by `recipes/train_likeness.py` on drawings of the world; the weights lie beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.captions.reader import ANSWERS, TRAIT_NAMES, new_reader
from workbench.errors import IdentityError

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).with_name("likeness.safetensors")
WIDTH = 64  # numbers in an embedding
FEATURES = 960  # what the reader's trunk says of a picture: 192 channels over the whole and over its four quarters
TEXTURE = 256  # mean and deviation of the 32 channels of the first layer and of the 96 after the second block
Domain = Literal["chibi", "photo"]
DOMAINS: tuple[Domain, Domain] = ("chibi", "photo")
MAKE = "Make them with `python recipes/train_likeness.py`, or install the workbench again"


def new_verifier() -> torch.nn.Module:
    """The net, untrained.

    It takes pictures `(b, 3, 128, 128)` in [-1, 1] (`workbench.captions.reader.to_input`) and their domains `(b,)` as
    indices into `DOMAINS`, and returns `(embeddings, strangeness)`: `(b, 64)` of length 1, whose dot product is the
    similarity; and `(b,)`, how strange the picture's texture is for its domain: the Mahalanobis distance of early
    channels (Lee et al., arXiv 1807.03888, §2.1) over the root of their number: about 1 for what the net knows.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    class Verifier(nn.Module):
        trunk: Any
        centre: torch.Tensor
        whiten: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.trunk = new_reader()
            self.trunk.head = nn.Identity()
            self.heads = nn.ModuleList(nn.Linear(FEATURES, WIDTH) for _ in DOMAINS)
            # Similarities are multiplied by this before the softmax in training (arXiv 2103.00020, §2.3).
            self.log_scale = nn.Parameter(torch.tensor(2.3))
            # Mean of the texture of each domain's drawings, and what whitens it; measured after training.
            self.register_buffer("centre", torch.zeros(len(DOMAINS), TEXTURE))
            self.register_buffer("whiten", torch.eye(TEXTURE).repeat(len(DOMAINS), 1, 1))

        def look(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            """Features `(b, 960)` and texture `(b, 256)`."""
            first = functional.relu(self.trunk.stem(pictures))
            second = self.trunk.blocks[:2](first)
            last = self.trunk.blocks[2:](second)
            features = [functional.adaptive_avg_pool2d(last, side).flatten(1) for side in (1, 2)]
            texture = [f(each.float(), (2, 3)) for each in (first, second) for f in (torch.mean, torch.std)]
            return torch.cat(features, 1), torch.cat(texture, 1)

        def forward(self, pictures: torch.Tensor, domains: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features, texture = self.look(pictures)
            both = torch.stack([head(features) for head in self.heads], 1)
            chosen = both[torch.arange(len(domains)), domains]
            away = torch.einsum("bi,bij->bj", texture - self.centre[domains], self.whiten[domains])
            return functional.normalize(chosen.float(), dim=1), away.detach().square().mean(1).sqrt()

    return Verifier()


def start_from_reader(net: torch.nn.Module, weights: Path) -> None:
    """Gives the trunk the trait reader's weights, and lets both heads begin as its answers about the person.

    Args:
        net: from `new_verifier`.
        weights: `reader.safetensors`.
    """
    import torch
    from safetensors.torch import load_file

    reader = new_reader()
    reader.load_state_dict({name: value.float() for name, value in load_file(weights).items()}, strict=True)
    rows, start = list[int](), 0
    for name, words in ANSWERS.items():
        rows += range(start, start + len(words)) if name in TRAIT_NAMES else []
        start += len(words)
    rows = rows[:WIDTH]
    with torch.no_grad():
        own, known = net.trunk.state_dict(), reader.state_dict()  # type: ignore[union-attr]
        net.trunk.load_state_dict({name: known[name] for name in own})  # type: ignore[union-attr]
        for head in net.heads:  # type: ignore[union-attr]
            torch.nn.init.normal_(head.weight, std=0.01)
            head.weight[: len(rows)] = known["head.weight"][rows]
            head.bias.zero_()
            head.bias[: len(rows)] = known["head.bias"][rows]


def load_verifier(weights: Path = WEIGHTS) -> torch.nn.Module:
    """Opens the trained net.

    Raises:
        IdentityError: the weights are missing or broken.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not weights.is_file():
        raise IdentityError(weights.name, "the weights of the likeness score are missing", MAKE)
    net = new_verifier()
    try:
        state = {
            name: value.float() if value.is_floating_point() else value for name, value in load_file(weights).items()
        }
        net.load_state_dict(state)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise IdentityError(weights.name, "the weights of the likeness score are broken", MAKE) from error
    return net.eval()


def save_verifier(net: torch.nn.Module, weights: Path = WEIGHTS) -> None:
    """Writes the net in half precision: 2.9 MB.

    Raises:
        StorageError: it cannot be written.
    """
    from safetensors.torch import save

    from workbench.config import atomic_write

    state = {name: (v.half() if v.is_floating_point() else v).contiguous() for name, v in net.state_dict().items()}
    atomic_write(weights, save(state))


def domain_indices(domains: Sequence[Domain]) -> torch.Tensor:
    """Names of domains as the net's second argument."""
    import torch

    return torch.tensor([DOMAINS.index(domain) for domain in domains])
