"""The dictionary keys of a sample and of its metadata: the only place where they are written."""

from collections.abc import Iterable, Mapping
from typing import Any

IMAGE = "image"
LABEL = "label"
WEAK_IMAGE = "weak_image"
"""The image before the changes that a student network has to cope with: what its teacher sees."""
PRED = "pred"
PRED_INSTANCES = "pred_instances"
"""Numbers of inferred instances, from 1 in each view, 0 where there is none."""
PROB = "prob"
"""Probability of lesion, or a score in 0..1 that orders pixels as one would."""
SITE_PROBS = "site_probs"
"""Probability that a scan shows a metastasis in each of bonescan.labels.REPORT_SITES."""
SCAN_PROB = "scan_prob"
"""Probability that a scan shows a metastasis, where a system says so beside its map."""
FIELD_MASK = "field_mask"
"""1 in the field that a system assesses, 0 outside."""
COUNTS = "counts"
"""The scan as it was loaded: counts in the geometry of the acquisition."""
INSTANCES = "instances"
"""Lesion numbers per view, 0 where there is no lesion."""
BENIGN = "benign"
"""Number of the benign focus per view, 0 where there is none."""
REGIONS = "regions"
"""Bone regions per view, one bit per region (see bonescan.labels.REGIONS)."""
PRED_REGIONS = "pred_regions"
"""Bone regions as a network sees them, in the form of REGIONS."""
BODY = "body"
"""Mask per view of body that is not metastatic, as far as it is known."""

LABELLED = "labelled"
"""Whether a sample has a label map of its own; where not, LABEL is background all over. An entry of
a datalist can say false to have its label left aside."""

SHOWN = "shown"
"""Of each view that a network has a channel for, whether the scan has it: (view,), bool."""

MIRRORED = "mirrored"
"""Whether an entry is a mirrored copy of an image set: left and right of the patient are swapped.
Not to be confused with a posterior view flipped onto the anterior one, which swaps nobody."""

PATIENT = "patient"
"""Pseudonym of the patient: the unit of every split."""
PATIENT_OF_IMAGE = "patient_of_image"
"""Pseudonym of the patient in a set that is split by image, where PATIENT is a single image."""
BODY_OF = "body_of"
"""Bank and number of the body that a simulated patient was drawn from: no split parts its patients.
"""
EARLIER = "earlier"
"""File or files of an earlier scan of the patient."""
THERAPY_START = "therapy_start"
"""First day of the therapy that a scan looks at the effect of, in ISO form."""
VISIT = "visit_of_patient"
"""Where a scan stands among those of its patient (bonescan.data.follow_up.Visit), as text."""
SITES = "sites"
"""Those of bonescan.labels.REPORT_SITES in which a view shows a metastasis of the patient."""
FOLD = "fold"
SIMULATED = "simulated"
"""Whether an entry is simulated, for files that cannot say it themselves."""
GENERATED = "generated"
"""Whether an entry is the image of a generator: of no patient, never with a label, so that nothing
can be validated or tested on it. Also the section of a datalist that holds such entries."""
UNSEEN_FOLDS = "unseen_folds"
"""Of a generated entry: folds that its generator was not trained on. No other fold may validate or
test a network that is trained on the entry."""

SAMPLE = "sample"
"""Number of a sample in its training set, from 0."""

SHOW_LESION = "show_lesion"
"""Whether the patch that is cut of a sample must show a lesion."""

FAILURE = "failure"
"""In place of a sample that could not be made: one line that says why."""
IMAGE_PATH = "image_path"
"""Beside FAILURE: the file or files of that sample."""

META_VIEWS = "views"
"""Names of the views along the first axis, or of one other form (bonescan.image_form.ImageForm),
joined by VIEW_SEPARATOR: a string collates."""
META_SCAN_ID = "scan_id"
"""Keyed hash that names the scan in outputs and logs."""
META_SPACING = "spacing_mm"
"""(row, column) pixel spacing in mm."""
META_SOURCES = "sources"
"""JSON text: per view the file and the frame it came from, for writing results back."""
META_SIMULATED = "simulated"
"""Whether the header says that the scan is simulated; NIfTI files cannot say it."""
META_VIEW_SOURCE = "view_source"
"""What told which view is which (bonescan.dicom.scan.ViewSource)."""
META_CONTENT_CHECK = "content_check"
"""Whether the images look like their views (bonescan.dicom.scan.ContentCheck)."""
META_ACQUIRED = "acquired"
"""Day of the acquisition in ISO form, empty where it is not known."""
META_PATIENT_KEY = "patient_key"
"""Keyed hash of who was scanned, empty where it is not known. Like the day it is written nowhere.
"""
META_CROP = "thorax_crop"
"""Landmarks of the thorax crop, in rows and columns of the loaded image."""

VIEW_SEPARATOR = "+"


def patient_of(entry: Mapping[str, Any], default: str) -> str:
    """Return the patient of an entry, also where the split takes each image for one.

    Args:
        entry: of a datalist.
        default: where the entry names no patient.
    """
    return str(entry.get(PATIENT_OF_IMAGE, entry.get(PATIENT, default)))


def join_view_names(names: Iterable[str]) -> str:
    """Return the value of META_VIEWS that names the views along the first axis."""
    return VIEW_SEPARATOR.join(names)


def split_view_names(joined: str) -> tuple[str, ...]:
    """Return the names of the views along the first axis from a value of META_VIEWS."""
    return tuple(joined.split(VIEW_SEPARATOR))
