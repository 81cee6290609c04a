import numpy as np
import pydicom
import pytest

from bonescan.errors import ScanError
from bonescan.transforms.body import find_air, find_noise_level, find_runs, measure_body
from bonescan.transforms.landmarks import find_thorax
from tests.factories import SPACING_MM
from tests.transforms.scans import REFUSED, draw_body

REAL_MM = (2.26, 2.26)


def test_lands_on_the_real_scan(real_counts):
    found = find_thorax(real_counts, REAL_MM)
    assert (found.head_row, found.foot_row) == pytest.approx((88, 854), abs=2)
    assert found.neck_row == pytest.approx(166, abs=3)
    assert (found.row_start, found.row_stop) == pytest.approx((184, 380), abs=5)
    assert (found.column_start, found.column_stop) == pytest.approx((67, 207), abs=5)


@pytest.mark.data
def test_lands_alike_on_the_lossless_file_of_that_scan(reference_data, real_counts):
    lossless = pydicom.dcmread(reference_data / "real" / "NM1_UNC.dcm").pixel_array
    marks = find_thorax(lossless, REAL_MM).as_meta()
    assert marks == pytest.approx(find_thorax(real_counts, REAL_MM).as_meta(), abs=1)


@pytest.mark.parametrize("spacing_mm", [(2.4, 1.9), (1.9, 2.4), (2.4, 2.4)])
def test_finds_the_same_millimetres_whatever_the_pixels(spacing_mm):
    row_mm, column_mm = spacing_mm
    found = find_thorax(np.random.default_rng(4).poisson(draw_body(spacing_mm)), spacing_mm)
    head_mm, foot_mm = found.head_row * row_mm - 150, found.foot_row * row_mm - 150
    assert (head_mm, foot_mm) == pytest.approx((-6, 1703), abs=4)
    assert found.neck_row * row_mm - 150 == pytest.approx(205, abs=20)
    assert found.leg_row * row_mm - 150 == pytest.approx(885, abs=6)
    assert found.row_start * row_mm - 150 == pytest.approx(222, abs=5)
    assert found.row_stop * row_mm - 150 == pytest.approx(222 + 0.6 * (888 - 222), abs=5)
    middle_mm = (found.column_start + found.column_stop) / 2 * column_mm - 275
    assert middle_mm == pytest.approx(0, abs=5)
    width_mm = (found.column_stop - found.column_start) * column_mm
    assert width_mm == pytest.approx(259, abs=8)  # both thighs and the smoothing of their edges


def test_does_not_depend_on_the_activity(body_counts):
    assert find_thorax(body_counts * 16, SPACING_MM) == find_thorax(body_counts, SPACING_MM)


def test_a_mirrored_scan_has_mirrored_landmarks(body_counts):
    straight = find_thorax(body_counts, SPACING_MM)
    mirrored = find_thorax(body_counts[:, ::-1], SPACING_MM)
    width = body_counts.shape[1]
    assert (mirrored.row_start, mirrored.row_stop) == (straight.row_start, straight.row_stop)
    assert mirrored.column_start == pytest.approx(width - straight.column_stop, abs=1)
    assert mirrored.column_stop == pytest.approx(width - straight.column_start, abs=1)


def test_follows_a_patient_who_lies_elsewhere(body_counts):
    here = find_thorax(body_counts, SPACING_MM)
    there = find_thorax(np.roll(body_counts, (31, -6), axis=(0, 1)), SPACING_MM)
    assert there.row_start - here.row_start == 31
    assert there.row_stop - here.row_stop == 31
    assert there.column_start - here.column_start == -6


def test_touching_thighs_push_the_crop_down_by_little(body_counts):
    heavy = body_counts.copy()
    middle = find_thorax(body_counts, SPACING_MM).midline_column
    heavy[430:560, middle - 12 : middle + 13] = 5  # no gap for 310 mm
    apart, touching = (find_thorax(counts, SPACING_MM) for counts in (body_counts, heavy))
    assert 0 <= (touching.row_stop - apart.row_stop) * SPACING_MM[0] < 40


def test_a_neck_as_wide_as_shoulders_stays_outside(body_counts):
    heavy = body_counts.copy()
    row_mm = (np.arange(len(heavy)) * SPACING_MM[0] - 150)[:, None]
    trunk = heavy[round((150 + 400) / SPACING_MM[0])] > 10
    heavy[(row_mm >= 185) & (row_mm < 230) & trunk] = 8  # fat up to the jaw
    wide = find_thorax(heavy, SPACING_MM)
    assert (wide.neck_row * SPACING_MM[0] - 150) < 0.123 * 1700
    assert wide.row_start * SPACING_MM[0] - 150 == pytest.approx(0.123 * 1709 - 6, abs=4)


def test_a_belly_over_the_groins_leaves_the_lowest_ribs_inside(body_counts):
    parted_high = body_counts.copy()
    middle = find_thorax(body_counts, SPACING_MM).midline_column
    top, bottom = (round((150 + mm) / SPACING_MM[0]) for mm in (790, 900))
    parted_high[top:bottom, middle - 8 : middle + 9] = 0  # seems to part at 0.46 of the height
    found = find_thorax(parted_high, SPACING_MM)
    assert found.leg_row * SPACING_MM[0] - 150 == pytest.approx(0.515 * 1709 - 6, abs=4)


def test_the_crop_stays_inside_the_image(body_counts):
    edge = np.roll(body_counts, -40, axis=1)[:, :200]  # an arm is cut off
    found = find_thorax(edge, SPACING_MM)
    assert 0 <= found.column_start < found.column_stop <= 200


def test_the_body_is_the_largest_piece(body_counts):
    leak = body_counts.copy()
    leak[900:930, 5:25] = 80
    found, expected = (measure_body(counts, SPACING_MM).mask for counts in (leak, body_counts))
    assert not found[900:930, 5:25].any()
    assert (found & expected).sum() > 0.99 * (found | expected).sum()


def test_the_noise_level_is_that_of_the_air_not_of_a_leak(body_counts):
    rng = np.random.default_rng(1)
    noisy = body_counts + rng.binomial(2, 0.2, body_counts.shape)
    noisy[900:903, 5:10] = 80  # 15 of 190 000 pixels of air
    air = find_air(measure_body(body_counts, SPACING_MM).mask, SPACING_MM)
    level = find_noise_level(noisy, air)
    assert level == 2


def test_runs():
    starts, stops = find_runs(np.array([True, True, False, True, False, False, True]))
    assert starts.tolist() == [0, 3, 6]
    assert stops.tolist() == [2, 4, 7]


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_is_no_whole_body(body_counts, case):
    change, message = REFUSED[case]
    with pytest.raises(ScanError, match=message):
        find_thorax(change(body_counts), SPACING_MM)


@pytest.mark.parametrize("last_row", [512, 600, 700])
def test_refuses_the_real_scan_without_its_legs(real_counts, last_row):
    with pytest.raises(ScanError, match="whole body"):
        find_thorax(real_counts[:last_row], REAL_MM)


def test_wrong_pixel_spacing_is_refused(real_counts):
    with pytest.raises(ScanError, match=r"771 mm .* or wrong pixel spacing"):
        find_thorax(real_counts, (1.0, 1.0))
