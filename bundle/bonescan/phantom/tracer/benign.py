"""Benign findings that light up on a bone scan and are easily taken for metastases.

A table of what there is, how often and at which age.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist

from bonescan.phantom.anatomy.person import Person, Sex, chance_at_age
from bonescan.phantom.anatomy.voxels import Body
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
from bonescan.phantom.tracer.bone_disease import (
    add_compression_fracture,
    add_dental_foci,
    add_disc_hernia,
    add_enchondroma,
    add_fibrous_dysplasia,
    add_frontal_hyperostosis,
    add_paget,
    add_rib_fracture,
    add_rib_fractures_in_a_row,
    add_sacral_fracture,
    add_sinusitis,
    add_sternotomy,
    add_stress_fracture,
    add_thoracotomy,
)
from bonescan.phantom.tracer.hot_spots import FindingContext, add_hot_spots, draw_side
from bonescan.phantom.tracer.uptake import HotSpot, Uptake
from bonescan.phantom.tracer.wear import (
    LIMB_PEAK,
    JointWear,
    add_costochondral_foci,
    add_costovertebral_arthritis,
    add_facet_arthritis,
    add_glenohumeral_arthritis,
    add_knee_arthritis,
    add_manubriosternal_arthritis,
    add_osteophytes,
)


def draw_benign_findings(
    body: Body, uptake: Uptake, rng: np.random.Generator
) -> tuple[Uptake, tuple[str, ...]]:
    """Return the uptake with a patient's benign findings, and their names, implants first.

    A focus that would overlie an earlier one is left out: the two would be one that is too hot.
    """
    names = []
    for implant in body.implants:
        rim = implant_rim(FindingContext(body, uptake, rng), implant)
        uptake = _named(add_hot_spots(uptake, rim), implant.name, since=len(uptake.hot_spots))
        names.append(implant.name)
    uptake, drawn = _add_findings(BENIGN_FINDINGS, body, uptake, rng)
    return uptake, (*names, *drawn)


def draw_later_findings(
    body: Body, uptake: Uptake, earlier: Sequence[str], rng: np.random.Generator
) -> tuple[Uptake, tuple[str, ...]]:
    """Draw anew what belongs to one scan and not to the patient: urine, the injection, organs.

    Args:
        body: in the posture of the later scan.
        uptake: with the foci of the findings that stay.
        earlier: names of the findings of the earlier scan.
        rng: source of all randomness.

    Returns:
        The uptake with these findings, and the names of all findings, those that stay first.
    """
    stay = [name for name in earlier if name not in PASSING]
    passing = {name: finding for name, finding in BENIGN_FINDINGS.items() if finding.passing}
    uptake, drawn = _add_findings(passing, body, uptake, rng)
    return uptake, (*stay, *drawn)


def _add_findings(
    findings: Mapping[str, "BenignFinding"], body: Body, uptake: Uptake, rng: np.random.Generator
) -> tuple[Uptake, list[str]]:
    """Return the uptake with the findings that a person happens to have, and their names."""
    names = []
    for name, finding in findings.items():
        if rng.random() < finding.chance_for(body.person):
            changed = finding.add(FindingContext(body, uptake, rng))
            uptake = _named(changed, name, since=len(uptake.hot_spots))
            names.append(name)
    return replace(uptake, hot_spots=_apart(uptake.hot_spots, body)), names


def _named(uptake: Uptake, name: str, *, since: int) -> Uptake:
    """Return an uptake whose last hot spots know the finding that they belong to."""
    new = tuple(replace(spot, finding=name) for spot in uptake.hot_spots[since:])
    return replace(uptake, hot_spots=(*uptake.hot_spots[:since], *new))


def _apart(spots: Sequence[HotSpot], body: Body) -> tuple[HotSpot, ...]:
    """Return hot spots without those that overlie an earlier one as seen from the front."""
    kept: list[HotSpot] = []
    taken = np.empty((0, 2))
    for spot in spots:
        places = np.array([part.centre for part in spot.ellipsoids]).reshape(-1, 3)[:, ::2]
        places = places * body.spacing_mm[::2]
        if cdist(places, taken).min(initial=np.inf) > LEAST_DISTANCE_MM:
            kept.append(spot)
            taken = np.concatenate([taken, places])
    return tuple(kept)


LEAST_DISTANCE_MM = 20.0
"""Distance between benign foci, twice the camera's resolution: nearer ones would look like one."""


def change_kidney(context: FindingContext) -> Uptake:
    """Let one kidney hold urine back, or hardly show."""
    side = draw_side(context.rng)
    factor = float(context.rng.choice((0.15, 2.0, 3.5)))
    held = {f"{name}_{side}" for name in ("kidney", "renal_pelvis", "ureter")}
    organs = {
        name: level * factor if name in held else level
        for name, level in context.uptake.organs.items()
    }
    return replace(context.uptake, organs=organs)


@dataclass(frozen=True)
class BenignFinding:
    """A benign finding.

    Attributes:
        chance: at the age of 65.
        add: returns the uptake with the finding.
        grows: whether the chance grows with age.
        sex: the one that has it, None for both.
        passing: whether it belongs to one scan and not to the patient.
    """

    chance: float
    add: Callable[[FindingContext], Uptake]
    grows: bool = False
    sex: Sex | None = None
    passing: bool = False

    def chance_for(self, person: Person) -> float:
        """Return the chance that a person has it."""
        if self.sex not in (None, person.sex):
            return 0.0
        return chance_at_age(self.chance, person.age) if self.grows else self.chance


BENIGN_FINDINGS: Mapping[str, BenignFinding] = {
    "osteophytes": BenignFinding(0.6, add_osteophytes, grows=True),
    "facet arthritis": BenignFinding(0.5, add_facet_arthritis, grows=True),
    "costovertebral arthritis": BenignFinding(0.35, add_costovertebral_arthritis, grows=True),
    "disc hernia": BenignFinding(0.1, add_disc_hernia, grows=True),
    "sternoclavicular arthritis": BenignFinding(
        0.55, JointWear("sternoclavicular", (6.0, 7.0, 6.0), both=0.75), grows=True
    ),
    "manubriosternal arthritis": BenignFinding(0.25, add_manubriosternal_arthritis, grows=True),
    "costochondral foci": BenignFinding(0.25, add_costochondral_foci),
    "acromioclavicular arthritis": BenignFinding(
        0.35, JointWear("acromioclavicular", (6.0, 7.0, 7.0), LIMB_PEAK), grows=True
    ),
    "glenohumeral arthritis": BenignFinding(0.2, add_glenohumeral_arthritis, grows=True),
    "hip arthritis": BenignFinding(
        0.2, JointWear("hip", (5.0, 13.0, 12.0), both=0.3, by_mm=(-17.0, 0.0, 0.0)), grows=True
    ),
    "sacroiliac arthritis": BenignFinding(
        0.08, JointWear("sacroiliac", (14.0, 12.0, 6.0), both=0.4), grows=True
    ),
    "knee arthritis": BenignFinding(0.45, add_knee_arthritis, grows=True),
    "patella": BenignFinding(0.2, JointWear("patella", (8.0, 6.0, 8.0)), grows=True),
    "thumb base": BenignFinding(
        0.15, JointWear("thumb_base", (5.0, 5.0, 5.0), LIMB_PEAK), grows=True
    ),
    "ankle arthritis": BenignFinding(
        0.1, JointWear("ankle", (7.0, 9.0, 11.0), LIMB_PEAK, both=0.3), grows=True
    ),
    "great toe": BenignFinding(
        0.15, JointWear("great_toe", (5.0, 5.0, 5.0), LIMB_PEAK), grows=True
    ),
    "heel spur": BenignFinding(0.05, JointWear("heel", (6.0, 6.0, 6.0), LIMB_PEAK, both=0.3)),
    "rib fracture": BenignFinding(0.12, add_rib_fracture, grows=True),
    "rib fractures in a row": BenignFinding(0.05, add_rib_fractures_in_a_row, grows=True),
    "compression fracture": BenignFinding(0.1, add_compression_fracture, grows=True),
    "sacral fracture": BenignFinding(0.02, add_sacral_fracture, grows=True),
    "stress fracture": BenignFinding(0.02, add_stress_fracture),
    "thoracotomy": BenignFinding(0.02, add_thoracotomy),
    "sternotomy": BenignFinding(0.03, add_sternotomy, grows=True),
    "Paget's disease": BenignFinding(0.01, add_paget, grows=True),
    "fibrous dysplasia": BenignFinding(0.01, add_fibrous_dysplasia),
    "enchondroma": BenignFinding(0.02, add_enchondroma),
    "frontal hyperostosis": BenignFinding(0.1, add_frontal_hyperostosis, grows=True, sex="F"),
    "dental foci": BenignFinding(0.3, add_dental_foci),
    "sinusitis": BenignFinding(0.1, add_sinusitis),
    "kidney": BenignFinding(0.08, change_kidney, passing=True),
    "urine contamination": BenignFinding(0.12, add_urine, passing=True),
    "urine bag": BenignFinding(0.05, add_urine_bag, passing=True),
    "injection site": BenignFinding(0.6, add_injection_site, passing=True),
    "extravasation track": BenignFinding(0.06, add_extravasation, passing=True),
    "axillary node": BenignFinding(0.03, add_axillary_node, passing=True),
    "early imaging": BenignFinding(0.05, image_early),
    "free pertechnetate": BenignFinding(0.03, free_pertechnetate, passing=True),
}
"""By name; drawn independently of each other, in this order.

Chances are those of standing out on a scan, defaults of ours, set so that as many foci are seen as
published: 147 in 26 patients with prostate cancer (doi 10.1186/s40658-022-00513-8). On computed
tomography nine of ten people over 50 have arthritis of the sternoclavicular joint (Lawrence et al.
2017, PubMed 27424249); that fewer show it here is our choice, too."""

PASSING = frozenset(name for name, finding in BENIGN_FINDINGS.items() if finding.passing)
"""Names of the findings that a later scan of the patient need not have."""
