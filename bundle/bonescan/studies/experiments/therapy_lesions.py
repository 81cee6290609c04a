"""Lesions of two scans of a simulated patient: what a comparison says of them, and what is true."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bonescan.keys import LABEL
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.measures.change import Change, LesionState
from bonescan.measures.findings import Finding
from bonescan.phantom.files.patient_files import read_truth

UNSEEN = ", not seen in the other scan"
"""After the fate of a lesion that no view of the other scan shows."""
NO_LESION = "no lesion"
"""Fate of what a mask marks where there is none."""
MISSED = "missed"
"""What a lesion was called that a scan shows and no mask marks."""

MATCHED, MATCHES = "matched", "matches"
SHARES = (MATCHED, MATCHES, "new", "called new", "gone", "called gone")
"""Shares of lesions: of those that both scans show, matched as one; of the matches, right; of those
that the second scan alone shows, called new; of those called new, such; and of those that the first
alone shows, called gone, likewise."""

Pair = tuple[int | None, int | None]
"""Numbers of a true lesion in the first and in the second scan; None where it is not."""
BEFORE, NOW = 0, 1
"""Their places in a pair."""


@dataclass(frozen=True)
class Look:
    """A scan as a mask shows it, beside the truth.

    Attributes:
        scan: with the mask that is looked at.
        truth: with the true one, and the numbers of the true lesions.
    """

    scan: AssessedScan
    truth: AssessedScan

    def owner(self, finding: Finding) -> int | None:
        """Return the number of the true lesion that most of a finding is; None if it is of none."""
        if self.truth.instances is None:
            raise ValueError("the entry must have instances, which tell true lesions apart")
        top, left, bottom, right = finding.box_px
        rows, columns = slice(top, bottom + 1), slice(left, right + 1)
        view = list(self.scan.views).index(finding.view)
        true_view = list(self.truth.views).index(finding.view)
        own = self.scan.finding_numbers[view, rows, columns] == finding.number
        numbers = self.truth.instances[true_view, rows, columns][own]
        numbers = numbers[numbers > 0]
        return int(np.bincount(numbers).argmax()) if len(numbers) else None

    def list_owners(self, findings: Sequence[Finding]) -> list[int]:
        """Return the numbers of the true lesions that findings are, in their order."""
        return [owner for each in findings if (owner := self.owner(each)) is not None]


@dataclass(frozen=True)
class TrueLesions:
    """The true lesions of a patient.

    Attributes:
        fates: what became of each.
        seen: numbers of those that a view of the first scan shows, and of the second.
    """

    fates: Mapping[Pair, str]
    seen: tuple[set[int], set[int]]

    @classmethod
    def read(
        cls, later: Mapping[str, Any], truths: tuple[AssessedScan, AssessedScan]
    ) -> "TrueLesions":
        """Read them from the folder of a second scan, and from the true masks of both."""
        fates = read_truth(Path(later[LABEL]).parent)["fates"]
        first, second = (set(Look(scan, scan).list_owners(scan.findings)) for scan in truths)
        return cls(
            {(fate["earlier"], fate["later"]): str(fate["fate"]) for fate in fates},
            (first, second),
        )

    @property
    def in_both(self) -> set[Pair]:
        """Those that both scans show."""
        return {pair for pair in self.fates if pair[0] in self.seen[0] and pair[1] in self.seen[1]}

    @property
    def only_before(self) -> set[int]:
        """Numbers of those that the first scan alone shows."""
        return self.seen[0] - {before for before, _ in self.in_both if before is not None}

    @property
    def only_now(self) -> set[int]:
        """Numbers of those that the second scan alone shows."""
        return self.seen[1] - {now for _, now in self.in_both if now is not None}

    @property
    def shown(self) -> set[Pair]:
        """Those that a scan shows."""
        return {pair for pair in self.fates if pair[0] in self.seen[0] or pair[1] in self.seen[1]}

    def find(self, scan: int, number: int) -> Pair:
        """Return the lesion with a number in a scan, BEFORE or NOW."""
        return next(pair for pair in self.fates if pair[scan] == number)

    def name_fate(self, pair: Pair) -> str:
        """Return what became of a lesion, and whether a view of the other scan shows it."""
        hidden = None not in pair and pair not in self.in_both
        return self.fates[pair] + (UNSEEN if hidden else "")


def count_shares(
    change: Change, before: Look, now: Look, lesions: TrueLesions
) -> dict[str, tuple[int, int]]:
    """Return hits and cases of each of SHARES."""
    matches = [each for each in change.lesions if each.earlier and each.now]
    pairs = [
        set(product(before.list_owners(each.earlier), now.list_owners(each.now)))
        for each in matches
    ]
    called = {
        state: [each for each in change.lesions if each.state is state]
        for state in (LesionState.NEW, LesionState.GONE)
    }
    new = [set(now.list_owners(each.now)) for each in called[LesionState.NEW]]
    gone = [set(before.list_owners(each.earlier)) for each in called[LesionState.GONE]]
    truly_new, truly_gone = lesions.only_now, lesions.only_before
    return {
        MATCHED: (len(set().union(*pairs) & lesions.in_both), len(lesions.in_both)),
        MATCHES: (sum(bool(each & lesions.in_both) for each in pairs), len(matches)),
        "new": (len(set().union(*new) & truly_new), len(truly_new)),
        "called new": (sum(bool(each & truly_new) for each in new), len(new)),
        "gone": (len(set().union(*gone) & truly_gone), len(truly_gone)),
        "called gone": (sum(bool(each & truly_gone) for each in gone), len(gone)),
    }


def judge_lesions(
    change: Change, before: Look, now: Look, lesions: TrueLesions
) -> Iterator[tuple[str, str]]:
    """Yield the fate of each lesion and what it was called; of those not marked, too.

    A lesion of several findings has the fate of the first that lies on a true one, those of the
    second scan before those of the first.
    """
    found: set[Pair] = set()
    for lesion in change.lesions:
        pairs = [lesions.find(NOW, owner) for owner in now.list_owners(lesion.now)]
        pairs += [lesions.find(BEFORE, owner) for owner in before.list_owners(lesion.earlier)]
        found |= set(pairs)
        yield (lesions.name_fate(pairs[0]) if pairs else NO_LESION), str(lesion.state)
    for pair in sorted(lesions.shown - found, key=str):
        yield lesions.name_fate(pair), MISSED
