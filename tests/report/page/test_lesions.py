import dataclasses

from bonescan.metrics.calibration import Calibration, Recalibration
from bonescan.report.page.lesions import MOST_ROWS, group_lesions, list_sites, tabulate_lesions
from bonescan.report.page.texts import load_texts
from tests.report.page.scans import make_crowded_scan, make_scan

TEXTS = load_texts()


def test_a_lesion_that_both_views_show_is_one_row_of_two_lines():
    scan = make_scan(
        ("anterior", 70, 60, 0.85), ("posterior", 70, 18, 0.95), ("anterior", 30, 20, 0.5)
    )
    table = tabulate_lesions(group_lesions(scan.findings), TEXTS, with_region=True)
    border, both = table.rows
    assert border.head == ("1", "no known bone")
    assert border.lines == (("anterior", "36", "120", "120.0", "6.0", "50 %", "at border"),)
    assert both.head == ("2", "left ribs")
    assert [line[0] for line in both.lines] == ["anterior", "posterior"]
    assert [line[5] for line in both.lines] == ["85 %", "95 %"]
    assert len(table.columns) == len(both.head) + len(both.lines[0])
    assert table.caption == "2 lesions, from head to foot"


def test_what_is_not_known_is_a_dash():
    (finding,) = make_scan(("anterior", 50, 20, 0.9)).findings
    unknown = dataclasses.replace(finding, score=None, to_background=None)
    table = tabulate_lesions(group_lesions([unknown]), TEXTS, with_region=False)
    assert table.rows[0].lines[0][4:6] == ("–", "–")
    assert table.caption == "One lesion"


def test_of_very_many_the_largest_are_shown_in_order():
    lesions = group_lesions(make_crowded_scan(1000).findings)
    table = tabulate_lesions(lesions, TEXTS, with_region=True)
    numbers = [int(row.head[0]) for row in table.rows]
    assert len(numbers) == MOST_ROWS
    assert numbers == sorted(numbers)
    assert {row.lines[0][1] for row in table.rows} == {"18"}  # three pixels of 6 mm2
    assert table.caption.startswith("The 60 largest of 1,000 lesions")


def test_an_impression_names_the_sites_of_most_lesions():
    places = [("anterior", 40, 38, 0.9), ("anterior", 40, 16, 0.9), ("anterior", 60, 16, 0.9)]
    lesions = group_lesions(make_scan(*places, ("anterior", 60, 50, 0.9)).findings)
    assert list_sites(lesions, TEXTS, most=1) == "right ribs (2) and 2 further regions"
    assert list_sites(lesions, TEXTS, most=3) == "thoracic spine, right ribs (2) and left ribs"


def test_numbers_of_very_many_lesions_are_cut_short():
    assert TEXTS.enumerate(list("abc"), most=2, rest="findings.further") == "a, b and one further"


def test_a_calibrated_probability_takes_the_place_of_the_system_s():
    calibration = Calibration(lesion=Recalibration(slope=1.0, intercept=-2.0, number=9, true=4))
    scan = make_scan(("anterior", 50, 20, 0.9))
    assert not group_lesions(scan.findings)[0].uncertain
    (lesion,) = group_lesions(dataclasses.replace(scan, calibration=calibration).findings)
    assert lesion.uncertain  # log odds of 0.9 are 2.2: 0.55
    table = tabulate_lesions([lesion], TEXTS, with_region=True)
    assert "55 %" in table.rows[0].lines[0]
    assert "Probability" in [column.title for column in table.columns]
    plain = tabulate_lesions(group_lesions(scan.findings), TEXTS, with_region=True)
    assert "Probability, not calibrated" in [column.title for column in plain.columns]
