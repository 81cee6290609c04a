import pytest

from bonescan.studies.peers.length import NNUNET_LENGTH, Length, bound_length


@pytest.mark.parametrize(
    ("steps", "epochs", "epoch_steps"),
    [(245, 41, 6), (1000, 40, 25), (40.4, 40, 1), (7, 7, 1), (0.2, 1, 1), (59, 59, 1), (61, 30, 2)],
)
def test_steps_are_spread_over_many_epochs(steps, epochs, epoch_steps):
    length = bound_length(steps)
    assert (length.epochs, length.epoch_steps) == (epochs, epoch_steps)
    assert abs(length.steps - max(1, steps)) <= epoch_steps / 2 + 0.5


def test_a_length_keeps_nnunets_proportions():
    length = Length(epochs=40, epoch_steps=25)
    assert (length.steps, length.validation_steps, length.save_every) == (1000, 5, 5)
    assert length.share_of_default == pytest.approx(0.004)
    assert (NNUNET_LENGTH.steps, NNUNET_LENGTH.validation_steps) == (250_000, 50)
    assert Length(3, 2).validation_steps == Length(3, 2).save_every == 1
