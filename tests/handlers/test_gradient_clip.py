import pytest
import torch
from ignite.engine import Engine
from torch import nn

from bonescan.handlers.gradient_clip import GradientClip


def step(gradient: list[float], max_norm: float) -> torch.Tensor:
    """Make one step of rate 1 with a gradient; return what was subtracted."""
    weight = nn.Parameter(torch.zeros(len(gradient)))
    optimizer = torch.optim.SGD([weight], lr=1.0)

    def update(engine, batch):
        weight.grad = torch.tensor(gradient)
        optimizer.step()

    engine = Engine(update)
    GradientClip(optimizer, max_norm).attach(engine)
    engine.run([0])
    done = -weight.detach().clone()
    weight.grad = torch.tensor(gradient)
    optimizer.step()  # after the run nothing is bounded any more
    torch.testing.assert_close(-weight.detach() - done, torch.tensor(gradient))
    return done


def test_a_long_gradient_gets_the_norm_of_the_bound():
    assert step([6.0, 8.0], 5.0).tolist() == pytest.approx([3.0, 4.0], rel=1e-5)


def test_a_short_gradient_stays():
    assert step([0.6, 0.8], 5.0).tolist() == pytest.approx([0.6, 0.8])
