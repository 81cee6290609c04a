"""A small image set, and a GAN that is trained on it."""

import json
from pathlib import Path

import numpy as np

from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from tests.workflows import run_command

SPACING_MM = (2.4, 2.2)
SIDE, PATIENTS = 16, 7


def write_thorax_set(folder: Path) -> Path:
    """Write a spine between lungs of both views of seven patients; return the datalist.

    Patients 0 and 1 are the fold that validates, the last one is to test.
    """
    rng = np.random.default_rng(4)
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number in range(2 * PATIENTS):
        patient, view = divmod(number, 2)
        expected = np.full((SIDE, SIDE), 2.0)
        expected[:, 6 + patient % 3 : 10] = 40.0
        expected[:3] = expected[:, :2] = 0.0
        counts = rng.poisson(expected * (1 + 0.3 * view)).astype(np.float32)[None]
        name = f"{number:02d}.nii.gz"
        write_view_stack(folder / name, counts, SPACING_MM, [tuple(View)[view]])
        entries.append(
            {"image": name, "patient": f"p{patient}", "fold": int(patient > 1), "simulated": True}
        )
    test = [{key: value for key, value in entry.items() if key != "fold"} for entry in entries[-2:]]
    path = folder / "datalist.json"
    path.write_text(json.dumps({"training": entries[:-2], "test": test}))
    return path


def train_gan(datalist: Path, folder: Path, *arguments: object) -> int:
    """Train a tiny GAN by the command of MONAI; return the exit code."""
    files = "['configs/train.yaml','configs/cropped.yaml','configs/dcgan.yaml']"
    return run_command(
        "training", "--config_file", files, "--datalist", datalist, "--output_dir", folder,
        "--size", f"[{SIDE},{SIDE}]", "--width", 2, "--network_def#latent_size", 5,
        "--batch_size", 4, "--epochs", 3, *arguments,
    )  # fmt: skip
