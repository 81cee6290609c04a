"""A trained run as its folder tells it: course, costs, configuration, evaluation."""

import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bonescan.files import read_rows
from bonescan.run_folder import CONFIGURATION, HISTORY, LAST_STATE, RECORD, SYSTEM, WEIGHTS
from bonescan.studies.runs.evaluation import Evaluation, read_evaluation

EPOCH = "epoch"
VALIDATION = "validation_metric"
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""What torch's normalisations keep in a state dict beside their parameters."""


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """What a run's folder holds.

    Attributes:
        name: that tells it from the others, the end of its path.
        system: what tables call it.
        record: of the training (bonescan.run_folder.RECORD).
        configuration: as it was composed; None where Python code made the workflow.
        history: the numbers of each epoch, by column; what was not measured is left out.
        planned_epochs: as configured; None where the configuration gives a formula.
        metric: what the validation metric is called.
        parameters: numbers in the weights that are trained; None where the file cannot be read.
        evaluation: of the run; None where there is none that can be read.
        remarks: what a reader must know of the run, as sentences.
    """

    name: str
    system: str
    record: Mapping[str, Any]
    configuration: Mapping[str, Any] | None
    history: Sequence[Mapping[str, float]]
    planned_epochs: int | None
    metric: str
    parameters: int | None
    evaluation: Evaluation | None
    remarks: Sequence[str]

    def total(self, column: str) -> float | None:
        """Return the sum of a column over the epochs; None where one of them lacks it."""
        if not self.history or any(column not in row for row in self.history):
            return None
        return sum(row[column] for row in self.history)


def read_run(folder: Path, name: str) -> TrainedRun:
    """Read a run's folder; no code in it is run.

    Args:
        folder: of a training.
        name: that tells it from other runs.

    Raises:
        ValueError: if it is no folder of a training, or its record cannot be read.
    """
    system = _read_json(folder / SYSTEM)
    record = _read_json(folder / RECORD)
    path = folder / CONFIGURATION
    configuration = _read_json(path) if path.is_file() else None
    history = _read_history(folder / HISTORY)
    planned = planned_epochs(configuration or {})
    remarks = [_describe_course(history, planned)]
    parameters = None
    try:
        parameters = count_parameters(folder)
    except ValueError as err:
        remarks.append(f"Its weights cannot be read: {err}.")
    evaluation = None
    try:
        evaluation = read_evaluation(folder)
    except ValueError as err:
        remarks.append(f"{err}.")
    else:
        remarks += _describe_evaluation(evaluation, record, folder)
    return TrainedRun(
        name=name,
        system=str(system.get("name", "?")),
        record=record,
        configuration=configuration,
        history=history,
        planned_epochs=planned,
        metric=next(iter(system.get("key_metric") or ()), VALIDATION),
        parameters=parameters,
        evaluation=evaluation,
        remarks=[remark for remark in remarks if remark],
    )


def name_folders(folders: Sequence[Path]) -> list[str]:
    """Name folders by the ends of their paths, as short as tells them apart.

    Raises:
        ValueError: if one is given twice.
    """
    paths = [folder.resolve() for folder in folders]
    if len(set(paths)) < len(paths):
        raise ValueError("runs must be different folders, got one of them twice")
    for length in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-length:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names


def planned_epochs(configuration: Mapping[str, Any]) -> int | None:
    """Return how many epochs a configuration has, through references such as `@paper#epochs`.

    None where it gives them by a formula, which is not computed: it may be code.
    """
    value: Any = "@epochs"
    for _ in range(len(configuration)):  # a longer way goes in a circle
        if not isinstance(value, str) or not value.startswith("@"):
            break
        place: Any = configuration
        for key in value[1:].split("#"):
            place = place.get(key) if isinstance(place, Mapping) else None
        value = place
    return value if isinstance(value, int) else None


def count_parameters(folder: Path) -> int:
    """Count the trained numbers of a run's weights, without making its network.

    Raises:
        ValueError: if the file is missing, damaged or more than plain weights.
    """
    path = folder / WEIGHTS
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return sum(values.numel() for name, values in state.items() if not name.endswith(_BUFFERS))
    except FileNotFoundError:
        raise ValueError(f"{path.name} does not exist") from None
    except (OSError, RuntimeError, AttributeError, pickle.UnpicklingError, EOFError) as err:
        raise ValueError(f"{path.name} must be a plain state dict") from err


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path.name} does not exist: it is no folder of a training") from None
    except (OSError, ValueError) as err:
        raise ValueError(f"{path.name} must be a JSON file that can be read ({err})") from err
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} must hold keys, got {type(content).__name__}")
    return content


def _read_history(path: Path) -> list[dict[str, float]]:
    try:
        rows = read_rows(path)
        return [{name: float(value) for name, value in row.items() if value} for row in rows]
    except (OSError, ValueError, AttributeError) as err:
        raise ValueError(f"{path.name} must be a table of numbers ({err})") from err


def _describe_course(history: Sequence[Mapping[str, float]], planned: int | None) -> str:
    """Say how a training stands that is not finished; nothing of one that is."""
    done = int(history[-1][EPOCH]) if history else 0
    if planned is None or done >= planned:
        return "" if history else f"There is no {HISTORY}, so that its course is not known."
    return (
        f"Unfinished: {done} of {planned} epochs are done"
        + (f", and {LAST_STATE} to go on from is missing" if not history else "")
        + "; all figures are of what it is so far."
    )


def _describe_evaluation(
    evaluation: Evaluation, record: Mapping[str, Any], folder: Path
) -> list[str]:
    """Say what an evaluation must not be taken for."""
    remarks = []
    if evaluation.data_sha256 != record.get("data_sha256"):
        remarks.append(
            "It was evaluated on other data than it was trained on; whether test patients were "
            "among those of the training is not known here."
        )
    weights = folder / WEIGHTS
    if weights.is_file() and weights.stat().st_mtime > evaluation.written:
        remarks.append(
            "By the times of the files, its weights are newer than its evaluation: figures may be "
            "of earlier ones; evaluate it again."
        )
    return remarks
