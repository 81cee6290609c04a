"""Gather an experiment on scans before and after therapy into one document, and write it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bonescan.api import System, load
from bonescan.data.datalist import load_items, read_datalist
from bonescan.files import write_json, write_text
from bonescan.keys import IMAGE, PATIENT
from bonescan.phantom.files.cohort_files import FOLLOW_UP_FILE
from bonescan.report.curves import tidy
from bonescan.report.drawing import COLOURS, new_figure, save_png
from bonescan.report.tables import write_csv
from bonescan.studies.experiments.correlation_results import PATIENTS_ENDING
from bonescan.studies.experiments.correlations import PREDICTED_MASK, TRUE_MASK, TRUTH
from bonescan.studies.experiments.grid import RunGrid
from bonescan.studies.experiments.provenance import describe_runs
from bonescan.studies.experiments.released import describe_released, find_released
from bonescan.studies.experiments.results import describe_grid, describe_making
from bonescan.studies.experiments.therapy import MeasuredPair, list_pairs, measure_pair, summarise
from bonescan.studies.experiments.therapy_page import to_markdown


def write_therapy(grid: RunGrid, output: Path, *, command: str, split: str) -> Path:
    """Write `NAME.json`, `NAME_patients.csv`, `NAME.md` and the picture of an experiment.

    Args:
        grid: of an experiment on therapy.
        output: folder to write to.
        command: that makes all this again.
        split: "patient".

    Returns:
        The Markdown file.

    Raises:
        ValueError: if the experiment has no therapy.
    """
    experiment = grid.experiment
    if experiment.therapy is None:
        raise ValueError(f"{experiment.name} must be on scans before and after therapy, is not")
    entries = _read_pairs(grid.data.find(None).datalist)
    masks = {TRUE_MASK: [measure_pair(*pair) for pair in entries]}
    released = find_released(experiment)
    system = None if released is None else load(released)
    if system is not None:
        masks[PREDICTED_MASK] = [_measure_predicted(system, pair) for pair in entries]
    picture = output / f"{experiment.name}_change.png"
    document = {
        "therapy": True,
        **describe_grid(grid, split=split),
        **describe_making(grid, command=command),
        "provenance": describe_runs([]),
        "published": asdict(experiment.therapy),
        "released": None if system is None else describe_released(experiment, system),
        "summaries": {mask: summarise(pairs, experiment.metrics) for mask, pairs in masks.items()},
        "pictures": {"Change of the index and of the burden of the body": picture.name},
    }
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / f"{experiment.name}.json", document)
    write_csv(output / f"{experiment.name}{PATIENTS_ENDING}", list_pairs(masks))
    draw_change(picture, masks, experiment.metrics[0])
    page = output / f"{experiment.name}.md"
    write_text(page, to_markdown(document))
    return page


def draw_change(path: Path, masks: Mapping[str, Sequence[MeasuredPair]], name: str) -> None:
    """Draw the change of a measure over that of the body's burden, a panel for each mask.

    Args:
        path: PNG to write.
        masks: pairs by mask, a point each, coloured by course.
        name: of bonescan.studies.experiments.correlations.MEASURES.
    """
    figure = new_figure(500 * len(masks), 460)
    panels = figure.subplots(1, len(masks), sharey=True, squeeze=False)[0]
    for axes, (mask, pairs) in zip(panels, masks.items(), strict=True):
        courses = sorted({pair.course for pair in pairs})
        for course, colour, marker in zip(courses, COLOURS, "os^Dv", strict=False):
            own = [pair.points for pair in pairs if pair.course == course]
            across, up = ([points[key] for points in own] for key in (TRUTH, name))
            axes.plot(across, up, marker, color=colour, label=course, alpha=0.85)
        axes.axhline(0, color="0.7", linewidth=0.8, zorder=0)
        axes.axvline(0, color="0.7", linewidth=0.8, zorder=0)
        axes.set_title(f"{mask}, {len(pairs)} simulated patients", fontsize=10)
        axes.set_xlabel("change of B, points")
        tidy(axes)
    panels[0].set_ylabel("change of BSTBI, points")
    panels[0].legend(frameon=False, fontsize=9)
    figure.suptitle("The course is put in by the simulator", fontsize=10)
    figure.tight_layout()
    save_png(figure, path)


def _read_pairs(datalist: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the entries of both scans of each patient who has two."""
    first, second = (
        {entry[PATIENT]: entry for name in read_datalist(path) for entry in load_items(path, name)}
        for path in (datalist, datalist.with_name(FOLLOW_UP_FILE))
    )
    return [(first[patient], second[patient]) for patient in sorted(second)]


def _measure_predicted(
    system: System, pair: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> MeasuredPair:
    first, second = (system(entry[IMAGE]) for entry in pair)
    return measure_pair(*pair, (first, second))
