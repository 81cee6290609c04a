"""Arms and legs keep their lengths and directions in every build and posture."""

from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.body_scale import SPINE_DEPTH_MM, BodyScale
from bonescan.phantom.anatomy.limbs import (
    FOREARM_MM,
    SHANK_MM,
    THIGH_MM,
    UPPER_ARM_MM,
    bend_arm,
    bend_leg,
)
from bonescan.phantom.anatomy.person import LimbAngles, draw_person
from bonescan.phantom.anatomy.trunk_skin import trunk_skin

MAN = replace(draw_person(np.random.default_rng(1), "M"), height_mm=1750.0, leg_scale=1.03)
ANGLES = LimbAngles(
    arm_abduction=2.0,
    elbow_flexion=14.0,
    hand_roll=30.0,
    leg_spread=1.0,
    leg_rotation=16.0,
    foot_drop=38.0,
)
SHOULDER, HIP = np.array([303.0, 168.0, 167.0]), np.array([838.0, 165.0, 88.0])


def scale_of(weight_kg):
    return BodyScale(replace(MAN, weight_kg=weight_kg))


@pytest.mark.parametrize("weight_kg", [58.0, 71.0, 110.0])
def test_bones_of_the_limbs_keep_their_lengths(weight_kg):
    scale = scale_of(weight_kg)
    arm, leg = bend_arm(SHOULDER, ANGLES, scale), bend_leg(HIP, ANGLES, scale)
    for start, end, length in (
        (arm.shoulder, arm.elbow, UPPER_ARM_MM * scale.arm),
        (arm.elbow, arm.wrist, FOREARM_MM * scale.arm),
        (leg.hip, leg.knee, THIGH_MM * scale.leg),
        (leg.knee, leg.ankle, SHANK_MM * scale.leg),
    ):
        assert np.linalg.norm(end - start) == pytest.approx(length, rel=1e-6)


def test_a_broad_trunk_pushes_the_arm_aside():
    lean, heavy = (bend_arm(SHOULDER, ANGLES, scale_of(weight)) for weight in (58.0, 110.0))
    assert heavy.elbow[2] > lean.elbow[2] + 10
    assert heavy.wrist[2] > float(trunk_skin(scale_of(110.0), 800.0)[0])


def test_limbs_lie_on_the_bed():
    scale = scale_of(71.0)
    assert SPINE_DEPTH_MM < bend_arm(SHOULDER, ANGLES, scale).wrist[1] < scale.bed_mm
    leg = bend_leg(HIP, replace(ANGLES, leg_rotation=0.0), scale)
    heel = leg.ankle + np.array([54.0, 0.0, -32.0]) * scale.bone @ leg.foot_frame
    assert heel[1] + 26 * scale.bone == pytest.approx(scale.bed_mm, abs=5)


@pytest.mark.parametrize("weight_kg", [58.0, 110.0])
def test_frames_are_orthonormal(weight_kg):
    scale = scale_of(weight_kg)
    leg = bend_leg(HIP, ANGLES, scale)
    for frame in (bend_arm(SHOULDER, ANGLES, scale).hand, leg.knee_frame, leg.foot_frame):
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-9)


def test_feet_turn_outwards_and_drop():
    scale = scale_of(71.0)
    straight = bend_leg(HIP, replace(ANGLES, leg_rotation=0.0, foot_drop=0.0), scale)
    turned = bend_leg(HIP, replace(ANGLES, leg_rotation=30.0, foot_drop=0.0), scale)
    dropped = bend_leg(HIP, replace(ANGLES, leg_rotation=0.0, foot_drop=60.0), scale)
    toes = [leg.foot_frame[2] for leg in (straight, turned, dropped)]
    assert straight.knee_frame[2][2] < 0 < toes[0][2]  # the foot farther than the knee
    assert toes[0][1] < -0.9  # up, away from the bed
    assert toes[1][2] - toes[0][2] == pytest.approx(0.47, abs=0.03)  # to the side
    assert toes[2][0] == pytest.approx(np.sin(np.radians(60)), abs=0.05)  # towards the foot end


@pytest.mark.parametrize("weight_kg", [58.0, 110.0])
def test_a_hand_on_the_belly_lies_in_front_of_the_elbow_and_over_the_trunk(weight_kg):
    scale = scale_of(weight_kg)
    beside, on_belly = (
        bend_arm(SHOULDER, replace(ANGLES, on_belly=on_belly), scale) for on_belly in (False, True)
    )
    assert on_belly.wrist[1] < on_belly.elbow[1] - 60
    assert on_belly.wrist[2] < float(trunk_skin(scale, 660.0)[0]) < beside.wrist[2]


def test_an_arm_pressed_against_the_flank_lies_closer_to_a_broad_trunk():
    scale = scale_of(120.0)
    pressed, beside, off = (
        bend_arm(SHOULDER, replace(ANGLES, arm_abduction=degrees), scale).elbow[2]
        for degrees in (-5.0, 0.0, 15.0)
    )
    assert beside - pressed > 15
    assert off >= beside
