"""One simulated patient from a preset and a seed: body, tracer, findings, both views and truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View, mirrored
from bonescan.phantom.anatomy.person import Person
from bonescan.phantom.body_source import BodySource, draw_new_body, draw_primary
from bonescan.phantom.cameras import CameraPreset
from bonescan.phantom.groups import find_group, narrow
from bonescan.phantom.imaging.bases import Bases
from bonescan.phantom.imaging.projection import Patch
from bonescan.phantom.imaging.scatter_window import expect_scatter_window
from bonescan.phantom.imaging.truth import mark_truth
from bonescan.phantom.presets import CohortGroup, Preset, Primary
from bonescan.phantom.scene import Scene, set_scene
from bonescan.phantom.tracer.benign import draw_benign_findings
from bonescan.phantom.tracer.lesions import Lesion, draw_lesions
from bonescan.phantom.tracer.uptake import Uptake, draw_uptake, fade_soft_tissue

T = TypeVar("T", bound=np.generic)

SCAN_VELOCITY_MM_S = (100 / 60, 270 / 60)
"""10 to 27 cm per minute, as in real headers."""


@dataclass(frozen=True)
class SimulatedView:
    """One view in acquisition geometry: the posterior one as seen from behind.

    Attributes:
        counts: uint16 (row, column).
        label: values of `bonescan.labels.Label`, uint8 (row, column).
        instances: number of the lesion, 0 where there is none, uint16 (row, column).
        benign: number of the benign focus, 0 where there is none, uint16 (row, column).
        regions: one bit per region of `bonescan.labels.REGIONS`, int64 (row, column).
        scatter: counts in the scatter window, uint16 (row, column); None where it is not stored.
    """

    counts: NDArray[np.uint16]
    label: NDArray[np.uint8]
    instances: NDArray[np.uint16]
    benign: NDArray[np.uint16]
    regions: NDArray[np.int64]
    scatter: NDArray[np.uint16] | None = None


@dataclass(frozen=True)
class LesionTruth:
    """One metastasis.

    Attributes:
        number: its value in the maps of instances, from 1.
        bone: name of the bone.
        region: of `bonescan.labels.REGIONS`.
        diameter_mm: geometric mean of its axes, before clipping to the bone.
        contrast: activity over that of the local bone.
        shape: name of its `bonescan.phantom.tracer.lesion_kinds.LesionKind`.
        centre: (row, column) in the geometry of the anterior view, before any movement.
        area_px: visible area per view, 0 where the view hides it.
    """

    number: int
    bone: str
    region: str
    diameter_mm: float
    contrast: float
    shape: str
    centre: tuple[float, float]
    area_px: Mapping[View, int]


@dataclass(frozen=True)
class BenignTruth:
    """One benign focus.

    Attributes:
        number: its value in the maps of benign foci, from 1.
        finding: what it is, or is a part of.
        centre: (row, column) in the geometry of the anterior view, before any movement.
        area_px: visible area per view, 0 where the view hides it.
    """

    number: int
    finding: str
    centre: tuple[float, float]
    area_px: Mapping[View, int]


@dataclass(frozen=True)
class SimulatedPatient:
    """A simulated patient.

    Attributes:
        person: whose body was scanned.
        views: by view; one may be absent.
        lesions: all metastases, also those that no view shows.
        benign_findings: their names, and those of the faults of the scan.
        benign_foci: the foci that they consist of, also those that no view shows.
        camera: what the scan was made with.
        primary: primary tumour.
        tumour_burden: share 0..1 of the skeleton's volume that is metastasis.
        scan_velocity_mm_s: speed of the bed.
        duration_s: of the acquisition.
        body_of: bank and number of the body in it, empty for a new body.
    """

    person: Person
    views: Mapping[View, SimulatedView]
    lesions: tuple[LesionTruth, ...]
    benign_findings: tuple[str, ...]
    benign_foci: tuple[BenignTruth, ...]
    camera: CameraPreset
    primary: str
    tumour_burden: float
    scan_velocity_mm_s: float
    duration_s: float
    body_of: str = ""

    @property
    def shows_benign_focus(self) -> bool:
        """Whether at least one benign focus shows in a view."""
        return any(any(focus.area_px.values()) for focus in self.benign_foci)

    @property
    def shows_metastasis(self) -> bool:
        """Whether at least one metastasis shows in a view."""
        return any(any(lesion.area_px.values()) for lesion in self.lesions)

    @property
    def shows_metastasis_in_each_view(self) -> bool:
        """Whether at least one metastasis shows in each of the views."""
        return all(any(lesion.area_px[view] for lesion in self.lesions) for view in self.views)


@dataclass(frozen=True)
class Case:
    """What lies under the camera when a patient is scanned.

    Attributes:
        bases: the body.
        primary: primary tumour.
        uptake: of normal structures and of benign foci.
        findings: names of the benign findings.
        lesions: metastases, not yet as hot as they must be.
    """

    bases: Bases
    primary: Primary
    uptake: Uptake
    findings: tuple[str, ...]
    lesions: tuple[Lesion, ...]


def simulate_patient(
    preset: Preset, *, seed: int, number: int, bodies: BodySource = draw_new_body
) -> SimulatedPatient:
    """Simulate one patient of a cohort; the same arguments give the same bytes.

    Args:
        preset: the cohort that the patient belongs to.
        seed: of the cohort.
        number: of the patient, from 1.
        bodies: where the patient's body comes from.
    """
    return simulate_case(preset, seed=seed, number=number, bodies=bodies)[1]


def simulate_case(
    preset: Preset, *, seed: int, number: int, bodies: BodySource = draw_new_body
) -> tuple[Case, SimulatedPatient]:
    """Simulate a patient of a cohort and return what was scanned, too; see simulate_patient."""
    group, kept = find_group(preset, number), kept_views(preset, seed=seed, number=number)
    rng = np.random.default_rng([seed, number])
    return _draw_accepted(preset, group, kept, rng, unit=seed, bodies=bodies)


def draw_anyone(
    preset: Preset,
    group: CohortGroup | None,
    kept: tuple[View, ...],
    rng: np.random.Generator,
    *,
    unit: int,
    bodies: BodySource = draw_new_body,
) -> SimulatedPatient:
    """Draw a patient until one is as the preset, or the group, demands.

    Another one each time: other lesions in the same body would only favour bodies that show more.

    Args:
        preset: what patients are like.
        group: of the preset that the patient belongs to, None where it has no groups.
        kept: the views that the patient keeps.
        rng: source of all randomness.
        unit: which camera of its model it is, 0 or more.
        bodies: where bodies come from.
    """
    return _draw_accepted(preset, group, kept, rng, unit=unit, bodies=bodies)[1]


def _draw_accepted(
    preset: Preset,
    group: CohortGroup | None,
    kept: tuple[View, ...],
    rng: np.random.Generator,
    *,
    unit: int,
    bodies: BodySource,
) -> tuple[Case, SimulatedPatient]:
    """Draw a patient as draw_anyone says, and return the case, too."""
    if group is not None:
        preset = narrow(preset, group)
    while True:
        primary = draw_primary(preset, rng)
        case = draw_case(bodies(preset, primary, rng), preset, primary, rng)
        patient = scan_case(case, preset, kept, rng, unit=unit)
        if _fits(patient, preset, group):
            return case, patient


def _fits(patient: SimulatedPatient, preset: Preset, group: CohortGroup | None) -> bool:
    """Tell whether a patient is as the preset, or the group, demands."""
    if group is None:
        return patient.shows_metastasis_in_each_view or not preset.lesion_in_each_view
    return (patient.shows_metastasis or not group.metastases) and (
        patient.shows_benign_focus or not group.benign
    )


def draw_patient(
    bases: Bases,
    preset: Preset,
    primary: Primary,
    kept: tuple[View, ...],
    rng: np.random.Generator,
    *,
    unit: int,
) -> SimulatedPatient:
    """Draw a patient with a body that lies under the camera, and scan the views that are kept.

    Args:
        bases: the body under the camera.
        preset: what findings there may be.
        primary: primary tumour.
        kept: the views to scan.
        rng: source of all randomness.
        unit: which camera of its model the scan is made with; a cohort has one of each.
    """
    return scan_case(draw_case(bases, preset, primary, rng), preset, kept, rng, unit=unit)


def draw_case(bases: Bases, preset: Preset, primary: Primary, rng: np.random.Generator) -> Case:
    """Draw what a body that lies under the camera holds; for the arguments see draw_patient."""
    body = bases.body
    uptake, findings = draw_uptake(body, rng), tuple[str, ...]()
    if preset.benign:
        uptake, findings = draw_benign_findings(body, uptake, rng)
    lesions = draw_lesions(body, uptake, preset, primary, rng)
    if any(lesion.kind.steals_tracer for lesion in lesions):
        uptake = fade_soft_tissue(uptake, rng)
    return Case(bases, primary, uptake, findings, lesions)


def scan_case(
    case: Case,
    preset: Preset,
    kept: tuple[View, ...],
    rng: np.random.Generator,
    *,
    unit: int,
) -> SimulatedPatient:
    """Scan the views of a case that are kept; for the arguments see draw_patient."""
    bases = case.bases
    scene = set_scene(bases, case.uptake, case.lesions, preset, rng, unit=unit)
    views = {view: _take_view(scene, view, rng) for view in kept}
    velocity = float(rng.uniform(*SCAN_VELOCITY_MM_S))
    length_mm = (bases.geometry.last_row - bases.geometry.first_row + 1) * bases.camera.pixel_mm
    return SimulatedPatient(
        person=bases.body.person,
        views=views,
        lesions=tuple(_lesion_truth(lesion, views) for lesion, _ in scene.lesions),
        benign_findings=(*case.findings, *scene.acquisition.faults_in(views)),
        benign_foci=tuple(
            _benign_truth(number, spot.finding, patches[View.ANTERIOR], views)
            for number, (spot, patches) in enumerate(scene.foci, start=1)
        ),
        camera=bases.camera,
        primary=case.primary.name,
        tumour_burden=min(sum(lesion.bone_share for lesion in case.lesions), 1.0),
        scan_velocity_mm_s=velocity,
        duration_s=length_mm / velocity,
        body_of=bases.body_of,
    )


def kept_views(preset: Preset, *, seed: int, number: int) -> tuple[View, ...]:
    """Return the views that a patient keeps.

    Among patients 1 to `preset.patients` exactly `preset.one_view_patients` keep one, half of them
    the anterior and half the posterior view.
    """
    order = np.random.default_rng([seed, 0]).permutation(preset.patients)
    rank = int(order[(number - 1) % preset.patients])
    if rank >= preset.one_view_patients:
        return tuple(View)
    return (tuple(View)[rank % 2],)


def _take_view(scene: Scene, view: View, rng: np.random.Generator) -> SimulatedView:
    """Draw the counts of a view, mark its truth and bring both to acquisition geometry."""
    scale = scene.counts_per_photon[view]
    truth = mark_truth(
        [patches[view].times(scale) for _, patches in scene.lesions],
        [patches[view].times(scale) for _, patches in scene.foci],
        None if scene.bladder is None else scene.bladder[view].times(scale),
        scene.expected[view],
        scene.bases.camera.pixel_mm,
    )

    def acquire(image: NDArray[T]) -> NDArray[T]:
        return np.ascontiguousarray(mirrored(image * scene.strip, view))

    def count(expected: NDArray[np.float32]) -> NDArray[np.uint16]:
        return scene.bases.draw_counts(acquire(scene.acquisition.seen(expected, view)), rng)

    def mark(image: NDArray[T]) -> NDArray[T]:
        return acquire(scene.acquisition.moved(image, view))

    return SimulatedView(
        counts=count(scene.expected[view]),
        label=mark(truth.label),
        instances=mark(truth.instances),
        benign=mark(truth.benign),
        regions=mark(scene.bases.regions),
        scatter=count(_scatter_window(scene, view)) if scene.stores_scatter else None,
    )


def _scatter_window(scene: Scene, view: View) -> NDArray[np.float32]:
    bases = scene.bases
    return expect_scatter_window(scene.expected[view], bases.thickness, bases.camera, scene.scan)


def _lesion_truth(lesion: Lesion, views: Mapping[View, SimulatedView]) -> LesionTruth:
    return LesionTruth(
        number=lesion.number,
        bone=lesion.bone,
        region=lesion.region,
        diameter_mm=lesion.diameter_mm,
        contrast=lesion.contrast,
        shape=lesion.kind.name,
        centre=(lesion.centre[0], lesion.centre[2]),
        area_px={
            view: int(np.count_nonzero(image.instances == lesion.number))
            for view, image in views.items()
        },
    )


def _benign_truth(
    number: int, finding: str, patch: Patch, views: Mapping[View, SimulatedView]
) -> BenignTruth:
    row, column = np.add((patch.row, patch.column), ndimage.center_of_mass(patch.values + 1e-9))
    return BenignTruth(
        number=number,
        finding=finding,
        centre=(float(row), float(column)),
        area_px={
            view: int(np.count_nonzero(image.benign == number)) for view, image in views.items()
        },
    )
