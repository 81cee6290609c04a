"""Change between scans of one patient: lesions matched through registration, burden, PCWG3."""

from dataclasses import dataclass
from enum import StrEnum

from bonescan.measures.findings import Finding


class LesionState(StrEnum):
    """What became of a lesion."""

    NEW = "new"
    GROWN = "grown"
    UNCHANGED = "unchanged"
    SHRUNK = "shrunk"
    GONE = "gone"


class RuleState(StrEnum):
    """Whether a rule holds."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class LesionChange:
    """One lesion in the earlier scan, the present one, or both.

    Attributes:
        state: what became of it.
        earlier: its findings in the earlier scan; none if it is new.
        now: its findings in the present scan; none if it is gone.
        area_ratio: area now over earlier, of the view that shows it larger; None if it is new or
            gone.
        uptake_ratio: to_background now over earlier, of the same view; None as above, or where it
            is not known.
    """

    state: LesionState
    earlier: tuple[Finding, ...]
    now: tuple[Finding, ...]
    area_ratio: float | None = None
    uptake_ratio: float | None = None


@dataclass(frozen=True)
class Pcwg3:
    """The 2+2 rule of PCWG3 for progression on bone scans; never a diagnosis of progression.

    Attributes:
        state: whether the rule is met.
        reason: why, a key of its text.
        new_lesions: new lesions in each scan over the one before it, as far as they are known.
        days: from the first scan to each.
    """

    state: RuleState
    reason: str
    new_lesions: tuple[int, ...] = ()
    days: tuple[int, ...] = ()


@dataclass(frozen=True)
class Change:
    """Change from the latest earlier scan to the present one.

    Attributes:
        days: between them; None where a date is not known.
        same_patient: whether both are of one patient; None where a header does not say.
        lesions: every lesion of either scan, from head to foot.
        bstbi_points: difference of 100 BSTBI, now less earlier.
        planar_bsi_points: difference of the planar bone scan index in percentage points; None
            where it is not known of both.
        within_repeatability: whether planar_bsi_points is no more than two scans after one
            injection differ by (REPEATABILITY_POINTS); None where it is not known.
        pcwg3: the 2+2 rule.
        flare_possible: whether the present scan lies within the window of a flare after the start
            of therapy; None where that day is not known. More or hotter lesions may then be
            healing; it is named, never decided.
    """

    days: int | None
    same_patient: bool | None
    lesions: tuple[LesionChange, ...]
    bstbi_points: float
    planar_bsi_points: float | None
    within_repeatability: bool | None
    pcwg3: Pcwg3
    flare_possible: bool | None

    def count(self, state: LesionState) -> int:
        """Count the lesions of one state."""
        return sum(lesion.state is state for lesion in self.lesions)
