"""What came out of the rows of an experiment, read from the folders of their runs."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bonescan.run_folder import EVALUATION, HISTORY
from bonescan.studies.experiments.experiment import Row
from bonescan.studies.experiments.grid import Run, RunGrid, has_arguments
from bonescan.studies.experiments.row_images import RowImages, read_images
from bonescan.studies.experiments.run import ARGUMENTS_FILE, TRAINED, read_state
from bonescan.studies.experiments.statistics import Estimate, estimate


@dataclass(frozen=True)
class RowResult:
    """What came out of a row.

    Attributes:
        row: the row.
        runs: its runs.
        images: their evaluated images.
        estimates: its metrics, by name.
    """

    row: Row
    runs: Sequence[Run]
    images: RowImages
    estimates: Mapping[str, Estimate]


def read_rows(grid: RunGrid) -> list[RowResult]:
    """Read the rows of the table of which all runs are complete."""
    experiment, results = grid.experiment, []
    for row in experiment.table_rows:
        runs = grid.runs_of(row)
        if all(is_complete(run) for run in runs):
            images = read_images({run.name: run.folder / EVALUATION for run in runs})
            estimates = estimate(
                images,
                experiment.metrics,
                experiment.convention,
                test_to_training=grid.test_to_training,
            )
            results.append(RowResult(row, runs, images, estimates))
    return results


def is_complete(run: Run) -> bool:
    """Tell whether a run was trained and evaluated, with the settings that it has now."""
    return EVALUATION in read_state(run.folder) and has_arguments(run, ARGUMENTS_FILE)


def is_trained(run: Run) -> bool:
    """Tell whether a run was trained, with the settings that it has now."""
    return TRAINED in read_state(run.folder) and has_arguments(run, ARGUMENTS_FILE)


def training_s(run: Run) -> float:
    """Return how long the epochs of a training took, over all its interruptions."""
    with (run.folder / HISTORY).open(newline="", encoding="utf-8") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))
