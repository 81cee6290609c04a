"""Sizes of the reference man's bones against mesh50_XCAT and published values.

mesh50_XCAT: Auer et al. 2023, doi 10.1088/1361-6560/acbde2. Its labels are rough at the borders of
bones and its lumbar label holds a part of the sacrum, so the ranges are wide; each of them excludes
the thin bones that a projection shows too faint.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bonescan.labels import SIDES
from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.person import LimbAngles, Person, draw_person
from bonescan.phantom.anatomy.posture import Posture
from bonescan.phantom.anatomy.shapes import MARROW_DENSITY
from bonescan.phantom.anatomy.voxels import Body

PIXEL_MM, DEPTH_MM, ROWS, COLUMNS = 2.2, 4.0, 840, 280
LIMBS = LimbAngles(
    arm_abduction=2.0,
    elbow_flexion=14.0,
    hand_roll=30.0,
    leg_spread=1.0,
    leg_rotation=0.0,
    foot_drop=38.0,
)


def reference_man() -> Person:
    return replace(
        draw_person(np.random.default_rng(1), "M"),
        height_mm=1750.0,
        weight_kg=71.0,
        kyphosis_deg=0.0,
        scoliosis_deg=0.0,
        head_turn_deg=0.0,
        head_tilt_deg=0.0,
        head_nod_deg=0.0,
        right=LIMBS,
        left=LIMBS,
        head_scale=1.0,
        leg_scale=1.0,
        shoulder_scale=1.0,
        pelvis_scale=1.0,
        chest_scale=1.0,
        asymmetry=1.0,
        shape_spread=0.0,
        shoulder_tilt_deg=0.0,
        hip_tilt_deg=0.0,
        turn_deg=0.0,
        tilt_deg=0.0,
        shift_mm=(20.0, 0.0),
    )


def build(person: Person) -> Body:
    return build_body(person, pixel_mm=PIXEL_MM, depth_mm=DEPTH_MM, rows=ROWS, columns=COLUMNS)


@pytest.fixture(scope="module")
def man() -> Body:
    return build(reference_man())


@pytest.fixture(scope="module")
def posture() -> Posture:
    return Posture(reference_man(), COLUMNS * PIXEL_MM)


def volume_ml(body: Body, *prefixes: str) -> float:
    fractions = [b.block.fraction for n, b in body.bones.items() if n.startswith(prefixes)]
    return sum(float(f.sum(dtype=float)) for f in fractions) * PIXEL_MM**2 * DEPTH_MM / 1000


def thickness_mm(body: Body, *prefixes: str) -> NDArray[np.float32]:
    """Return the thickness of bones along the camera's axis, (row, column)."""
    image = np.zeros((body.shape[0], body.shape[2]), np.float32)
    for name, bone in body.bones.items():
        if name.startswith(prefixes):
            rows, _, columns = bone.block.slices
            image[rows, columns] += bone.block.fraction.sum(axis=1) * DEPTH_MM
    return image


def mean_thickness_mm(body: Body, *prefixes: str) -> float:
    image = thickness_mm(body, *prefixes)
    return float(image[image > 2].mean())


def around(image: NDArray[np.float32], place_mm: NDArray[np.float64], reach: int = 3) -> float:
    row, _, column = (place_mm / [PIXEL_MM, DEPTH_MM, PIXEL_MM]).astype(int)
    part = image[row - reach : row + reach + 1, column - reach : column + reach + 1]
    return float(part.mean())


# How names begin, lowest and highest volume in ml; in brackets that of mesh50_XCAT.
VOLUMES_ML = {
    "thoracic vertebrae": (("vertebra_t",), 370, 480),  # (473)
    "lumbar vertebrae": (("vertebra_l",), 310, 434),  # (434 with a part of the sacrum)
    "cervical vertebrae": (("vertebra_c",), 100, 130),  # (123)
    "ribs": (("rib_",), 480, 560),  # (550 with cartilage)
    "manubrium and sternum": (("manubrium", "sternum"), 95, 120),  # (117)
    "clavicles": (("clavicle",), 60, 80),  # (99); 30 to 35 each by section and length
    "hip bones and sacrum": (("hip_bone", "sacrum"), 750, 1000),  # (769, lumbar holds the rest)
}


@pytest.mark.parametrize("name", VOLUMES_ML)
def test_volumes(man: Body, name: str) -> None:
    prefixes, low, high = VOLUMES_ML[name]
    assert low <= volume_ml(man, *prefixes) <= high


def test_thickness_along_the_cameras_axis(man: Body) -> None:
    assert 24 <= mean_thickness_mm(man, "hip_bone", "sacrum") <= 30  # 28.7
    assert 11 <= mean_thickness_mm(man, "rib_") <= 13  # 11.6
    assert 22 <= mean_thickness_mm(man, "vertebra_t") <= 28  # 25.3
    assert 31 <= mean_thickness_mm(man, "vertebra_l") <= 37  # 33.8


def test_lumbar_transverse_processes_reach_37_mm(man: Body) -> None:
    columns = np.flatnonzero((man.bones["vertebra_l3"].block.fraction > 0.5).any(axis=(0, 1)))
    assert (np.ptp(columns) + 1) * PIXEL_MM / 2 == pytest.approx(39, abs=3)  # with their ends


@pytest.mark.parametrize("side", SIDES)
def test_iliac_wing_is_thick_behind_and_over_the_hip_and_thin_between(
    man: Body, posture: Posture, side: str
) -> None:
    image, sign = thickness_mm(man, f"hip_bone_{side}"), 1 if side == "left" else -1
    behind, wing, tubercle, roof = (
        around(image, posture.place((row, 200.0, sign * column)))
        for row, column in ((758, 50), (745, 84), (748, 110), (806, 72))
    )
    assert behind > 30
    assert roof > 40
    assert 8 < wing < 18
    assert tubercle > 1.5 * wing


@pytest.mark.parametrize("bone", ["tibia_left", "femur_right", "humerus_left"])
def test_shafts_show_two_lines_of_cortex(man: Body, bone: str) -> None:
    """Across the middle of the shaft both walls hold more tracer along the ray than the middle."""
    found = man.bones[bone]
    held = (found.block.fraction * found.density).sum(axis=1)
    profile = held[int(0.4 * len(held)) : int(0.5 * len(held))]
    for row in profile:
        columns = np.flatnonzero(row > 0.3 * row.max())
        middle = row[int(columns.mean())]
        assert row[columns[0] : int(columns.mean())].max() > 1.1 * middle
        assert row[int(columns.mean()) + 1 : columns[-1] + 1].max() > 1.1 * middle


def test_marrow_lies_inside_long_bones_alone(man: Body) -> None:
    hollow = {name for name, bone in man.bones.items() if bone.density.min() < 1}
    assert hollow == {f"{name}_{side}" for name in ("femur", "tibia", "humerus") for side in SIDES}
    for name in hollow:
        density, fraction = man.bones[name].density, man.bones[name].block.fraction
        assert density.shape == fraction.shape
        assert density.min() == pytest.approx(MARROW_DENSITY, abs=1e-5)
        filled = float((fraction * (density < 0.5)).sum() / fraction.sum())
        assert 0.03 < filled < 0.3, name


def test_skull_is_hollow_and_thicker_in_front_and_behind(man: Body, posture: Posture) -> None:
    vault = man.bones["skull_vault"].block
    centre = (posture.place_head((84.0, 130.0, 0.0)) / man.spacing_mm).astype(int) - vault.start
    row, depth, column = vault.fraction, centre[1], centre[2]
    along_depth = row[centre[0], :, column] * DEPTH_MM
    across = row[centre[0], depth, :] * PIXEL_MM
    front, behind = along_depth[:depth].sum(), along_depth[depth:].sum()
    temples = across[:column].sum(), across[column:].sum()
    assert row[centre[0], depth, column] == 0
    assert min(front, behind) > 1.3 * max(temples)
    assert min(temples) > 4
    assert max(front, behind) < 12


def test_base_of_the_skull_does_not_stick_out(man: Body) -> None:
    """No handle and no bar: seen from behind, the base lies within the brain case."""
    base, vault = (thickness_mm(man, name) > 4 for name in ("skull_base", "skull_vault"))
    spans = [np.flatnonzero(mask.any(axis=0)) for mask in (base, vault)]
    assert spans[1][0] + 3 < spans[0][0]
    assert spans[0][-1] < spans[1][-1] - 3
    assert thickness_mm(man, "skull_base").max() < 80


@pytest.mark.parametrize("side", [-1, 1])
def test_orbits_stay_open(man: Body, posture: Posture, side: int) -> None:
    image = thickness_mm(man, "face")
    orbit = around(image, posture.place_head((115.0, 42.0, side * 34.0)), reach=1)
    jaw = around(image, posture.place_head((160.0, 58.0, side * 27.0)), reach=1)
    assert orbit < 5
    assert jaw > 20


def test_even_bones_are_alike_on_both_sides_and_uneven_ones_are_not() -> None:
    even = replace(reference_man(), shape_spread=0.0)
    uneven = replace(even, shape_spread=1.0)
    differ = []
    for person in (even, uneven):
        body = build(person)
        volumes = np.array(
            [[volume_ml(body, f"rib_{n:02d}_{side}") for side in SIDES] for n in range(1, 13)]
        )
        differ.append(float(np.abs(np.log(volumes[:, 0] / volumes[:, 1])).mean()))
    assert differ[0] < 0.01
    assert 0.03 < differ[1] < 0.2
