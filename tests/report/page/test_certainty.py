import dataclasses

from bonescan.labels import REPORT_SITES
from bonescan.metrics.calibration import Calibration, Recalibration
from bonescan.report.page.certainty import list_probabilities, tabulate_sites
from bonescan.report.page.lesions import group_lesions
from bonescan.report.page.texts import load_texts
from tests.report.page.scans import make_scan

TEXTS = load_texts()
CALIBRATION = Calibration(
    lesion=Recalibration(slope=1.0, intercept=0.0, number=31, true=17),
    scan=Recalibration(slope=2.0, intercept=0.0, number=12, true=5),
)


def probabilities(scan) -> dict[str, tuple[str, str]]:
    facts = list_probabilities(scan, group_lesions(scan.findings), TEXTS)
    return {fact.name: (fact.value, fact.note) for fact in facts}


def test_without_a_calibration_none_is_claimed():
    scan = make_scan(("anterior", 50, 20, 0.75))
    assert probabilities(scan) == {
        "Probability of metastasis, thorax": ("not calibrated", ""),
        "Probabilities of the lesions": ("not calibrated", ""),
    }
    assert list(probabilities(make_scan())) == ["Probability of metastasis, thorax"]


def test_a_calibrated_probability_says_on_how_many_cases_it_rests():
    scan = make_scan(("anterior", 50, 20, 0.75), calibration=CALIBRATION)
    assert probabilities(scan) == {
        "Probability of metastasis, thorax": (
            "90 %",
            "fitted to 12 cases of validation patients; holds for scans like theirs",
        ),
        "Probabilities of the lesions": (
            "calibrated",
            "fitted to 31 cases of validation patients; holds for scans like theirs",
        ),
    }


def test_what_a_classifier_says_is_listed_apart_and_called_not_calibrated():
    probs = dict(zip(REPORT_SITES, (0.97, 0.0, 0.31, 0.5, 0.02, 0.125), strict=True))
    scan = dataclasses.replace(make_scan(), scan_prob=0.83, site_probs=probs)
    (value, note) = probabilities(scan)["Probability of metastasis, by the classifier"]
    assert value == "83 %"
    assert "not calibrated" in note
    (table,) = tabulate_sites(scan, TEXTS)
    cells = [(*row.head, *row.lines[0]) for row in table.rows]
    assert cells[:3] == [("Spine", "97 %"), ("Pelvis", "0 %"), ("Scapula", "31 %")]
    assert len(cells) == len(REPORT_SITES)
    assert "not calibrated" in table.columns[1].title
    assert not list(tabulate_sites(make_scan(), TEXTS))
