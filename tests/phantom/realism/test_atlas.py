from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from bonescan.labels import region_bit
from bonescan.phantom.patient import SimulatedView
from bonescan.phantom.realism.atlas import NEEDED, VOTERS, Examples, find_bones
from tests.phantom.fakes import fake_patient

SHAPE = (500, 180)
BONES = {"skull": (30, 0, 14), "sternum": (150, 4, 10), "femur_left": (300, 22, 12)}
ELSEWHERE = tuple(name for name in NEEDED if name not in BONES)
"""Row and column from the middle, and half the size."""


def drawn(number):
    """A body with three bones, each person's some pixels off."""
    rng = np.random.default_rng(number)
    rows, columns = np.indices(SHAPE)
    shift, middle = rng.integers(-9, 10), 90 + rng.integers(-8, 9)
    inside = (abs(columns - middle) < 50) & (abs(rows - 250) < 225)
    regions = inside * np.int64(sum(region_bit(name) for name in ELSEWHERE))
    expected = np.where(inside, 8.0, 0.05)
    for name, (row, column, size) in BONES.items():
        off = rng.integers(-4, 5, 2)
        near = abs(rows - row - 30 - shift - off[0]) < size
        bone = near & (abs(columns - middle - column - off[1]) < size)
        expected[bone] += 20
        regions[bone] |= region_bit(name)
    empty = np.zeros(SHAPE, np.uint16)
    counts = rng.poisson(expected).astype(np.uint16)
    return SimulatedView(counts, empty.astype(np.uint8), empty, empty, regions)


def patient(number):
    return replace(fake_patient(), views={View.ANTERIOR: drawn(number)})


def without(image, name):
    return replace(image, regions=image.regions & ~region_bit(name))


@pytest.fixture(scope="module")
def patients():
    return [patient(number) for number in range(VOTERS + 2)]


@pytest.mark.parametrize("name", BONES)
def test_bones_are_found_where_they_were_drawn(name, patients):
    unknown = drawn(100)
    pixel_mm = patients[0].camera.pixel_mm
    found = find_bones(unknown.counts, View.ANTERIOR, pixel_mm, Examples.of(patients)).bones(name)
    true = (unknown.regions & region_bit(name)) != 0
    assert (found & true).sum() / (found | true).sum() > 0.6


def test_a_scan_on_which_a_bone_is_not_found_is_refused(patients):
    headless = [
        replace(one, views={view: without(image, "skull") for view, image in one.views.items()})
        for one in patients
    ]
    with pytest.raises(ScanError, match=r"anterior view must show bones .* found no skull"):
        find_bones(drawn(100).counts, View.ANTERIOR, 2.4, Examples.of(headless))


def test_a_patient_is_no_example_of_himself(patients):
    examples = Examples.of(patients)
    left = examples.without(patients[2])
    assert len(left.views(View.ANTERIOR)) == len(patients) - 1
    assert all(one is not patients[2] for one in left.patients)
    assert not left.views(View.POSTERIOR)
