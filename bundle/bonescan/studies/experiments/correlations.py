"""Measures of tumour burden of simulated patients beside a laboratory value of theirs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.data.load import load_scan
from bonescan.data.nifti import read_view_stack
from bonescan.keys import IMAGE, INSTANCES, LABEL, PATIENT
from bonescan.labels import Label
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.measures.burden import measure_burden, stretch
from bonescan.metrics.bootstrap import bootstrap_interval, ratio
from bonescan.metrics.statistics import Estimate, add_interval, correlation

ALP = "alp_u_l"
"""Field of a datalist's entry: alkaline phosphatase in U/L."""
TUMOUR_BURDEN = "tumour_burden"
"""Field of a datalist's entry: share 0..1 of the skeleton's volume that is metastasis."""
TRUTH = "truth"
"""That share as the index stretches it: what the simulator draws the laboratory value from."""
MEASURES = ("bstbi", "bstbi_counts", "uptake_share")
"""Of bonescan.measures.burden.Burden, which are measured from the images."""
TRUE_MASK, PREDICTED_MASK = "true labels", "predicted labels"
"""What tables call the labels that a measure is made with."""
WHOLE_BODY = "whole body"


@dataclass(frozen=True)
class Correlations:
    """What an experiment on a measure and a laboratory value compares.

    Attributes:
        published: Pearson's correlation with the value by measure.
        published_mean: mean of a measure over the patients.
        published_sd: standard deviation, likewise.
        patients: of whom these are.
        published_sites: patients with metastases in each site.
        site_patients: of whom these are.
    """

    published: Mapping[str, float]
    published_mean: Mapping[str, float]
    published_sd: Mapping[str, float]
    patients: int
    published_sites: Mapping[str, int]
    site_patients: int


@dataclass(frozen=True)
class MeasuredPatient:
    """A patient with a laboratory value.

    Attributes:
        patient: pseudonym.
        alp_u_l: alkaline phosphatase.
        values: by TRUTH and MEASURES.
    """

    patient: str
    alp_u_l: float
    values: Mapping[str, float]


def measure_patient(entry: Mapping[str, Any], scan: AssessedScan) -> MeasuredPatient:
    """Measure the burden of a patient's scan by a label map.

    Args:
        entry: of the datalist.
        scan: its scan with the true label map (see assess), or with what a system made of it.

    Raises:
        ValueError: if the entry has no laboratory value.
    """
    if ALP not in entry:
        raise ValueError(f"entries of the datalist must have the field {ALP!r}, some have not")
    burden = measure_burden(scan)
    measured = {name: float(getattr(burden, name)) for name in MEASURES}
    truth = stretch(float(entry[TUMOUR_BURDEN]))
    return MeasuredPatient(str(entry[PATIENT]), float(entry[ALP]), {TRUTH: truth, **measured})


def assess(entry: Mapping[str, Any]) -> AssessedScan:
    """Return the scan of an entry with the true label map in place of what a system finds.

    Args:
        entry: of the datalist, with absolute paths; `instances`, where it has them, tell true
            lesions apart.
    """
    scan = load_scan(entry[IMAGE])
    label_map = read_view_stack(entry[LABEL]).array
    return AssessedScan(
        views=scan.views,
        spacing_mm=scan.spacing_mm,
        counts=scan.stack(),
        label_map=label_map.astype(np.uint8),
        prob=(label_map == Label.METASTASIS).astype(np.float32),
        instances=read_view_stack(entry[INSTANCES]).array if INSTANCES in entry else None,
        field=WHOLE_BODY,
        field_mask=np.ones(label_map.shape, bool),
        view_source=scan.view_source,
        content_check=scan.content_check,
        acquired=scan.acquired,
        patient_key=scan.patient_key,
    )


def correlate(patients: Sequence[MeasuredPatient], name: str) -> dict[str, Any]:
    """Return how a measure goes with the laboratory value, and with what that was drawn from.

    Args:
        patients: one or more.
        name: TRUTH, or one of MEASURES.

    Returns:
        Ready for JSON: `mean`, `sd`; `pearson` and `spearman` with the value; `truth`, Pearson's
        with what it was drawn from.
    """
    values, truth = _column(patients, name), _column(patients, TRUTH)
    alp = np.array([patient.alp_u_l for patient in patients])
    return {
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)) if len(values) > 1 else None,
        "pearson": _plain(correlation(values, alp)),
        "spearman": _plain(correlation(values, alp, "spearman")),
        "truth": _plain(correlation(values, truth)),
    }


def compare(
    patients: Sequence[MeasuredPatient], others: Sequence[MeasuredPatient], name: str
) -> dict[str, Any]:
    """Return how a measure by one mask goes with that by another, of the same patients.

    Args:
        patients: two or more, by the one mask.
        others: the same patients in the same order, by the other mask.
        name: one of MEASURES.

    Returns:
        Ready for JSON: `pearson`, of the one with the other; `less`, Pearson's correlation of the
        one with the laboratory value less that of the other, by BCa bootstrap over patients.

    Raises:
        ValueError: if the patients are not the same.
    """
    names = [patient.patient for patient in patients]
    if names != [patient.patient for patient in others]:
        raise ValueError("both masks must be of the same patients, in the same order, are not")
    one, other = _column(patients, name), _column(others, name)
    alp = np.array([patient.alp_u_l for patient in patients])

    def less(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return _weighted_pearson(one, alp, weights) - _weighted_pearson(other, alp, weights)

    low, high = bootstrap_interval(less, names)
    return {
        "pearson": _plain(correlation(one, other)),
        "less": _plain(Estimate(float(less(np.ones(len(names)))), float(low), float(high))),
    }


def _weighted_pearson(
    first: NDArray[np.float64], second: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return Pearson's correlation from how often each patient counts (..., patient)."""
    share = weights / weights.sum(axis=-1, keepdims=True)
    a, b = (each - (share @ each)[..., None] for each in (first, second))  # (..., patient)
    spread = np.sqrt((share * a**2).sum(axis=-1) * (share * b**2).sum(axis=-1))
    return ratio((share * a * b).sum(axis=-1), spread)


def describe_published(correlations: Correlations) -> dict[str, Any]:
    """Return what is published, with intervals, ready for JSON."""
    return {
        **asdict(correlations),
        "pearson": {
            name: _plain(add_interval(value, correlations.patients))
            for name, value in correlations.published.items()
        },
    }


def list_patients(
    masks: Mapping[str, Sequence[MeasuredPatient]],
) -> Iterator[dict[str, str | float]]:
    """Yield what was measured of each patient by each mask, from which a page can be computed."""
    for mask, patients in masks.items():
        for each in patients:
            values = {name: round(value, 6) for name, value in each.values.items()}
            yield {"mask": mask, PATIENT: each.patient, ALP: each.alp_u_l, **values}


def _column(patients: Sequence[MeasuredPatient], name: str) -> NDArray[np.float64]:
    return np.array([patient.values[name] for patient in patients])


def _plain(estimate: Estimate) -> dict[str, float | None]:
    return {key: None if np.isnan(value) else value for key, value in asdict(estimate).items()}
