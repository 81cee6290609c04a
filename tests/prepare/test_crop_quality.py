from dataclasses import replace

import numpy as np
import pytest

from bonescan.labels import region_bit
from bonescan.phantom.presets import PRESETS
from bonescan.prepare.crop_quality import CropQuality, measure_crop, measure_simulated
from bonescan.transforms.landmarks import ThoraxLandmarks
from tests.transforms.scans import LANDMARKS

SPACING_MM = (2.0, 5.0)


@pytest.fixture
def regions():
    """Two ribs of 12 columns on either side of a spine, a neck above, a pelvis below."""
    bones = np.zeros((60, 40), dtype=np.int64)
    bones[5:10, 20] |= region_bit("c7")
    bones[10:30, 20] |= region_bit("t1")
    bones[12:28, 8:20] |= region_bit("ribs_right")
    bones[12:31, 20:33] |= region_bit("ribs_left")
    bones[40:55, 10:30] |= region_bit("pelvis_left")
    return bones


def _crop(row_start, row_stop, column_start, column_stop) -> ThoraxLandmarks:
    return replace(
        LANDMARKS,
        row_start=row_start,
        row_stop=row_stop,
        column_start=column_start,
        column_stop=column_stop,
    )


def test_the_lateral_10_mm_of_the_ribs_do_not_count(regions):
    quality = measure_crop(_crop(10, 31, 10, 31), regions, SPACING_MM)
    assert quality == CropQuality(lost_mm=(0, 0, 0, 0), neck_mm=0, pelvis_mm=0)
    assert quality.holds_thorax


def test_what_stands_out_is_measured_on_each_side(regions):
    quality = measure_crop(_crop(13, 30, 12, 28), regions, SPACING_MM)
    assert quality.lost_mm == (6.0, 2.0, 10.0, 15.0)
    assert not quality.holds_thorax


def test_neck_and_pelvis_in_the_crop_are_measured(regions):
    quality = measure_crop(_crop(1, 47, 0, 40), regions, SPACING_MM)
    assert quality.neck_mm == 8.0
    assert quality.pelvis_mm == 14.0
    assert quality.is_narrow
    assert not replace(quality, pelvis_mm=25.5).is_narrow
    assert not replace(quality, neck_mm=25.5).is_narrow


@pytest.mark.slow
def test_simulated_patients_are_cropped_well():
    preset = PRESETS["default"]
    qualities = [measure_simulated(preset, seed=20, number=number) for number in range(1, 13)]
    assert None not in qualities
    assert sum(quality.holds_thorax for quality in qualities) >= 11
    assert sum(quality.is_narrow for quality in qualities) >= 11
