"""What inference leaves of each scan, and of those that failed."""

import gc
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
from ignite.engine import Engine, Events

from bonescan import run_folder
from bonescan.data.failures import make_failure
from bonescan.data.follow_up import parse_visit
from bonescan.dicom.scan import Source, View
from bonescan.dicom.scan_id import warn_of_shared_key
from bonescan.errors import StorageError, one_line
from bonescan.files import append_row, read_rows, write_rows, writing
from bonescan.handlers.kept_results import KeptResults
from bonescan.keys import (
    COUNTS,
    FAILURE,
    FIELD_MASK,
    IMAGE_PATH,
    META_ACQUIRED,
    META_CONTENT_CHECK,
    META_PATIENT_KEY,
    META_SCAN_ID,
    META_SIMULATED,
    META_SOURCES,
    META_SPACING,
    META_VIEW_SOURCE,
    MIRRORED,
    PRED,
    PRED_INSTANCES,
    PRED_REGIONS,
    PROB,
    SCAN_PROB,
    SITE_PROBS,
    VISIT,
)
from bonescan.labels import REPORT_SITES
from bonescan.metrics.calibration import Calibration
from bonescan.report.provenance import Provenance
from bonescan.report.scan_result import ScanResult
from bonescan.report.writers import ScanWriter
from bonescan.transforms.metadata import get_views

logger = logging.getLogger(__name__)

COLLECT_EVERY = 10
"""Ours: scans after which Python looks for objects that only refer to each other. Pictures leave
10 MB a scan of them (measured at 512 x 128 pixels); by itself it waits until there are a quarter as
many objects as the program has, by our reckoning some 30 scans. It takes a quarter of a second."""


class ScanOutputs:
    """Hand each scan to the writers, and keep the table of failures.

    An input that could not be read is a failure, and so is a scan that a writer could not write:
    `failures.csv` names it with the reason, the other writers still write, and the run goes on.
    Rows are written as soon as they are known: an interrupted run loses none. Several processes of
    one run share the tables.

    Args:
        writers: what is written of each scan, in this order (see bonescan.report.writers).
        output_dir: folder to write to.
        field: field that is searched for lesions, such as "thorax".
        provenance: finds out what makes the results, when a run starts: a configuration may be
            composed before there are weights.
        calibration: of probabilities, which the samples' are.
        resume: whether to go on in the tables of an earlier run.
    """

    def __init__(
        self,
        writers: Sequence[ScanWriter],
        *,
        output_dir: str | Path,
        field: str,
        provenance: Callable[[], Provenance],
        calibration: Calibration,
        resume: bool = False,
    ) -> None:
        self.writers = list(writers)
        self.output_dir = Path(output_dir)
        self.field = field
        self.find_provenance = provenance
        self.calibration = calibration
        self.resume = resume
        self.n_done = 0
        self.n_failed = 0

    def attach(self, engine: Engine) -> None:
        """Register on the events of an archive run."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._take_batch)
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=COLLECT_EVERY), self._free)

    def _start(self) -> None:
        warn_of_shared_key()
        self.provenance = self.find_provenance()
        self.n_done = self.n_failed = 0
        self.kept = KeptResults()
        idist.barrier()  # all processes have read in the tables what is left to do
        if idist.get_rank() == 0:
            self._begin_tables()
        idist.barrier()

    def _begin_tables(self) -> None:
        """Keep the rows of scans that were done before, and nothing else."""
        done = read_done(self.output_dir) if self.resume else []
        rows = self.output_dir / run_folder.SCAN_ROWS
        if done:
            self._require_same_system(done)
            write_rows(rows, done)
        else:
            rows.unlink(missing_ok=True)
        (self.output_dir / run_folder.FAILURES).unlink(missing_ok=True)

    def _require_same_system(self, done: Sequence[Mapping[str, str]]) -> None:
        """See that a table will hold the results of one system only."""
        for column, value in self.provenance.identity().items():
            others = {row.get(column, "") for row in done} - {value}
            if others:
                raise ValueError(
                    f"--resume must have the {column} of the results in {self.output_dir}, "
                    f"{' and '.join(sorted(map(repr, others)))}, got {value!r}; give another "
                    "--output_dir"
                )

    def _take_batch(self, engine: Engine) -> None:
        if FAILURE in engine.state.batch:
            self._note_failure(engine.state.batch[IMAGE_PATH], engine.state.batch[FAILURE])
            return
        for entry, output in zip(engine.state.batch, engine.state.output, strict=True):
            self._take({**entry, **output})

    def _free(self) -> None:
        gc.collect()

    def _take(self, sample: Mapping[str, Any]) -> None:
        """Make the result of a scan and write it; what fails is a failure of that scan alone.

        One that is only there for others to be compared with is not written.
        """
        visit = parse_visit(sample[VISIT]) if VISIT in sample else None
        try:
            result = make_result(
                sample,
                field=self.field,
                provenance=self.provenance,
                calibration=self.calibration,
            )
            if visit is not None:
                result = self.kept.compare(result, visit)
        except Exception as err:
            logger.debug("failure of a result", exc_info=err)
            name = make_failure(err, sample[COUNTS].meta)[IMAGE_PATH]
            self._note_failure(name, _describe("result", err))
        else:
            if visit is None or visit.is_asked:
                self._write(result)

    def _write(self, result: ScanResult) -> None:
        """Let all writers write, in a folder without what an earlier run has left.

        A segmentation where now nothing is found would be taken for one of this run.
        """
        with writing(self.output_dir):
            folder = self.output_dir / result.scan_id
            folder.mkdir(parents=True, exist_ok=True)
            for name in run_folder.scan_files(result.scan_id):
                (folder / name).unlink(missing_ok=True)
        reasons = [reason for writer in self.writers if (reason := self._try(writer, result))]
        if reasons:
            self._note_failure(run_folder.name_input(result.files), "; ".join(reasons))
        else:
            self.n_done += 1

    def _try(self, writer: ScanWriter, result: ScanResult) -> str:
        """Let a writer write; return why it could not, nothing if it could.

        Raises:
            StorageError: if nothing can be written; it would fail all scans that are to come.
        """
        try:
            with writing(self.output_dir / result.scan_id):
                writer(result, self.output_dir)
        except StorageError:
            raise
        except Exception as err:
            logger.debug("failure of a writer", exc_info=err)
            return _describe(type(writer).__name__, err)
        return ""

    def _note_failure(self, source: str, reason: str) -> None:
        row = {"input": source, "reason": reason}
        append_row(self.output_dir / run_folder.FAILURES, row)
        self.n_failed += 1


def _describe(part: str, err: Exception) -> str:
    """Warn of, and return, which part of a scan's output failed and why."""
    reason = f"{part}: {one_line(err)}"
    logger.warning("a scan is incomplete: %s", reason)
    return reason


def read_done(output_dir: Path) -> list[dict[str, str]]:
    """Return the rows of the scans that an earlier run in a folder has done without a failure."""
    failed = {row["input"] for row in read_rows(output_dir / run_folder.FAILURES)}
    rows = read_rows(output_dir / run_folder.SCAN_ROWS)
    return [row for row in rows if row["input"] not in failed]


def make_result(
    sample: Mapping[str, Any], *, field: str, provenance: Provenance, calibration: Calibration
) -> ScanResult:
    """Make the result of a scan of what the chain of inference left.

    Args:
        sample: counts, pred (values of bonescan.labels.Label), prob and field_mask (view, row,
            column), MetaTensors in acquisition geometry; pred_instances likewise where the system
            tells lesions apart, pred_regions where a network tells bones; mirrored where the entry
            says so; site_probs (site,) and scan_prob (1,) where the system says them.
        field: field that was searched for lesions.
        provenance: what makes the result.
        calibration: of probabilities.

    Raises:
        ValueError: if the maps do not have the shape of the counts, or the metadata do not name
            the views.
    """
    meta = sample[COUNTS].meta
    maps = {
        key: sample[key].cpu().numpy()
        for key in (COUNTS, PRED, PROB, FIELD_MASK, PRED_INSTANCES, PRED_REGIONS)
        if key in sample
    }
    instances = maps.get(PRED_INSTANCES)
    sources, acquired = json.loads(meta[META_SOURCES]), str(meta[META_ACQUIRED])
    row_mm, column_mm = map(float, meta[META_SPACING])
    return ScanResult(
        scan_id=str(meta[META_SCAN_ID]),
        views=[View(name) for name in get_views(sample[COUNTS])],
        spacing_mm=(row_mm, column_mm),
        sources={
            View(name): Source(Path(source["path"]), source["frame"])
            for name, source in sources.items()
        },
        view_source=str(meta[META_VIEW_SOURCE]),
        content_check=str(meta[META_CONTENT_CHECK]),
        simulated=bool(meta[META_SIMULATED]),
        acquired=date.fromisoformat(acquired) if acquired else None,
        patient_key=str(meta[META_PATIENT_KEY]),
        mirrored_copy=bool(sample.get(MIRRORED, False)),
        counts=maps[COUNTS],
        label_map=np.rint(maps[PRED]).astype(np.uint8),
        prob=maps[PROB],
        calibration=calibration,
        instances=None if instances is None else instances.astype(np.int32),
        field=field,
        field_mask=maps[FIELD_MASK] > 0.5,
        regions=maps.get(PRED_REGIONS),
        provenance=provenance,
        **_read_decisions(sample),
    )


def _read_decisions(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Take what a system says of the scan as a whole; nothing of one that says nothing."""
    decisions: dict[str, Any] = {}
    if SITE_PROBS in sample:
        decisions["site_probs"] = dict(zip(REPORT_SITES, sample[SITE_PROBS].tolist(), strict=True))
    if SCAN_PROB in sample:
        decisions["scan_prob"] = sample[SCAN_PROB].item()
    return decisions
