from dataclasses import fields, replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.anatomy.voxels import Bone, VoxelBlock, VoxelEllipsoid
from bonescan.phantom.body_source import draw_new_body
from bonescan.phantom.follow_up import (
    COURSES,
    Fate,
    carry_uptake,
    change_posture,
    move_point,
    simulate_follow_up,
)
from bonescan.phantom.groups import find_follow_up
from bonescan.phantom.patient import simulate_patient
from bonescan.phantom.presets import PRESETS
from bonescan.phantom.tracer.benign import BENIGN_FINDINGS, PASSING
from bonescan.phantom.tracer.uptake import Clip, HotSpot, draw_uptake
from tests.phantom.bodies import block_body, filled

LIU = PRESETS["liu2021"]
SEED = 3
NUMBERS = [number for number in range(1, 90) if find_follow_up(LIU, number) is not None]
FLARED = NUMBERS[1]


def draw(number):
    rng = np.random.default_rng([SEED, number])
    return simulate_follow_up(LIU, seed=SEED, number=number, rng=rng, bodies=draw_new_body)


@pytest.fixture(scope="module")
def flare():
    return simulate_patient(LIU, seed=SEED, number=FLARED), draw(FLARED)


def moved_body():
    """The left rib of the block body, larger and elsewhere."""
    body = block_body()
    rib = Bone("rib_05_left", "ribs_left", VoxelBlock((80, 10, 50), filled((9, 5, 27))))
    return replace(body, bones={**body.bones, rib.name: rib})


def test_second_scan_is_of_the_same_person_in_another_posture(flare):
    first, later = flare[0], flare[1].patient
    assert set(later.views) == set(View)
    assert (later.camera, later.primary) == (first.camera, first.primary)
    assert later.person.shape_seed == first.person.shape_seed
    assert later.person.age - first.person.age == pytest.approx(flare[1].days / 365.25)
    assert later.person.shift_mm != first.person.shift_mm
    assert (later.views[View.ANTERIOR].counts != first.views[View.ANTERIOR].counts).any()


def test_each_lesion_of_both_scans_has_one_fate(flare):
    first, second = flare
    earlier = [fate.earlier for fate in second.fates if fate.earlier is not None]
    later = [fate.later for fate in second.fates if fate.later is not None]
    assert earlier == [lesion.number for lesion in first.lesions]
    assert sorted(later) == [lesion.number for lesion in second.patient.lesions]
    regions = {lesion.number: lesion.region for lesion in second.patient.lesions}
    for fate in second.fates:
        assert (fate.earlier is None) is (fate.fate is Fate.NEW)
        assert (fate.later is None) is (fate.fate in {Fate.GONE, Fate.NOT_SCANNED})
        if fate.earlier and fate.later:
            assert regions[fate.later] == first.lesions[fate.earlier - 1].region


def test_a_flare_looks_worse_early_and_heals(flare):
    second = flare[1]
    assert second.course == "flare"
    assert second.therapy_days < second.days < 180
    assert {Fate.FLARED, Fate.NEW} <= {fate.fate for fate in second.fates}
    assert all(fate.heals is (fate.fate in {Fate.FLARED, Fate.NEW}) for fate in second.fates)
    assert second.patient.tumour_burden > flare[0].tumour_burden


def test_courses_take_turns_and_their_shares_sum_to_one():
    assert len(NUMBERS) >= len(COURSES)
    for course in COURSES:
        assert sum(course.fates.values()) == pytest.approx(1)


def test_a_patient_without_second_scan_is_refused():
    with pytest.raises(ValueError, match="must be one with a second scan, got number 2"):
        draw(2)


def test_posture_changes_and_the_person_stays():
    person = draw_person(np.random.default_rng(4), "F")
    again = change_posture(person, np.random.default_rng(5), days=365)
    changed = {f.name for f in fields(person) if getattr(person, f.name) != getattr(again, f.name)}
    assert changed == {
        "age", "head_turn_deg", "head_tilt_deg", "head_nod_deg", "turn_deg", "tilt_deg",
        "right", "left", "bladder_ml", "shift_mm",
    }  # fmt: skip
    assert again.right.on_belly is person.right.on_belly


def test_a_point_keeps_its_share_of_the_bone():
    """A rib of 5 x 3 x 14 voxels from (70, 8, 60) becomes one of 9 x 5 x 27 from (80, 10, 50)."""
    old, new = block_body(), moved_body()
    assert move_point((70, 8, 60), old, new, "rib_05_left") == (80, 10, 50)
    assert move_point((74, 10, 73), old, new, "rib_05_left") == (88, 14, 76)
    assert move_point((71, 9, 60), old, new, "rib_05_left") == (82, 12, 50)
    assert move_point((71, 9, 22), old, new, "rib_05_right") == (71, 9, 22)


def spot_at(place, finding, clip=Clip.BONE):
    return HotSpot((VoxelEllipsoid(place, (5.0, 5.0, 5.0)),), 2.0, clip, finding)


def test_what_the_patient_has_stays_and_what_the_scan_had_does_not():
    rng, old, new = np.random.default_rng(2), block_body(), moved_body()
    fracture = spot_at((74.0, 10.0, 73.0), "rib fracture")
    worn = spot_at((72.0, 7.0, 60.0), "costovertebral arthritis", Clip.BODY)
    urine = spot_at((150.0, 4.0, 44.0), "urine contamination", Clip.NOTHING)
    vein = spot_at((74.0, 10.0, 73.0), "injection site", Clip.BODY)
    uptake = replace(draw_uptake(old, rng), hot_spots=(urine, fracture, vein, worn))
    later = carry_uptake(uptake, old, new, rng)
    assert [spot.finding for spot in later.hot_spots] == [fracture.finding, worn.finding]
    assert [spot.ellipsoids[0].centre for spot in later.hot_spots] == [(88, 14, 76), (84, 8, 50)]
    ratios = [later.bones[name] / uptake.bones[name] for name in uptake.bones]
    assert np.ptp(ratios) == pytest.approx(0, abs=1e-9)
    assert later.joints == uptake.joints
    assert later.organs != uptake.organs


def test_foci_at_bones_that_the_second_scan_does_not_show_are_left_out():
    rng, old = np.random.default_rng(2), block_body()
    new = replace(old, bones={name: old.bones[name] for name in old.bones if "left" not in name})
    left, right = (74.0, 10.0, 65.0), (71.0, 9.0, 22.0)
    row = replace(spot_at(left, "rib fractures in a row"), ellipsoids=(
        VoxelEllipsoid(left, (5.0, 4.0, 3.0)), VoxelEllipsoid(right, (3.0, 4.0, 5.0)),
    ))  # fmt: skip
    whole = HotSpot((), 1.0, finding="Paget's disease", bone="rib_05_left")
    gone = spot_at(left, "costochondral foci", Clip.BODY)
    uptake = replace(draw_uptake(old, rng), hot_spots=(gone, row, whole))
    (spot,) = carry_uptake(uptake, old, new, rng).hot_spots
    assert spot.finding == row.finding
    assert spot.ellipsoids == row.ellipsoids[1:]


def test_second_scan_names_the_findings_that_stay_and_its_own(flare):
    first, second = (patient.benign_findings for patient in (flare[0], flare[1].patient))
    stay = [name for name in first if name in BENIGN_FINDINGS and name not in PASSING]
    assert len(stay) > 2
    assert [name for name in second if name in stay] == stay
    assert {name for name in second if name in BENIGN_FINDINGS} - set(stay) <= PASSING
    assert {focus.finding for focus in flare[1].patient.benign_foci} <= set(second)
