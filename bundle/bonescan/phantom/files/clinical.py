"""Clinical facts of simulated patients: one row per patient."""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

import numpy as np

from bonescan.phantom.patient import SimulatedPatient

ALP_MEDIAN_U_L = 75.0
"""Middle of the adult reference range of alkaline phosphatase (about 40 to 130 U/L)."""
ALP_LOG_SPREAD = 0.3
"""Standard deviation of the logarithm, so that 95 % of burden-free patients have 42 to 135 U/L."""
ALP_BURDEN_SCALE = 0.02
"""Share of the skeleton that raises alkaline phosphatase to 1.6 times its median; our default."""
ALP_BURDEN_POWER = 0.65
"""Growth with burden; half the skeleton gives about 8 times the median; our default."""


@dataclass(frozen=True)
class ClinicalFacts:
    """What a referral would say about one simulated patient.

    Attributes:
        patient: pseudonym.
        age: years.
        sex: F or M.
        primary: primary tumour.
        alp_u_l: alkaline phosphatase in serum, U/L; None where it was not measured.
        height_cm: body height.
        weight_kg: body weight.
        lesions: number of metastases in the body, whether a view shows them or not.
        tumour_burden: share 0..1 of the skeleton's volume.
    """

    patient: str
    age: int
    sex: str
    primary: str
    alp_u_l: float | None
    height_cm: float
    weight_kg: float
    lesions: int
    tumour_burden: float


def draw_clinical_facts(
    patient: SimulatedPatient, name: str, rng: np.random.Generator
) -> ClinicalFacts:
    """Return the clinical facts of a patient, with the laboratory values drawn."""
    person = patient.person
    return ClinicalFacts(
        patient=name,
        age=round(person.age),
        sex=person.sex,
        primary=patient.primary,
        alp_u_l=round(draw_alkaline_phosphatase(patient.tumour_burden, rng), 1),
        height_cm=round(person.height_mm / 10, 1),
        weight_kg=round(person.weight_kg, 1),
        lesions=len(patient.lesions),
        tumour_burden=round(patient.tumour_burden, 6),
    )


def draw_alkaline_phosphatase(tumour_burden: float, rng: np.random.Generator) -> float:
    """Draw alkaline phosphatase in U/L: log-normal, its median grows with the burden (0..1)."""
    growth = (1 + tumour_burden / ALP_BURDEN_SCALE) ** ALP_BURDEN_POWER
    return float(ALP_MEDIAN_U_L * growth * rng.lognormal(0, ALP_LOG_SPREAD))


def clinical_table(rows: Iterable[ClinicalFacts]) -> str:
    """Return the rows as comma-separated values with a header line."""
    text = io.StringIO()
    names = [field.name for field in fields(ClinicalFacts)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()
