"""What an image looks like, on simulated bodies and on what is none."""

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from bonescan.dicom.content import CERTAIN, LIKELY, Look, correlate_sides, load_weights, look_at
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from tests.factories import BOTH, SPACING_MM

PIXEL_MM = (2.2, 2.2)


WHOLE_CELLS = (slice(1020), slice(252))
"""Part of an image that holds whole cells of 3 or 4 pixels: from both ends they are the same."""


@pytest.fixture
def views(bodies):
    return [
        (view, counts[WHOLE_CELLS], scan.spacing_mm)
        for scan in bodies
        for view, counts in scan.counts.items()
    ]


def test_views_of_bodies_are_told(views):
    for view, counts, spacing_mm in views:
        look = look_at(counts, spacing_mm)
        assert (look.view, look.upside_down) == (view, False)
        assert look.prob >= LIKELY
    assert any(look_at(counts, mm).prob >= CERTAIN for _, counts, mm in views)


def test_upside_down_is_said_and_the_view_kept(views):
    for view, counts, spacing_mm in views:
        upright, turned = look_at(counts, spacing_mm), look_at(counts[::-1], spacing_mm)
        assert (turned.view, turned.upside_down) == (view, True)
        assert turned.prob == pytest.approx(upright.prob, abs=1e-9)
        assert str(turned) == f"{view}, upside down"


def test_a_mirror_image_looks_the_same(views):
    for _, counts, spacing_mm in views:
        look, mirrored = look_at(counts, spacing_mm), look_at(counts[:, ::-1], spacing_mm)
        assert (mirrored.view, mirrored.upside_down) == (look.view, look.upside_down)
        assert mirrored.prob == pytest.approx(look.prob, abs=1e-9)


def test_the_level_of_the_counts_does_not_matter(views):
    for _, counts, spacing_mm in views:
        look, scaled = look_at(counts, spacing_mm), look_at(37.5 * counts, spacing_mm)
        assert scaled == Look(look.view, look.upside_down, pytest.approx(look.prob, abs=1e-6))


def test_a_tenth_of_the_counts_misleads_nobody(views):
    rng = np.random.default_rng(1)
    for view, counts, spacing_mm in views:
        look = look_at(rng.binomial(counts.astype(int), 0.1), spacing_mm)
        assert look.prob < LIKELY or (look.view, look.upside_down) == (view, False)


def test_pixels_need_be_neither_square_nor_of_one_size(views):
    view, counts, (row_mm, column_mm) = views[0]
    rows, columns = counts.shape
    coarse = counts.reshape(rows // 4, 4, columns // 2, 2).sum(axis=(1, 3))
    fine = np.repeat(np.repeat(counts, 2, axis=0), 2, axis=1)
    for image, spacing_mm in (
        (coarse, (4 * row_mm, 2 * column_mm)),
        (fine, (row_mm / 2, column_mm / 2)),
    ):
        look = look_at(image, spacing_mm)
        assert (look.view, look.upside_down) == (view, False)
        assert look.prob >= LIKELY


def box() -> np.ndarray:
    image = np.zeros((1024, 256))
    image[150:880, 60:190] = 20
    return image


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1024, 256)),
        np.ones((1024, 256)),
        box(),
        np.random.default_rng(0).poisson(8.0, (1024, 256)),
        np.random.default_rng(0).poisson(box()),
        np.add.outer(3 * np.arange(1024), np.arange(256)),
        np.full((5, 3), 7),
        np.where(box() > 0, np.inf, 0.0),
        np.where(box() > 0, np.nan, 0.0),
    ],
    ids=["empty", "even", "box", "noise", "noisy box", "ramp", "small", "infinite", "no number"],
)
def test_nothing_is_said_of_what_is_no_body(image):
    assert look_at(image, PIXEL_MM).prob < LIKELY


def test_nothing_is_said_of_parts_of_a_body_or_of_one_across_or_of_two(views):
    _, counts, spacing_mm = views[0]
    trunk = np.zeros_like(counts)
    trunk[250:480] = counts[250:480]
    for image in (trunk, counts.T, np.hstack([counts, counts]), counts[:, :0:-1].max() - counts):
        assert look_at(image, spacing_mm).prob < LIKELY


def test_nothing_is_said_of_the_images_that_other_tests_make():
    for counts in BOTH.values():
        assert look_at(counts, SPACING_MM) == Look()


@pytest.mark.data
def test_nothing_is_said_of_a_heart(reference_data):
    dataset = pytest.importorskip("pydicom").dcmread(
        reference_data / "real" / "NM_RECON_TOMO_heart.dcm"
    )
    for plane in dataset.pixel_array[:3]:
        assert look_at(plane, tuple(map(float, dataset.PixelSpacing))).prob < LIKELY


def test_the_real_scan_is_told():
    scan = read_scan(str(get_testdata_file("JPGExtended.dcm")))
    (counts,) = scan.counts.values()
    for image, upside_down in ((counts, False), (counts[:, ::-1], False), (counts[::-1], True)):
        look = look_at(image, scan.spacing_mm)
        assert (look.view, look.upside_down) == (View.ANTERIOR, upside_down)
        assert look.prob > 0.998  # a lossy copy


@pytest.mark.data
def test_the_real_scan_is_certain_where_nothing_was_lost(reference_data):
    scan = read_scan(reference_data / "real" / "NM1_UNC.dcm")
    look = look_at(scan.counts[View.ANTERIOR], scan.spacing_mm)
    assert look.view is View.ANTERIOR
    assert look.prob >= CERTAIN


def test_sides_of_two_views_are_opposite_and_mirroring_one_turns_them(bodies):
    for scan in bodies:
        front, back = (counts[WHOLE_CELLS] for counts in scan.counts.values())
        first, second, mirrored = (
            look_at(image, scan.spacing_mm) for image in (front, back, back[:, ::-1])
        )
        correlation = correlate_sides(first, second)
        assert correlation > 0.5
        assert correlate_sides(first, mirrored) == pytest.approx(-correlation, abs=1e-9)
        assert correlate_sides(second, first) == pytest.approx(correlation, abs=1e-12)
        assert correlate_sides(first, Look()) == 0.0


def test_the_weights_say_how_they_were_made():
    record = load_weights().record
    assert record["simulated"] is True
    assert record["patients"] == sum(cohort["patients"] for cohort in record["cohorts"])
    assert {"date", "versions", "made_by", "revision"} < set(record)
