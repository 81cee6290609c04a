"""Gather the runs of an experiment: figures, comparisons, pictures and how it was made."""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bonescan.data.datalist import load_items, read_datalist
from bonescan.data.nifti import read_view_stack
from bonescan.files import write_json
from bonescan.handlers.progress import HISTORY_NAME
from bonescan.keys import LABEL
from bonescan.labels import Label
from bonescan.metrics.pixel import confusion, score
from bonescan.report.comparison import Curve, write_histories, write_sweep, write_systems
from bonescan.report.curves import read_history
from bonescan.report.evaluated_images import EvaluatedImage, read_evaluated_images
from bonescan.report.image_results import describe_interval
from bonescan.run_folder import EVALUATED_IMAGES
from bonescan.studies.benchmark.report import describe_machine
from bonescan.studies.experiments.data import SEED, count_images
from bonescan.studies.experiments.experiment import Experiment, Row
from bonescan.studies.experiments.grid import EVALUATION, Run, RunGrid
from bonescan.studies.experiments.markdown import COLUMN_TITLES, figure_entry, to_markdown
from bonescan.studies.experiments.run import TRAINED, read_state
from bonescan.studies.experiments.statistics import (
    RESAMPLES,
    Estimate,
    ImageCounts,
    compare,
    measure,
    read_images,
)
from bonescan.workflow.run_record import describe_run

ORIGIN = "simulated scans"
MAX_SYSTEMS = 6
"""Systems that one picture of examples has room for."""


def is_complete(run: Run) -> bool:
    """Tell whether a run was trained and evaluated."""
    return EVALUATION in read_state(run.folder)


def is_trained(run: Run) -> bool:
    """Tell whether a run was trained."""
    return TRAINED in read_state(run.folder)


def write_results(grid: RunGrid, output: Path, *, command: str, split: str) -> Path:
    """Write `NAME.json`, `NAME.md` and the pictures of an experiment.

    Rows whose runs are not complete are named as missing.

    Args:
        grid: what was run.
        output: folder to write to.
        command: that makes all this again.
        split: "patient" or "image".

    Returns:
        The Markdown file.
    """
    experiment = grid.experiment
    name = experiment.name if split == "patient" else f"{experiment.name}_by_{split}"
    output.mkdir(parents=True, exist_ok=True)
    shown = experiment.shown
    runs = {row.id: [run for run in grid.runs_of(row) if is_complete(run)] for row in shown}
    complete = [row for row in shown if len(runs[row.id]) == len(grid.runs_of(row))]
    images = {
        row.id: read_images([run.folder / EVALUATION for run in runs[row.id]]) for row in complete
    }
    figures = {
        row.id: measure(images[row.id], experiment.metrics, experiment.convention)
        for row in complete
    }
    document = {
        **_head(grid, command=command, split=split),
        "rows": [
            _row_entry(row, figures[row.id], images[row.id], runs[row.id]) for row in complete
        ],
        "comparisons": _comparisons(experiment, complete, images),
        "missing": [row.name for row in shown if row not in complete],
        "dataset": _dataset(grid),
        "pictures": _draw(grid, complete, runs, figures, output / name),
    }
    write_json(output / f"{name}.json", document)
    page = output / f"{name}.md"
    page.write_text(to_markdown(experiment, document), encoding="utf-8")
    return page


def _head(grid: RunGrid, *, command: str, split: str) -> dict[str, Any]:
    """Say what was run, on what, and with which versions."""
    record = describe_run(seed=SEED, datalist=grid.material.datalist)
    return {
        "experiment": grid.experiment.name,
        "source": grid.experiment.source,
        "simulated": True,
        "profile": grid.profile_name,
        "what": grid.profile.what,
        "settings": dict(grid.profile.settings),
        "split": split,
        "convention": grid.experiment.convention,
        "interval": describe_interval(RESAMPLES),
        "data": {
            "preset": grid.experiment.preset,
            "patients": grid.profile.patients,
            "sha256": record["data_sha256"],
        },
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {**describe_machine(), "device": record["device"]},
        "packages": record["packages"],
        "revision": record["revision"],
        "training_minutes": sum(map(_training_s, filter(is_trained, grid.runs()))) / 60,
    }


def _row_entry(
    row: Row, figures: Mapping[str, Estimate], images: ImageCounts, runs: Sequence[Run]
) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "system": row.system,
        "published": dict(row.published),
        "measured": {name: figure_entry(figure) for name, figure in figures.items()},
        "runs": len(runs),
        "images": len(images.patients),
        "patients": len(set(images.patients)),
        "training_s": float(np.mean([_training_s(run) for run in runs])),
    }


def _training_s(run: Run) -> float:
    """Return how long the epochs of a training took, over all its interruptions."""
    with (run.folder / HISTORY_NAME).open(newline="", encoding="utf-8") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))


def _comparisons(
    experiment: Experiment, rows: Sequence[Row], images: Mapping[str, ImageCounts]
) -> list[dict[str, Any]]:
    """Compare each row with the one that it names, where both were run."""
    metric = next(iter(experiment.metrics), "")
    known = {row.id: row for row in rows}
    pairs = [(row, known[name]) for row in rows for name in row.compared_with if name in known]
    entries = []
    for row, other in pairs if metric else []:
        both = [it.published.get(metric) for it in (row, other)]
        result = compare(images[row.id], images[other.id], metric, experiment.convention)
        entries.append(
            {
                "row": row.name,
                "reference": other.name,
                "published": None if None in both else both[0] - both[1],  # type: ignore[operator]
                **figure_entry(result),
            }
        )
    return entries


def _dataset(grid: RunGrid) -> dict[str, dict[str, float | None]]:
    """Count the set of images beside what was published of it."""
    published = grid.experiment.dataset
    if not published:
        return {}
    counted = count_images(grid.material, lesion_percent=_lesion_percent(grid))
    return {
        name: {"published": published.get(name), "simulated": value}
        for name, value in counted.items()
    }


def _lesion_percent(grid: RunGrid) -> float:
    """Return the share of lesion pixels in a set of images, in per cent."""
    lesion = pixels = 0
    for section in read_datalist(grid.material.datalist):
        for entry in load_items(grid.material.datalist, section):
            label = read_view_stack(entry[LABEL]).array
            lesion += int(np.count_nonzero(label == Label.METASTASIS))
            pixels += label.size
    return round(100 * lesion / pixels, 2)


def _draw(
    grid: RunGrid,
    rows: Sequence[Row],
    runs: Mapping[str, Sequence[Run]],
    figures: Mapping[str, Mapping[str, Estimate]],
    start: Path,
) -> dict[str, str]:
    """Draw what there is; return the files' names by title."""
    if not rows:
        return {}
    if grid.experiment.curve:
        path = start.with_name(f"{start.name}_sweep.png")
        _draw_sweep(grid.experiment, rows, figures, path)
        return {"Metric over the number": path.name}
    histories = {
        row.name: [read_history(run.folder / HISTORY_NAME) for run in runs[row.id]] for row in rows
    }
    curves = start.with_name(f"{start.name}_curves.png")
    trained = {name: each for name, each in histories.items() if len(each[0]) > 1}  # by gradient
    write_histories(curves, trained, origin=ORIGIN)
    examples = start.with_name(f"{start.name}_examples.png")
    write_systems(examples, choose_examples(rows, runs), origin=ORIGIN.capitalize())
    return {"Training curves": curves.name, "The same images by system": examples.name}


def choose_examples(
    rows: Sequence[Row], runs: Mapping[str, Sequence[Run]]
) -> dict[str, list[EvaluatedImage]]:
    """Choose three images of the first run: best, median and worst of the first system.

    Returns:
        The images by name of the system, at most MAX_SYSTEMS; images with lesions alone.
    """
    stored = {
        row.name: read_evaluated_images(runs[row.id][0].folder / EVALUATION / EVALUATED_IMAGES)
        for row in rows[:MAX_SYSTEMS]
    }
    first = next(iter(stored.values()))
    ranked = sorted((image for image in first if image.truth_mask.any()), key=_dice, reverse=True)
    ranks = sorted({0, len(ranked) // 2, len(ranked) - 1})
    chosen = [ranked[rank].key for rank in ranks]
    by_key = {name: {image.key: image for image in images} for name, images in stored.items()}
    return {name: [images[key] for key in chosen] for name, images in by_key.items()}


def _dice(image: EvaluatedImage) -> float:
    return float(score(confusion(image.pred_mask, image.truth_mask), "dsc"))


def _draw_sweep(
    experiment: Experiment,
    rows: Sequence[Row],
    figures: Mapping[str, Mapping[str, Estimate]],
    path: Path,
) -> None:
    metric = experiment.metrics[0]
    curves: dict[str, Curve] = {}
    for name in dict.fromkeys(row.series for row in rows if row.series):
        points = [(row.value, figures[row.id][metric]) for row in rows if row.series == name]
        curves[str(name)] = Curve(
            positions=[float(position or 0) for position, _ in points],
            values=[figure.value for _, figure in points],
            lower=[figure.lower for _, figure in points],
            upper=[figure.upper for _, figure in points],
        )
    published = {
        float(row.value or 0): row.published[metric] for row in rows if metric in row.published
    }
    write_sweep(
        path,
        curves,
        axis=str(experiment.curve),
        metric=COLUMN_TITLES[metric],
        published=published,
        origin="simulated",
    )
