"""Names of the files in a run's folder: what training, evaluation and inference leave there."""

from collections.abc import Iterable
from pathlib import Path

LOCK = ".lock"
"""Held by the run that writes to the folder; tells its process and host."""

# Training
WEIGHTS = "model.pt"
"""Plain state dict that evaluation, inference and the model zoo load."""
LAST_STATE = "last.pt"
"""State from which a training goes on."""
HISTORY = "history.csv"
TENSORBOARD = "tensorboard"
RECORD = "run.json"
"""Seed, versions, hardware, data hash and revision."""
CONFIGURATION = "config.json"
"""The composed configuration."""
SYSTEM = "system.json"
"""What evaluation and inference need to know of the trained system, as a configuration file."""
PLAN = "plan.json"
"""What a system took from its training set, such as the size of patches."""
OPERATING_POINT = "operating_point.json"
"""Threshold and least area of a lesion, and what probabilities mean: of the validation patients."""

# Evaluation
EVALUATION = "evaluation"
"""Folder of an evaluation inside that of its run."""
IMAGE_ROWS = "images.csv"
SUMMARY_JSON = "summary.json"
SUMMARY_PAGE = "summary.md"
REGIONS_JSON = "regions.json"
REGIONS_PAGE = "regions.md"
"""How well bones are told apart, of a system that does more than that."""
EVALUATED_IMAGES = "images.npz"
EXAMPLES = "examples.png"
FROC_CURVE = "froc.png"
RELIABILITY = "reliability.png"
"""How far the probabilities of lesions and of scans are true."""
TRAINING_CURVES = "training_curves.png"

# Generated images, beside their datalist
QUALITY_PAGE = "quality.md"
SAMPLES = "samples.png"
CLOSEST_PAIRS = "closest.png"

# Inference: tables of the archive, then the folder of a scan
SCAN_ROWS = "summary.csv"
FAILURES = "failures.csv"
FINDINGS = "findings.json"
OVERLAY = "overlay.png"
REPORT_PAGE = "report.html"
SEGMENTATION = "segmentation.dcm"
BONE_SEGMENTATION = "bones.dcm"
MEASUREMENTS = "measurements.dcm"
SECONDARY_CAPTURE = "overlay.dcm"
ENCAPSULATED_PDF = "report.dcm"
REPORT_PDF = "report.pdf"


def label_map_name(scan_id: str) -> str:
    """Return the name of a scan's label map, in the folder named after the scan."""
    return f"{scan_id}_label.nii.gz"


def scan_files(scan_id: str) -> tuple[str, ...]:
    """Return the names of all files that inference may leave in the folder of a scan."""
    pictures_and_pages = (OVERLAY, REPORT_PAGE, REPORT_PDF)
    dicom = (SEGMENTATION, BONE_SEGMENTATION, MEASUREMENTS, SECONDARY_CAPTURE, ENCAPSULATED_PDF)
    return (label_map_name(scan_id), FINDINGS, *pictures_and_pages, *dicom)


def name_input(paths: Iterable[str | Path]) -> str:
    """Return what the tables of an archive call a scan by in the column `input`: its files."""
    return ", ".join(sorted(map(str, paths)))
