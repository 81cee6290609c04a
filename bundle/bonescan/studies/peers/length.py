"""How long nnU-Net trains: its own length, or as many steps as a budget allows."""

from dataclasses import dataclass

VALIDATION_SHARE = 5
"""nnU-Net's training steps for each of its validation steps: 250 to 50 an epoch."""
BOUNDED_EPOCHS = 40
"""Ours: epochs of a bounded training at least, where it has the steps. nnU-Net lowers its learning
rate from epoch to epoch, so that few long ones would lower it in coarse jumps."""
SAVES = 8
"""Ours: states that a bounded training saves on its way; nnU-Net saves every 50th epoch."""


@dataclass(frozen=True)
class Length:
    """Of a training of nnU-Net.

    Attributes:
        epochs: how many.
        epoch_steps: training steps of each.
    """

    epochs: int
    epoch_steps: int

    @property
    def steps(self) -> int:
        """Training steps in all."""
        return self.epochs * self.epoch_steps

    @property
    def validation_steps(self) -> int:
        """Validation steps of each epoch, in nnU-Net's proportion."""
        return max(1, round(self.epoch_steps / VALIDATION_SHARE))

    @property
    def save_every(self) -> int:
        """Epochs from one saved state to the next."""
        return max(1, self.epochs // SAVES)

    @property
    def share_of_default(self) -> float:
        """Steps as a share of nnU-Net's own number."""
        return self.steps / NNUNET_LENGTH.steps


NNUNET_LENGTH = Length(epochs=1000, epoch_steps=250)
"""nnU-Net's own (nnUNetTrainer of version 2)."""


def bound_length(steps: float) -> Length:
    """Spread steps over epochs that have as many as some validation steps are for.

    A shorter epoch would validate more than nnU-Net does, and take longer a step.

    Returns:
        A length of one step at least, whose steps differ from those asked for by half an epoch at
        most.
    """
    total = max(1, round(steps))
    validation_steps = max(1, total // (BOUNDED_EPOCHS * VALIDATION_SHARE))
    epoch_steps = min(total, validation_steps * VALIDATION_SHARE)
    return Length(max(1, round(total / epoch_steps)), epoch_steps)
