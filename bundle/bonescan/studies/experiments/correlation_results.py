"""Gather an experiment on a measure and a laboratory value into one document, and write it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bonescan.api import load
from bonescan.data.datalist import load_items, read_datalist
from bonescan.files import write_json, write_text
from bonescan.keys import IMAGE, SITES
from bonescan.labels import REPORT_SITES
from bonescan.metrics.statistics import Share, share
from bonescan.phantom.files.study import ALP_GROWTH, ALP_GROWTH_SIGMA, BURDEN_WEIGHT
from bonescan.report.curves import tidy
from bonescan.report.drawing import COLOURS, new_figure, save_png
from bonescan.report.tables import write_csv
from bonescan.studies.experiments.correlation_page import MEASURE_TITLES, to_markdown
from bonescan.studies.experiments.correlations import (
    PREDICTED_MASK,
    TRUE_MASK,
    TRUTH,
    MeasuredPatient,
    assess,
    compare,
    correlate,
    describe_published,
    list_patients,
    measure_patient,
)
from bonescan.studies.experiments.grid import RunGrid
from bonescan.studies.experiments.provenance import describe_runs
from bonescan.studies.experiments.released import describe_released, find_released
from bonescan.studies.experiments.results import describe_grid, describe_making

PATIENTS_ENDING = "_patients.csv"
"""Of the table of patients beside the document of an experiment."""


def write_correlations(grid: RunGrid, output: Path, *, command: str, split: str) -> Path:
    """Write `NAME.json`, `NAME_patients.csv`, `NAME.md` and the picture of an experiment.

    Args:
        grid: of an experiment with correlations.
        output: folder to write to.
        command: that makes all this again.
        split: "patient".

    Returns:
        The Markdown file.

    Raises:
        ValueError: if the experiment has no correlations.
    """
    experiment = grid.experiment
    if experiment.correlations is None:
        raise ValueError(f"{experiment.name} must compare a measure with a value, it does not")
    entries = _read_entries(grid.data.find(None).datalist)
    masks = {TRUE_MASK: [measure_patient(entry, assess(entry)) for entry in entries]}
    released = find_released(experiment)
    system = None if released is None else load(released)
    if system is not None:
        masks[PREDICTED_MASK] = [measure_patient(entry, system(entry[IMAGE])) for entry in entries]
    picture = output / f"{experiment.name}_scatter.png"
    document = {
        "correlations": True,
        **describe_grid(grid, split=split),
        **describe_making(grid, command=command),
        "provenance": describe_runs([]),
        "relation": {"growth": ALP_GROWTH, "sigma": ALP_GROWTH_SIGMA, "k": BURDEN_WEIGHT},
        "published": describe_published(experiment.correlations),
        "released": None if system is None else describe_released(experiment, system),
        "rows": [
            {"mask": mask, "measure": name, "patients": len(patients), **correlate(patients, name)}
            for mask, patients in masks.items()
            for name in ((TRUTH,) if mask == TRUE_MASK else ()) + tuple(experiment.metrics)
        ],
        "compared": {
            name: compare(masks[PREDICTED_MASK], masks[TRUE_MASK], name)
            for name in experiment.metrics
            if system is not None
        },
        "sites": _count_sites(entries),
        "pictures": {"Burden index and alkaline phosphatase of each patient": picture.name},
    }
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / f"{experiment.name}.json", document)
    write_csv(output / f"{experiment.name}{PATIENTS_ENDING}", list(list_patients(masks)))
    draw_scatter(picture, masks, experiment.metrics[0])
    page = output / f"{experiment.name}.md"
    write_text(page, to_markdown(document))
    return page


def draw_scatter(path: Path, masks: Mapping[str, Sequence[MeasuredPatient]], name: str) -> None:
    """Draw alkaline phosphatase over TRUTH, and over a measure by each mask, a panel each.

    Args:
        path: PNG to write.
        masks: the patients, a point each, by mask.
        name: of bonescan.studies.experiments.correlations.MEASURES.
    """
    titles = [MEASURE_TITLES[TRUTH], *(f"{MEASURE_TITLES[name]},\n{mask}" for mask in masks)]
    patients = next(iter(masks.values()))
    drawn = [(patients, TRUTH), *((each, name) for each in masks.values())]
    figure = new_figure(380 * len(drawn), 400)
    panels = figure.subplots(1, len(drawn), sharey=True, squeeze=False)[0]
    for axes, title, (points, key), colour in zip(panels, titles, drawn, COLOURS, strict=False):
        values = [patient.values[key] for patient in points]
        axes.plot(values, [patient.alp_u_l for patient in points], ".", color=colour, alpha=0.8)
        axes.set_xlabel(title)
        axes.set_xlim(left=0)
        tidy(axes)
    panels[0].set_ylabel("alkaline phosphatase, U/L")
    panels[0].set_ylim(bottom=0)
    figure.suptitle(f"{len(patients)} simulated patients; the relation is put in", fontsize=10)
    figure.tight_layout()
    save_png(figure, path)


def _read_entries(datalist: Path) -> list[dict[str, Any]]:
    return [entry for name in read_datalist(datalist) for entry in load_items(datalist, name)]


def _count_sites(entries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Count the patients of whom a view shows a metastasis in each site."""
    found = Counter(site for entry in entries for site in entry[SITES])
    return {site: _as_entry(share(found[site], len(entries))) for site in REPORT_SITES}


def _as_entry(found: Share) -> dict[str, float]:
    return {key: getattr(found, key) for key in ("hits", "cases", "value", "low", "high")}
