"""The 2+2 rule, and the window of a flare."""

from datetime import date, timedelta

import pytest

from bonescan.measures.progression import (
    Reason,
    RuleState,
    Visit,
    apply_pcwg3,
    is_in_flare_window,
)

DAY = date(2024, 1, 31)


def visits(*pairs: tuple[int, int]) -> list[Visit]:
    """Return a baseline, and visits of (days after it, new lesions)."""
    return [Visit(DAY, 0), *(Visit(DAY + timedelta(days), new) for days, new in pairs)]


@pytest.mark.parametrize(
    ("pairs", "state", "reason"),
    [
        ([(60, 1)], RuleState.NOT_MET, Reason.FEW_NEW),
        ([(60, 2)], RuleState.UNKNOWN, Reason.NEEDS_CONFIRMATION),
        ([(60, 2), (102, 2)], RuleState.MET, Reason.CONFIRMED),
        ([(60, 5), (101, 5)], RuleState.UNKNOWN, Reason.NEEDS_CONFIRMATION),
        ([(60, 5), (101, 1)], RuleState.UNKNOWN, Reason.CONFIRMED_TOO_EARLY),
        ([(60, 5), (102, 1)], RuleState.NOT_MET, Reason.NOT_CONFIRMED),
        ([(60, 1), (120, 1)], RuleState.NOT_MET, Reason.FEW_NEW),
        ([(60, 1), (120, 2)], RuleState.UNKNOWN, Reason.NEEDS_CONFIRMATION),
        ([(60, 1), (120, 2), (180, 2)], RuleState.UNKNOWN, Reason.NEEDS_CONFIRMATION),
        ([(60, 1), (120, 2), (180, 0)], RuleState.UNKNOWN, Reason.NOT_FOLLOWED),
        ([(60, 3), (120, 2), (180, 0)], RuleState.MET, Reason.CONFIRMED),
    ],
)
def test_rule(pairs, state, reason):
    found = apply_pcwg3(visits(*pairs))
    assert (found.state, found.reason) == (state, reason)
    assert found.days == (0, *(days for days, _ in pairs))
    assert found.new_lesions == (0, *(new for _, new in pairs))


def test_without_a_date_nothing_can_be_told():
    found = apply_pcwg3([Visit(DAY, 0), Visit(None, 4), Visit(DAY + timedelta(200), 4)])
    assert (found.state, found.reason) == (RuleState.UNKNOWN, Reason.UNKNOWN_DATES)
    assert found.days == (0, None, 200)


def test_the_baseline_comes_before_therapy():
    found = apply_pcwg3(visits((60, 2), (120, 2)), DAY - timedelta(1))
    assert (found.state, found.reason) == (RuleState.UNKNOWN, Reason.NO_BASELINE)
    assert apply_pcwg3(visits((60, 2), (120, 2)), DAY).state is RuleState.MET


def test_one_scan_is_none():
    with pytest.raises(ValueError, match="at least two scans, got 1"):
        apply_pcwg3(visits())


@pytest.mark.parametrize(
    ("days", "inside"), [(13, False), (14, True), (183, True), (184, False), (-5, False)]
)
def test_flare(days, inside):
    assert is_in_flare_window(DAY + timedelta(days), DAY) is inside


def test_flare_needs_both_days():
    assert is_in_flare_window(None, DAY) is None
    assert is_in_flare_window(DAY, None) is None
