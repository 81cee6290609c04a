"""Gather the runs of an experiment into one document, and write it with its page and pictures."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bonescan.data.datalist import data_hash, load_items, read_datalist
from bonescan.data.nifti import read_view_stack
from bonescan.files import write_json, write_text
from bonescan.keys import LABEL
from bonescan.labels import Label
from bonescan.report.image_results import describe_interval
from bonescan.studies.benchmark.report import describe_machine
from bonescan.studies.experiments.data import SEED, count_images
from bonescan.studies.experiments.experiment import Experiment
from bonescan.studies.experiments.grid import RunGrid
from bonescan.studies.experiments.markdown import to_markdown
from bonescan.studies.experiments.pictures import draw_pictures
from bonescan.studies.experiments.row_results import (
    RowResult,
    is_trained,
    read_rows,
    training_s,
)
from bonescan.studies.experiments.statistics import RESAMPLES, compare, to_entry
from bonescan.workflow.run_record import describe_run


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
    results = read_rows(grid)
    complete = {result.row.id for result in results}
    document = {
        **_describe(grid, split=split),
        **_describe_making(grid, command=command),
        "rows": [_row_entry(result) for result in results],
        "comparisons": _comparisons(experiment, results),
        "missing": [row.name for row in experiment.table_rows if row.id not in complete],
        "image_set": _image_set(grid),
        "pictures": draw_pictures(experiment, results, output / name),
    }
    write_json(output / f"{name}.json", document)
    page = output / f"{name}.md"
    write_text(page, to_markdown(document))
    return page


def _describe(grid: RunGrid, *, split: str) -> dict[str, Any]:
    """Say what was run, and on what."""
    experiment, profile = grid.experiment, grid.profile
    return {
        "experiment": experiment.name,
        "title": experiment.title,
        "source": experiment.source,
        "simulated": True,
        "profile": grid.profile_name,
        "protocol": profile.protocol,
        "settings": dict(profile.settings),
        "split": split,
        "convention": experiment.convention,
        "interval": describe_interval(RESAMPLES),
        "metrics": list(experiment.metrics),
        "remarks": list(experiment.remarks),
        "data": {
            "preset": experiment.preset,
            "patients": profile.patients,
            "test_share": None if profile.folds else experiment.test_share,
            "sha256": {name: data_hash(each.datalist) for name, each in grid.data.sets.items()},
        },
    }


def _describe_making(grid: RunGrid, *, command: str) -> dict[str, Any]:
    """Say how, when and where it was made."""
    record = describe_run(seed=SEED, datalist=None)
    return {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {**describe_machine(), "device": record["device"]},
        "packages": record["packages"],
        "revision": record["revision"],
        "training_minutes": sum(map(training_s, filter(is_trained, grid.runs()))) / 60,
    }


def _row_entry(result: RowResult) -> dict[str, Any]:
    row, images = result.row, result.images
    return {
        "id": row.id,
        "name": row.name,
        "system": row.system,
        "published": dict(row.published),
        "measured": {name: to_entry(value) for name, value in result.estimates.items()},
        "runs": len(result.runs),
        "images": len(images.patients),
        "patients": len(set(images.patients)),
        "training_s": float(np.mean([training_s(run) for run in result.runs])),
    }


def _comparisons(experiment: Experiment, results: Sequence[RowResult]) -> list[dict[str, Any]]:
    """Compare each row with those that it names, where both were run."""
    by_id = {result.row.id: result for result in results}
    entries = []
    for result in results:
        for other in (by_id[name] for name in result.row.compared_with if name in by_id):
            metric = experiment.metrics[0]
            published = [each.row.published.get(metric) for each in (result, other)]
            difference = None if None in published else published[0] - published[1]  # type: ignore[operator]
            comparison = compare(result.images, other.images, metric, experiment.convention)
            entries.append(
                {
                    "row": result.row.name,
                    "reference": other.row.name,
                    "published": difference,
                    **to_entry(comparison),
                }
            )
    return entries


def _image_set(grid: RunGrid) -> dict[str, dict[str, float | None]]:
    """Count the first image set next to what was published of it."""
    published = grid.experiment.published_image_set
    if not published:
        return {}
    images = grid.data.find(None)
    counted = count_images(images, lesion_percent=_lesion_percent(images.datalist))
    return {
        name: {"published": published.get(name), "simulated": value}
        for name, value in counted.items()
    }


def _lesion_percent(datalist: Path) -> float:
    """Return the share of lesion pixels in the images of a datalist, in per cent."""
    lesion = pixels = 0
    for section in read_datalist(datalist):
        for entry in load_items(datalist, section):
            label = read_view_stack(entry[LABEL]).array
            lesion += int(np.count_nonzero(label == Label.METASTASIS))
            pixels += label.size
    return round(100 * lesion / pixels, 2)
