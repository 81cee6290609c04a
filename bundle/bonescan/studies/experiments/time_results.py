"""Measure the time of a scan, gather it into one document, and write it."""

import os
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bonescan.files import write_json, write_text
from bonescan.studies.experiments.grid import RunGrid
from bonescan.studies.experiments.provenance import describe_runs
from bonescan.studies.experiments.released import find_released
from bonescan.studies.experiments.results import describe_grid, describe_making
from bonescan.studies.experiments.time_page import to_markdown
from bonescan.studies.experiments.timed_chains import (
    THREADS,
    ChainTimes,
    time_published,
    time_released,
)
from bonescan.studies.experiments.untrained import OPEN_SHARES


def write_times(grid: RunGrid, output: Path, *, command: str, split: str) -> Path:
    """Write `NAME.json` and `NAME.md` of an experiment on the time of a scan.

    Args:
        grid: of an experiment with times and a released system.
        output: folder to write to.
        command: that makes all this again.
        split: "patient".

    Returns:
        The Markdown file.

    Raises:
        ValueError: if the experiment has no times, or its released system is not there.
        RuntimeError: if a result of a scan could not be written.
    """
    experiment = grid.experiment
    released = find_released(experiment)
    if experiment.times is None or released is None:
        raise ValueError(f"{experiment.name} must have times and a released system, has not")
    datalist, load = grid.data.find(None).datalist, os.getloadavg()[0]
    chains = {
        "published chain, untrained": time_published(experiment.times, datalist),
        f"`{experiment.released}`": time_released(released, datalist),
    }
    document = {
        **describe_grid(grid, split=split),
        **describe_making(grid, command=command),
        "provenance": describe_runs([]),
        "times": asdict(experiment.times),
        "released": experiment.released,
        "open_shares": {label.name.lower(): share for label, share in OPEN_SHARES.items()},
        "threads": THREADS,
        "load": round(load, 1),
        "chains": [_to_entry(name, chain) for name, chain in chains.items()],
    }
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / f"{experiment.name}.json", document)
    page = output / f"{experiment.name}.md"
    write_text(page, to_markdown(document))
    return page


def _to_entry(name: str, chain: ChainTimes) -> dict[str, Any]:
    return {
        "name": name,
        "scans": len(chain.bare_s),
        "findings": median(chain.findings),
        "measured": [each.to_entry() for each in chain.to_measurements()],
    }
