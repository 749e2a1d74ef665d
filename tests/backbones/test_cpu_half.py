"""Frozen weights that are rounded once: the numbers of autocast, whatever is done to the weights afterwards."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from workbench.backbones.cpu_half import HalfConv2d, HalfLinear, keep_halves


class Mixed(nn.Module):
    """A convolution, a norm and a linear layer, as in the denoisers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.linear = (
            nn.Conv2d(3, 8, 3, padding=1),
            nn.GroupNorm(2, 8),
            nn.Linear(8, 4, bias=False),
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.linear(self.norm(self.conv(pictures)).mean((2, 3)))
        return made


@pytest.fixture
def pair() -> tuple[Mixed, Mixed]:
    """The same frozen network twice, one of them with its weights rounded once."""
    torch.manual_seed(0)
    plain = Mixed().requires_grad_(False)
    quick = copy.deepcopy(plain)
    assert keep_halves(quick) == 2
    return plain, quick


def said(network: Mixed, half: bool = True) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        return network(torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)))


def test_it_says_the_same_bit_for_bit(pair: tuple[Mixed, Mixed]) -> None:
    plain, quick = pair
    for half in (True, False, True):
        assert said(plain, half).dtype == said(quick, half).dtype
        assert torch.equal(said(plain, half), said(quick, half))
    assert list(plain.state_dict()) == list(quick.state_dict()), "what is kept is no weight and is not saved"


def test_its_gradients_are_the_same(pair: tuple[Mixed, Mixed]) -> None:
    gradients = []
    for network in pair:
        pictures = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            network(pictures).float().square().sum().backward()
        gradients.append(pictures.grad)
    assert gradients[0] is not None and gradients[1] is not None and torch.equal(gradients[0], gradients[1])


def test_changed_weights_are_rounded_anew(pair: tuple[Mixed, Mixed]) -> None:
    said(pair[1])
    before = said(pair[1])
    for network in pair:
        network.conv.weight.mul_(2)  # in place
        network.linear.weight.data = network.linear.weight.data * 3  # replaced, as peft does
    assert torch.equal(*map(said, pair)) and not torch.equal(said(pair[1]), before)
    for network in pair:
        network.conv.weight.data.add_(1)  # behind torch's back: it has to be told
    keep_halves(pair[1])
    assert torch.equal(*map(said, pair))


def test_what_learns_is_computed_as_ever(pair: tuple[Mixed, Mixed]) -> None:
    quick = pair[1]
    quick.linear.requires_grad_(True)
    said(quick).sum().backward()
    assert quick.linear.weight.grad is not None and quick.linear.halves is None


def test_chibi_mini_is_opened_so_where_it_is_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench import device
    from workbench.backbones import open_backbone

    for quickly in (True, False):
        monkeypatch.setattr(device, "cpu_computes_half", lambda quickly=quickly: quickly)
        backbone = open_backbone("chibi-mini", "cpu")
        kinds = {type(module) for module in backbone.denoiser.modules()}
        assert ({HalfLinear, HalfConv2d} <= kinds) is quickly and (nn.Linear in kinds) is not quickly


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU bases can be quantised, and it is loaded")
def test_without_a_gpu_nobody_waits_for_bitsandbytes() -> None:
    """An adapter on an open base does not load it; who wants its optimizer still finds it."""
    script = (
        "import sys\nfrom workbench.backbones import open_backbone\nbackbone = open_backbone('chibi-mini', 'cpu')\n"
        "from workbench.training.lora import attach_lora\nadapter = attach_lora(backbone, 4, 4, ['to_q'])\n"
        "assert 'bitsandbytes' not in sys.modules\n"
        "from workbench.training.optimizer import make_optimizer\n"
        "print(type(make_optimizer([(adapter.parameters('unet'), 1e-3)], 'adamw8bit', 0.0)).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "AdamW8bit", done.stderr
