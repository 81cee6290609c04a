from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.labels import region_bit
from bonescan.phantom.patient import SimulatedView, simulate_patient
from bonescan.phantom.presets import PRESETS
from bonescan.phantom.realism.regions import Regions
from bonescan.phantom.realism.relations import (
    RELATIONS,
    chest_wall_over_lung,
    clavicle_over_surroundings,
    maxima_across_manubrium,
    maxima_across_shank,
    measure_relations,
    mirror_correlation,
    neck_step,
    region_step,
    sacroiliac_index,
    side_difference,
    skull_rim_over_vault,
)

SHAPE = (300, 200)


def view_of(parts, counts=None):
    """Rectangles by region: (top, bottom, left, right, counts); ten counts elsewhere."""
    image = np.full(SHAPE, 10.0)
    regions = np.zeros(SHAPE, np.int64)
    for name, (top, bottom, left, right, level) in parts.items():
        image[top:bottom, left:right] = level
        regions[top:bottom, left:right] |= region_bit(name)
    image = image if counts is None else counts(image)
    empty = np.zeros(SHAPE, np.uint16)
    view = SimulatedView(image.astype(np.uint16), empty.astype(np.uint8), empty, empty, regions)
    return Regions(View.ANTERIOR, view, 2.0)


def test_sacroiliac_index_is_the_joints_over_the_middle_of_the_sacrum():
    parts = {
        "pelvis_right": (100, 180, 60, 84, 60),
        "sacrum": (100, 180, 84, 116, 40),
        "pelvis_left": (100, 180, 116, 140, 60),
    }
    assert sacroiliac_index(view_of(parts)) == pytest.approx(60 / 40, rel=0.02)


def test_clavicle_is_compared_with_what_lies_above_and_below():
    parts = {
        "clavicle_right": (80, 84, 30, 90, 26),
        "clavicle_left": (80, 84, 110, 170, 26),
    }
    assert clavicle_over_surroundings(view_of(parts)) == pytest.approx(2.6, rel=0.02)


def test_two_hot_joints_of_the_manubrium_are_two_maxima():
    parts = {"manubrium": (60, 90, 85, 115, 40)}

    def heat(image):
        image[62:68, 84:89] = image[62:68, 111:116] = 200
        return image

    assert maxima_across_manubrium(view_of(parts)) == 1
    assert maxima_across_manubrium(view_of(parts, heat)) == 2


def test_a_skull_with_a_hot_rim_has_a_ratio_above_one():
    parts = {"skull": (10, 130, 40, 160, 20)}

    def rim(image):
        image[10:130, 40:47] = image[10:130, 153:160] = image[10:17, 40:160] = 60
        return image

    assert skull_rim_over_vault(view_of(parts)) == pytest.approx(1, abs=0.01)
    assert skull_rim_over_vault(view_of(parts, rim)) > 1.8


def test_sides_differ_by_the_logarithm_of_their_ratio():
    parts = {"femur_right": (150, 250, 60, 70, 22), "femur_left": (150, 250, 120, 130, 20)}
    assert side_difference(view_of(parts)) == pytest.approx(np.log(1.1), rel=1e-3)


def test_a_chest_is_its_own_mirror_image_only_if_both_sides_are_alike():
    spine = {f"t{number}": (40 + 8 * number, 48 + 8 * number, 95, 106, 40) for number in range(12)}
    spine = {name: place for name, place in spine.items() if name != "t0"}

    def foci(*columns):
        def heat(image):
            for column in columns:
                image[80:86, column : column + 6] = 90
            return image

        return heat

    alike, apart = (view_of(spine, foci(*columns)) for columns in ((60, 135), (60,)))
    assert mirror_correlation(alike) > 0.95
    assert mirror_correlation(apart) < 0.6


def test_the_step_between_regions_is_l1_over_t12():
    parts = {"t12": (100, 110, 90, 110, 50), "l1": (110, 120, 90, 110, 60)}
    assert region_step(view_of(parts)) == pytest.approx(1.2)


def test_the_step_between_neck_and_chest_is_t1_over_c7():
    parts = {"c7": (100, 110, 90, 110, 50), "t1": (110, 120, 90, 110, 40)}
    assert neck_step(view_of(parts)) == pytest.approx(0.8)


def test_a_chest_with_a_bright_wall_has_a_ratio_above_one():
    parts = {"ribs_right": (50, 200, 40, 100, 20), "ribs_left": (50, 200, 100, 160, 20)}

    def wall(image):
        image[50:200, 40:46] = image[50:200, 154:160] = 30
        return image

    assert chest_wall_over_lung(view_of(parts)) == pytest.approx(1)
    assert chest_wall_over_lung(view_of(parts, wall)) == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize(("edge", "maxima"), [(20, 1), (60, 2)])
def test_two_bright_edges_of_a_shank_are_two_maxima(edge, maxima):
    parts = {"tibia_right": (50, 250, 60, 78, 40), "tibia_left": (50, 250, 120, 138, 40)}

    def cortex(image):
        for column in (60, 75, 120, 135):
            image[:, column : column + 3] += edge if edge > 20 else 0
        return image

    assert maxima_across_shank(view_of(parts, cortex)) == maxima


def test_relations_are_those_of_the_view(whole_patient):
    names = measure_relations(whole_patient[0])
    assert set(names) == {f"{name}, {view}" for view, name in RELATIONS if view is View.POSTERIOR}


@pytest.mark.parametrize(
    "relation", dict.fromkeys(RELATIONS.values()), ids=lambda item: item.__name__
)
def test_more_counts_change_no_relation(relation, whole_patient):
    plain, doubled = whole_patient
    assert relation(doubled) == pytest.approx(relation(plain), rel=1e-6, nan_ok=True)


@pytest.fixture(scope="module")
def whole_patient():
    """Return a patient's posterior view, and the same with three times the counts."""
    patient = simulate_patient(PRESETS["default"], seed=1, number=3)
    image = patient.views[View.POSTERIOR]
    tripled = replace(image, counts=3 * image.counts.astype(np.uint32))
    return tuple(
        Regions(View.POSTERIOR, each, patient.camera.pixel_mm) for each in (image, tripled)
    )
