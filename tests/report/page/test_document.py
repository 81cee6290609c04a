import pytest

from bonescan.data.origin import Origin
from bonescan.measures.quality import Flag, FlagCode, Severity
from bonescan.report.page.document import make_document
from tests.report.page.scans import cut_at, make_scan, trained_on, with_system
from tests.report.scan_results import take_view

RIB = ("anterior", 50, 20, 0.9)


def section(report, key):
    (found,) = [each for each in report.sections if each.key == key]
    return found


def facts(report) -> dict[str, str]:
    return {fact.name: fact.value for fact in section(report, "made").facts}


def test_a_report_is_of_one_scan_and_one_field():
    report = make_document(make_scan(RIB))
    assert report.subtitle == "Scan 0a1b2c. Assessed: thorax"
    assert report.notice in report.footer
    assert report.simulated
    assert not make_document(make_scan(simulated=False)).simulated
    assert [each.key for each in report.sections] == [
        "findings",
        "burden",
        "coverage",
        "lesions",
        "made",
    ]


@pytest.mark.parametrize(
    ("origin", "sentence", "fact"),
    [
        (Origin.SIMULATED, "trained on simulated scans only. On scans of patients", "simulated sc"),
        (Origin.MIXED, "trained on simulated scans and on others", "simulated scans and others"),
        (Origin.UNMARKED, "", "scans that are not marked as simulated"),
        (None, "not recorded what scans", "not recorded"),
    ],
)
def test_the_origin_of_the_training_data_is_said_first_where_it_matters(origin, sentence, fact):
    report = make_document(trained_on(origin, make_scan(RIB)))
    assert sentence in report.trained_on
    assert bool(sentence) == bool(report.trained_on)
    assert fact in facts(report)["Trained on"]


@pytest.mark.parametrize(("edge", "is_part"), [("upper", True), ("lower", True), ("left", False)])
def test_a_scan_that_ends_before_the_body_does_is_not_called_whole(edge, is_part):
    scan = cut_at(edge, make_scan(RIB, whole_body=True))
    report = make_document(scan)
    part = "head to knees, as far as the image shows it"
    burden = section(report, "burden").title
    assert report.subtitle.endswith(f"Assessed: {part if is_part else 'head to knees'}")
    assert burden == (f"Burden: {part}" if is_part else "Tumour burden")
    lead, *others = report.impression.sentences
    assert lead.startswith(f"H{part[1:]}: a single" if is_part else "Head to knees: a single")
    assert any("the image does not show" in sentence for sentence in others) == is_part
    assert (scan.scope, scan.cut_edges) == (part if is_part else "head to knees", (edge,))


def test_of_a_field_alone_no_more_is_said_where_the_image_ends_elsewhere():
    report = make_document(cut_at("lower", make_scan(RIB)))
    assert report.subtitle == "Scan 0a1b2c. Assessed: thorax"
    assert section(report, "burden").title == "Burden: thorax only"


def test_a_good_scan_has_no_warnings():
    scan = make_scan(RIB)
    vars(scan)["flags"] = ()  # in place of the cached property
    assert make_document(scan).warnings.items == ()


@pytest.mark.parametrize(
    ("scan", "words"),
    [
        (make_scan(content_check="contradicts"), "The images contradict"),
        (make_scan(view_source="guess"), "told by: a guess"),
        (make_scan(mirrored_copy=True), "mirrored copy"),
        (take_view(make_scan(), make_scan().views[0]), "Posterior view. Missing"),
    ],
)
def test_what_speaks_against_the_result_is_said_first(scan, words):
    report = make_document(scan)
    assert any(words in item for item in report.warnings.items)


def test_flags_are_worded_with_what_was_measured():
    scan = make_scan()
    flags = [
        Flag(
            FlagCode.LOW_COUNTS, Severity.WARNING, scan.views[1], {"counts": 212345, "least": 1e6}
        ),
        Flag(FlagCode.UNUSUAL_SPACING, Severity.NOTE, None, {"row_mm": 4.8, "column_mm": 2.4}),
    ]
    vars(scan)["flags"] = tuple(flags)  # in place of the cached property
    low, spacing = make_document(scan).warnings.items
    assert low.startswith(
        "Posterior view. Low counts: 212,345, where at least 1,000,000 are asked for."
    )
    assert "4.80 mm × 2.40 mm (row × column)" in spacing


def test_what_was_used_is_told_in_full():
    made = facts(
        make_document(with_system(make_scan(), "U-Net", threshold=0.73125, min_area_mm2=15))
    )
    assert made["System"] == "U-Net"
    assert made["Weights (SHA-256)"] == "12345678" + 56 * "a"
    assert made["Operating point"] == "lesion from probability 0.731 and lesions from 15 mm²"
    assert made["Software"] == "bonescan 0.7, revision fedcba98" + 32 * "0"
    assert made["Date of the computation"] == "2024-02-03 04:05 UTC"
    assert made["Size of pixels"] == "2.00 mm × 3.00 mm (row × column)"


def test_an_unknown_number_of_the_operating_point_is_named():
    made = facts(make_document(with_system(make_scan(), "K-means", clusters=9)))
    assert made["Operating point"] == "clusters 9"
