"""Gather the runs of an experiment into one document, and write it with its page and pictures."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bonescan.data.datalist import data_hash, load_items, read_datalist
from bonescan.data.nifti import read_view_stack
from bonescan.files import write_json, write_text
from bonescan.keys import LABEL
from bonescan.labels import Label
from bonescan.studies.benchmark.report import describe_machine
from bonescan.studies.experiments.data import count_images
from bonescan.studies.experiments.experiment import FAST, Row
from bonescan.studies.experiments.figures import compare_pairs
from bonescan.studies.experiments.grid import ROOT, RunGrid
from bonescan.studies.experiments.label_counts import count_labels, to_ranges
from bonescan.studies.experiments.markdown import to_markdown
from bonescan.studies.experiments.pictures import draw_pictures
from bonescan.studies.experiments.provenance import describe_runs, require_publishable
from bonescan.studies.experiments.row_images import IMAGES_ENDING, write_published_images
from bonescan.studies.experiments.row_results import (
    RowResult,
    is_trained,
    read_rows,
    training_s,
)
from bonescan.studies.experiments.statistics import describe_interval, to_entry
from bonescan.workflow.run_record import git_revision


def write_results(
    grid: RunGrid, output: Path, *, command: str, split: str, publish: bool = False
) -> Path:
    """Write `NAME.json`, `NAME_images.csv`, `NAME.md` and the pictures of an experiment.

    Rows whose runs are not complete are named as missing. The figures of the page can be computed
    anew from the confusion of each image, which the table holds.

    Args:
        grid: what was run.
        output: folder to write to.
        command: that makes all this again.
        split: "patient" or "image".
        publish: whether the page must name the code that made it.

    Returns:
        The Markdown file.

    Raises:
        ValueError: if the page is to be published, and a run is of code that no commit holds.
    """
    experiment = grid.experiment
    provenance = describe_runs([run for run in grid.runs() if is_trained(run)])
    if publish:
        require_publishable(provenance)
    name = experiment.name if split == "patient" else f"{experiment.name}_by_{split}"
    output.mkdir(parents=True, exist_ok=True)
    results = read_rows(grid)
    complete = {result.row.id for result in results}
    described = {**describe_grid(grid, split=split), **_describe_metrics(grid)}
    document = {
        **described,
        **describe_making(grid, command=command),
        "provenance": provenance,
        "rows": [_row_entry(result) for result in results],
        "comparisons": _comparisons(grid, results, described),
        "missing": [row.name for row in experiment.table_rows if row.id not in complete],
        "image_set": _image_set(grid),
        "pictures": draw_pictures(experiment, results, output / name),
    }
    write_json(output / f"{name}.json", document)
    if results:
        images = {result.row.id: result.images for result in results}
        write_published_images(output / f"{name}{IMAGES_ENDING}", images)
    page = output / f"{name}.md"
    write_text(page, to_markdown(document))
    return page


def describe_grid(grid: RunGrid, *, split: str) -> dict[str, Any]:
    """Say what was run, and on what, for the document of any experiment."""
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
        "metrics": list(experiment.metrics),
        "remarks": list(experiment.remarks),
        "data": {
            "preset": experiment.preset,
            "patients": profile.patients,
            "cohort_seed": profile.cohort_seed,
            "tuned_on_seed": profile.tuned_on_seed,
            "test_share": None if profile.folds else profile.test_share,
            "test_to_training": grid.test_to_training,
            "sha256": {name: data_hash(each.datalist) for name, each in grid.data.sets.items()},
        },
    }


def _describe_metrics(grid: RunGrid) -> dict[str, Any]:
    """Say how the figures of pixels are computed."""
    experiment, profile = grid.experiment, grid.profile
    return {
        "convention": experiment.convention,
        "interval": describe_interval(
            len(grid.folds) * len(profile.seeds), test_to_training=grid.test_to_training
        ),
        "computed": list(experiment.computed),
        "published_lines": [asdict(line) for line in experiment.published_lines],
    }


def describe_making(grid: RunGrid, *, command: str) -> dict[str, Any]:
    """Say how the page was made, and on which machine."""
    machine = describe_machine()
    return {
        "command": command,
        "written_with": git_revision(ROOT),
        "machine": {key: machine[key] for key in ("cpu", "cores", "memory_gb", "python")},
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
        "patients": len(set(images.patients)),
        "images": len(set(images.keys)),
        "images_with_lesion": len(set(itertools.compress(images.keys, images.with_lesion))),
        "labels": to_ranges([count_labels(run) for run in result.runs]),
        "training_s": float(np.mean([training_s(run) for run in result.runs])),
    }


def _comparisons(
    grid: RunGrid, results: Sequence[RowResult], described: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Compare each row with those that it names, where both were run; none in the fast profile."""
    if grid.profile_name == FAST:
        return []
    by_id = {result.row.id: result for result in results}
    pairs = [
        (result, by_id[name])
        for result in results
        for name in result.row.compared_with
        if name in by_id
    ]
    tested = compare_pairs([(first.images, second.images) for first, second in pairs], described)
    return [
        {
            "row": first.row.name,
            "row_id": first.row.id,
            "reference": second.row.name,
            "reference_id": second.row.id,
            "published": _published_difference(first.row, second.row, described["metrics"][0]),
            "tested": test,
        }
        for (first, second), test in zip(pairs, tested, strict=True)
    ]


def _published_difference(row: Row, other: Row, metric: str) -> float | None:
    value, reference = (each.published.get(metric) for each in (row, other))
    return None if value is None or reference is None else value - reference


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
