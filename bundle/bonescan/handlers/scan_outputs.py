"""What inference leaves of each scan, and of those that it could not use."""

import csv
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from bonescan.data.find import find_scans
from bonescan.data.scan_reference import parse_reference
from bonescan.dicom.scan import View
from bonescan.keys import (
    COUNTS,
    FAILURE,
    IMAGE_PATH,
    META_SCAN_ID,
    META_SIMULATED,
    META_SOURCES,
    META_SPACING,
    META_VIEWS,
    PRED,
    PRED_INSTANCES,
    PROB,
    VIEW_SEPARATOR,
)
from bonescan.labels import Label
from bonescan.report.findings import find_lesions, findings_document, scan_summary
from bonescan.report.overlay import ScanPicture, write_overlay

logger = logging.getLogger(__name__)

SUMMARY_NAME = "summary.csv"
FAILURES_NAME = "failures.csv"
FINDINGS_NAME = "findings.json"
OVERLAY_NAME = "overlay.png"


def find_pending(
    path: str | Path, *, output_dir: str | Path, resume: bool = False
) -> list[dict[str, Any]]:
    """Find the scans of an archive that are still to be read.

    Args:
        path: DICOM file, folder or datalist.
        output_dir: folder of an earlier run.
        resume: whether to pass over inputs that the earlier run's summary has.

    Returns:
        Entries for a dataset; empty if all are done.
    """
    entries = find_scans(path)
    summary = Path(output_dir) / SUMMARY_NAME
    if not resume or not summary.is_file():
        return entries
    with summary.open(newline="", encoding="utf-8") as file:
        done = {row["input"] for row in csv.DictReader(file)}
    pending = [entry for entry in entries if _name_input(entry["image"]) not in done]
    logger.info("%d of %d scans are done already", len(entries) - len(pending), len(entries))
    return pending


def _name_input(image: str | Path | Sequence[str | Path]) -> str:
    names = [image] if isinstance(image, str | Path) else image
    return ", ".join(sorted(str(parse_reference(name).path) for name in names))


class ScanOutputs:
    """Write findings and picture of each scan, and the tables of the archive.

    `output_dir/SCAN_ID/` holds `findings.json` and `overlay.png` beside the label map that the
    post-processing saved; `summary.csv` has a row for each scan and `failures.csv` one for each
    input that failed. Rows are written as soon as they are known: an interrupted run loses none.

    Args:
        output_dir: folder to write to.
        assessed: field that is searched for lesions, such as "thorax".
        resume: whether to go on in the tables of an earlier run.
    """

    def __init__(self, *, output_dir: str | Path, assessed: str, resume: bool = False) -> None:
        self.output_dir = Path(output_dir)
        self.assessed = assessed
        self.resume = resume
        self.n_done = 0
        self.n_failed = 0

    def attach(self, engine: Engine) -> None:
        """Register on the events of an archive run."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._write)

    def _start(self) -> None:
        self.n_done = self.n_failed = 0
        (self.output_dir / FAILURES_NAME).unlink(missing_ok=True)
        if not self.resume:
            (self.output_dir / SUMMARY_NAME).unlink(missing_ok=True)

    def _write(self, engine: Engine) -> None:
        if FAILURE in engine.state.batch:
            self._note_failure(engine.state.batch)
            return
        for entry, output in zip(engine.state.batch, engine.state.output, strict=True):
            row = write_scan({**entry, **output}, self.output_dir, assessed=self.assessed)
            self._append(SUMMARY_NAME, row)
            self.n_done += 1

    def _note_failure(self, failure: Mapping[str, Any]) -> None:
        row = {"input": failure[IMAGE_PATH], "reason": failure[FAILURE]}
        self._append(FAILURES_NAME, row)
        self.n_failed += 1

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        path = self.output_dir / name
        is_new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if is_new:
                writer.writeheader()
            writer.writerow(row)

    def finish(self) -> None:
        """End the program with exit code 1 if inputs failed.

        Raises:
            SystemExit: if at least one input failed.
        """
        logger.info("%d scans done, %d failed", self.n_done, self.n_failed)
        failures = self.output_dir / FAILURES_NAME
        if not self.n_failed:
            failures.unlink(missing_ok=True)  # of an earlier run, where nothing was left to do
            return
        logger.error(
            "%d of %d inputs failed; see %s", self.n_failed, self.n_done + self.n_failed, failures
        )
        raise SystemExit(1)


def write_scan(sample: Mapping[str, Any], output_dir: Path, *, assessed: str) -> dict[str, Any]:
    """Write findings and picture of one scan.

    Args:
        sample: counts, pred and prob (view, row, column), MetaTensors in acquisition geometry;
            pred_instances likewise where the system tells lesions apart.
        output_dir: folder in which the scan gets a folder of its own.
        assessed: field that was searched for lesions.

    Returns:
        The scan's row of the summary.
    """
    meta = sample[COUNTS].meta
    counts = sample[COUNTS].cpu().numpy()
    mask = sample[PRED].cpu().numpy() == Label.METASTASIS
    prob = sample[PROB].cpu().numpy()
    instances: Sequence[NDArray | None] = [None] * len(mask)
    if PRED_INSTANCES in sample:
        instances = sample[PRED_INSTANCES].cpu().numpy().astype(np.int32)
    views = [View(name) for name in str(meta[META_VIEWS]).split(VIEW_SEPARATOR)]
    spacing_mm = (float(meta[META_SPACING][0]), float(meta[META_SPACING][1]))
    scan_id, simulated = str(meta[META_SCAN_ID]), bool(meta[META_SIMULATED])
    findings = [
        finding
        for number, view in enumerate(views)
        for finding in find_lesions(
            mask[number],
            counts[number],
            spacing_mm,
            view,
            prob=prob[number],
            instances=instances[number],
        )
    ]
    folder = output_dir / scan_id
    folder.mkdir(parents=True, exist_ok=True)
    document = findings_document(
        findings,
        scan_id=scan_id,
        views=views,
        spacing_mm=spacing_mm,
        assessed=assessed,
        simulated=simulated,
    )
    (folder / FINDINGS_NAME).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    picture = ScanPicture(
        counts=counts,
        views=views,
        spacing_mm=spacing_mm,
        pred_mask=mask,
        scan_id=scan_id,
        assessed=assessed,
        simulated=simulated,
        findings=findings,
    )
    write_overlay(folder / OVERLAY_NAME, picture)
    row = scan_summary(
        findings, scan_id=scan_id, views=views, assessed=assessed, simulated=simulated
    )
    sources = json.loads(meta[META_SOURCES])
    return {"input": _name_input(sorted({source["path"] for source in sources.values()})), **row}
