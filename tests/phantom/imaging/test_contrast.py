import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.imaging.contrast import (
    LEAST_RISE,
    MOST_RISE,
    peak_over_ring,
    scale_to_stand_out,
)
from bonescan.phantom.imaging.projection import Patch
from bonescan.phantom.imaging.truth import outline

PIXEL_MM = 2.3


def bump(peak=1.0, row=20, column=30, size=31, sigma=3.0):
    offsets = np.arange(size) - size // 2
    shape = np.exp(-0.5 * (offsets[:, None] ** 2 + offsets**2) / sigma**2)
    return Patch(row, column, (peak * shape).astype(np.float32))


def scale(lesion, normal, wanted, **least):
    views = ({View.ANTERIOR: lesion}, {View.ANTERIOR: normal})
    return scale_to_stand_out(*views, wanted, PIXEL_MM, **least)


@pytest.mark.parametrize("unit", [1.0, 250.0])
@pytest.mark.parametrize("wanted", [1.8, 3.0, 8.0])
def test_the_scaled_lesion_stands_out_as_wanted_in_any_unit(unit, wanted):
    lesion, normal = bump(unit), np.full((80, 90), 40.0 * unit, np.float32)
    seen = normal[lesion.slices] + scale(lesion, normal, wanted) * lesion.values
    mask = outline(lesion.values)
    assert peak_over_ring(seen, mask, PIXEL_MM) == pytest.approx(wanted, rel=0.02)


def test_the_view_that_shows_it_best_decides():
    lesion = {View.ANTERIOR: bump(0.5), View.POSTERIOR: bump(1.0)}
    normal = {view: np.full((80, 90), 40.0, np.float32) for view in View}
    factor = scale_to_stand_out(lesion, normal, 3.0, PIXEL_MM)
    front, back = (
        peak_over_ring(
            normal[view][patch.slices] + factor * patch.values, outline(patch.values), PIXEL_MM
        )
        for view, patch in lesion.items()
    )
    assert back == pytest.approx(3.0, rel=0.02)
    assert 1.5 < front < 2.5


def test_bright_bone_below_does_not_excuse_a_lesion_from_adding_to_it():
    lesion, normal = bump(), np.full((80, 90), 10.0, np.float32)
    normal[33:38, 43:48] = 100.0
    assert scale(lesion, normal, 2.0) == pytest.approx(100 * LEAST_RISE, rel=2e-3)
    assert scale(lesion, normal, 2.0, least_rise=0.2) == pytest.approx(100 * 0.2, rel=2e-3)


def test_nothing_around_it_does_not_make_it_endless():
    lesion, normal = bump(), np.zeros((80, 90), np.float32)
    normal[34:37, 44:47] = 1.0
    assert scale(lesion, normal, 1e9) == pytest.approx(MOST_RISE, rel=0.01)


def test_what_no_view_shows_stays_as_it_is():
    assert scale(bump(0.0), np.ones((80, 90), np.float32), 3.0) == 1
