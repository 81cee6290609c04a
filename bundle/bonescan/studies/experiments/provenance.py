"""Which code, data and machine made the runs of a page: from the records that they left."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bonescan.run_folder import EVALUATION, RECORD
from bonescan.studies.experiments.grid import Run
from bonescan.workflow.run_record import CHANGES

EARLIER_RECORD = "run_{}.json"
"""Record of a training that was interrupted, before its continuation wrote its own."""


def keep_record(folder: Path) -> None:
    """Keep the record of an interrupted training, which may be of other code than what follows."""
    record = folder / RECORD
    if record.is_file():
        number = len(list(folder.glob(EARLIER_RECORD.format("*")))) + 1
        shutil.copy(record, folder / EARLIER_RECORD.format(number))


def describe_runs(runs: Sequence[Run]) -> dict[str, Any]:
    """Collect what the records of runs say.

    Args:
        runs: of one page; those without a record, which have not begun, are passed over.

    Returns:
        Ready for JSON: "revisions", "devices" and "threads", each value once; "packages", versions
        by name; "dates", the first and the last day; "changed_data", the datalists that were not
        the same in all of the runs.
    """
    records = [record for run in runs for record in _read_records(run)]
    days = sorted({record["started"][:10] for _, record in records})
    hashes: dict[str, set[str]] = {}
    packages: dict[str, set[str]] = {}
    for datalist, record in records:
        hashes.setdefault(datalist, set()).add(record["data_sha256"])
        for name, version in record["packages"].items():
            packages.setdefault(name, set()).add(version)
    return {
        "revisions": sorted({str(record["revision"]) for _, record in records}),
        "devices": sorted({record["device"] for _, record in records}),
        "threads": sorted({record["threads"] for _, record in records}),
        "packages": {name: sorted(versions) for name, versions in packages.items()},
        "dates": days[:1] + days[1:][-1:],
        "changed_data": sorted(Path(name).name for name, each in hashes.items() if len(each) > 1),
    }


def require_publishable(provenance: Mapping[str, Any]) -> None:
    """Check that a page can name the code that made it.

    Raises:
        ValueError: if a run is of code that no commit holds.
    """
    unknown = [name for name in provenance["revisions"] if not is_commit(name)]
    if unknown:
        raise ValueError(
            f"runs of a published page must be of committed code, got {', '.join(unknown)}; delete "
            "them and run them anew from a clean checkout, or write elsewhere with --output"
        )


def is_commit(revision: str | None) -> bool:
    """Tell whether a revision, as bonescan.workflow.run_record tells it, is a commit."""
    return revision not in {None, "None"} and not str(revision).endswith(CHANGES)


def _read_records(run: Run) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the datalist of each step of a run with the step's record."""
    steps = [
        (run.training["datalist"], path)
        for path in (run.folder / RECORD, *run.folder.glob(EARLIER_RECORD.format("*")))
    ]
    steps.append((run.evaluation["datalist"], run.folder / EVALUATION / RECORD))
    for datalist, path in steps:
        if path.is_file():
            yield datalist, json.loads(path.read_text(encoding="utf-8"))
