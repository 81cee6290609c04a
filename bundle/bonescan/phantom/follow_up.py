"""The second scan of a patient after therapy began: the same body lies down again.

What a therapy does to lesions is a default of ours throughout: it makes pairs of scans in which the
fate of each lesion is known, and says nothing of how often a therapy works.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.person import Person, draw_person
from bonescan.phantom.anatomy.voxels import Body, Bone, Point
from bonescan.phantom.body_source import BodySource
from bonescan.phantom.groups import find_follow_up
from bonescan.phantom.imaging.bases import Bases, build_bases
from bonescan.phantom.imaging.detectors import draw_geometry
from bonescan.phantom.patient import Case, SimulatedPatient, kept_views, scan_case, simulate_case
from bonescan.phantom.presets import Preset
from bonescan.phantom.tracer.benign import PASSING, draw_later_findings
from bonescan.phantom.tracer.hot_spots import FindingContext
from bonescan.phantom.tracer.lesions import Lesion, LesionSeed, draw_lesions, grow_lesion
from bonescan.phantom.tracer.uptake import HotSpot, Uptake, draw_uptake

THERAPY_DAYS = (7, 30)
"""First and last day after the first scan on which therapy begins. A default of ours."""
LATE_DAYS = (90, 540)
FLARE_DAYS = (60, 150)
"""First and last day of the second scan. A flare of bone that heals lasts up to half a year."""
LEVEL_SIGMA = 0.1
"""Log-normal spread of bone : soft tissue between two scans of a patient. A default of ours."""
SMALLEST_MM = 6.0
"""A lesion that would shrink below this diameter is gone."""

SHAPES = 6
"""Shapes that are drawn anew for a lesion of the first scan; the one whose volume has changed as
its diameter should is taken."""


class Fate(StrEnum):
    """What became of a lesion."""

    GROWN = "grown"
    SHRUNK = "shrunk"
    UNCHANGED = "unchanged"
    FLARED = "flared"
    """More uptake because bone heals."""
    GONE = "gone"
    NEW = "new"
    NOT_SCANNED = "not scanned"
    """Its bone lies outside the second scan."""


@dataclass(frozen=True)
class Course:
    """How the disease of one patient goes on.

    Attributes:
        name: of the course.
        fates: share of the lesions of the first scan by fate.
        new: mean number of new lesions beyond `least_new`.
        least_new: number of new lesions at least.
        days: first and last day of the second scan, after the first.
        heals: whether what is new or hotter is bone that heals.
    """

    name: str
    fates: Mapping[Fate, float]
    new: float = 0.0
    least_new: int = 0
    days: tuple[int, int] = LATE_DAYS
    heals: bool = False


COURSES = (
    Course("response", {Fate.SHRUNK: 0.6, Fate.GONE: 0.25, Fate.UNCHANGED: 0.15}),
    Course("flare", {Fate.FLARED: 0.8, Fate.UNCHANGED: 0.2}, 1.0, 1, days=FLARE_DAYS, heals=True),
    Course("progression", {Fate.GROWN: 0.5, Fate.UNCHANGED: 0.5}, 1.5, 2),
    Course("stable", {Fate.UNCHANGED: 1.0}),
    Course("mixed", {Fate.SHRUNK: 0.4, Fate.GROWN: 0.3, Fate.UNCHANGED: 0.2, Fate.GONE: 0.1}, 0.5),
)
"""The second scans of a cohort take them in turn."""

SIZE_FACTORS: Mapping[Fate, tuple[float, float]] = {
    Fate.GROWN: (1.25, 1.8),
    Fate.SHRUNK: (0.5, 0.8),
    Fate.UNCHANGED: (0.97, 1.03),
    Fate.FLARED: (1.0, 1.15),
}
"""Range of a lesion's diameter over the earlier one."""
RISE_FACTORS: Mapping[Fate, tuple[float, float]] = {
    Fate.GROWN: (1.1, 1.6),
    Fate.SHRUNK: (0.3, 0.6),
    Fate.UNCHANGED: (0.95, 1.05),
    Fate.FLARED: (1.4, 2.2),
}
"""Range of how far it rises above its surroundings, over the earlier one."""


@dataclass(frozen=True)
class LesionFate:
    """What became of one lesion.

    Attributes:
        earlier: its number in the first scan, None for a new one.
        later: its number in the second scan, None for one that is gone or not scanned.
        fate: what became of it.
        heals: whether what looks worse is bone that heals.
    """

    earlier: int | None
    later: int | None
    fate: Fate
    heals: bool


@dataclass(frozen=True)
class FollowUp:
    """The second scan of a patient.

    Attributes:
        patient: as scanned the second time.
        course: name of the course.
        days: from the first scan to this one.
        therapy_days: from the first scan to the begin of therapy.
        fates: of all lesions of both scans.
    """

    patient: SimulatedPatient
    course: str
    days: int
    therapy_days: int
    fates: tuple[LesionFate, ...]


def simulate_follow_up(
    preset: Preset, *, seed: int, number: int, rng: np.random.Generator, bodies: BodySource
) -> FollowUp:
    """Simulate the second scan of a patient of a cohort.

    The first scan is simulated again, to know its lesions; the same arguments give the same one.

    Args:
        preset: the cohort that the patient belongs to; the patient has a second scan.
        seed: of the cohort.
        number: of the patient, from 1.
        rng: source of what is new.
        bodies: where the patient's body comes from.

    Raises:
        ValueError: if the patient has no second scan.
    """
    rank = find_follow_up(preset, number)
    if rank is None:
        raise ValueError(f"patient must be one with a second scan, got number {number}")
    course = COURSES[rank % len(COURSES)]
    case, _ = simulate_case(preset, seed=seed, number=number, bodies=bodies)
    days, therapy_days = (
        int(rng.integers(*span, endpoint=True)) for span in (course.days, THERAPY_DAYS)
    )
    later, fates = draw_later(case, course, preset, rng, days=days)
    kept = kept_views(preset, seed=seed, number=number)
    patient = scan_case(later, preset, kept, rng, unit=seed)
    return FollowUp(patient, course.name, days, therapy_days, fates)


def draw_later(
    case: Case, course: Course, preset: Preset, rng: np.random.Generator, *, days: int
) -> tuple[Case, tuple[LesionFate, ...]]:
    """Draw what the same patient holds some days later.

    Args:
        case: the first scan.
        course: how the disease goes on.
        preset: what findings and metastases there may be.
        rng: source of all randomness.
        days: after the first scan.

    Returns:
        The second scan, and what became of each lesion.
    """
    bases = lie_down_again(case.bases, rng, days=days)
    old, new = case.bases.body, bases.body
    uptake, findings = carry_uptake(case.uptake, old, new, rng), case.findings
    if preset.benign:
        uptake, findings = draw_later_findings(new, uptake, findings, rng)
    context = FindingContext(new, uptake, rng)
    lesions, fates = list[Lesion](), list[LesionFate]()
    for lesion in case.lesions:
        fate = _draw_fate(course, rng)
        if lesion.bone not in new.bones:
            fate = Fate.NOT_SCANNED
        carried = None
        if fate in SIZE_FACTORS:
            carried = _carry_lesion(context, lesion, fate, old, number=len(lesions) + 1)
            fate = Fate.GONE if carried is None else fate
        if carried is not None:
            lesions.append(carried)
        number = None if carried is None else carried.number
        fates.append(LesionFate(lesion.number, number, fate, course.heals and fate is Fate.FLARED))
    for lesion in _draw_new(context, course, preset, case):
        lesions.append(replace(lesion, number=len(lesions) + 1))
        fates.append(LesionFate(None, len(lesions), Fate.NEW, course.heals))
    return Case(bases, case.primary, uptake, findings, tuple(lesions)), tuple(fates)


def lie_down_again(bases: Bases, rng: np.random.Generator, *, days: int) -> Bases:
    """Return the same person under the same camera in another posture.

    A person with implants lies as before: the metal is known in the place where it lay. The random
    fields of bones are new ones.
    """
    body, camera = bases.body, bases.camera
    if not body.implants:
        person = change_posture(body.person, rng, days=days)
        body = build_body(person, pixel_mm=camera.pixel_mm)
    again = build_bases(body, camera, draw_geometry(body, rng), rng)
    return replace(again, body_of=bases.body_of)


def change_posture(person: Person, rng: np.random.Generator, *, days: int) -> Person:
    """Return the same person some days later, as another posture and another bladder have it."""
    other = draw_person(rng, person.sex)
    names = ("head_turn_deg", "head_tilt_deg", "head_nod_deg", "turn_deg", "tilt_deg")
    return replace(
        person,
        age=person.age + days / 365.25,
        right=replace(other.right, on_belly=person.right.on_belly),
        left=replace(other.left, on_belly=person.left.on_belly),
        bladder_ml=other.bladder_ml,
        shift_mm=other.shift_mm,
        **{name: getattr(other, name) for name in names},
    )


def carry_uptake(uptake: Uptake, old: Body, new: Body, rng: np.random.Generator) -> Uptake:
    """Return the uptake of the same patient in another posture.

    Bones, joints and benign foci stay, but for those that belong to one scan, such as urine on the
    skin, and those at bones that the second scan does not show. Organs are drawn anew, and so is
    how much bone holds over soft tissue. The bones of a first scan that was taken too early hold as
    little in the second one.
    """
    drawn = draw_uptake(new, rng)
    factor = float(rng.lognormal(0.0, LEVEL_SIGMA))
    stay = (spot for spot in uptake.hot_spots if spot.finding not in PASSING)
    carried = (_carry_spot(spot, old, new) for spot in stay)
    return replace(
        drawn,
        bones={name: factor * uptake.bones.get(name, level) for name, level in drawn.bones.items()},
        joints={name: uptake.joints.get(name, gain) for name, gain in drawn.joints.items()},
        hot_spots=tuple(spot for spot in carried if spot is not None),
    )


def _carry_spot(spot: HotSpot, old: Body, new: Body) -> HotSpot | None:
    """Return a focus in the new posture; None where none of its bones is in the new body."""
    if spot.bone:
        return spot if spot.bone in new.bones else None
    bones = (_find_bone(part.centre, old) for part in spot.ellipsoids)
    moved = tuple(
        replace(part, centre=move_point(part.centre, old, new, bone))
        for part, bone in zip(spot.ellipsoids, bones, strict=True)
        if bone in new.bones
    )
    return replace(spot, ellipsoids=moved) if moved else None


def _find_bone(point: Point, body: Body) -> str:
    """Return the name of the bone nearest to a point, by the boxes around bones."""

    def distance_mm(bone: Bone) -> float:
        first, last = _box(bone)
        outside = np.maximum(np.maximum(first - point, point - last), 0) * body.spacing_mm
        return float(np.linalg.norm(outside))

    return min(body.bones, key=lambda name: distance_mm(body.bones[name]))


def move_point(point: Point, old: Body, new: Body, bone: str) -> Point:
    """Return where a point of a body lies in another posture: at the same share of its bone's box.

    Args:
        point: (row, depth, column) in voxels of the old body.
        old: the body in the first posture.
        new: the same in the second.
        bone: name of the bone, which both bodies have.
    """
    (first, last), (new_first, new_last) = _box(old.bones[bone]), _box(new.bones[bone])
    share = (np.asarray(point) - first) / np.maximum(last - first, 1)
    row, depth, column = (new_first + share * (new_last - new_first)).tolist()
    return row, depth, column


def _box(bone: Bone) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last voxel (row, depth, column) that a bone takes half of."""
    inside = np.argwhere(bone.block.fraction >= 0.5 * bone.block.fraction.max())
    start = np.array(bone.block.start)
    return start + inside.min(axis=0), start + inside.max(axis=0)


def _draw_fate(course: Course, rng: np.random.Generator) -> Fate:
    fates = list(course.fates)
    return fates[rng.choice(len(fates), p=list(course.fates.values()))]


def _carry_lesion(
    context: FindingContext, lesion: Lesion, fate: Fate, old: Body, *, number: int
) -> Lesion | None:
    """Return a lesion in the new posture, larger or smaller; None where it has vanished."""
    body, rng = context.body, context.rng
    bone = body.bones[lesion.bone]
    factor = rng.uniform(*SIZE_FACTORS[fate])
    diameter_mm = factor * lesion.diameter_mm
    rise, peak = rng.uniform(*RISE_FACTORS[fate]), lesion.peak_over_ring
    if diameter_mm < SMALLEST_MM:
        return None
    seed = LesionSeed(
        number=number,
        bone=bone,
        kind=lesion.kind,
        centre=_nearest_voxel(move_point(lesion.centre, old, body, bone.name), bone),
        diameter_mm=diameter_mm,
        contrast=lesion.contrast,
        peak_over_ring=None if peak is None else 1 + max(peak - 1, 0) * rise,
    )
    skeleton = sum(float(bone.block.fraction.sum()) for bone in body.bones.values())
    drawn = [grow_lesion(context, seed, skeleton=skeleton) for _ in range(SHAPES)]
    wanted = lesion.bone_share * factor**3
    return min(
        (each for each in drawn if each is not None),
        key=lambda each: abs(np.log(each.bone_share / wanted)),
        default=None,
    )


def _nearest_voxel(point: Point, bone: Bone) -> Point:
    """Return the voxel of a bone that is nearest to a point."""
    inside = np.argwhere(bone.block.fraction >= 0.5 * bone.block.fraction.max())
    places = inside + np.array(bone.block.start)
    row, depth, column = places[((places - point) ** 2).sum(axis=1).argmin()].tolist()
    return float(row), float(depth), float(column)


def _draw_new(
    context: FindingContext, course: Course, preset: Preset, case: Case
) -> tuple[Lesion, ...]:
    """Draw the new lesions, of those that a patient with that primary tumour might have."""
    rng = context.rng
    wanted = course.least_new + int(rng.poisson(course.new))
    found: list[Lesion] = []
    while len(found) < wanted:
        sick = replace(preset, free_share=0.0, superscans=False)
        found += draw_lesions(context.body, context.uptake, sick, case.primary, rng)
    return tuple(found[number] for number in rng.permutation(len(found))[:wanted])
