"""Simulated scans before and after therapy began: what is measured of a pair, and what is true."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from scipy import stats

from bonescan.keys import PATIENT
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.measures.burden import measure_burden, stretch
from bonescan.measures.change import compare_scans
from bonescan.metrics.bootstrap import bootstrap_interval, ratio
from bonescan.metrics.statistics import correlation, share
from bonescan.studies.experiments.correlations import MEASURES, TRUTH, TUMOUR_BURDEN, assess
from bonescan.studies.experiments.therapy_lesions import (
    SHARES,
    Look,
    TrueLesions,
    count_shares,
    judge_lesions,
)

COURSE, THERAPY_DAYS = "course", "therapy_days"
"""Fields of an entry of second scans: how the disease goes on, and days from the first scan to the
begin of therapy."""


@dataclass(frozen=True)
class Therapy:
    """What is published of one patient before and after therapy.

    Attributes:
        published_before: burden index by view.
        published_after: likewise.
    """

    published_before: Mapping[str, float]
    published_after: Mapping[str, float]


@dataclass(frozen=True)
class MeasuredPair:
    """Two scans of a patient.

    Attributes:
        patient: pseudonym.
        course: how the simulator has the disease go on.
        days: between the scans.
        points: 100 times the change, now less earlier, by TRUTH and MEASURES.
        shares: lesions that count for each of SHARES, and of how many: (hits, cases).
        states: how many lesions of each fate were called what: (fate, state, number).
        new_lesions: that were called new.
        rule: what the 2+2 rule says: its reason.
        flare_possible: whether the second scan lies in the window of a flare.
    """

    patient: str
    course: str
    days: int
    points: Mapping[str, float]
    shares: Mapping[str, tuple[int, int]]
    states: Sequence[tuple[str, str, int]]
    new_lesions: int
    rule: str
    flare_possible: bool


def measure_pair(
    earlier: Mapping[str, Any],
    later: Mapping[str, Any],
    scans: tuple[AssessedScan, AssessedScan] | None = None,
) -> MeasuredPair:
    """Compare two scans of a patient, and see what is said of them against the truth.

    Args:
        earlier: entry of the first scan, with absolute paths.
        later: entry of the second one, of the datalist of second scans.
        scans: both, as a system sees them; with their true masks if not given.

    Raises:
        ScanError: if the scans cannot be compared.
    """
    truths = assess(earlier), assess(later)
    before, now = (Look(*each) for each in zip(scans or truths, truths, strict=True))
    start = None
    if before.scan.acquired is not None:
        start = before.scan.acquired + timedelta(days=int(later[THERAPY_DAYS]))
    change = compare_scans(now.scan, [before.scan], therapy_start=start)
    lesions = TrueLesions.read(later, truths)
    states = Counter(judge_lesions(change, before, now, lesions))
    return MeasuredPair(
        patient=str(later[PATIENT]),
        course=str(later[COURSE]),
        days=int(later["days"]),
        points=_measure_points((earlier, later), (before.scan, now.scan)),
        shares=count_shares(change, before, now, lesions),
        states=[(*key, number) for key, number in sorted(states.items())],
        new_lesions=change.pcwg3.new_lesions[-1],
        rule=str(change.pcwg3.reason),
        flare_possible=bool(change.flare_possible),
    )


def summarise(pairs: Sequence[MeasuredPair], names: Sequence[str]) -> dict[str, Any]:
    """Return what all pairs say together, ready for JSON.

    Args:
        pairs: two or more.
        names: of MEASURES.
    """
    courses = sorted({pair.course for pair in pairs})
    return {
        "courses": [_summarise_course(course, pairs, names) for course in courses],
        "agreement": {name: _agree(pairs, name) for name in names},
        "shares": {name: _pooled(pairs, name) for name in SHARES},
        "states": _sum_states(pairs),
    }


def list_pairs(masks: Mapping[str, Sequence[MeasuredPair]]) -> list[dict[str, Any]]:
    """Return one row per mask and patient, from which a page can be computed."""
    rows = []
    for mask, pairs in masks.items():
        for pair in pairs:
            row = asdict(pair)
            states = "; ".join(f"{fate} > {state}: {n}" for fate, state, n in row.pop("states"))
            points = {f"{name}_points": round(n, 4) for name, n in row.pop("points").items()}
            shares = {name: f"{hits} of {n}" for name, (hits, n) in row.pop("shares").items()}
            rows.append({"mask": mask, **row, **points, **shares, "states": states})
    return rows


def _measure_points(
    entries: Sequence[Mapping[str, Any]], scans: Sequence[AssessedScan]
) -> dict[str, float]:
    """Return 100 times the change of TRUTH and of each measure."""
    burdens = [measure_burden(scan) for scan in scans]
    values = {TRUTH: [stretch(float(entry[TUMOUR_BURDEN])) for entry in entries]} | {
        name: [float(getattr(burden, name)) for burden in burdens] for name in MEASURES
    }
    return {name: 100 * (now - before) for name, (before, now) in values.items()}


def _summarise_course(
    course: str, pairs: Sequence[MeasuredPair], names: Sequence[str]
) -> dict[str, Any]:
    own = [pair for pair in pairs if pair.course == course]
    return {
        "course": course,
        "patients": len(own),
        "points": {name: _mean([pair.points[name] for pair in own]) for name in (TRUTH, *names)},
        "rules": dict(sorted(Counter(pair.rule for pair in own).items())),
        "flare_possible": sum(pair.flare_possible for pair in own),
    }


def _mean(values: Sequence[float]) -> dict[str, float | None]:
    """Return a mean over patients with Student's 95 % interval, which needs two of them."""
    if len(values) < 2:
        return {"value": float(np.mean(values)), "low": None, "high": None}
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    return {"value": float(np.mean(values)), "low": float(low), "high": float(high)}


def _agree(pairs: Sequence[MeasuredPair], name: str) -> dict[str, Any]:
    """Return how a measure changes with the burden of the body."""
    measured, truth = (np.array([pair.points[key] for pair in pairs]) for key in (name, TRUTH))
    changed = truth != 0
    same = share(int((np.sign(measured) == np.sign(truth))[changed].sum()), int(changed.sum()))
    return {
        "pearson": _plain(asdict(correlation(measured, truth))),
        "same_sign": _plain(asdict(same)),
    }


def _pooled(pairs: Sequence[MeasuredPair], name: str) -> dict[str, Any]:
    """Return one of SHARES, pooled, with its interval over patients; none where no draw differs."""
    parts, wholes = np.array([pair.shares[name] for pair in pairs], np.float64).T
    interval = bootstrap_interval(
        lambda weights: ratio(weights @ parts, weights @ wholes), [pair.patient for pair in pairs]
    )
    low, high = interval if interval[0] < interval[1] else (np.nan, np.nan)
    return _plain(
        {
            "hits": int(parts.sum()),
            "cases": int(wholes.sum()),
            "value": float(ratio(parts.sum(), wholes.sum())),
            "low": float(low),
            "high": float(high),
        }
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values for JSON, which has no NaN."""
    return {key: None if value != value else value for key, value in values.items()}  # noqa: PLR0124


def _sum_states(pairs: Sequence[MeasuredPair]) -> list[list[Any]]:
    total: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        for fate, state, number in pair.states:
            total[fate, state] += number
    return [[*key, number] for key, number in sorted(total.items())]
