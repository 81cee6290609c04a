"""The files of one simulated patient: DICOM, truth maps, annotators' outlines, facts."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bonescan
from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from bonescan.phantom.files.annotators import ANNOTATORS, annotate, find_visible_spots
from bonescan.phantom.files.clinical import draw_clinical_facts
from bonescan.phantom.files.nm_image import Examination, nm_image
from bonescan.phantom.files.study import describe_first_visit, describe_second_visit
from bonescan.phantom.follow_up import FollowUp
from bonescan.phantom.patient import SimulatedPatient
from bonescan.phantom.presets import Preset

FILES_STREAM = 1
CLINICAL_STREAM = 2
ANNOTATOR_STREAM = 3
STUDY_STREAM = 6
FOLLOW_UP_STREAM = 7
"""What is drawn here has seeds [seed, number, stream], apart from the patient's [seed, number]."""

TRUTH_FILE = "truth.json"
LABEL_FILE = "label.nii.gz"
INSTANCES_FILE = "instances.nii.gz"
BENIGN_FILE = "benign.nii.gz"
REGIONS_FILE = "regions.nii.gz"
LABELME_FOLDER = "labelme"


@dataclass(frozen=True)
class PatientOrigin:
    """What a scan of a simulated patient is made from; the same origin gives the same bytes.

    Attributes:
        preset: what the patients are like.
        seed: of the cohort.
        number: of the patient, from 1.
        visit: 1 for the first scan, 2 for the one after therapy began.
    """

    preset: Preset
    seed: int
    number: int
    visit: int = 1

    @property
    def folder(self) -> str:
        """Name of the scan's folder."""
        later = f"-visit{self.visit}" if self.visit > 1 else ""
        return f"sim-{self.number:04d}{later}"

    @property
    def patient(self) -> str:
        """Pseudonym of the patient.

        Not the folder's name: MONAI's `load_decathlon_datalist` turns every value that happens to
        be an existing path into an absolute one.
        """
        return f"SIM{self.number:04d}"

    def __str__(self) -> str:
        """Return the line that the header of each file carries."""
        version = f"bone-scan-bundle {bonescan.__version__}"
        later = f", visit {self.visit}" if self.visit > 1 else ""
        return (
            f"{version}, preset {self.preset.name}, seed {self.seed}, patient {self.number}{later}"
        )

    def generator(self, *stream: int) -> np.random.Generator:
        """Return the random generator of one stream; a second scan has streams of its own."""
        later = (self.visit,) if self.visit > 1 else ()
        return np.random.default_rng([self.seed, self.number, *stream, *later])


def write_patient(patient: SimulatedPatient, origin: PatientOrigin, folder: Path) -> None:
    """Write all files of one patient into an existing empty folder.

    Args:
        patient: the simulated patient.
        origin: what it was simulated from.
        folder: where to write; the content does not depend on it.
    """
    facts: dict[str, Any] = {}
    if origin.preset.study is not None:
        rng = origin.generator(STUDY_STREAM)
        facts["study"] = describe_first_visit(patient, origin.preset, origin.number, rng)
    _write(patient, origin, folder, facts, days=0)


def write_follow_up(follow_up: FollowUp, origin: PatientOrigin, folder: Path) -> None:
    """Write all files of a patient's second scan into an existing empty folder.

    Args:
        follow_up: the second scan.
        origin: what it was simulated from.
        folder: where to write; the content does not depend on it.
    """
    facts = {
        "study": describe_second_visit(follow_up),
        "fates": [asdict(fate) for fate in follow_up.fates],
    }
    _write(follow_up.patient, origin, folder, facts, days=follow_up.days)


def _write(
    patient: SimulatedPatient,
    origin: PatientOrigin,
    folder: Path,
    facts: Mapping[str, Any],
    *,
    days: int,
) -> None:
    """Write all files of one scan, some days after the first; the facts join its truth."""
    images = _write_scan(patient, origin, folder, days=days)
    _write_maps(patient, folder)
    _write_outlines(patient, origin, folder, images)
    truth = {**_truth(patient, origin, images), **facts}
    if "study" in facts:
        truth["clinical"]["alp_u_l"] = facts["study"].pop("alp_u_l")
    (folder / TRUTH_FILE).write_text(json.dumps(truth, indent=1, default=_plain) + "\n")


def read_truth(folder: Path) -> dict[str, Any]:
    """Return the facts that `write_patient` wrote into a patient's folder.

    Raises:
        ValueError: if the file is missing or broken.
    """
    path = folder / TRUTH_FILE
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as err:
        raise ValueError(
            f"{path} must hold the facts of a simulated patient ({err}); delete its folder "
            "and run the simulation again"
        ) from err


def _views(patient: SimulatedPatient) -> tuple[View, ...]:
    return tuple(view for view in View if view in patient.views)


def _write_scan(
    patient: SimulatedPatient, origin: PatientOrigin, folder: Path, *, days: int
) -> dict[View, str]:
    """Write the DICOM file or files of some days after the first; return the file of each view."""
    views = _views(patient)
    in_two_files = origin.generator(FILES_STREAM).random() < origin.preset.two_file_share
    files: dict[str, tuple[View, ...]] = {"scan.dcm": views}
    if len(views) == 1 or in_two_files:
        files = {f"{view}.dcm": (view,) for view in views}
    examination = Examination(
        patient=origin.patient,
        number=origin.number,
        origin=str(origin),
        person=patient.person,
        camera=patient.camera,
        scan_velocity_mm_s=patient.scan_velocity_mm_s,
        duration_s=patient.duration_s,
        days=days,
    )
    for name, members in files.items():
        image = nm_image(
            examination,
            {view: patient.views[view].counts for view in members},
            _scatter(patient, members),
        )
        content = io.BytesIO()
        image.save_as(content, enforce_file_format=True)
        # Written by ourselves: pydicom wraps a full disk into an error that holds a traceback.
        (folder / name).write_bytes(content.getvalue())
    return {view: name for name, members in files.items() for view in members}


def _scatter(
    patient: SimulatedPatient, views: tuple[View, ...]
) -> dict[View, NDArray[np.uint16]] | None:
    """Return the counts of the scatter window per view, None where it was not stored."""
    stored = {view: patient.views[view].scatter for view in views}
    counts = {view: scatter for view, scatter in stored.items() if scatter is not None}
    return counts or None


def _write_maps(patient: SimulatedPatient, folder: Path) -> None:
    """Write the truth maps as view stacks."""
    views = _views(patient)
    spacing_mm = (patient.camera.pixel_mm, patient.camera.pixel_mm)
    for name, attribute in (
        (LABEL_FILE, "label"),
        (INSTANCES_FILE, "instances"),
        (BENIGN_FILE, "benign"),
        (REGIONS_FILE, "regions"),
    ):
        stack = np.stack([getattr(patient.views[view], attribute) for view in views])
        write_view_stack(folder / name, stack, spacing_mm, views)


def _write_outlines(
    patient: SimulatedPatient, origin: PatientOrigin, folder: Path, images: Mapping[View, str]
) -> None:
    """Write one LabelMe file per view and annotator."""
    (folder / LABELME_FOLDER).mkdir()
    for view in _views(patient):
        spots = find_visible_spots(patient.views[view])
        for index, annotator in enumerate(ANNOTATORS):
            content = annotate(
                patient.views[view],
                spots,
                annotator=annotator,
                pixel_mm=patient.camera.pixel_mm,
                rng=origin.generator(ANNOTATOR_STREAM, tuple(View).index(view), index),
                image_path=f"../{images[view]}",
            )
            path = folder / LABELME_FOLDER / f"{view}_{annotator.name}.json"
            path.write_text(json.dumps(content) + "\n")


def _truth(
    patient: SimulatedPatient, origin: PatientOrigin, images: Mapping[View, str]
) -> dict[str, Any]:
    """Return everything that is known of a patient, except the maps."""
    clinical = draw_clinical_facts(patient, origin.patient, origin.generator(CLINICAL_STREAM))
    return {
        "simulated": True,
        "origin": str(origin),
        "folder": origin.folder,
        "images": list(dict.fromkeys(images.values())),
        "views": {
            view: {"file": file, "counts": patient.views[view].counts.sum(dtype=np.int64)}
            for view, file in images.items()
        },
        "clinical": asdict(clinical),
        "person": asdict(patient.person),
        "body_of": patient.body_of,
        "camera": asdict(patient.camera),
        "scan_velocity_mm_s": patient.scan_velocity_mm_s,
        "duration_s": patient.duration_s,
        "primary": patient.primary,
        "tumour_burden": patient.tumour_burden,
        "lesions": [asdict(lesion) for lesion in patient.lesions],
        "variants": list(patient.benign_findings),
        "benign_foci": [asdict(focus) for focus in patient.benign_foci],
    }


def _plain(value: Any) -> Any:
    """Return a NumPy value in a form that JSON can hold.

    Raises:
        TypeError: if it is no NumPy value.
    """
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"truth must hold plain or NumPy values, got {type(value).__name__}")
