from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.implants import (
    IMPLANTS,
    add_implants,
    hip_stem,
    metal_blocks,
    share_beside_metal,
)
from bonescan.phantom.anatomy.person import chance_at_age, draw_person
from bonescan.phantom.anatomy.voxels import Implant, VoxelBlock, VoxelEllipsoid
from tests.phantom.bodies import block_body, filled


@pytest.fixture(scope="module")
def body():
    person = replace(draw_person(np.random.default_rng(6), "F"), age=65.0)
    return build_body(person, pixel_mm=2.4)


def with_piece(body):
    piece = VoxelEllipsoid((100.0, 20.0, 48.0), (15.0, 20.0, 15.0))
    return replace(body, implants=(Implant("buckle", "", (piece,)),))


def test_implants_are_as_frequent_as_they_say_and_repeat(body):
    rng = np.random.default_rng(0)
    drawn = [add_implants(body, rng).implants for _ in range(1500)]
    for name, kind in IMPLANTS.items():
        share = np.mean([any(each.name == name for each in implants) for implants in drawn])
        error = np.sqrt(kind.chance * (1 - kind.chance) / len(drawn))
        assert share == pytest.approx(kind.chance, abs=4 * error), name
    first, second = (add_implants(body, np.random.default_rng(7)).implants for _ in range(2))
    assert first == second


def test_prostheses_grow_with_age_and_buckles_do_not(body):
    def share(name, age):
        aged = replace(body, person=replace(body.person, age=age))
        rng = np.random.default_rng(1)
        drawn = (add_implants(aged, rng).implants for _ in range(1500))
        return np.mean([any(each.name == name for each in implants) for implants in drawn])

    assert share("hip prosthesis", 85.0) > 1.8 * share("hip prosthesis", 45.0)
    assert share("buckle", 85.0) == pytest.approx(share("buckle", 45.0), abs=0.03)
    assert chance_at_age(0.4, 65) == pytest.approx(0.4)
    assert 0 < chance_at_age(0.4, 5) < chance_at_age(0.4, 50) < chance_at_age(0.4, 80)


@pytest.mark.parametrize("name", IMPLANTS)
def test_metal_lies_in_or_on_the_body(body, name):
    for seed in range(5):
        side, pieces = IMPLANTS[name].place(body, np.random.default_rng(seed))
        placed = replace(body, implants=(Implant(name, side, tuple(pieces)),))
        blocks = metal_blocks(placed)
        assert blocks
        for block in blocks:
            inside = body.outline.cut(block.slices) * block.fraction
            assert inside.sum() > 0.3 * block.fraction.sum()
    assert bool(side) == (name != "buckle")


def test_the_stem_of_a_hip_prosthesis_lies_in_the_thigh_of_its_side(body):
    for side in ("right", "left"):
        entry, tip = hip_stem(body, side)
        hip, knee = body.points[f"hip_{side}"], body.points[f"knee_{side}"]
        assert hip[0] < entry[0] < tip[0] < knee[0]
        outward = np.sign(hip[2] - body.points["l5_centre"][2])
        assert outward * (entry[2] - hip[2]) > 0


def test_metal_leaves_no_room_beside_it():
    body = with_piece(block_body())
    block = VoxelBlock((90, 10, 40), filled((20, 20, 40)))
    share = share_beside_metal(body, block)
    assert share[10, 10, 8] < 0.01
    assert share[10, 10, 39] == 1
    far = VoxelBlock((10, 10, 40), filled((20, 20, 40)))
    np.testing.assert_array_equal(share_beside_metal(body, far), 1)
