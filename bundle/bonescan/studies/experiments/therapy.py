"""Simulated scans before and after therapy began: what is measured of a pair, and what is true."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from bonescan.keys import LABEL, PATIENT
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.measures.burden import measure_burden, stretch
from bonescan.measures.change import Change, compare_scans
from bonescan.measures.findings import Finding
from bonescan.metrics.bootstrap import bootstrap_interval, ratio
from bonescan.metrics.statistics import correlation, share
from bonescan.phantom.files.patient_files import read_truth
from bonescan.studies.experiments.correlations import MEASURES, TRUTH, TUMOUR_BURDEN, assess

COURSE, THERAPY_DAYS = "course", "therapy_days"
"""Fields of an entry of second scans: how the disease goes on, and days from the first scan to the
begin of therapy."""
UNSEEN = ", not seen in the other scan"
"""After the fate of a lesion that no view of the other scan shows."""


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
        true_pairs: lesions that both scans show.
        matched: lesions that were taken for one lesion in both scans.
        matched_rightly: those of them that are one.
        states: how many lesions of each fate were called what: (fate, state, number).
        new_lesions: that were called new.
        rule: what the 2+2 rule says: its reason.
        flare_possible: whether the second scan lies in the window of a flare.
    """

    patient: str
    course: str
    days: int
    points: Mapping[str, float]
    true_pairs: int
    matched: int
    matched_rightly: int
    states: Sequence[tuple[str, str, int]]
    new_lesions: int
    rule: str
    flare_possible: bool


def measure_pair(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> MeasuredPair:
    """Compare two scans of a patient by their true labels.

    Args:
        earlier: entry of the first scan, with absolute paths.
        later: entry of the second one, of the datalist of second scans.

    Raises:
        ScanError: if the scans cannot be compared.
    """
    scans = assess(earlier), assess(later)
    before, now = scans
    start = None
    if before.acquired is not None:
        start = before.acquired + timedelta(days=int(later[THERAPY_DAYS]))
    change = compare_scans(now, [before], therapy_start=start)
    fates = {
        (fate["earlier"], fate["later"]): str(fate["fate"])
        for fate in read_truth(Path(later[LABEL]).parent)["fates"]
    }
    seen = [{_owner(scan, finding) for finding in scan.findings} for scan in scans]
    true = {pair for pair in fates if pair[0] in seen[0] and pair[1] in seen[1]}
    matched = _find_matched(change, before, now)
    states = Counter(_judge(change, before, now, fates, true))
    burdens = [measure_burden(scan) for scan in scans]
    bodies = [stretch(float(entry[TUMOUR_BURDEN])) for entry in (earlier, later)]
    return MeasuredPair(
        patient=str(later[PATIENT]),
        course=str(later[COURSE]),
        days=int(later["days"]),
        points={
            TRUTH: 100 * (bodies[1] - bodies[0]),
            **{
                name: 100 * (getattr(burdens[1], name) - getattr(burdens[0], name))
                for name in MEASURES
            },
        },
        true_pairs=len(true),
        matched=len(matched),
        matched_rightly=sum(bool(each & true) for each in matched),
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
        "matches": {
            "sensitivity": _pooled(pairs, "matched_rightly", "true_pairs"),
            "precision": _pooled(pairs, "matched_rightly", "matched"),
        },
        "states": _sum_states(pairs),
    }


def list_pairs(pairs: Sequence[MeasuredPair]) -> list[dict[str, Any]]:
    """Return one row per patient, from which a page can be computed."""
    rows = []
    for pair in pairs:
        row = asdict(pair)
        states = "; ".join(f"{fate} > {state}: {n}" for fate, state, n in row.pop("states"))
        points = {f"{name}_points": round(value, 4) for name, value in row.pop("points").items()}
        rows.append({**row, **points, "states": states})
    return rows


def _owner(scan: AssessedScan, finding: Finding) -> int:
    """Return the number of the lesion, in the simulator's truth, that a finding is."""
    if scan.instances is None:
        raise ValueError("the entry must have instances, which tell true lesions apart")
    view = list(scan.views).index(finding.view)
    top, left, bottom, right = finding.box_px
    box = (view, slice(top, bottom + 1), slice(left, right + 1))
    own = scan.instances[box][scan.finding_numbers[box] == finding.number]
    return int(np.bincount(own).argmax())


def _find_matched(
    change: Change, before: AssessedScan, now: AssessedScan
) -> list[set[tuple[int, int]]]:
    """Return, of each lesion that is taken for one in both scans, the pairs of its findings."""
    return [
        {
            (_owner(before, one), _owner(now, other))
            for one in lesion.earlier
            for other in lesion.now
        }
        for lesion in change.lesions
        if lesion.earlier and lesion.now
    ]


def _judge(
    change: Change,
    before: AssessedScan,
    now: AssessedScan,
    fates: Mapping[tuple[int | None, int | None], str],
    true: set[tuple[int | None, int | None]],
) -> list[tuple[str, str]]:
    """Return the fate of each lesion and what it was called, by its number now, else then."""
    of_now = {later: pair for pair in fates if (later := pair[1]) is not None}
    of_before = {first: pair for pair in fates if (first := pair[0]) is not None}
    judged = []
    for lesion in change.lesions:
        if lesion.now:
            pair = of_now[_owner(now, lesion.now[0])]
        else:
            pair = of_before[_owner(before, lesion.earlier[0])]
        unseen = None not in pair and pair not in true
        judged.append((fates[pair] + (UNSEEN if unseen else ""), str(lesion.state)))
    return judged


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


def _pooled(pairs: Sequence[MeasuredPair], part: str, whole: str) -> dict[str, Any]:
    """Return a share of lesions, pooled, with its interval over patients."""
    parts, wholes = (
        np.array([getattr(pair, name) for pair in pairs], np.float64) for name in (part, whole)
    )
    interval = bootstrap_interval(
        lambda weights: ratio(weights @ parts, weights @ wholes), [pair.patient for pair in pairs]
    )
    return _plain(
        {
            "hits": int(parts.sum()),
            "cases": int(wholes.sum()),
            "value": float(ratio(parts.sum(), wholes.sum())),
            "low": float(interval[0]),
            "high": float(interval[1]),
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
