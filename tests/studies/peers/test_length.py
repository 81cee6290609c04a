import pytest

from bonescan.studies.peers.length import NNUNET_LENGTH, Length, bound_length


@pytest.mark.parametrize(
    ("steps", "epochs", "epoch_steps"),
    [(245, 49, 5), (1000, 40, 25), (1999, 44, 45), (40.4, 8, 5), (7, 1, 5), (3, 1, 3), (0.2, 1, 1)],
)
def test_steps_are_spread_over_many_epochs(steps, epochs, epoch_steps):
    length = bound_length(steps)
    assert (length.epochs, length.epoch_steps) == (epochs, epoch_steps)
    assert abs(length.steps - max(1, steps)) <= epoch_steps / 2 + 0.5


@pytest.mark.parametrize("steps", [5, 57, 304, 777, 12345])
def test_a_bounded_training_validates_as_much_as_nnunets_own(steps):
    length = bound_length(steps)
    share = length.validation_steps / length.epoch_steps
    assert share == NNUNET_LENGTH.validation_steps / NNUNET_LENGTH.epoch_steps


def test_a_length_keeps_nnunets_proportions():
    length = Length(epochs=40, epoch_steps=25)
    assert (length.steps, length.validation_steps, length.save_every) == (1000, 5, 5)
    assert length.share_of_default == pytest.approx(0.004)
    assert (NNUNET_LENGTH.steps, NNUNET_LENGTH.validation_steps) == (250_000, 50)
    assert Length(3, 2).validation_steps == Length(3, 2).save_every == 1
