"""Who lies under the camera: build, proportions and posture of one person."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Sex = Literal["F", "M"]

HEIGHT_MM = {"F": (1500.0, 1800.0), "M": (1600.0, 1950.0)}
"""Shortest and tallest person by sex, a cancer clinic's adults."""

BMI = (18.0, 45.0)
"""Leanest and heaviest build in kg/m2."""

_MEDIAN_BMI, _BMI_SIGMA = 28.0, 0.215
"""Log-normal: 15 % of the persons have more than 35 kg/m2."""
_ON_BELLY_SHARE = ((18.0, 32.0, 45.0), (0.1, 0.1, 0.7))
"""Body mass indices, and the share of persons who lie with their hands on the belly: the heaviest
find no room beside it. A default of ours."""
_ONE_HAND_SHARE = 0.06
"""Share of persons who keep one hand on the belly and one beside it. A default of ours."""
_CATHETER_SHARE = 0.05
_CATHETER_ML = (8.0, 25.0)
"""Share of persons with a catheter, and the urine that it leaves in the bladder. Defaults of
ours."""
_FAT_ON_HIPS = {"F": (0.35, 0.4), "M": (-0.45, 0.35)}
"""Mean and spread by sex of `Person.fat_on_hips`. Defaults of ours: that women carry more fat on
hips and thighs, men more on the belly, is well known; by how much they overlap is a guess."""

_MEAN_HEIGHT_MM = {"F": 1635.0, "M": 1755.0}


@dataclass(frozen=True)
class LimbAngles:
    """Posture of one side's limbs, in degrees.

    Attributes:
        arm_abduction: upper arm away from the trunk, on top of what the build needs; below zero the
            arm is pressed against the flank.
        elbow_flexion: forearm turned back towards the body.
        hand_roll: 0 palm towards the thigh, 90 palm down on the bed.
        leg_spread: thigh away from the midline, on top of the natural stance.
        leg_rotation: outward rotation of the shank: of the knee less, of the foot more.
        foot_drop: plantar flexion; 0 is a foot at right angles to the leg.
        on_belly: whether the hand lies on the belly instead of beside it.
    """

    arm_abduction: float
    elbow_flexion: float
    hand_roll: float
    leg_spread: float
    leg_rotation: float
    foot_drop: float
    on_belly: bool = False


@dataclass(frozen=True)
class Person:
    """One person: everything that the anatomy needs.

    Attributes:
        sex: "F" or "M".
        age: years.
        height_mm: standing height.
        weight_kg: body weight.
        kyphosis_deg: strength of the extra thoracic kyphosis, positive forward; the back bends by
            half as many degrees.
        scoliosis_deg: strength of the lateral curve, its sign the side; Cobb angles are 0.6 of it.
        head_turn_deg: rotation about the long axis, positive towards the patient's left.
        head_tilt_deg: ear towards the shoulder, positive towards the patient's left.
        head_nod_deg: chin towards the chest, positive down.
        right: posture of the right limbs.
        left: posture of the left limbs.
        head_scale: size of the head over the average for the height.
        leg_scale: length of the legs over the average for the height.
        shoulder_scale: breadth of the shoulders over the average for the height.
        pelvis_scale: breadth of the pelvis over the average for height and sex.
        chest_scale: depth and breadth of the rib cage over the average for the height.
        asymmetry: breadth of the right half of the trunk over its average; the left half is divided
            by as much.
        bladder_ml: volume of the bladder at the time of the scan; little if a catheter drains it.
        fat_on_hips: where fat lies: -1 on the belly, 1 on hips and thighs.
        shape_seed: of the small irregularities of the bones.
        shape_spread: size of these irregularities over the average; 0 gives even bones.
        shoulder_tilt_deg: the left shoulder is lower than the right one by this angle.
        hip_tilt_deg: the same for the hips.
        turn_deg: rotation of the trunk about its long axis, positive with the left side in front.
        tilt_deg: rotation of the whole body on the bed, seen from the front.
        shift_mm: (row, column) of the top of the head: row from the start of the scan, column
            from the middle of the detector.
    """

    sex: Sex
    age: float
    height_mm: float
    weight_kg: float
    kyphosis_deg: float
    scoliosis_deg: float
    head_turn_deg: float
    head_tilt_deg: float
    head_nod_deg: float
    right: LimbAngles
    left: LimbAngles
    head_scale: float
    leg_scale: float
    shoulder_scale: float
    pelvis_scale: float
    chest_scale: float
    asymmetry: float
    bladder_ml: float
    fat_on_hips: float
    shape_seed: int
    shape_spread: float
    shoulder_tilt_deg: float
    hip_tilt_deg: float
    turn_deg: float
    tilt_deg: float
    shift_mm: tuple[float, float]

    @property
    def bmi(self) -> float:
        """Body mass index in kg/m2."""
        return self.weight_kg / (self.height_mm / 1000) ** 2

    def limb_angles(self, side: str) -> LimbAngles:
        """Return the posture of the limbs of a side, "right" or "left"."""
        return self.right if side == "right" else self.left


def _clipped_normal(
    rng: np.random.Generator, mean: float, deviation: float, low: float, high: float
) -> float:
    return float(np.clip(rng.normal(mean, deviation), low, high))


def _draw_limbs(rng: np.random.Generator, *, on_belly: bool, out_deg: float) -> LimbAngles:
    return LimbAngles(
        arm_abduction=_clipped_normal(rng, out_deg, 2.5, -7, 19),
        elbow_flexion=_clipped_normal(rng, 11, 8, -4, 35),
        hand_roll=_clipped_normal(rng, 45, 30, 0, 90),
        leg_spread=_clipped_normal(rng, -3, 2.6, -8, 4),
        leg_rotation=_clipped_normal(rng, 16, 9, -5, 40),
        foot_drop=_clipped_normal(rng, 38, 10, 12, 60),
        on_belly=on_belly,
    )


def _draw_hands_on_belly(rng: np.random.Generator, bmi: float) -> tuple[bool, bool]:
    """Draw whether the right and the left hand lie on the belly."""
    if rng.random() < _ONE_HAND_SHARE:
        right = rng.random() < 0.5
        return right, not right
    both = rng.random() < float(np.interp(bmi, *_ON_BELLY_SHARE))
    return both, both


def _draw_bladder_ml(rng: np.random.Generator) -> float:
    if rng.random() < _CATHETER_SHARE:
        return float(rng.uniform(*_CATHETER_ML))
    return float(np.clip(rng.lognormal(np.log(110.0), 0.6), 25, 500))


def draw_person(
    rng: np.random.Generator,
    sex: Sex | None = None,
    *,
    age_range: tuple[float, float] = (40.0, 85.0),
) -> Person:
    """Draw one adult.

    Args:
        rng: source of all randomness; the same state gives the same person.
        sex: "F" or "M"; drawn evenly if None.
        age_range: youngest and oldest age in years.
    """
    chosen: Sex = sex if sex is not None else ("F" if rng.random() < 0.5 else "M")
    age = float(rng.uniform(*age_range))
    height = _clipped_normal(rng, _MEAN_HEIGHT_MM[chosen], 65.0, *HEIGHT_MM[chosen])
    bmi = float(np.clip(rng.lognormal(np.log(_MEDIAN_BMI), _BMI_SIGMA), *BMI))
    frail = max(age - 60, 0) / 25
    curved = rng.random() < 0.25
    on_belly = _draw_hands_on_belly(rng, bmi)
    out_deg = _clipped_normal(rng, 1.2, 7, -6, 17)
    return Person(
        sex=chosen,
        age=age,
        height_mm=height,
        weight_kg=bmi * (height / 1000) ** 2,
        kyphosis_deg=_clipped_normal(rng, 4 + 10 * frail, 7, -10, 35),
        scoliosis_deg=_clipped_normal(rng, 0, 12 if curved else 5, -30, 30),
        head_turn_deg=_clipped_normal(rng, 0, 10, -35, 35),
        head_tilt_deg=_clipped_normal(rng, 0, 3, -10, 10),
        head_nod_deg=_clipped_normal(rng, 4, 5, -10, 16),
        right=_draw_limbs(rng, on_belly=on_belly[0], out_deg=out_deg),
        left=_draw_limbs(rng, on_belly=on_belly[1], out_deg=out_deg),
        head_scale=_clipped_normal(rng, 1, 0.025, 0.94, 1.06),
        leg_scale=_clipped_normal(rng, 1, 0.02, 0.95, 1.05),
        shoulder_scale=_clipped_normal(rng, 1, 0.035, 0.92, 1.08),
        pelvis_scale=_clipped_normal(rng, 1, 0.035, 0.92, 1.08),
        chest_scale=_clipped_normal(rng, 1, 0.035, 0.92, 1.08),
        asymmetry=_clipped_normal(rng, 1, 0.012, 0.97, 1.03),
        bladder_ml=_draw_bladder_ml(rng),
        fat_on_hips=_clipped_normal(rng, *_FAT_ON_HIPS[chosen], -1, 1),
        shape_seed=int(rng.integers(2**32)),
        shape_spread=_clipped_normal(rng, 1, 0.25, 0.5, 1.6),
        shoulder_tilt_deg=_clipped_normal(rng, 0, 2.5, -6, 6),
        hip_tilt_deg=_clipped_normal(rng, 0, 1.2, -3, 3),
        turn_deg=_clipped_normal(rng, 0, 3.4, -8, 8),
        tilt_deg=_clipped_normal(rng, 0, 1.0, -2.5, 2.5),
        shift_mm=(float(rng.uniform(70, 220)), _clipped_normal(rng, 0, 15, -36, 36)),
    )


def chance_at_age(chance: float, age: float) -> float:
    """Return the chance at an age in years of what grows by 2.5 % a year from `chance` at 65."""
    return chance * min(max(1 + 0.025 * (age - 65), 0.2), 1.6)
