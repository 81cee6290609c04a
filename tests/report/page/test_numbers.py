import pytest

from bonescan.dicom.scan import View
from bonescan.report.page.numbers import list_burden, tabulate_regions, word_coverage
from bonescan.report.page.texts import load_texts
from tests.report.page.scans import cut_at, make_scan
from tests.report.scan_results import take_view

TEXTS = load_texts()
RIB = ("anterior", 50, 20, 0.9)
SPINE = ("posterior", 60, 38, 0.8)


def test_a_burden_of_a_field_never_reads_as_the_patients():
    names = [fact.name for fact in list_burden(make_scan(RIB), TEXTS)]
    assert "BSTBI, thorax" in names
    assert "Planar bone scan index, thorax" in names
    assert not {"BSTBI", "Share of the uptake", "Planar bone scan index"} & set(names)
    whole = [fact.name for fact in list_burden(make_scan(RIB, whole_body=True), TEXTS)]
    assert {"BSTBI", "Share of the uptake", "Planar bone scan index"} <= set(whole)


def test_the_bone_scan_index_says_how_views_were_merged_and_how_far_it_repeats():
    *_, index = list_burden(make_scan(RIB), TEXTS)
    assert "of each bone the larger share of both views counts" in index.note
    assert "0.3 percentage points" in index.note
    assert not any(
        "bone scan index" in fact.name
        for fact in list_burden(make_scan(RIB, with_regions=False), TEXTS)
    )


@pytest.mark.parametrize("edge", ["left", "lower"])
def test_the_share_of_the_skeleton_is_a_most_value_where_the_image_cuts_the_body(edge):
    whole = make_scan(RIB, whole_body=True)
    for scan, bound in ((whole, False), (cut_at(edge, whole), True)):
        *_, index = list_burden(scan, TEXTS)
        share = TEXTS.percent(scan.burden.planar_bsi.assessed_percent / 100)
        assert (f"of the skeleton's mass, at most {share} of which" in index.note) == bound
        assert (f"of the skeleton's mass, {share} of which" in index.note) != bound
        said = [text for text in word_coverage(scan, TEXTS) if "edge of the image" in text]
        assert [f"({edge})" in text for text in said] == [True] * bound


def test_what_was_not_assessed_is_listed():
    said = list(word_coverage(make_scan(), TEXTS))
    assert said[0].startswith("Assessed: thorax, ")
    assert "Not assessed: all that lies outside the blue frame, such as skull" in said[1]
    assert any(
        text.startswith("Bones of which nothing was assessed") and "left hip bone" in text
        for text in said
    )
    whole = " ".join(word_coverage(make_scan(whole_body=True), TEXTS))
    assert "Not assessed" not in whole
    assert "nearly all of the scan" in whole


def test_a_view_that_is_missing_is_named_where_it_says_what_was_assessed():
    text = "Assessed in the posterior view only."
    assert text in word_coverage(take_view(make_scan(), View.POSTERIOR), TEXTS)
    assert not any("view only" in said for said in word_coverage(make_scan(), TEXTS))


def test_a_field_without_a_text_goes_by_its_name():
    said = list(word_coverage(make_scan(field="left knee"), TEXTS))
    assert said[0].startswith("Assessed: left knee, ")
    assert said[1] == "Not assessed: all that lies outside the blue frame."


def test_regions_have_a_row_each_with_both_areas_apart():
    burden = make_scan(RIB, SPINE).burden
    table = tabulate_regions(burden, tuple(View), TEXTS)
    spine, ribs = table.rows
    assert spine.head == ("Thoracic spine",)
    assert spine.lines[0][:3] == ("1", "0", "36")
    assert ribs.head == ("Right ribs",)
    assert ribs.lines[0][:3] == ("1", "36", "0")
    assert len(table.columns) == 1 + len(ribs.lines[0])
