"""Trained runs beside each other on one page, with the same figures as JSON and CSV."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bonescan.files import write_json, write_text
from bonescan.report.tables import write_csv
from bonescan.studies.runs.document import group_runs, make_document, make_rows
from bonescan.studies.runs.page import render_page
from bonescan.studies.runs.pictures import draw_courses, draw_examples, draw_froc
from bonescan.studies.runs.trained_run import TrainedRun, name_folders, read_run

NAME = "compare"


@dataclass(frozen=True)
class Comparison:
    """What a comparison left.

    Attributes:
        page: the HTML page.
        compared: names of the runs on it.
        unreadable: why each other folder could not be read, by its name.
    """

    page: Path
    compared: Sequence[str]
    unreadable: dict[str, str]


def compare_runs(folders: Sequence[Path], output: Path) -> Comparison:
    """Compare runs, and write `compare.html`, `compare.json` and, with figures, `compare.csv`.

    Args:
        folders: of the trainings; the first one that was evaluated is what others are compared to.
        output: folder to write.

    Raises:
        ValueError: if a folder is given twice, or fewer than two can be read.
    """
    runs: list[TrainedRun] = []
    unreadable: dict[str, str] = {}
    for name, folder in zip(name_folders(folders), folders, strict=True):
        try:
            runs.append(read_run(folder, name))
        except ValueError as err:
            unreadable[name] = str(err)
    if len(runs) < 2:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in unreadable.items())
        raise ValueError(
            f"runs to compare must be at least two that can be read, got {len(runs)}"
            + (f" ({reasons})" if reasons else "")
        )
    groups = group_runs(runs)
    document = make_document(runs, groups, unreadable)
    pictures = {
        "courses": draw_courses(runs),
        "froc": {
            number: draw_froc(runs, group, document["test_sets"][number - 1]["unit"])
            for number, group in enumerate(groups, start=1)
        },
        "examples": {
            number: _examples(group, simulated=document["test_sets"][number - 1]["simulated"])
            for number, group in enumerate(groups, start=1)
        },
    }
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / f"{NAME}.json", document)
    table = output / f"{NAME}.csv"
    table.unlink(missing_ok=True)  # of an earlier comparison
    if rows := make_rows(document):
        write_csv(table, rows)
    page = output / f"{NAME}.html"
    write_text(page, render_page(document, pictures))
    return Comparison(page, [run.name for run in runs], unreadable)


def _examples(group: Sequence[TrainedRun], *, simulated: bool) -> dict[str, object] | None:
    drawn = draw_examples(group, origin="Simulated scans" if simulated else "Acquired scans")
    return None if drawn is None else {"picture": drawn[0], "runs": drawn[1]}
