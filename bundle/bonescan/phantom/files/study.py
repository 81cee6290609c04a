"""What a study knows of a simulated patient besides the scans: a laboratory value, and readings."""

from typing import Any

import numpy as np
from scipy import stats

from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.follow_up import FollowUp
from bonescan.phantom.groups import has_alp
from bonescan.phantom.patient import SimulatedPatient
from bonescan.phantom.presets import Preset, Reader

ALP_RANGE_U_L = {"M": (45.0, 125.0), "F": (35.0, 100.0)}
ALP_RANGE_FROM_50_U_L = (50.0, 135.0)
"""Reference range of alkaline phosphatase by sex, and that of women from 50 years on (China's
standard WS/T 404.1): 95 % of people without disease of bone or liver."""
BURDEN_WEIGHT = 5
"""K of the burden index of Liu et al. 2021, which stretches a share t to K t / ((K - 1) t + 1)."""
ALP_GROWTH = 8.0
"""What bone adds to the normal value at an index of 1, in normal values. A default of ours."""
ALP_GROWTH_SIGMA = 0.6
"""Log-normal spread of that growth between patients. FITTED so that the value and the stretched
burden of the preset's patients correlate with r = 0.72, as Liu et al. 2021 found of 50 patients for
their index; that r is put in here, and no simulated r is evidence for it."""
SHARED_DIFFICULTY = 0.5
"""Share of the variance of readers' errors that all readers have in common, since a patient is as
difficult for each of them. A default of ours."""


def describe_first_visit(
    patient: SimulatedPatient, preset: Preset, number: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return what a study knows of a patient's first scan, ready for JSON.

    Args:
        patient: the simulated patient.
        preset: the cohort that the patient belongs to.
        number: of the patient, from 1.
        rng: source of all randomness.

    Raises:
        ValueError: if the preset plans no study.
    """
    if preset.study is None:
        raise ValueError(f"preset must plan a study, got {preset.name}")
    alp_u_l = draw_alp(patient.tumour_burden, patient.person, rng)
    readings = draw_readings(preset.study.readers, rng, metastases=patient.shows_metastasis)
    return {
        "metastases": int(patient.shows_metastasis),
        "alp_u_l": round(alp_u_l, 1) if has_alp(preset, number) else None,
        **{f"reading_{name}": int(says) for name, says in readings.items()},
        "visit": 1,
        "days": 0,
    }


def describe_second_visit(follow_up: FollowUp) -> dict[str, Any]:
    """Return what a study knows of a patient's second scan, ready for JSON."""
    return {
        "metastases": int(follow_up.patient.shows_metastasis),
        "alp_u_l": None,
        "visit": 2,
        "days": follow_up.days,
        "therapy_days": follow_up.therapy_days,
        "course": follow_up.course,
    }


def draw_alp(tumour_burden: float, person: Person, rng: np.random.Generator) -> float:
    """Draw the alkaline phosphatase of an untreated patient with metastases, in U/L.

    A normal value for sex and age, plus what bone adds: in proportion to the burden as the index of
    Liu et al. 2021 stretches it.

    Args:
        tumour_burden: share 0..1 of the skeleton.
        person: whose it is.
        rng: source of all randomness.
    """
    low, high = ALP_RANGE_U_L[person.sex]
    if person.sex == "F" and person.age >= 50:
        low, high = ALP_RANGE_FROM_50_U_L
    spread = np.log(high / low) / (2 * stats.norm.ppf(0.975))
    normal = rng.lognormal(np.log(low * high) / 2, spread)
    growth = ALP_GROWTH * rng.lognormal(0.0, ALP_GROWTH_SIGMA)
    return float(normal * (1 + growth * stretch(tumour_burden)))


def stretch(share: float) -> float:
    """Return a share 0..1 as the burden index of Liu et al. 2021 stretches it, 0..1."""
    return BURDEN_WEIGHT * share / ((BURDEN_WEIGHT - 1) * share + 1)


def draw_readings(
    readers: tuple[Reader, ...], rng: np.random.Generator, *, metastases: bool
) -> dict[str, bool]:
    """Draw whether each reader says that a patient has metastases.

    Each reader is right as often as published; who is difficult for one is so for the others, too
    (a Gaussian copula with one factor). Which patients are difficult, chance decides: not what
    their images show.

    Args:
        readers: who reads.
        rng: source of all randomness.
        metastases: whether the patient has metastases.

    Returns:
        By name of the reader.
    """
    difficulty = rng.normal()
    said = {}
    for reader in readers:
        own = rng.normal()
        hardship = np.sqrt(SHARED_DIFFICULTY) * difficulty + np.sqrt(1 - SHARED_DIFFICULTY) * own
        right = reader.sensitivity if metastases else reader.specificity
        said[reader.name] = bool(metastases == (hardship < stats.norm.ppf(right)))
    return said
