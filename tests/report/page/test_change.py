import dataclasses

import pytest

from bonescan.measures.change import Change, LesionChange, LesionState
from bonescan.measures.progression import Pcwg3, Reason, RuleState
from bonescan.report.page.change import make_change_section
from bonescan.report.page.document import make_document
from bonescan.report.page.html import render_html
from bonescan.report.page.texts import load_texts
from tests.report.page.scans import make_crowded_scan, make_scan

TEXTS = load_texts()
RIB, SPINE = ("anterior", 50, 20, 0.9), ("posterior", 60, 38, 0.8)
BURDENS = [make_scan(RIB).burden, make_scan(RIB, SPINE).burden]


def make_change(**changes: object) -> Change:
    """Return a change in which lesion 1 has grown and lesion 2 is new."""
    first, second = make_scan(RIB, SPINE).findings
    (before,) = make_scan(RIB).findings
    change = Change(
        days=90,
        same_patient=True,
        correlation=0.9,
        lesions=(
            LesionChange(LesionState.GROWN, (before,), (first,), 1.75, 1.2),
            LesionChange(LesionState.NEW, (), (second,)),
        ),
        bstbi_points=3.25,
        planar_bsi_points=-0.125,
        within_repeatability=True,
        pcwg3=Pcwg3(RuleState.NOT_MET, Reason.FEW_NEW, (0, 1), (0, 90)),
        flare_possible=False,
    )
    return dataclasses.replace(change, **changes)  # type: ignore[arg-type]


def make(**changes: object):
    return make_change_section(make_change(**changes), BURDENS, TEXTS)


def test_change_is_told_by_lesions_burden_and_rule():
    section = make()
    assert section.sentences[0] == "Compared with a scan 90 days earlier."
    assert section.sentences[1] == (
        "2+2 rule of PCWG3 on new lesions: not met; fewer than two new lesions after the first "
        "scan. This is no diagnosis of progression."
    )
    assert {fact.name: fact.value for fact in section.facts} == {
        "new": "one lesion",
        "grown": "one lesion",
        "BSTBI (0 to 100), thorax": "+3.25 points",
        "Planar bone scan index, thorax": "−0.12 points",
    }
    assert section.facts[-1].note.startswith("no more than two scans")


def test_lesions_of_both_scans_are_listed_with_their_numbers():
    (table,) = make().tables
    assert [(*row.head, *row.lines[0]) for row in table.rows] == [
        ("1", "1", "right ribs", "grown", "1.75", "1.20"),
        ("2", "–", "thoracic spine", "new", "–", "–"),
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"days": None}, "the days between them are not known"),
        ({"days": 1}, "one day earlier"),
        ({"same_patient": None}, "do not say whether both scans are of one patient"),
        ({"flare_possible": True}, "can then be healing bone (flare)"),
        ({"flare_possible": None}, "When therapy began is not known"),
    ],
)
def test_what_is_not_known_is_said(changes, words):
    assert words in " ".join(make(**changes).sentences)
    assert words not in " ".join(make().sentences)


def test_the_curve_has_the_burden_of_every_scan_by_its_day():
    curve = make().curve
    assert [point.day for point in curve.points] == [0, 90]
    assert [point.value for point in curve.points] == [burden.bstbi for burden in BURDENS]
    assert curve.title == "BSTBI, thorax"


def test_scans_that_do_not_compare_have_no_curve():
    unknown = Pcwg3(RuleState.UNKNOWN, Reason.UNKNOWN_DATES, (0, 1), (0, None))
    whole = [BURDENS[0], make_scan(RIB, whole_body=True).burden]
    assert make(bstbi_points=None).curve is None
    assert make(pcwg3=unknown).curve is None
    assert make_change_section(make_change(), whole, TEXTS).curve is None


def test_of_very_many_lesions_the_largest_are_listed():
    findings = make_crowded_scan(200).findings
    lesions = tuple(LesionChange(LesionState.NEW, (), (each,)) for each in findings)
    (table,) = make(lesions=lesions).tables
    assert len(table.rows) == 60
    assert table.caption.startswith("The 60 largest of 200 lesions")


def test_a_report_has_the_part_only_where_there_is_an_earlier_scan():
    scan = make_scan(RIB, SPINE, earlier=[make_scan(RIB)])
    keys = [section.key for section in make_document(scan).sections]
    assert keys[-2:] == ["change", "made"]
    assert 'id="change"' in render_html(make_document(scan))
    assert "change" not in [each.key for each in make_document(make_scan(RIB)).sections]
