"""Measure the thorax crop on simulated patients whose bones are known: docs/results/thorax_crop.md.

Run with nothing else: python scripts/measure_crop.py (about 4 minutes for 200 patients).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.dicom.scan import View, mirrored
from bonescan.errors import ScanError
from bonescan.phantom.patient import simulate_patient
from bonescan.phantom.presets import find_preset
from bonescan.prepare.crop_quality import CropQuality, measure_crop
from bonescan.transforms.landmarks import find_thorax

REPORT = Path(__file__).resolve().parents[1] / "docs/results/thorax_crop.md"
MOST_OUTSIDE_MM = 25.0
"""Length of neck or pelvis that a crop may hold."""


def measure_patient(number: int, *, seed: int) -> CropQuality | None:
    """Simulate a patient and measure the crop found on the sum of the views; None if refused."""
    patient = simulate_patient(find_preset("default"), seed=seed, number=number)
    views = [mirrored(image.counts, view) for view, image in patient.views.items()]
    spacing_mm = (patient.camera.pixel_mm, patient.camera.pixel_mm)
    try:
        landmarks = find_thorax(np.sum(views, axis=0, dtype=np.float64), spacing_mm)
    except ScanError:
        return None
    return measure_crop(landmarks, patient.views[View.ANTERIOR].regions, spacing_mm)


def report(qualities: list[CropQuality | None], *, seed: int) -> str:
    """Lay out the shares as Markdown."""
    found = [quality for quality in qualities if quality is not None]
    holds = sum(quality.holds_thorax for quality in found)
    narrow = sum(max(quality.neck_mm, quality.pelvis_mm) <= MOST_OUTSIDE_MM for quality in found)
    n = len(qualities)
    rows = (
        ("thorax inside (T1 to T12, sternum, ribs but their lateral 10 mm)", holds, "97 %"),
        ("no more than 25 mm of neck above C7 or pelvis below the crest inside", narrow, "95 %"),
        ("refused", n - len(found), ""),
    )
    lines = [f"| {what} | {count} of {n} | {count / n:.1%} | {aim} |" for what, count, aim in rows]
    return "\n".join(
        [
            f"# Thorax crop on {n} simulated patients",
            f"`python scripts/measure_crop.py --patients {n} --seed {seed}`, preset `default`.",
            "",
            "| what | patients | share | aim |",
            "|---|---|---|---|",
            *lines,
            "",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=200, metavar="N")
    parser.add_argument("--seed", type=int, default=2, metavar="S")
    chosen = parser.parse_args(arguments)
    numbers = range(1, chosen.patients + 1)
    qualities = [measure_patient(number, seed=chosen.seed) for number in tqdm(numbers)]
    text = report(qualities, seed=chosen.seed)
    REPORT.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
