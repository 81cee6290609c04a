"""Yes-or-no decisions on the patients of an experiment, by trainings and by simulated readers."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.data.load import load_scan
from bonescan.handlers.decisions import THRESHOLD
from bonescan.keys import IMAGE, PATIENT, SITES
from bonescan.labels import REPORT_SITES
from bonescan.metrics.statistics import Share, share
from bonescan.run_folder import FINDINGS, IMAGE_ROWS

METASTASIS = "metastasis"
METASTASES_FIELD = "metastases"
"""Field of a datalist's entry: 1 where a metastasis shows in a view of the scan."""
ALL_RIGHT = "all_right"
"""Share of the patients with any site of which all sites are right."""
REPORT = "report_right"
"""Share of all patients of whom a report says rightly whether there are metastases and, where there
are, in which sites. Without a decision of its own it says so where it names a site."""
MEASURES = ("accuracy", "sensitivity", "specificity")
BITS = (METASTASIS, *REPORT_SITES)
DECISION_METRICS = (
    ALL_RIGHT,
    REPORT,
    *(f"{measure}_{bit}" for measure in MEASURES for bit in BITS),
)
"""Shares of patients: ALL_RIGHT, REPORT, and a measure of one bit, such as sensitivity_spine."""


@dataclass(frozen=True)
class Reader:
    """A simulated reader, who needs no training.

    Attributes:
        name: what the table calls it.
        published: published values of the reader of the paper by metric, 0..1.
    """

    name: str
    published: Mapping[str, float]


@dataclass(frozen=True)
class Decisions:
    """What is decided in an experiment that evaluates decisions in place of masks.

    Attributes:
        published_cases: patients of whom the published values are shares, by metric.
        readers: by the field of the datalist that holds their readings.
        pairwise: whether the page tests each pair, in place of giving the shares.
    """

    published_cases: Mapping[str, int]
    readers: Mapping[str, Reader] = field(default_factory=dict)
    pairwise: bool = False

    @property
    def published(self) -> dict[str, float]:
        """Every metric that something published is given for."""
        readers = [reader.published for reader in self.readers.values()]
        return {
            name: value for each in (self.published_cases, *readers) for name, value in each.items()
        }


@dataclass(frozen=True)
class Decided:
    """What was decided on all test patients, and what is true.

    Attributes:
        bits: names of what is decided, of BITS.
        patients: one case each, sorted.
        called: whether each is said to have the bit (patient, bit).
        truth: whether each has it (patient, bit).
    """

    bits: Sequence[str]
    patients: Sequence[str]
    called: NDArray[np.bool_]
    truth: NDArray[np.bool_]

    def share(self, metric: str) -> Share:
        """Return one of DECISION_METRICS with Wilson's interval over patients."""
        right = self.right(metric)
        return share(int(right.sum()), len(right))

    def right(self, metric: str) -> NDArray[np.bool_]:
        """Return whether each patient who counts for one of DECISION_METRICS is decided rightly."""
        if metric in {ALL_RIGHT, REPORT}:
            return self._whole_right(report=metric == REPORT)
        measure, _, bit = metric.partition("_")
        called, truth = (each[:, self.bits.index(bit)] for each in (self.called, self.truth))
        counts = {"accuracy": np.ones_like(truth), "sensitivity": truth, "specificity": ~truth}
        return (called == truth)[counts[measure]]

    def _whole_right(self, *, report: bool) -> NDArray[np.bool_]:
        """Return of whom the report is right; or all sites, of the patients with any."""
        sites = [number for number, bit in enumerate(self.bits) if bit != METASTASIS]
        called, truth = self.called[:, sites], self.truth[:, sites]
        right = np.asarray((called == truth).all(axis=1))
        diseased = np.asarray(truth.any(axis=1))
        if not report:
            return right[diseased]
        own = [self.bits.index(METASTASIS)] if METASTASIS in self.bits else sites
        says = self.called[:, own].any(axis=1)
        return np.where(diseased, says & right, ~says)


def read_trained(evaluation: Path, entries: Sequence[Mapping[str, Any]]) -> Decided:
    """Read what a training decided; a patient has a bit by a probability of THRESHOLD.

    Args:
        evaluation: folder of its evaluation, as bonescan.handlers.decisions writes it.
        entries: of the test patients in the datalist, who say what is true.

    Raises:
        ValueError: if the evaluation is of other patients, or a patient has several scans.
    """
    with (evaluation / IMAGE_ROWS).open(newline="", encoding="utf-8") as file:
        rows = {row["patient"]: row for row in csv.DictReader(file)}
    by_patient = _by_patient(entries)
    if set(rows) != set(by_patient):
        raise ValueError(
            f"{evaluation / IMAGE_ROWS} must hold the {len(by_patient)} test patients of the "
            f"datalist, got {len(rows)}, not all of them the same: evaluate the run again"
        )
    columns = next(iter(rows.values()))
    bits = [bit for bit in BITS if f"prob_{bit}" in columns]
    called = [
        [float(rows[name][f"prob_{bit}"]) >= THRESHOLD for bit in bits] for name in by_patient
    ]
    return _decided(bits, by_patient, called)


def read_steps(results: Path, entries: Sequence[Mapping[str, Any]]) -> Decided:
    """Read what trainings decided that were applied step by step.

    Args:
        results: folder of the inference.
        entries: of the test patients in the datalist, with absolute paths, who say what is true.

    Raises:
        ValueError: if a patient has several scans.
        OSError: if a scan has no result.
    """
    by_patient = _by_patient(entries)
    called = []
    for entry in by_patient.values():
        path = results / load_scan(entry[IMAGE]).scan_id / FINDINGS
        said = json.loads(path.read_text(encoding="utf-8"))
        probs = said["probability_by_site"]
        says = [said["probability_of_metastasis"], *(probs[site] for site in REPORT_SITES)]
        called.append([prob >= THRESHOLD for prob in says])
    return _decided(BITS, by_patient, called)


def read_reader(reading: str, entries: Sequence[Mapping[str, Any]]) -> Decided:
    """Read what a simulated reader says of metastases.

    Args:
        reading: field of the datalist that holds the readings, 0 or 1.
        entries: of the test patients in the datalist.

    Raises:
        ValueError: if an entry has no such reading, or a patient has several scans.
    """
    by_patient = _by_patient(entries)
    if any(reading not in entry for entry in by_patient.values()):
        raise ValueError(f"entries of the datalist must have the field {reading!r}, some have not")
    return _decided(
        [METASTASIS], by_patient, [[bool(entry[reading])] for entry in by_patient.values()]
    )


def published_share(metric: str, value: float, cases: Mapping[str, int]) -> Share | None:
    """Return a published value as a share of patients; None where no such number of them gives it.

    Args:
        metric: of DECISION_METRICS.
        value: as published, 0..1, of four digits.
        cases: patients by metric.
    """
    if metric not in cases:
        return None
    hits = round(value * cases[metric])
    return share(hits, cases[metric]) if round(hits / cases[metric], 4) == value else None


def _by_patient(entries: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    by_patient = {str(entry[PATIENT]): entry for entry in entries}
    if len(by_patient) < len(entries):
        raise ValueError(
            f"test patients must have one scan each, got {len(entries)} of {len(by_patient)}: "
            "cases would not be independent"
        )
    return dict(sorted(by_patient.items()))


def _decided(
    bits: Sequence[str], by_patient: Mapping[str, Mapping[str, Any]], called: Sequence[Any]
) -> Decided:
    truth = [[_has(entry, bit) for bit in bits] for entry in by_patient.values()]
    return Decided(bits, list(by_patient), np.array(called, bool), np.array(truth, bool))


def _has(entry: Mapping[str, Any], bit: str) -> bool:
    """Tell whether a patient has a bit, by the datalist: no resolution of a network changes it."""
    return bool(entry[METASTASES_FIELD]) if bit == METASTASIS else bit in entry[SITES]
