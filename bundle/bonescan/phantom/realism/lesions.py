"""What metastases and benign foci look like in the image: number, place, size, contrast."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from bonescan.phantom.imaging.contrast import peak_over_ring
from bonescan.phantom.patient import SimulatedPatient
from bonescan.phantom.presets import SITES, TERRITORIES
from bonescan.phantom.realism.facts import territory_name
from bonescan.phantom.tracer.lesion_kinds import DIFFUSE

SMOOTHING_PX = 1.0
"""Standard deviation of the smoothing before a peak is read, so that noise does not make it."""
BESIDE_BONE = frozenset(
    (
        "injection site",
        "extravasation track",
        "axillary node",
        "urine contamination",
        "urine bag",
        "buckle",
        "pacemaker",
        "hip prosthesis",
        "knee prosthesis",
    )
)
"""Benign findings that nobody takes for a bone's."""


class Focus(NamedTuple):
    """A focus as one view shows it: peak over the median around it, and diameter of its area."""

    peak_over_ring: float
    diameter_mm: float


@dataclass(frozen=True)
class LesionMeasures:
    """The foci of one patient.

    Attributes:
        age: of the patient in years.
        territories: of bonescan.phantom.presets.TERRITORIES, those with a metastasis.
        lesions: number of metastases.
        superscan: whether they take nearly all of the skeleton.
        seen: number of metastases that show in a view.
        burden: share of the skeleton that is metastasis, 0..1.
        metastases: as the views show them.
        benign: benign foci of bone as the views show them.
        benign_seen: number of benign foci of bone that show in a view.
    """

    age: float
    territories: frozenset[str]
    lesions: int
    superscan: bool
    seen: int
    burden: float
    metastases: tuple[Focus, ...]
    benign: tuple[Focus, ...]
    benign_seen: int


def measure_lesions(patient: SimulatedPatient) -> LesionMeasures:
    """Measure the foci of a patient."""
    of_bone = [focus for focus in patient.benign_foci if focus.finding not in BESIDE_BONE]
    return LesionMeasures(
        age=patient.person.age,
        territories=frozenset(find_territory(lesion.region) for lesion in patient.lesions),
        lesions=len(patient.lesions),
        superscan=any(lesion.shape == DIFFUSE.name for lesion in patient.lesions),
        seen=sum(any(lesion.area_px.values()) for lesion in patient.lesions),
        burden=patient.tumour_burden,
        metastases=_foci(patient, "instances", [lesion.number for lesion in patient.lesions]),
        benign=_foci(patient, "benign", [focus.number for focus in of_bone]),
        benign_seen=sum(any(focus.area_px.values()) for focus in of_bone),
    )


def find_territory(region: str) -> str:
    """Return the territory of bonescan.phantom.presets.TERRITORIES that a region belongs to.

    Raises:
        ValueError: if it belongs to none.
    """
    for name, territory in TERRITORIES.items():
        if any(region in SITES[site] for site in territory.sites):
            return name
    raise ValueError(f"region must be one of a territory's, got {region!r}")


def intensity_auc(measured: Sequence[LesionMeasures]) -> float:
    """Return how well the peak over the surroundings alone tells metastases from benign foci.

    Returns:
        The area under the receiver operating characteristic, 0..1; NaN where one kind is missing.
    """
    kinds = [[focus.peak_over_ring for item in measured for focus in item.metastases]]
    kinds += [[focus.peak_over_ring for item in measured for focus in item.benign]]
    if not all(kinds):
        return float("nan")
    truth = np.concatenate([np.ones(len(kinds[0])), np.zeros(len(kinds[1]))])
    return float(roc_auc_score(truth, np.concatenate(kinds)))


def describe_foci(measured: Sequence[LesionMeasures]) -> dict[str, list[float]]:
    """Return the measures of bonescan.phantom.realism.facts.FOCI, by name.

    Superscans are left out of what is said of metastases.

    Args:
        measured: patients with and without metastases.

    Returns:
        One value per patient, or per focus and view, as the measure has it.
    """
    sick = [item for item in measured if item.lesions and not item.superscan]
    peaks = [focus.peak_over_ring for item in sick for focus in item.metastases]
    benign = [focus.peak_over_ring for item in measured for focus in item.benign]
    return {
        **{
            territory_name(name): [float(name in item.territories) for item in sick]
            for name in TERRITORIES
        },
        "territories with metastases, mean": [float(len(item.territories)) for item in sick],
        "more than 6 metastases, share": [float(item.lesions > 6) for item in sick],
        "share of the skeleton, %": [100 * item.burden for item in sick],
        "metastases: peak over surroundings": peaks,
        "metastases: below 1.8, share": [float(peak < 1.8) for peak in peaks],
        "metastases: above 6, share": [float(peak > 6) for peak in peaks],
        "metastases: diameter of the outline, mm": [
            focus.diameter_mm for item in sick for focus in item.metastases
        ],
        "benign foci seen": [float(item.benign_seen) for item in measured],
        "benign foci seen over 60 years, mean": [
            float(item.benign_seen) for item in measured if item.age > 60
        ],
        "benign foci: peak over surroundings": benign,
        "metastatic against benign by the peak alone, AUC": [intensity_auc(measured)],
    }


def _foci(patient: SimulatedPatient, name: str, numbers: Sequence[int]) -> tuple[Focus, ...]:
    foci = []
    for image in patient.views.values():
        smooth = ndimage.gaussian_filter(image.counts.astype(float), SMOOTHING_PX)
        owners: NDArray[np.uint16] = getattr(image, name)
        for number in numbers:
            mask = owners == number
            if mask.any():
                peak = peak_over_ring(smooth, mask, patient.camera.pixel_mm)
                width = float(np.sqrt(4 * mask.sum() / np.pi)) * patient.camera.pixel_mm
                foci.append(Focus(peak, width))
    return tuple(foci)
