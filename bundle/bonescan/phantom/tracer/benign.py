"""Benign findings that light up on a bone scan and are easily taken for metastases.

Frequencies are defaults of ours, set by judgement; they are no evidence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bonescan.phantom.anatomy.person import chance_at_age
from bonescan.phantom.anatomy.voxels import Body, midway
from bonescan.phantom.presets import SITES
from bonescan.phantom.tracer.artefacts import (
    add_axillary_node,
    add_extravasation,
    add_injection_site,
    add_urine,
    add_urine_bag,
    free_pertechnetate,
    image_early,
    implant_rim,
)
from bonescan.phantom.tracer.hot_spots import (
    FindingContext,
    add_hot_spots,
    draw_side,
    hot_spot,
    shifted,
)
from bonescan.phantom.tracer.uptake import Clip, Uptake


def draw_benign_findings(
    body: Body, uptake: Uptake, rng: np.random.Generator
) -> tuple[Uptake, tuple[str, ...]]:
    """Return the uptake with a patient's benign findings, and their names, implants first."""
    names = []
    for implant in body.implants:
        rim = implant_rim(FindingContext(body, uptake, rng), implant)
        uptake = _named(add_hot_spots(uptake, rim), implant.name, since=len(uptake.hot_spots))
        names.append(implant.name)
    for name, finding in BENIGN_FINDINGS.items():
        if rng.random() < finding.chance_at(body.person.age):
            changed = finding.add(FindingContext(body, uptake, rng))
            uptake = _named(changed, name, since=len(uptake.hot_spots))
            names.append(name)
    return uptake, tuple(names)


def _named(uptake: Uptake, name: str, *, since: int) -> Uptake:
    """Return an uptake whose last hot spots know the finding that they belong to."""
    new = tuple(replace(spot, finding=name) for spot in uptake.hot_spots[since:])
    return replace(uptake, hot_spots=(*uptake.hot_spots[:since], *new))


def add_osteophytes(context: FindingContext) -> Uptake:
    """Add lateral osteophytes at one to four discs of the lower thoracic and the lumbar spine."""
    rng = context.rng
    spots = []
    for _ in range(rng.integers(1, 5)):
        upper, lower = DISCS[rng.integers(len(DISCS))]
        breadth = context.body.bones[f"vertebra_{upper}"].block.fraction.shape[2]
        aside_mm = 0.3 * breadth * context.body.spacing_mm[2] * rng.choice((-1, 1))
        disc = midway(
            context.body.points[f"{upper}_centre"], context.body.points[f"{lower}_centre"]
        )
        level = context.bone_level(upper) * rng.lognormal(np.log(1.6), 0.5)
        radii = (rng.uniform(3, 6), 7.0, rng.uniform(4, 8))
        spots.append(hot_spot(shifted(context, disc, (0, -5, aside_mm)), radii, level, Clip.BODY))
    return add_hot_spots(context.uptake, spots)


def add_facet_arthritis(context: FindingContext) -> Uptake:
    """Add arthritis of one to three facet joints, mostly low in the back."""
    rng = context.rng
    spots = []
    for _ in range(rng.integers(1, 4)):
        level = FACETS[rng.integers(len(FACETS))]
        point = context.body.points[f"facet_{level}_{draw_side(rng)}"]
        radius = rng.uniform(4, 7)
        added = context.bone_level(level) * rng.lognormal(np.log(1.6), 0.5)
        spots.append(hot_spot(point, (radius, radius, radius), added, Clip.BODY))
    return add_hot_spots(context.uptake, spots)


def add_knee_arthritis(context: FindingContext) -> Uptake:
    """Add arthritis of one or both compartments of one or both knees."""
    rng = context.rng
    spots = []
    for side in _sides(rng):
        for part in ("medial", "lateral"):
            if rng.random() < 0.6:
                level = rng.lognormal(np.log(32.0), 0.5)
                radii = (rng.uniform(4, 8), 10.0, rng.uniform(6, 11))
                spots.append(hot_spot(context.body.points[f"knee_{part}_{side}"], radii, level))
    return add_hot_spots(context.uptake, spots)


@dataclass(frozen=True)
class JointDisease:
    """Arthritis of a named joint on one or both sides.

    Attributes:
        point: name of the joint without its side.
        radii_mm: standard deviations along row, depth and column.
        level: median concentration that is added.
    """

    point: str
    radii_mm: tuple[float, float, float]
    level: float

    def __call__(self, context: FindingContext) -> Uptake:
        """Add the finding."""
        spots = [
            hot_spot(
                context.body.points[f"{self.point}_{side}"],
                self.radii_mm,
                context.rng.lognormal(np.log(self.level), 0.5),
                Clip.BODY,
            )
            for side in _sides(context.rng)
        ]
        return add_hot_spots(context.uptake, spots)


def add_manubriosternal_arthritis(context: FindingContext) -> Uptake:
    """Add arthritis of the joint between manubrium and sternum."""
    block = context.body.bones["sternum"].block
    row, depth, column = (
        start + 0.5 * size for start, size in zip(block.start, block.fraction.shape, strict=True)
    )
    row -= 0.47 * block.fraction.shape[0]
    level = context.bone_level("manubrium") * context.rng.lognormal(np.log(2.5), 0.5)
    return add_hot_spots(
        context.uptake, [hot_spot((row, depth, column), (5.0, 8.0, 13.0), level, Clip.BODY)]
    )


def add_costovertebral_arthritis(context: FindingContext) -> Uptake:
    """Add arthritis of one to three joints between rib and vertebra."""
    rng = context.rng
    spots = []
    for _ in range(rng.integers(1, 4)):
        number = int(rng.integers(4, 13))
        point = context.body.points[f"rib_{number:02d}_{draw_side(rng)}_0"]
        level = context.bone_level(f"t{number}") * rng.lognormal(np.log(1.8), 0.5)
        spots.append(hot_spot(point, (5.0, 6.0, 5.0), level, Clip.BODY))
    return add_hot_spots(context.uptake, spots)


def add_costochondral_foci(context: FindingContext) -> Uptake:
    """Add one to three foci where ribs meet their cartilage."""
    rng = context.rng
    spots = []
    for _ in range(rng.integers(1, 4)):
        point = context.body.points[f"costochondral_{rng.integers(2, 9):02d}_{draw_side(rng)}"]
        level = context.bone_level("ribs") * rng.lognormal(np.log(2.2), 0.5)
        radius = rng.uniform(4, 7)
        spots.append(hot_spot(point, (radius, radius, radius), level, Clip.BODY))
    return add_hot_spots(context.uptake, spots)


def add_frontal_hyperostosis(context: FindingContext) -> Uptake:
    """Add a thickened frontal bone, to both sides of the midline."""
    rng = context.rng
    block = context.body.bones["skull_vault"].block
    rows, depths, columns = block.fraction.shape
    row, depth = block.start[0] + 0.45 * rows, block.start[1] + 0.08 * depths
    level = context.bone_level("skull") * rng.uniform(1.0, 3.0)
    spots = []
    for share in (0.32, 0.68):
        column = block.start[2] + share * columns
        spots.append(hot_spot((row, depth, column), (17.0, 14.0, 17.0), level))
    return add_hot_spots(context.uptake, spots)


def add_fibrous_dysplasia(context: FindingContext) -> Uptake:
    """Add a long stretch of one rib that takes up much."""
    rng = context.rng
    number, side, first = int(rng.integers(2, 10)), draw_side(rng), int(rng.integers(2, 6))
    level = context.bone_level("ribs") * rng.uniform(3.0, 8.0)
    spots = [
        hot_spot(context.body.points[f"rib_{number:02d}_{side}_{tenth}"], (9.0, 10.0, 9.0), level)
        for tenth in range(first, first + int(rng.integers(2, 5)))
    ]
    return add_hot_spots(context.uptake, spots)


def change_bone_of_paget(context: FindingContext) -> Uptake:
    """Let all of one bone take up several times as much, as in Paget's disease."""
    names = [name for name in PAGET_BONES if name in context.body.bones]
    name = names[context.rng.integers(len(names))]
    bones = dict(context.uptake.bones)
    bones[name] *= float(context.rng.uniform(2.5, 6.0))
    return replace(context.uptake, bones=bones)


def add_rib_fractures(context: FindingContext) -> Uptake:
    """Add fractures of one to five neighbouring ribs, in line with each other."""
    rng = context.rng
    side, first = draw_side(rng), int(rng.integers(2, 9))
    tenth = int(rng.integers(3, 9))
    level = context.bone_level("ribs") * rng.uniform(3.0, 8.0)
    spots = []
    for number in range(first, min(first + int(rng.integers(1, 6)), 13)):
        here = min(max(tenth + int(rng.integers(-1, 2)), 2), 9)
        point = context.body.points[f"rib_{number:02d}_{side}_{here}"]
        radius = rng.uniform(5, 8)
        spots.append(hot_spot(point, (radius, radius, radius), level * rng.uniform(0.5, 1.2)))
    return add_hot_spots(context.uptake, spots)


def add_sacral_fracture(context: FindingContext) -> Uptake:
    """Add an insufficiency fracture of the sacrum: two upright bars and one across, an H."""
    points = context.body.points
    level = context.bone_level("sacrum") * context.rng.uniform(1.5, 3.0)
    right, left = points["sacroiliac_right"], points["sacroiliac_left"]
    middle = midway(right, left)
    bars = [
        hot_spot(midway(joint, midway(joint, middle)), (20.0, 14.0, 6.0), level)
        for joint in (right, left)
    ]
    across = hot_spot(shifted(context, middle, (8, 4, 0)), (5.0, 14.0, 18.0), 0.8 * level)
    return add_hot_spots(context.uptake, [*bars, across])


def add_compression_fracture(context: FindingContext) -> Uptake:
    """Add one to three collapsed vertebrae: flat, hot from side to side."""
    spots = []
    for _ in range(context.rng.integers(1, 4)):
        name = COLLAPSING[context.rng.integers(len(COLLAPSING))]
        level = context.bone_level(name) * context.rng.uniform(1.5, 4.0)
        centre = context.body.points[f"{name}_centre"]
        spots.append(hot_spot(centre, (4.0, 14.0, 18.0), level))
    return add_hot_spots(context.uptake, spots)


def add_dental_focus(context: FindingContext) -> Uptake:
    """Add a focus in the jaw or the sinuses."""
    name = ("face", "mandible")[context.rng.integers(2)]
    block = context.body.bones[name].block
    voxels = np.argwhere(block.fraction > 0.5)
    if not len(voxels):
        return context.uptake
    voxel = voxels[context.rng.integers(len(voxels))] + np.array(block.start)
    row, depth, column = voxel.tolist()
    level = context.bone_level("face") * context.rng.uniform(1.0, 4.0)
    return add_hot_spots(context.uptake, [hot_spot((row, depth, column), (6.0, 6.0, 7.0), level)])


def change_kidney(context: FindingContext) -> Uptake:
    """Let one kidney hold urine back, or hardly show."""
    side = draw_side(context.rng)
    factor = context.rng.choice((0.15, 2.0, 3.5))
    organs = dict(context.uptake.organs)
    for name in (f"kidney_{side}", f"renal_pelvis_{side}"):
        organs[name] *= float(factor)
    return replace(context.uptake, organs=organs)


def _sides(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw one or both sides."""
    return ("right", "left") if rng.random() < 0.5 else (draw_side(rng),)


T7_TO_L5 = (*SITES["thoracic_spine"][6:], *SITES["lumbar_spine"])
DISCS: tuple[tuple[str, str], ...] = tuple(pairwise(T7_TO_L5))
COLLAPSING = ("t7", "t8", "t11", "t12", "t12", "l1", "l1", "l2", "l3")
FACETS = ("c3", "c4", "c5", "t12", "l2", "l3", "l4", "l4", "l5", "l5")
PAGET_BONES = ("hip_bone_right", "hip_bone_left", "vertebra_l2", "vertebra_l4", "skull_vault")
"""Where these findings sit; a level named twice is twice as frequent."""


@dataclass(frozen=True)
class BenignFinding:
    """A benign finding.

    Attributes:
        chance: at the age of 65.
        add: returns the uptake with the finding.
        grows: whether the chance grows with age, by 2.5 % of `chance` per year.
    """

    chance: float
    add: Callable[[FindingContext], Uptake]
    grows: bool = False

    def chance_at(self, age: float) -> float:
        """Return the chance at an age in years."""
        return chance_at_age(self.chance, age) if self.grows else self.chance


BENIGN_FINDINGS: Mapping[str, BenignFinding] = {
    "osteophytes": BenignFinding(0.45, add_osteophytes, grows=True),
    "facet arthritis": BenignFinding(0.35, add_facet_arthritis, grows=True),
    "knee arthritis": BenignFinding(0.35, add_knee_arthritis, grows=True),
    "patella": BenignFinding(0.2, JointDisease("patella", (9.0, 6.0, 9.0), 42.0), grows=True),
    "shoulder arthritis": BenignFinding(
        0.3, JointDisease("acromioclavicular", (7.0, 8.0, 8.0), 45.0), grows=True
    ),
    "glenohumeral arthritis": BenignFinding(
        0.2, JointDisease("shoulder", (12.0, 10.0, 10.0), 32.0), grows=True
    ),
    "sternoclavicular arthritis": BenignFinding(
        0.5, JointDisease("sternoclavicular", (7.0, 8.0, 8.0), 75.0), grows=True
    ),
    "manubriosternal arthritis": BenignFinding(0.25, add_manubriosternal_arthritis, grows=True),
    "costovertebral arthritis": BenignFinding(0.3, add_costovertebral_arthritis, grows=True),
    "costochondral foci": BenignFinding(0.2, add_costochondral_foci),
    "frontal hyperostosis": BenignFinding(0.05, add_frontal_hyperostosis, grows=True),
    "fibrous dysplasia": BenignFinding(0.01, add_fibrous_dysplasia),
    "Paget's disease": BenignFinding(0.015, change_bone_of_paget, grows=True),
    "hip arthritis": BenignFinding(0.2, JointDisease("hip", (9.0, 14.0, 14.0), 45.0), grows=True),
    "thumb base": BenignFinding(
        0.25, JointDisease("thumb_base", (5.0, 5.0, 5.0), 20.0), grows=True
    ),
    "great toe": BenignFinding(0.25, JointDisease("great_toe", (5.0, 5.0, 5.0), 20.0), grows=True),
    "rib fractures": BenignFinding(0.15, add_rib_fractures, grows=True),
    "sacral fracture": BenignFinding(0.02, add_sacral_fracture, grows=True),
    "compression fracture": BenignFinding(0.08, add_compression_fracture, grows=True),
    "dental focus": BenignFinding(0.3, add_dental_focus),
    "kidney": BenignFinding(0.08, change_kidney),
    "urine contamination": BenignFinding(0.12, add_urine),
    "urine bag": BenignFinding(0.05, add_urine_bag),
    "injection site": BenignFinding(0.6, add_injection_site),
    "extravasation track": BenignFinding(0.06, add_extravasation),
    "axillary node": BenignFinding(0.03, add_axillary_node),
    "early imaging": BenignFinding(0.05, image_early),
    "free pertechnetate": BenignFinding(0.03, free_pertechnetate),
}
"""By name; drawn independently of each other, in this order."""
