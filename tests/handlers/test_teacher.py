"""A teacher after some steps, by hand, and the weight of its loss by epoch."""

import math
from types import SimpleNamespace

import pytest
from ignite.engine import Engine, Events
from torch import nn

from bonescan.handlers.teacher import TeacherUpdate, UnsupervisedRampUp


def follow(weights: list[float], *, decay: float) -> list[float]:
    """Return the teacher's weight after each step, which sets the network's."""
    network, teacher = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    found = []

    def step(engine: Engine, weight: float) -> None:
        nn.init.constant_(network.weight, weight)

    engine = Engine(step)
    TeacherUpdate(network, teacher, decay=decay).attach(engine)
    engine.add_event_handler(
        Events.ITERATION_COMPLETED, lambda: found.append(teacher.weight.item())
    )
    engine.run(weights)
    return found


def test_teacher_is_the_mean_at_first_and_then_forgets():
    assert follow([2.0, 4.0, 9.0], decay=0.99) == pytest.approx([2, 3, 5])
    assert follow([2.0, 4.0, 9.0], decay=0.25) == pytest.approx([2, 3.5, 7.625])
    assert follow([2.0, 4.0, 9.0], decay=0) == pytest.approx([2, 4, 9])


def test_decay_is_checked():
    with pytest.raises(ValueError, match=r"decay must be within 0 and 1, got 1\.5"):
        TeacherUpdate(nn.Linear(1, 1), nn.Linear(1, 1), decay=1.5)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (4, [6 * math.exp(-5 * left**2) for left in (0.75, 0.5, 0.25, 0, 0)]),
        (1, [6.0] * 5),
        (0, [6.0] * 5),
    ],
)
def test_weight_grows_to_its_own(epochs, expected):
    loss = SimpleNamespace(unsupervised_weight=6.0)
    weights = []
    engine = Engine(lambda engine, batch: weights.append(loss.unsupervised_weight))
    UnsupervisedRampUp(loss, epochs=epochs).attach(engine)
    engine.run([0], max_epochs=5)
    assert weights == pytest.approx(expected)
