"""The 2+2 rule of PCWG3 on new lesions, and the window of a flare; neither is a diagnosis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

LEAST_NEW = 2
"""New lesions that make a scan count, and further ones that confirm it (Scher et al. 2016, PCWG3,
J Clin Oncol 34:1402)."""

LEAST_DAYS_TO_CONFIRM = 42
"""Six weeks between the first scan after therapy began and the one that confirms it (PCWG3)."""

FLARE_DAYS = (14, 183)
"""Two weeks to six months after therapy began, more and hotter lesions can be healing bone (EANM
guideline 2016)."""


class RuleState(StrEnum):
    """Whether a rule holds."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "cannot tell"


class Reason(StrEnum):
    """Why a rule holds, does not, or cannot be told; the texts for people are kept by these."""

    CONFIRMED = "confirmed"
    """Two new lesions, and two further ones in the scan that confirms them."""
    FEW_NEW = "few_new"
    """Fewer than two new lesions in the scans after the baseline."""
    NOT_CONFIRMED = "not_confirmed"
    """Two new lesions, but fewer than two further ones in the scan that was to confirm them."""
    NEEDS_CONFIRMATION = "needs_confirmation"
    """Two new lesions in the latest scan; another scan has to confirm them."""
    CONFIRMED_TOO_EARLY = "confirmed_too_early"
    """The scan that was to confirm them came less than six weeks later."""
    NOT_FOLLOWED = "not_followed"
    """Two new lesions in a scan after the first of therapy: they count if the next one still shows
    them, which is not followed here."""
    UNKNOWN_DATES = "unknown_dates"
    """A date of a scan is not known."""
    NO_BASELINE = "no_baseline"
    """Therapy began before the first of the scans: none of them is the baseline."""


@dataclass(frozen=True)
class Visit:
    """A scan, as far as the rule needs it.

    Attributes:
        day: of the scan; None where it is not known.
        new_lesions: over the scan before it.
    """

    day: date | None
    new_lesions: int


@dataclass(frozen=True)
class Pcwg3:
    """Whether the 2+2 rule of PCWG3 is met: never a diagnosis of progression.

    Attributes:
        state: whether it is.
        reason: why.
        new_lesions: of each scan over the one before it; 0 of the first.
        days: from the first scan to each; None where a date is not known.
    """

    state: RuleState
    reason: Reason
    new_lesions: tuple[int, ...]
    days: tuple[int | None, ...]


def apply_pcwg3(visits: Sequence[Visit], therapy_start: date | None = None) -> Pcwg3:
    """Apply the 2+2 rule to the scans of a patient.

    The first scan is the baseline before therapy, the second the first one after it began, the
    third the one that confirms: at least two new lesions in the second and, six weeks later or
    more, at least two further ones in the third. New lesions of later scans count if they persist,
    which is not followed here: cannot tell.

    Args:
        visits: at least two, the oldest first.
        therapy_start: first day of therapy; where it is not known, the first scan is taken for the
            baseline.

    Raises:
        ValueError: if there are fewer than two.
    """
    if len(visits) < 2:
        raise ValueError(f"the rule must have at least two scans, got {len(visits)}")
    first = visits[0].day
    days = tuple(
        None if first is None or visit.day is None else (visit.day - first).days for visit in visits
    )
    state, reason = _decide(visits, therapy_start)
    return Pcwg3(state, reason, tuple(visit.new_lesions for visit in visits), days)


def _decide(visits: Sequence[Visit], therapy_start: date | None) -> tuple[RuleState, Reason]:
    if any(visit.day is None for visit in visits):
        return RuleState.UNKNOWN, Reason.UNKNOWN_DATES
    if therapy_start is not None and visits[0].day is not None and visits[0].day > therapy_start:
        return RuleState.UNKNOWN, Reason.NO_BASELINE
    verdict = RuleState.NOT_MET, Reason.FEW_NEW
    for index, visit in enumerate(visits[1:], start=1):
        if visit.new_lesions >= LEAST_NEW:
            verdict = _confirm(visit, visits[index + 1 :], first=index == 1)
            if verdict[0] is RuleState.MET:
                break
    return verdict


def _confirm(visit: Visit, later: Sequence[Visit], *, first: bool) -> tuple[RuleState, Reason]:
    """Say whether the next scan confirms the new lesions of the first scan of therapy."""
    if not later:
        return RuleState.UNKNOWN, Reason.NEEDS_CONFIRMATION
    if not first:
        return RuleState.UNKNOWN, Reason.NOT_FOLLOWED
    if visit.day is None or later[0].day is None:
        return RuleState.UNKNOWN, Reason.UNKNOWN_DATES
    if (later[0].day - visit.day).days < LEAST_DAYS_TO_CONFIRM:
        return RuleState.UNKNOWN, Reason.CONFIRMED_TOO_EARLY
    if later[0].new_lesions >= LEAST_NEW:
        return RuleState.MET, Reason.CONFIRMED
    return RuleState.NOT_MET, Reason.NOT_CONFIRMED


def is_in_flare_window(day: date | None, therapy_start: date | None) -> bool | None:
    """Say whether a scan lies in the window of a flare; None where a day is not known."""
    if day is None or therapy_start is None:
        return None
    earliest, latest = FLARE_DAYS
    return earliest <= (day - therapy_start).days <= latest
