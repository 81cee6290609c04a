"""Gather the decisions of an experiment into one document, and write it with its page."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bonescan.data.datalist import TEST, load_items, read_datalist
from bonescan.files import write_json, write_text
from bonescan.metrics.statistics import Share, chi_square, mcnemar
from bonescan.report.tables import write_csv
from bonescan.run_folder import EVALUATION
from bonescan.studies.experiments.decision_page import to_markdown
from bonescan.studies.experiments.decisions import (
    Decided,
    Decisions,
    published_share,
    read_reader,
    read_steps,
    read_trained,
)
from bonescan.studies.experiments.experiment import FAST
from bonescan.studies.experiments.grid import RunGrid
from bonescan.studies.experiments.provenance import describe_runs, require_publishable
from bonescan.studies.experiments.results import describe_grid, describe_making
from bonescan.studies.experiments.row_results import is_complete, is_trained, training_s
from bonescan.studies.experiments.statistics import LEAST_TRAININGS

DECISIONS_ENDING = "_decisions.csv"
"""Of the table of decisions beside the document of an experiment."""


@dataclass(frozen=True)
class Line:
    """A line of the table: one training, or a simulated reader.

    Attributes:
        id: of the row, or the field of the reader's readings.
        name: what the table calls it.
        published: published values by metric.
        decided: what it decided.
        run: name of the training; None for a reader.
        training_s: seconds that its training took; None where nothing was trained.
        compared_with: ids of the lines that it is tested against, in the training of the same name.
    """

    id: str
    name: str
    published: Mapping[str, float]
    decided: Decided
    run: str | None = None
    training_s: float | None = None
    compared_with: Sequence[str] = ()


def write_decisions(
    grid: RunGrid, output: Path, *, command: str, split: str, publish: bool = False
) -> Path:
    """Write `NAME.json`, `NAME_decisions.csv` and `NAME.md` of an experiment on decisions.

    Each training is a line of its own: how far those of a row lie apart is what chance does.

    Args:
        grid: what was run; its experiment has decisions.
        output: folder to write to.
        command: that makes all this again.
        split: "patient".
        publish: whether the page must name the code that made it.

    Returns:
        The Markdown file.

    Raises:
        ValueError: if the page is to be published, and a run is of code that no commit holds.
    """
    experiment = grid.experiment
    decisions = experiment.decisions
    if decisions is None:
        raise ValueError(f"{experiment.name} must evaluate decisions, it does not")
    provenance = describe_runs([run for run in grid.runs() if is_trained(run)])
    if publish:
        require_publishable(provenance)
    lines = list(_read_lines(grid, decisions))
    complete = {line.id for line in lines}
    document = {
        "decisions": True,
        **describe_grid(grid, split=split),
        **describe_making(grid, command=command),
        "provenance": provenance,
        "pairwise": decisions.pairwise,
        "rows": [_line_entry(line, experiment.metrics, decisions) for line in lines],
        "pairs": _compare_lines(grid, lines, decisions),
        "missing": [row.name for row in experiment.table_rows if row.id not in complete],
    }
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / f"{experiment.name}.json", document)
    write_csv(output / f"{experiment.name}{DECISIONS_ENDING}", list(_list_decisions(lines)))
    page = output / f"{experiment.name}.md"
    write_text(page, to_markdown(document))
    return page


def _read_lines(grid: RunGrid, decisions: Decisions) -> Iterator[Line]:
    """Yield a line for each training of complete rows, and for each reader."""
    for row in grid.experiment.table_rows:
        runs = grid.runs_of(row)
        if not all(is_complete(run) for run in runs):
            continue
        entries = load_items(grid.data.find(row.data).datalist, TEST)
        for run in runs:
            name = row.name if len(runs) == 1 else run.label
            if row.steps:
                decided, seconds = read_steps(run.folder, entries), None
            else:
                decided, seconds = read_trained(run.folder / EVALUATION, entries), training_s(run)
            yield Line(row.id, name, row.published, decided, run.name, seconds, row.compared_with)
    entries = read_datalist(grid.data.find(None).datalist)[TEST]
    for reading, reader in decisions.readers.items():
        yield Line(reading, reader.name, reader.published, read_reader(reading, entries))


def _line_entry(line: Line, metrics: Sequence[str], decisions: Decisions) -> dict[str, Any]:
    published = {metric: _published(line, metric, decisions) for metric in metrics}
    return {
        "id": line.id,
        "run": line.run,
        "name": line.name,
        "published": {
            metric: {"value": value, "share": None if found is None else asdict(found)}
            for metric, value in line.published.items()
            for found in [published[metric]]
        },
        "measured": {metric: _to_entry(line.decided.share(metric)) for metric in metrics},
        "patients": len(line.decided.patients),
        "training_s": line.training_s,
    }


def _published(line: Line, metric: str, decisions: Decisions) -> Share | None:
    value = line.published.get(metric)
    return None if value is None else published_share(metric, value, decisions.published_cases)


def _to_entry(found: Share) -> dict[str, float | None]:
    return {key: None if np.isnan(value) else value for key, value in asdict(found).items()}


def _compare_lines(
    grid: RunGrid, lines: Sequence[Line], decisions: Decisions
) -> list[dict[str, Any]]:
    """Test pairs of lines by each metric; a training alone of few of its row is not tested.

    All pairs if the experiment says so, else those that rows name.
    """
    trained = len(grid.profile.seeds) >= LEAST_TRAININGS and grid.profile_name != FAST
    return [
        {
            "first": first.name,
            "second": second.name,
            "metric": metric,
            **_test_published(first, second, metric, decisions),
            **(_test(first, second, metric) if trained or not (first.run or second.run) else {}),
        }
        for first, second in itertools.combinations(lines, 2)
        if (first.id != second.id if decisions.pairwise else _are_compared(first, second))
        for metric in grid.experiment.metrics
    ]


def _are_compared(first: Line, second: Line) -> bool:
    return first.run == second.run and first.id in second.compared_with


def _test_published(
    first: Line, second: Line, metric: str, decisions: Decisions
) -> dict[str, float | None]:
    shares = [_published(line, metric, decisions) for line in (first, second)]
    return {"published": chi_square(*shares) if all(shares) else None}  # type: ignore[arg-type]


def _test(first: Line, second: Line, metric: str) -> dict[str, float | None]:
    shares = [line.decided.share(metric) for line in (first, second)]
    p = chi_square(*shares)
    return {
        "chi_square": None if np.isnan(p) else p,
        "mcnemar": mcnemar(first.decided.right(metric), second.decided.right(metric)),
    }


def _list_decisions(lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """Yield what each line says of each patient and bit, from which the page can be computed."""
    for line in lines:
        decided = line.decided
        for patient, called, truth in zip(
            decided.patients, decided.called, decided.truth, strict=True
        ):
            for bit, says, has in zip(decided.bits, called, truth, strict=True):
                yield {
                    "row": line.id,
                    "run": line.run,
                    "patient": patient,
                    "bit": bit,
                    "called": int(says),
                    "true": int(has),
                }
