"""BSTBI and what clinics know beside it: identities, and small scans worked out by hand."""

import dataclasses

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.labels import Label
from bonescan.measures.burden import (
    find_darkness,
    find_uptake_share,
    measure_burden,
    stretch,
    unstretch,
)
from tests.measures.scans import BLADDER, SHAPE, draw_regions, make_scan, take_view, with_lesions

BODY_PX = 36 * 16
BOX = (slice(5, 9), slice(3, 8))
"""20 pixels of 120 mm2."""


@pytest.mark.parametrize(
    ("index", "percent"),
    [(0.0181, 0.4), (0.12, 2.7), (0.4432, 13.7), (0.7531, 37.9), (0.8420, 51.6)],
)
def test_published_examples(index, percent):
    assert round(100 * unstretch(index), 1) == percent


def test_stretch_is_the_published_formula_and_unstretch_its_inverse():
    lesions, others = 30.0, 970.0  # S_L, and S_R - S_B - S_L
    published = 5 * lesions / (4 * lesions + lesions + others)
    assert stretch(lesions / (lesions + others)) == pytest.approx(published)
    shares = np.linspace(0, 1, 13)
    stretched = [stretch(share) for share in shares]
    assert [unstretch(index) for index in stretched] == pytest.approx(shares)
    assert np.all(np.diff(stretched) > 0)
    assert (stretched[0], stretched[-1]) == (0, 1)


def test_k_of_one_gives_the_share():
    assert stretch(0.3, k=1) == unstretch(0.3, k=1) == pytest.approx(0.3)


def test_what_is_no_share_is_refused():
    with pytest.raises(ValueError, match=r"share of uptake must be within 0..1, got 1.5"):
        stretch(1.5)
    with pytest.raises(ValueError, match=r"index must be within 0..1, got -0.1"):
        unstretch(-0.1)
    with pytest.raises(ValueError, match="K must be positive, got 0"):
        stretch(0.5, k=0)


def test_share_leaves_the_bladder_out_of_lesions_and_of_the_whole():
    uptake = np.array([8.0, 4, 2, 1])
    lesion, bladder = np.array([[0, 1, 1, 0], [0, 0, 1, 1]]).astype(bool)
    assert find_uptake_share(uptake, lesion, bladder) == pytest.approx(4 / 12)
    everywhere = np.ones(4, bool)
    assert find_uptake_share(uptake, ~bladder, bladder) == 1
    assert find_uptake_share(uptake, everywhere, everywhere) == 0
    assert find_uptake_share(np.zeros(4), everywhere, ~everywhere) == 0


def test_darkness_is_that_of_an_eight_bit_picture():
    np.testing.assert_array_equal(find_darkness(np.array([0, 1, 50, 200.0]), 100), [0, 3, 128, 255])


def test_no_lesion_no_burden():
    burden = measure_burden(make_scan())
    assert (burden.bstbi, burden.bstbi_counts, burden.uptake_share, burden.lesions) == (0, 0, 0, 0)
    assert burden.hottest is None
    assert burden.by_region == ()
    assert burden.area_mm2 == {View.ANTERIOR: 0, View.POSTERIOR: 0}
    assert burden.planar_bsi is None


def test_a_mask_that_covers_everything_is_all():
    scan = make_scan()
    label_map = np.full(SHAPE, Label.METASTASIS, np.uint8)
    label_map[:, *BLADDER] = Label.BLADDER
    for covered in (label_map, np.full_like(label_map, Label.METASTASIS)):
        burden = measure_burden(dataclasses.replace(scan, label_map=covered))
        assert burden.bstbi == burden.bstbi_counts == burden.uptake_share == 1
        assert burden.lesions == 1
    assert not burden.bladder_excluded


def test_without_counts_there_is_no_burden():
    scan = with_lesions((0, *BOX), scan=make_scan(counts=np.zeros(SHAPE, np.float32)))
    burden = measure_burden(scan)
    assert (burden.bstbi, burden.uptake_share, burden.field_share) == (0, 0, 0)


def test_by_hand():
    scan = with_lesions((0, *BOX), (1, slice(20, 22), slice(4, 6)))
    scan.counts[0, *BOX] = 30
    scan.counts[1, 20, 4] = 50
    burden = measure_burden(scan)
    anterior, posterior = 20 * 30, 50 + 3 * 10
    body = 2 * (BODY_PX - 16) * 10 + 20 * 20 + 40
    assert burden.uptake_share == pytest.approx((anterior + posterior) / body)
    assert burden.bstbi_counts == pytest.approx(stretch(burden.uptake_share))
    assert burden.area_mm2 == {View.ANTERIOR: 120, View.POSTERIOR: 24}
    assert burden.lesions == 2
    assert burden.bladder_excluded
    assert burden.hottest.view is View.POSTERIOR
    assert burden.whole_body
    # Windows end at 90 and 45 counts: 10 of 90 is 28 in 8 bit, 30 is 85; of 45 it is 57 and 170.
    dark, light = 28 * (BODY_PX - 16 - 20), 57 * (BODY_PX - 16 - 20)
    expected = [20 * 85 / (dark + 20 * 85), 20 * 170 / (light + 20 * 170)]
    panels = [panel for panel in burden.bstbi_by_panel if panel.view is View.ANTERIOR]
    assert [panel.upper_counts for panel in panels] == [90, 45]
    assert [panel.bstbi for panel in panels] == pytest.approx([stretch(x) for x in expected])
    assert burden.bstbi == pytest.approx(np.mean([panel.bstbi for panel in burden.bstbi_by_panel]))
    assert [panel.view for panel in burden.bstbi_by_panel] == [*View, *View]


def test_grows_with_the_lesion():
    rows = [slice(5, stop) for stop in (6, 9, 20, 29)]
    burdens = [measure_burden(with_lesions((1, each, slice(3, 9)))) for each in rows]
    for name in ("bstbi", "bstbi_counts", "uptake_share"):
        values = [getattr(burden, name) for burden in burdens]
        assert values == sorted(values)
        assert len(set(values)) == 4


def test_scale_of_the_counts_does_not_matter():
    scan = with_lesions((0, *BOX))
    scan.counts[0, *BOX] = 30
    one, three = (measure_burden(dataclasses.replace(scan, counts=scan.counts * k)) for k in (1, 3))
    assert one.bstbi == pytest.approx(three.bstbi)
    assert one.uptake_share == pytest.approx(three.uptake_share)


def test_without_its_bladder_urine_counts_as_uptake_of_the_body():
    scan = with_lesions((0, *BOX))
    unsegmented = np.where(scan.label_map == Label.BLADDER, Label.BACKGROUND, scan.label_map)
    known, unknown = (
        measure_burden(scan),
        measure_burden(dataclasses.replace(scan, label_map=unsegmented.astype(np.uint8))),
    )
    assert (known.bladder_excluded, unknown.bladder_excluded) == (True, False)
    assert unknown.uptake_share < known.uptake_share
    assert unknown.bstbi < known.bstbi


def test_one_view_has_two_panels():
    scan = with_lesions((0, *BOX), (1, slice(20, 22), slice(4, 6)))
    burden = measure_burden(take_view(scan, View.POSTERIOR))
    assert [panel.view for panel in burden.bstbi_by_panel] == [View.POSTERIOR] * 2
    assert burden.area_mm2 == {View.POSTERIOR: 24}
    assert burden.lesions == 1


def test_a_thorax_is_no_whole_body():
    field_mask = np.zeros(SHAPE, bool)
    field_mask[:, 4:20, 1:19] = True
    scan = with_lesions((0, *BOX), scan=make_scan(field="thorax", field_mask=field_mask))
    burden = measure_burden(scan)
    assert (burden.field, burden.whole_body) == ("thorax", False)
    assert burden.uptake_share == pytest.approx(20 / (2 * 16 * 16)), "of the field alone"
    whole = 2 * ((BODY_PX - 16) * 10 + 16 * 90)
    assert burden.field_share == pytest.approx(2 * 16 * 16 * 10 / whole)
    assert not burden.bladder_excluded


def test_by_region_with_the_lesions_of_no_bone_last():
    regions = draw_regions(
        ribs_left=(0, slice(5, 9), slice(3, 13)), t7=(0, slice(20, 24), slice(9, 12))
    )
    boxes = [(0, *BOX), (0, slice(21, 23), slice(9, 11)), (0, slice(12, 14), slice(4, 5))]
    scan = with_lesions(*boxes, scan=make_scan(regions=regions))
    scan.counts[boxes[1]] = 40
    spine, ribs, elsewhere = measure_burden(scan).by_region
    assert [each.region for each in (spine, ribs, elsewhere)] == [
        "thoracic_spine",
        "ribs_left",
        None,
    ]
    assert (spine.lesions, spine.area_mm2[View.ANTERIOR], spine.hottest.max_counts) == (1, 24, 40)
    assert ribs.area_mm2 == {View.ANTERIOR: 120, View.POSTERIOR: 0}
    counts = 2 * (BODY_PX - 16) * 10 + 4 * 30
    assert ribs.counts_share == pytest.approx(200 / counts)
    assert ribs.involved_share == pytest.approx(0.5)
    assert spine.involved_share == pytest.approx(4 / 12)
    assert ribs.weight == pytest.approx(2.2 * 100 / 100.1)
    assert (elsewhere.involved_share, elsewhere.weight) == (None, None)
