"""The body as a whole: every bone is there, where it belongs, in human sizes, in every person."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from bonescan.labels import PAIRED_REGIONS, REGIONS, SIDES
from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.person import Person, draw_person
from bonescan.phantom.anatomy.voxels import Body, VoxelBlock

PIXEL_MM, DEPTH_MM, ROWS = 2.4, 6.0, 960


def build(person: Person, **changes: float) -> Body:
    person = replace(person, **changes)
    return build_body(person, pixel_mm=PIXEL_MM, depth_mm=DEPTH_MM, rows=ROWS)


def with_bmi(person: Person, height_mm: float, bmi: float) -> Person:
    return replace(person, height_mm=height_mm, weight_kg=bmi * (height_mm / 1000) ** 2)


def persons() -> dict[str, Person]:
    woman, man = (draw_person(np.random.default_rng(8), sex) for sex in ("F", "M"))
    return {
        "small lean woman": with_bmi(woman, 1500.0, 18.0),
        "large heavy man": with_bmi(man, 1950.0, 38.0),
        "bent heavy woman": replace(
            with_bmi(woman, 1590.0, 34.0), kyphosis_deg=35.0, scoliosis_deg=30.0
        ),
        "average man": with_bmi(man, 1750.0, 25.0),
        "very heavy woman": with_bmi(woman, 1600.0, 45.0),
        "lean skew man": replace(
            with_bmi(man, 1800.0, 18.0), turn_deg=4.5, shoulder_tilt_deg=5.0, shape_spread=1.6
        ),
    }


@pytest.fixture(scope="module", params=list(persons()))
def body(request: pytest.FixtureRequest) -> Body:
    return build(persons()[request.param])


@pytest.fixture(scope="module")
def average_man() -> Body:
    return build(with_bmi(draw_person(np.random.default_rng(4), "M"), 1750.0, 25.0))


def volume_ml(block: VoxelBlock) -> float:
    return float(block.fraction.sum(dtype=float)) * PIXEL_MM**2 * DEPTH_MM / 1000


def centre(block: VoxelBlock) -> np.ndarray:
    weights = block.fraction.astype(float)
    places = np.indices(weights.shape).reshape(3, -1) @ weights.ravel() / weights.sum()
    return np.array(block.start) + places


def region_centre(body: Body, region: str) -> np.ndarray:
    blocks = [bone.block for bone in body.bones.values() if bone.region == region]
    weights = [block.fraction.sum() for block in blocks]
    return np.average([centre(block) for block in blocks], axis=0, weights=weights)


def extent_mm(block: VoxelBlock) -> np.ndarray:
    """Return the size of what is more than half full, in mm: rows, depths, columns."""
    filled = np.argwhere(block.fraction > 0.5)
    return (np.ptp(filled, axis=0) + 1) * [PIXEL_MM, DEPTH_MM, PIXEL_MM]


def digest(body: Body) -> str:
    found = hashlib.sha256(body.outline.values.tobytes())
    for bone in body.bones.values():
        found.update(bone.block.fraction.tobytes())
    found.update(repr(sorted(body.points.items())).encode())
    return found.hexdigest()


def test_every_region_is_present(body: Body) -> None:
    volumes = dict.fromkeys(REGIONS, 0.0)
    for bone in body.bones.values():
        volumes[bone.region] += volume_ml(bone.block)
    # The second toe's worth of bone: hands are small, and the widest arms leave the field.
    assert [name for name, volume in volumes.items() if volume < 1 and "hand" not in name] == []


def test_blocks_lie_inside_the_grid_and_hold_fractions(body: Body) -> None:
    rows, depths, columns = body.shape
    assert body.outline.values.shape == (rows // 2, depths, columns // 2)
    blocks = [bone.block for bone in body.bones.values()] + list(body.organs.values())
    for block in blocks:
        assert block.fraction.dtype == np.float32
        assert block.fraction.min() >= 0
        assert block.fraction.max() <= 1
        assert body.outline.cut(block.slices).shape == block.fraction.shape


def test_bones_and_organs_lie_inside_the_skin(body: Body) -> None:
    blocks = [bone.block for bone in body.bones.values()]
    outside = sum(
        float(np.maximum(block.fraction - body.outline.cut(block.slices), 0).sum())
        for block in blocks
    )
    assert outside <= 0.02 * sum(float(block.fraction.sum()) for block in blocks)
    for name, block in body.organs.items():
        missing = np.maximum(block.fraction - body.outline.cut(block.slices), 0).sum()
        assert missing <= 0.02 * block.fraction.sum(), name


def test_skin_covers_bones_of_the_trunk_by_several_millimetres(body: Body) -> None:
    """The projection of the trunk's bones does not touch the border of the outline."""
    for name in ("rib_07_left", "rib_07_right", "hip_bone_left", "hip_bone_right"):
        block = body.bones[name].block
        columns = np.argwhere(block.fraction.max(axis=(0, 1)) > 0.5)[[0, -1], 0] + block.start[2]
        rows = slice(block.start[0], block.start[0] + block.fraction.shape[0])
        skin = body.outline.cut((rows, *body.whole[1:])).max(axis=1) > 0.5
        assert skin[:, columns[0] - 2 : columns[1] + 3].any(axis=0).all()


@pytest.mark.parametrize("name", PAIRED_REGIONS)
def test_right_lies_at_lower_columns(body: Body, name: str) -> None:
    right, left = (region_centre(body, f"{name}_{side}")[2] for side in SIDES)
    assert right < left


def test_organs_lie_on_their_sides(body: Body) -> None:
    spine = region_centre(body, "t11")[2]
    assert centre(body.organs["liver"])[2] < spine < centre(body.organs["spleen"])[2]
    assert centre(body.organs["kidney_right"])[2] < spine < centre(body.organs["kidney_left"])[2]
    assert centre(body.organs["heart"])[2] > region_centre(body, "t7")[2]
    assert ("breast_left" in body.organs) == (body.person.sex == "F")


def test_vertebrae_follow_each_other_downwards(body: Body) -> None:
    levels = [name for name in REGIONS if name[0] in "ctl" and name[1:].isdigit()]
    assert len(levels) == 24
    rows = [region_centre(body, name)[0] for name in levels]
    assert np.all(np.diff(rows) * PIXEL_MM > 8)
    assert rows[-1] < region_centre(body, "sacrum")[0]


def test_spine_curves_in_depth(average_man: Body) -> None:
    depth = {
        name: average_man.points[f"{name}_centre"][1] * DEPTH_MM
        for name in ("c2", "c5", "t7", "l4")
    }
    assert depth["t7"] - depth["c5"] > 40, "thoracic kyphosis"
    assert depth["t7"] - depth["l4"] > 30, "lumbar lordosis"
    assert average_man.points["sacroiliac_left"][1] * DEPTH_MM - depth["l4"] > 30


def test_front_and_back(body: Body) -> None:
    """Sternum, patella and face lie in front of spine, femur and skull."""
    for front, back in (("sternum", "t7"), ("patella_left", "femur_left"), ("face", "skull")):
        assert region_centre(body, front)[1] < region_centre(body, back)[1], front


# Smallest and largest adult size in mm, over all persons above: rows, depths, columns; None where
# the posture decides. Sources: ranges of anthropometric textbooks, widened by the voxel size.
SIZES = {
    "skull_vault": ((120, 175), (155, 215), (120, 165)),
    "mandible": ((70, 115), (40, 100), (80, 130)),
    "vertebra_l3": ((30, 65), (65, 120), (55, 100)),
    "vertebra_t6": ((25, 70), (45, 90), (50, 90)),
    "sacrum": ((80, 160), (60, 120), (75, 125)),
    "manubrium": ((35, 75), (15, 50), (45, 80)),
    "sternum": ((100, 190), (20, 90), (25, 55)),
    "clavicle_left": ((25, 90), (25, 80), (110, 170)),
    "scapula_right": ((120, 220), (60, 150), (75, 150)),
    "rib_06_left": ((80, 190), (120, 245), (80, 160)),
    "rib_12_right": ((50, 130), (12, 90), (45, 115)),
    "humerus_left": ((230, 380), (None, None), (None, None)),
    "hip_bone_right": ((150, 255), (100, 185), (110, 170)),
    "femur_left": ((360, 560), (None, None), (70, 170)),
    "patella_right": ((25, 55), (10, 35), (25, 60)),
    "tibia_left": ((290, 480), (None, None), (None, None)),
    "fibula_right": ((280, 470), (None, None), (None, None)),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_human(body: Body, name: str) -> None:
    for size, (low, high) in zip(extent_mm(body.bones[name].block), SIZES[name], strict=True):
        assert low is None or low <= size <= high


def test_volumes_are_human(average_man: Body) -> None:
    """Skeleton of about 10 % of the body's volume; lungs and liver as in a man at rest."""
    skeleton = sum(volume_ml(bone.block) for bone in average_man.bones.values())
    assert 4000 < skeleton < 8500
    lungs = volume_ml(average_man.organs["lung_left"]) + volume_ml(average_man.organs["lung_right"])
    assert 2500 < lungs < 5000
    assert 1100 < volume_ml(average_man.organs["liver"]) < 2000
    assert 100 < volume_ml(average_man.organs["kidney_left"]) < 220


def test_heavier_bodies_are_larger_and_weigh_what_they_say() -> None:
    man = draw_person(np.random.default_rng(9), "M")
    for bmi in (19.0, 37.0):
        body = build(with_bmi(man, 1760.0, bmi))
        mass_kg = float(body.outline.values.sum(dtype=float)) * (2 * PIXEL_MM) ** 2 * DEPTH_MM / 1e6
        assert mass_kg == pytest.approx(body.person.weight_kg, rel=0.08)


def test_the_heavy_hold_more_fat_and_nobody_is_all_fat() -> None:
    """Share of fat in the body: some 15 to 25 % in lean and 30 to 45 % in obese men."""
    man = draw_person(np.random.default_rng(9), "M")
    shares = []
    for bmi in (21.0, 36.0):
        body = build(with_bmi(man, 1760.0, bmi))
        assert np.all(body.fat.values >= 0)
        assert np.all(body.fat.values <= body.outline.values + 1e-6)
        shares.append(
            float(body.fat.values.sum(dtype=float) / body.outline.values.sum(dtype=float))
        )
    assert 0.10 < shares[0] < 0.25
    assert 0.28 < shares[1] < 0.48


def test_height_scales() -> None:
    man = draw_person(np.random.default_rng(9), "M")
    spans = []
    for height_mm in (1620.0, 1900.0):
        body = build(with_bmi(man, height_mm, 25.0))
        span = body.points["ankle_left"][0] - body.points["c2_centre"][0]
        assert 0.83 < span * PIXEL_MM / height_mm < 0.89
        spans.append(span)
    assert spans[1] / spans[0] == pytest.approx(1900 / 1620, rel=0.03)


def test_same_seed_same_bytes_and_other_seeds_differ() -> None:
    first, again, other = (build(draw_person(np.random.default_rng(seed))) for seed in (21, 21, 22))
    assert digest(first) == digest(again)
    assert digest(first) != digest(other)


def test_arms_may_leave_the_field(average_man: Body) -> None:
    """A narrow detector cuts the arms; every block still lies in the grid and both hands exist."""
    body = build_body(average_man.person, pixel_mm=PIXEL_MM, rows=300, columns=110)
    assert body.shape[0] == 300
    assert body.shape[2] == 110
    for bone in body.bones.values():
        assert body.outline.cut(bone.block.slices).shape == bone.block.fraction.shape
    assert body.bones["hand_left"].block.fraction.size > 0
    assert body.points["wrist_left"][2] > 110


def test_shift_moves_the_body_and_nothing_else(average_man: Body) -> None:
    row, column = average_man.person.shift_mm
    # Skin is drawn on pixels twice as large: even shifts leave it as it was.
    moved = build(average_man.person, shift_mm=(row + 10 * PIXEL_MM, column + 6 * PIXEL_MM))
    expected = np.roll(average_man.outline.values, (5, 3), axis=(0, 2))
    np.testing.assert_allclose(moved.outline.values, expected, atol=2e-3)


def test_points_have_their_bones(average_man: Body) -> None:
    """Named places lie in or within 12 mm of the bone that they are named after."""
    pairs = {
        "sternoclavicular_left": "manubrium",
        "acromioclavicular_right": "clavicle_right",
        "scapular_tip_left": "scapula_left",
        "sacroiliac_left": "sacrum",
        "iliac_crest_right": "hip_bone_right",
        "ischial_tuberosity_left": "hip_bone_left",
        "shoulder_left": "humerus_left",
        "elbow_right": "humerus_right",
        "wrist_left": "forearm_left",
        "thumb_base_right": "hand_right",
        "hip_left": "femur_left",
        "knee_lateral_right": "tibia_right",
        "patella_left": "patella_left",
        "ankle_right": "tibia_right",
        "great_toe_left": "foot_left",
        "heel_right": "foot_right",
        "costochondral_05_left": "rib_05_left",
        "rib_08_right_5": "rib_08_right",
        "facet_l4_left": "vertebra_l4",
        "t9_centre": "vertebra_t9",
    }
    for point, bone in pairs.items():
        block = average_man.bones[bone].block
        filled = np.argwhere(block.fraction > 0.5) + block.start
        away = (filled - average_man.points[point]) * [PIXEL_MM, DEPTH_MM, PIXEL_MM]
        assert np.sqrt((away**2).sum(axis=1)).min() < 12, point
