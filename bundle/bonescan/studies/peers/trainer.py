"""nnU-Net's trainer at another length: its source file, and what it tells of each epoch."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from bonescan.files import write_text
from bonescan.handlers.effort import MEMORY_MB, PROCESSOR_S
from bonescan.studies.peers.length import Length

EPOCH, PARAMETERS, SECONDS = "epoch", "parameters", "seconds"
_MARK = "bonescan: "
"""Before what the trainer tells, among the lines that nnU-Net prints."""
_NUMBER = re.compile(r"(\w+)=([0-9.]+)")

SOURCE = Template(f'''\
"""nnU-Net's trainer at another length; what else stands here tells what it costs."""

import resource
import time

import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer


def processor_s():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


class $name(nnUNetTrainer):
    def __init__(self, plans, configuration, fold, dataset_json, device=torch.device("cuda")):
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = $epochs
        self.num_iterations_per_epoch = $epoch_steps
        self.num_val_iterations_per_epoch = $validation_steps
        self.save_every = $save_every

    def on_train_start(self):
        super().on_train_start()
        number = sum(weights.numel() for weights in self.network.parameters())
        print(f"{_MARK}{PARAMETERS}={{number}}", flush=True)

    def on_epoch_start(self):
        self.started = processor_s(), time.monotonic()
        super().on_epoch_start()

    def on_epoch_end(self):
        super().on_epoch_end()
        used, passed = processor_s() - self.started[0], time.monotonic() - self.started[1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        print(
            f"{_MARK}{EPOCH}={{self.current_epoch}} {PROCESSOR_S}={{used:.2f}} "
            f"{SECONDS}={{passed:.2f}} {MEMORY_MB}={{peak:.0f}}",
            flush=True,
        )

    def perform_actual_validation(self, save_probabilities=False):
        """Left out: it comes after the training and decides nothing of it."""
''')


def write_trainer(folder: Path, name: str, length: Length) -> Path:
    """Write the source of a trainer of this length, for nnU-Net's `nnUNet_extTrainer`.

    Args:
        folder: that nnU-Net searches for trainers.
        name: of the class and the file.
        length: of its trainings.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = SOURCE.substitute(
        name=name,
        epochs=length.epochs,
        epoch_steps=length.epoch_steps,
        validation_steps=length.validation_steps,
        save_every=length.save_every,
    )
    path = folder / f"{name}.py"
    write_text(path, text)
    return path


def parse_told(line: str) -> Mapping[str, float]:
    """Return the numbers that a trainer tells in a line, by name; none of other lines."""
    if not line.startswith(_MARK):
        return {}
    return {name: float(value) for name, value in _NUMBER.findall(line)}


def sum_epochs(lines: Iterable[str], length: Length) -> dict[str, float]:
    """Add up what a training cost, which may have been interrupted and gone on with.

    An epoch that was done twice, since its state was lost, counts once: as it was done last.

    Args:
        lines: all that the training printed.
        length: of the training.

    Returns:
        PROCESSOR_S, SECONDS, the peak of MEMORY_MB, and PARAMETERS.

    Raises:
        ValueError: if an epoch or the parameters are missing.
    """
    told = [numbers for numbers in map(parse_told, lines) if numbers]
    epochs = {int(numbers[EPOCH]): numbers for numbers in told if EPOCH in numbers}
    parameters = {numbers[PARAMETERS] for numbers in told if PARAMETERS in numbers}
    missing = sorted(set(range(1, length.epochs + 1)) - set(epochs))
    if missing or len(parameters) != 1:
        raise ValueError(
            f"log of the training must tell of {length.epochs} epochs and of one network, got "
            f"{len(epochs)} epochs and {len(parameters)} numbers of parameters"
        )
    return {
        PROCESSOR_S: sum(numbers[PROCESSOR_S] for numbers in epochs.values()),
        SECONDS: sum(numbers[SECONDS] for numbers in epochs.values()),
        MEMORY_MB: max(numbers[MEMORY_MB] for numbers in epochs.values()),
        PARAMETERS: parameters.pop(),
    }
