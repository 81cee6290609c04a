from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.labels import region_bit
from bonescan.phantom.imaging import motion
from bonescan.phantom.imaging.motion import Motion, draw_motions, move_arm, move_head, move_leg
from tests.phantom.bodies import block_body

SHAPE = (420, 200)
FIELD = (2, 197)
BOX = (slice(2, 7), slice(3, 9))
POINTS = {
    "c4_centre": (90.0, 5.0, 100.0),
    "shoulder_left": (120.0, 5.0, 150.0),
    "elbow_left": (200.0, 5.0, 165.0),
    "wrist_left": (270.0, 5.0, 172.0),
    "hip_left": (250.0, 5.0, 120.0),
    "knee_left": (330.0, 5.0, 116.0),
    "shoulder_right": (120.0, 5.0, 50.0),
    "elbow_right": (200.0, 5.0, 35.0),
    "wrist_right": (270.0, 5.0, 28.0),
    "hip_right": (250.0, 5.0, 80.0),
    "knee_right": (330.0, 5.0, 84.0),
}
BODY = replace(block_body(), shape=(SHAPE[0], 10, SHAPE[1]), points=POINTS)
NO_BONES = np.zeros(SHAPE, np.int64)
ONE_BY_ONE = {
    "arm": lambda rng: move_arm(BODY, NO_BONES, rng, "left"),
    "leg": lambda rng: move_leg(BODY, NO_BONES, rng, "right"),
    "head": lambda rng: move_head(BODY, rng),
}


@pytest.fixture
def moved_aside():
    """A box whose content comes from two columns to the left, seen from row to row later."""
    source = np.indices((5, 6), np.float32) + np.float32([2, 3])[:, None, None]
    source[1] -= 2
    after = np.float32([0, 0.25, 0.45, 0.6, 1])
    return Motion("leg", BOX, after, dict.fromkeys(View, source))


def test_counts_are_shared_between_both_places_by_time(moved_aside):
    image = np.random.default_rng(0).random((10, 12)).astype(np.float32)
    moved = moved_aside.apply(image, View.ANTERIOR, (0, 11))
    for row, share in zip(range(2, 7), (0, 0.25, 0.45, 0.6, 1), strict=True):
        expected = (1 - share) * image[row, 3:9] + share * image[row, 1:7]
        np.testing.assert_allclose(moved[row, 3:9], expected, rtol=1e-5)
    outside = np.ones_like(image, bool)
    outside[BOX] = False
    np.testing.assert_array_equal(moved[outside], image[outside])


def test_a_map_shows_where_the_part_lay_longer(moved_aside):
    image = np.arange(120, dtype=np.int64).reshape(10, 12) << 40
    moved = moved_aside.apply(image, View.POSTERIOR, (0, 11))
    assert moved.dtype == image.dtype
    np.testing.assert_array_equal(moved[2:5], image[2:5])
    np.testing.assert_array_equal(moved[5:7, 3:9], image[5:7, 1:7])


def test_what_lies_beyond_the_detector_is_never_brought_in(moved_aside):
    image = np.zeros((10, 12), np.float32)
    image[:, 2:] = 5
    moved = moved_aside.apply(image, View.ANTERIOR, (2, 11))
    assert (moved[BOX] == 5).all()


@pytest.mark.parametrize("part", list(ONE_BY_ONE))
def test_a_part_moves_and_nothing_else(part):
    rng = np.random.default_rng(2)
    image = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    places = {
        "head": (slice(0, 40), slice(70, 130)),
        "arm": (slice(300, 310), slice(165, 180)),
        "leg": (slice(390, 420), slice(60, 90)),
    }
    for _ in range(8):
        item = ONE_BY_ONE[part](rng)
        item = replace(item, after=np.ones(item.box[0].stop - item.box[0].start, np.float32))
        changed = item.apply(image, View.ANTERIOR, FIELD) != image
        for name, place in places.items():
            assert changed[place].mean() > 0.9 if name == part else not changed[place].any()
        assert not changed[130:190, 90:110].any()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_limb_turns_about_its_joint_as_drawn(monkeypatch, side):
    monkeypatch.setattr(motion, "LEG_DEG", {"hip": (2.0, 2.0)})
    monkeypatch.setattr(motion, "OUTWARD_SHARE", 1.0)
    item = move_leg(BODY, NO_BONES, np.random.default_rng(0), side)
    row, column = 415, round(POINTS[f"knee_{side}"][2])
    height, breadth = BODY.spacing_mm[0], BODY.spacing_mm[2]
    source = item.source[View.ANTERIOR][:, row - item.box[0].start, column - item.box[1].start]
    outward = 1 if side == "left" else -1
    shift_mm = outward * (column - source[1]) * breadth
    assert shift_mm == pytest.approx((row - 250) * height * np.sin(np.radians(2)), rel=0.02)


def test_a_turned_head_goes_the_other_way_behind(monkeypatch):
    monkeypatch.setattr(motion, "HEAD_TILT_DEG", 0.0)
    monkeypatch.setattr(motion, "HEAD_TURN_DEG", 20.0)
    item = move_head(BODY, np.random.default_rng(1))
    front, back = (
        item.source[view][1, 20] - np.arange(item.box[1].start, item.box[1].stop) for view in View
    )
    np.testing.assert_allclose(front, -back, atol=1e-4)
    middle = 100 - item.box[1].start
    assert abs(front[middle]) > 2
    edge = middle + round(motion.HEAD_RADIUS_MM / BODY.spacing_mm[2]) + 1
    assert abs(front[edge]) < 0.01  # the outline stays


def test_an_arm_on_the_trunk_does_not_move_and_one_beside_it_leaves_the_trunk_alone():
    trunk = NO_BONES.copy()
    trunk[240:300, 90:168] = region_bit("pelvis_left")
    rng = np.random.default_rng(3)
    assert move_arm(BODY, trunk, rng, "left") is None
    beside = NO_BONES.copy()
    beside[240:300, 90:156] = region_bit("pelvis_left")
    beside[200:270, 165:172] |= region_bit("forearm_left")
    item = move_arm(BODY, beside, rng, "left")
    image = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    changed = item.apply(image, View.ANTERIOR, FIELD) != image
    assert not changed[240:300, 90:156].any()
    assert changed.any()


def test_an_arm_outside_the_field_is_no_movement():
    far = POINTS | {
        name: (row, depth, column + 300)
        for name, (row, depth, column) in POINTS.items()
        if name.endswith("left")
    }
    body = replace(BODY, points=far)
    assert move_arm(body, NO_BONES, np.random.default_rng(0), "left") is None


def test_a_movement_takes_time_or_none():
    rng = np.random.default_rng(4)
    steps = [np.count_nonzero(np.diff(ONE_BY_ONE["leg"](rng).after)) for _ in range(60)]
    sharp = np.mean(np.array(steps) <= 1)
    assert sharp == pytest.approx(motion.SHARP_SHARE, abs=0.2)
    assert max(steps) > 30
    assert all((np.diff(ONE_BY_ONE["arm"](rng).after) >= 0).all() for _ in range(5))


def test_movement_is_seldom_and_takes_head_arms_and_legs(monkeypatch):
    shares = {part: 10 * share for part, share in motion.PART_SHARE.items()}
    monkeypatch.setattr(motion, "PART_SHARE", shares)
    rng = np.random.default_rng(1)
    drawn = [draw_motions(BODY, NO_BONES, rng) for _ in range(150)]
    parts = [item.part for items in drawn for item in items]
    assert parts.count("head") / 150 == pytest.approx(0.3, abs=0.12)
    for part in ("arm", "leg"):
        assert parts.count(part) / 150 == pytest.approx(0.24, abs=0.12)
    assert sum(motion.PART_SHARE.values()) < 1
