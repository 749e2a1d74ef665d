"""The learning rate by hand, and optimizers that remember."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from workbench.training.optimizer import (
    group_state,
    largest_norm,
    load_optimizer_state,
    make_optimizer,
    optimizer_state,
    rate_share,
    set_rate,
)


def shares(schedule: str, warmup: float = 0.0, steps: int = 10) -> list[float]:
    return [rate_share(step, steps, schedule, warmup) for step in range(steps)]


def test_schedules_by_hand() -> None:
    assert shares("constant") == [1.0] * 10
    assert shares("linear") == pytest.approx([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    cosine = shares("cosine")
    assert cosine[0] == 1 and cosine[5] == pytest.approx(0.5)
    assert all(one > next_ for one, next_ in pairwise(cosine))


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_warm_up_rises_to_the_peak(schedule: str) -> None:
    rates = shares(schedule, warmup=0.4)
    assert rates[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert shares(schedule, warmup=1.0)[-1] == 1.0
    assert min(shares(schedule, warmup=0.05)) > 0, "a step without learning"


def test_gradients_are_clipped_by_their_norm() -> None:
    parameter = torch.nn.Parameter(torch.zeros(2))
    for clip, left in ((1.0, [0.6, 0.8]), (0.0, [3.0, 4.0])):  # a norm of 5 becomes 1; 0 leaves it
        parameter.grad = torch.tensor([3.0, 4.0])
        assert float(torch.nn.utils.clip_grad_norm_([parameter], largest_norm(clip))) == 5
        assert parameter.grad.tolist() == pytest.approx(left, abs=1e-5)


def test_each_group_keeps_its_own_peak() -> None:
    one, two = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    optimizer = make_optimizer([([one], 1e-3), ([two], 1e-4), ([], 1.0)], "adamw", 0.0)
    assert set_rate(optimizer, 0.5) == 5e-4
    assert set_rate(optimizer, 0.25) == 2.5e-4
    assert [group["lr"] for group in optimizer.param_groups] == [2.5e-4, 2.5e-5]


@pytest.mark.parametrize("kind", ["adamw", "adamw8bit", "adafactor", "prodigy"])
def test_an_optimizer_goes_on_as_if_it_had_not_stopped(kind: str) -> None:
    if kind == "prodigy":
        pytest.importorskip("prodigyopt")
    gradients = torch.randn(6, 4096)

    def run(parameter: torch.nn.Parameter, optimizer: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            parameter.grad = gradients[step].clone()
            optimizer.step()

    straight = torch.nn.Parameter(torch.zeros(4096))
    run(straight, make_optimizer([([straight], 1e-2)], kind, 0.01), range(6))

    first = torch.nn.Parameter(torch.zeros(4096))
    stopped = make_optimizer([([first], 1e-2)], kind, 0.01)
    run(first, stopped, range(3))
    kept = {number: {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in state.items()}
            for number, state in optimizer_state(stopped).items()}  # fmt: skip
    groups = group_state(stopped)
    assert ("d_max" in groups[0]) == (kind == "prodigy")
    second = torch.nn.Parameter(first.detach().clone())
    resumed = make_optimizer([([second], 1e-2)], kind, 0.01)
    load_optimizer_state(resumed, kept, groups)
    run(second, resumed, range(3, 6))
    assert torch.equal(second, straight)
