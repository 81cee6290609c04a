"""Collect what a system says of sub-images or of scans, and write how often it is right."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from bonescan import run_folder
from bonescan.files import write_json, write_text
from bonescan.handlers.distributed import gather
from bonescan.keys import (
    IMAGE,
    LABEL,
    META_SCAN_ID,
    META_SIMULATED,
    META_VIEWS,
    PRED,
    SIMULATED,
    patient_of,
)
from bonescan.metrics.statistics import Estimate, auc, diagnostic_accuracy, share
from bonescan.notice import RESEARCH_USE
from bonescan.report.tables import UNDEFINED, markdown_table, write_csv

THRESHOLD = 0.5
"""From which probability on a case has a bit, and a scan that has such a case (Liu 2021)."""


@dataclass(frozen=True, kw_only=True)
class DecidedScan:
    """What a system says of one scan, and what is true.

    Attributes:
        scan_id: pseudonym of the scan.
        patient: pseudonym of the patient.
        views: names of its views.
        simulated: whether it is simulated.
        probs: probabilities of its cases, such as its sub-images (case, bit).
        truth: whether each case has the bit (case, bit).
    """

    scan_id: str
    patient: str
    views: str
    simulated: bool
    probs: NDArray[np.float64]
    truth: NDArray[np.bool_]

    def row(self, bits: Sequence[str]) -> dict[str, Any]:
        """Return the scan's row of a table: the highest probability of its cases, and the truth."""
        highest, has = self.probs.max(axis=0), self.truth.max(axis=0)
        row: dict[str, Any] = {
            "scan_id": self.scan_id,
            "patient": self.patient,
            "form": self.views,
        }
        for number, bit in enumerate(bits):
            row[f"prob_{bit}"] = f"{highest[number]:.6f}"
            row[f"true_{bit}"] = int(has[number])
        return row


class DecisionReport:
    """Gather the decisions of all scans, from all processes, and write tables.

    Written into `output_dir` (names in bonescan.run_folder): a row per scan, and a summary as JSON
    and as a page. A scan has a bit where one of its cases does, by a probability of 0.5.

    Args:
        output_dir: folder to write to.
        name: what the system is called in the tables.
        bits: names of the bits, in the order of the system's outputs.
    """

    def __init__(self, *, output_dir: str | Path, name: str, bits: Sequence[str]) -> None:
        self.output_dir = Path(output_dir)
        self.name = name
        self.bits = tuple(bits)
        self.scans: list[DecidedScan] = []

    def attach(self, engine: Engine) -> None:
        """Register on the events of the evaluation."""
        engine.add_event_handler(Events.STARTED, self.scans.clear)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _collect(self, engine: Engine) -> None:
        entries: Sequence[Mapping[str, Any]] = engine.state.batch
        for entry, sample in zip(entries, engine.state.output, strict=True):
            self.scans.append(read_decisions(sample, entry))

    def _finish(self) -> None:
        scans = sorted(gather(self.scans), key=lambda scan: (scan.patient, scan.scan_id))
        if idist.get_rank() == 0:
            write_csv(self.output_dir / run_folder.IMAGE_ROWS, [s.row(self.bits) for s in scans])
            summary = summarise_decisions(scans, self.bits)
            write_json(self.output_dir / run_folder.SUMMARY_JSON, {self.name: summary})
            page = _to_page(self.name, summary)
            write_text(self.output_dir / run_folder.SUMMARY_PAGE, page)


def read_decisions(sample: Mapping[str, Any], entry: Mapping[str, Any]) -> DecidedScan:
    """Take what a report needs out of one scan's sample.

    Args:
        sample: image with its metadata; pred, probabilities, and label, bits, (..., bit).
        entry: the scan's entry of the datalist.
    """
    meta = sample[IMAGE].meta
    scan_id = str(meta[META_SCAN_ID])
    probs, truth = (
        np.asarray(sample[key].cpu(), np.float64).reshape(-1, sample[key].shape[-1])
        for key in (PRED, LABEL)
    )
    return DecidedScan(
        scan_id=scan_id,
        patient=patient_of(entry, scan_id),
        views=str(meta[META_VIEWS]),
        simulated=bool(meta[META_SIMULATED]) or bool(entry.get(SIMULATED, False)),
        probs=probs,
        truth=truth > 0,
    )


def summarise_decisions(scans: Sequence[DecidedScan], bits: Sequence[str]) -> dict[str, Any]:
    """Say how often scans and their cases are decided rightly.

    Args:
        scans: of one evaluation, at least one.
        bits: names of the bits.

    Returns:
        A document: what was evaluated; by bit `auc` over cases, its interval over patients, and
        `accuracy`, `sensitivity` and `specificity` of scans with Wilson's intervals; `all_right`,
        the share of the scans with any bit of which all bits are right.
    """
    probs, truth = (np.concatenate([getattr(s, key) for s in scans]) for key in ("probs", "truth"))
    patients = [scan.patient for scan in scans for _ in scan.probs]
    called = np.array([(scan.probs >= THRESHOLD).any(axis=0) for scan in scans])
    has = np.array([scan.truth.any(axis=0) for scan in scans])
    by_bit = {}
    for number, bit in enumerate(bits):
        accuracy = diagnostic_accuracy(has[:, number], called[:, number])
        by_bit[bit] = {
            "cases_with": int(truth[:, number].sum()),
            "auc": _plain(auc(truth[:, number], probs[:, number], patients)),
            **{
                key: _plain(getattr(accuracy, key))
                for key in ("accuracy", "sensitivity", "specificity")
            },
        }
    some = has.any(axis=1)
    right = (called == has).all(axis=1)
    return {
        "simulated": any(scan.simulated for scan in scans),
        "scans": len(scans),
        "patients": len(set(patients)),
        "cases": len(probs),
        "threshold": THRESHOLD,
        "bits": by_bit,
        "all_right": _plain(share(int(right[some].sum()), int(some.sum()))),
    }


def _plain(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate ready for JSON, None for what is undefined."""
    return {
        key: None if np.isnan(value) else round(value, 6) for key, value in asdict(estimate).items()
    }


def _to_page(name: str, summary: Mapping[str, Any]) -> str:
    """Lay out a summary as Markdown."""
    origin = "Simulated" if summary["simulated"] else "Acquired"
    head = (
        f"{origin} scans: {summary['scans']} of {summary['patients']} patients, "
        f"{summary['cases']} cases. In brackets: 95 % interval, of the AUC by DeLong over "
        "patients, of shares by Wilson."
    )
    rows = [
        [bit, *(_write(values[key]) for key in _COLUMNS)] for bit, values in summary["bits"].items()
    ]
    all_right = f"All bits right, of the scans with any: {_write(summary['all_right'])}"
    table = markdown_table([name, *_COLUMNS.values()], rows)
    return "\n\n".join([head, table, all_right, f"*{RESEARCH_USE}*"]) + "\n"


_COLUMNS = {
    "auc": "AUC of cases",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}


def _write(estimate: Mapping[str, float | None]) -> str:
    """Write "18/20, 0.900 (0.699 to 0.972)", or "n/a" where undefined."""
    if estimate["value"] is None:
        return UNDEFINED
    counted = f"{estimate['hits']}/{estimate['cases']}, " if "hits" in estimate else ""
    bounds = (
        "" if estimate["low"] is None else f" ({estimate['low']:.3f} to {estimate['high']:.3f})"
    )
    return f"{counted}{estimate['value']:.3f}{bounds}"
