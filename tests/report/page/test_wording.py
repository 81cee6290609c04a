import pytest

from bonescan.report.page.lesions import LIKELY, group_lesions
from bonescan.report.page.texts import load_texts
from bonescan.report.page.wording import capitalise, word_findings, word_impression
from tests.report.page.scans import make_scan

TEXTS = load_texts()
RIB = ("anterior", 50, 20, 0.9)
SPINE = ("posterior", 60, 38, 0.8)
LEFT_RIB_BOTH = (("anterior", 70, 60, 0.85), ("posterior", 70, 18, 0.95))
"""Column 60 of the anterior view is column 80 - 1 - 60 = 19 of the posterior one."""
FAINT = ("anterior", 80, 50, 0.4)


def impression(scan) -> list[str]:
    return list(word_impression(scan, group_lesions(scan.findings), TEXTS))


def findings(scan) -> list[str]:
    return list(word_findings(scan, group_lesions(scan.findings), TEXTS))


def test_no_lesion_is_no_proof_of_health_elsewhere():
    assert impression(make_scan()) == [
        "Thorax: no uptake marked as metastasis.",
        "This says nothing of the rest of the skeleton: only the thorax was assessed.",
    ]


def test_one_lesion_is_single_with_its_side():
    assert impression(make_scan(RIB))[0] == (
        "Thorax: a single lesion with uptake as in bone metastasis (right ribs)."
    )


def test_several_lesions_are_counted_by_site_from_head_to_foot():
    scan = make_scan(RIB, SPINE, *LEFT_RIB_BOTH, ("anterior", 80, 20, 0.9))
    assert impression(scan)[0] == (
        "Thorax: multiple lesions (4) with uptake as in bone metastasis: "
        "thoracic spine, right ribs (2) and left ribs."
    )
    assert (
        "Seen: one in both views, 2 in the anterior view only and one in the posterior view only."
        in findings(scan)
    )


def test_only_the_whole_body_needs_no_limit():
    for lesions in ((), (RIB,)):
        assert any("only the thorax" in text for text in impression(make_scan(*lesions)))
        whole = make_scan(*lesions, whole_body=True)
        assert not any("only" in text for text in impression(whole))


@pytest.mark.parametrize(
    ("lesions", "words"),
    [
        ((RIB, SPINE), "Bone metastasis is to be considered first; where doubt remains"),
        ((RIB, FAINT), "Bone metastasis is to be considered first; 1 of the lesions is uncertain"),
        ((FAINT,), "The finding is uncertain"),
        ((FAINT, ("anterior", 50, 50, 0.7)), "All of these findings are uncertain"),
        (((*RIB[:3], LIKELY),), "Bone metastasis is to be considered first"),
    ],
)
def test_mid_range_probabilities_are_called_uncertain(lesions, words):
    assert impression(make_scan(*lesions))[1].startswith(words)


def test_a_lesion_is_as_certain_as_its_better_view():
    both = (("anterior", 70, 60, 0.3), ("posterior", 70, 18, 0.95))
    (lesion,) = group_lesions(make_scan(*both).findings)
    assert not lesion.uncertain
    assert not any("Uncertain" in text for text in findings(make_scan(*both)))


def test_uncertain_lesions_and_those_at_the_border_are_named_by_number():
    scan = make_scan(("anterior", 30, 20, 0.9), FAINT, ("anterior", 60, 20, 0.5))
    said = findings(scan)
    assert "Uncertain (highest probability below 75 %): lesions 2 and 3." in said
    assert "Lesion 1 reaches the border of the field and may go on beyond it." in said


def test_the_hottest_lesion_is_named():
    said = findings(make_scan(RIB, SPINE))  # counts 100 and 110 on 20
    assert (
        "Hottest: lesion 2, thoracic spine, 110 counts, 5.5 times its surroundings on average."
        in said
    )


def test_without_a_map_of_the_skeleton_no_bone_is_named():
    scan = make_scan(RIB, SPINE, with_regions=False)
    said = " ".join([*impression(scan), *findings(scan)])
    assert "one in the anterior view only and one in the posterior view only" in said
    assert "ribs" not in said
    assert "spine" not in said
    assert "no known bone" not in said


@pytest.mark.parametrize(("text", "capital"), [("left ribs", "Left ribs"), ("", ""), ("aB", "AB")])
def test_capitalise_leaves_the_rest(text, capital):
    assert capitalise(text) == capital
