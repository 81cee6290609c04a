import numpy as np
import pytest

from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.tracer import bone_disease
from bonescan.phantom.tracer.hot_spots import FindingContext
from bonescan.phantom.tracer.paint import skeleton_within, spot_block
from bonescan.phantom.tracer.uptake import Uptake


@pytest.fixture(scope="module")
def body():
    return build_body(draw_person(np.random.default_rng(6), "F"), pixel_mm=2.4)


def spots_of(add, body, seed):
    return add(FindingContext(body, Uptake({}, {}), np.random.default_rng(seed))).hot_spots


def test_fractures_in_a_row_lie_on_one_side_below_each_other(body):
    middle = body.points["t6_centre"][2]
    for seed in range(10):
        spots = spots_of(bone_disease.add_rib_fractures_in_a_row, body, seed)
        columns = np.array([spot.ellipsoids[0].centre[2] for spot in spots])
        assert 2 <= len(spots) <= 5
        assert len(set(np.sign(columns - middle))) == 1


def test_a_single_fracture_is_anywhere_along_a_rib(body):
    spots = [spots_of(bone_disease.add_rib_fracture, body, seed) for seed in range(40)]
    assert {len(single) for single in spots} == {1}
    depths = [single[0].ellipsoids[0].centre[1] for single in spots]
    assert np.ptp(depths) * body.spacing_mm[1] > 100  # from the back to the front


def test_paget_takes_one_bone_and_nothing_else(body):
    (spot,) = spots_of(bone_disease.add_paget, body, 4)
    added = spot_block(body, spot).fraction
    bone = body.bones[spot.bone].block.fraction
    assert spot.peak_over_ring > 1
    assert np.all(added[bone == 0] == 0)
    assert np.all(added[bone > 0.9] > 0.8)


@pytest.mark.parametrize(
    ("add", "least_mm"),
    [(bone_disease.add_fibrous_dysplasia, 12), (bone_disease.add_thoracotomy, 60)],
)
def test_what_runs_along_a_rib_is_one_focus_inside_bone_without_gaps(body, add, least_mm):
    for seed in range(3):
        (spot,) = spots_of(add, body, seed)
        centres = np.array([part.centre for part in spot.ellipsoids]) * body.spacing_mm
        extent = np.linalg.norm(np.ptp(centres, axis=0))
        assert extent > least_mm
        nearest = [np.sort(np.linalg.norm(centres - one, axis=1))[1] for one in centres]
        assert max(nearest) < 2.2 * 8.0  # two standard deviations: nearly even
        block = spot_block(body, spot)
        assert np.all(block.fraction <= skeleton_within(body, block) + 1e-6)


def test_the_sacral_h_is_one_focus_with_two_bars_apart(body):
    (spot,) = spots_of(bone_disease.add_sacral_fracture, body, 1)
    right, left, across = (part.centre[2] for part in spot.ellipsoids)
    assert right < across < left


def test_teeth_lie_low_in_the_face_and_sinuses_above_them(body):
    def rows(add):
        drawn = [spot for seed in range(12) for spot in spots_of(add, body, seed)]
        return np.array([spot.ellipsoids[0].centre[0] for spot in drawn])

    assert rows(bone_disease.add_sinusitis).max() < rows(bone_disease.add_dental_foci).max()
    assert np.median(rows(bone_disease.add_sinusitis)) < rows(bone_disease.add_dental_foci).min()


def test_a_shin_splint_lies_on_the_inner_side_of_the_shaft(body):
    (spot,) = spots_of(bone_disease.add_stress_fracture, body, 2)
    row, _, column = spot.ellipsoids[0].centre
    side = "right" if column < body.points["t6_centre"][2] else "left"
    knee, ankle = body.points[f"knee_{side}"], body.points[f"ankle_{side}"]
    assert knee[0] < row < ankle[0]
    shaft = np.interp(row, (knee[0], ankle[0]), (knee[2], ankle[2]))
    assert (column - shaft) * (1 if side == "right" else -1) > 0
