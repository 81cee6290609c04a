"""The page of a comparison, from its document and pictures alone."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import PackageLoader, Template
from markupsafe import Markup

from bonescan.notice import RESEARCH_USE
from bonescan.report.page.assets import make_environment, make_policy, read_asset
from bonescan.report.tables import UNDEFINED, format_interval
from bonescan.studies.peers.figures import PER_IMAGE, POOLED
from bonescan.studies.runs.document import COMPARED, FALSE_POSITIVES, FIGURES, SENSITIVITY_AT

NO_VALUE = "-"
_TEMPLATES = "template"
_TITLES = {
    POOLED: "DSC, pooled",
    PER_IMAGE: "DSC per image",
    "sensitivity": "Lesion sensitivity",
    "precision": "Lesion precision",
    "false_positives": "False lesions per {unit}",
    SENSITIVITY_AT: f"Sensitivity at {float(FALSE_POSITIVES):g} false lesion per {{unit}}",
}
_COSTS = {
    "parameters": "Parameters",
    "images_seen": "Images seen",
    "seconds": "Seconds",
    "processor_seconds": "Processor s",
    "memory_mb": "Peak memory, MB",
}


def render_page(document: Mapping[str, Any], pictures: Mapping[str, Any]) -> str:
    """Lay out a comparison as one HTML page that loads nothing.

    Args:
        document: of bonescan.studies.runs.document.make_document.
        pictures: addresses that hold the pictures: `courses`; `froc` and `examples` by number of
            the test set. None for what there is not.
    """
    css = read_asset("page.css") + _read_style()
    sets = [
        _lay_out_set(test_set, number, document, pictures)
        for number, test_set in enumerate(document["test_sets"], start=1)
    ]
    return _template().render(
        css=Markup(css),  # noqa: S704 # files of this package
        policy=make_policy(css),
        notice=RESEARCH_USE,
        document=document,
        simulated=any(test_set["simulated"] for test_set in document["test_sets"]),
        courses=pictures["courses"],
        costs=_costs_table(document["runs"]),
        sets=sets,
        configuration=_configuration_table(document["configuration"]),
        not_evaluated=[run["name"] for run in document["runs"] if run["figures"] is None],
    )


@cache
def _template() -> Template:
    environment = make_environment(PackageLoader("bonescan.studies.runs", _TEMPLATES))
    return environment.get_template("compare.html.j2")


@cache
def _read_style() -> str:
    path = files("bonescan.studies.runs") / _TEMPLATES / "compare.css"
    return path.read_text(encoding="utf-8")


def _lay_out_set(
    test_set: Mapping[str, Any],
    number: int,
    document: Mapping[str, Any],
    pictures: Mapping[str, Any],
) -> dict[str, Any]:
    runs = [run for run in document["runs"] if run["test_set"] == number]
    title = {name: text.format(unit=test_set["unit"]) for name, text in _TITLES.items()}
    differences = [
        [name, *(_format_difference(found[figure]) for figure in COMPARED)]
        for name, found in test_set["differences"].items()
    ]
    return {
        "number": number,
        "data": test_set,
        "without_lesion": test_set["images"] - test_set["images_with_lesion"],
        "figures": {
            "columns": ["Run", *(title[name] for name in FIGURES)],
            "rows": [
                [run["name"], *(format_interval(run["figures"][name]) for name in FIGURES)]
                for run in runs
            ],
        },
        "points": _by_point(runs),
        "differences": {
            "columns": [f"Less {test_set['reference']}", *(title[name] for name in COMPARED)],
            "rows": differences,
        },
        "froc": pictures["froc"].get(number),
        "examples": pictures["examples"].get(number),
    }


def _by_point(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the names of runs by their operating point, of those that have one."""
    names: dict[str, list[str]] = {}
    for run in runs:
        if run["operating_point"]:
            names.setdefault(run["operating_point"], []).append(run["name"])
    return names


def _format_difference(entry: Mapping[str, float | None]) -> str:
    if entry["value"] is None:
        return UNDEFINED
    if entry["lower"] is None or entry["upper"] is None:
        return f"{entry['value']:+.3f}"
    return f"{entry['value']:+.3f} ({entry['lower']:+.3f} to {entry['upper']:+.3f})"


def _costs_table(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "columns": ["Run", "System", "Seed", "Epochs", *_COSTS.values(), "Device", "Data"],
        "rows": [
            [
                run["name"],
                run["system"],
                NO_VALUE if run["seed"] is None else str(run["seed"]),
                f"{run['epochs']} of {run['planned_epochs'] or '?'}",
                *(_format_number(run[key]) for key in _COSTS),
                f"{run['device']}, threads: {run['threads']}",
                run["data"],
            ]
            for run in runs
        ],
    }


def _format_number(value: float | None) -> str:
    """Write a whole number in groups of three digits."""
    return NO_VALUE if value is None else f"{value:,.0f}".replace(",", "\N{NO-BREAK SPACE}")


def _configuration_table(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "columns": ["Key", *configuration["runs"]],
        "rows": [[key, *values] for key, values in configuration["keys"].items()],
    }
