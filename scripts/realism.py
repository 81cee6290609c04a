"""Measure how far simulated scans look like real ones; write figures and a picture."""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from tqdm import tqdm

from bonescan.commands.command import HelpFormatter, add_results_folder
from bonescan.commands.reporting import run_reported
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.files import write_text
from bonescan.phantom.patient import SimulatedPatient, simulate_patient
from bonescan.phantom.presets import CAMERAS, PRESETS
from bonescan.phantom.realism.lesions import measure_lesions
from bonescan.phantom.realism.measures import Image, measure_realism
from bonescan.phantom.realism.report import ReportOrigin, realism_report
from bonescan.report.drawing import draw_counts, new_figure, save_png

REAL_SCAN = "JPGExtended.dcm"
"""Anterior scan of NEMA WG04 (GE Millennium MG) that comes with pydicom."""
SHOWN = 5


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--patients", type=int, default=20, metavar="N", help="to simulate")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="0 or more")
    parser.add_argument(
        "--real",
        type=Path,
        metavar="FILE",
        help="the real scan without loss (NEMA WG04, NM1); the lossy one in pydicom if not given, "
        "whose compression took away the noise above 0.25 cycles per pixel",
    )
    add_results_folder(parser, "build/results")
    return parser


def draw(real: Image, patients: list[SimulatedPatient], path: Path) -> None:
    """Show the real scan, then simulated ones: anterior views above, posterior views below."""
    figure = new_figure(176 * (1 + len(patients)), 1040)
    axes = figure.subplots(2, 1 + len(patients))
    columns: list[Mapping[View, NDArray]] = [{View.ANTERIOR: real}]
    columns += [{view: patient.views[view].counts for view in View} for patient in patients]
    for number, views in enumerate(columns):
        name = f"simulated {number}" if number else "real"
        for axis, view in zip(axes[:, number], View, strict=True):
            axis.set_axis_off()
            if view in views:
                draw_counts(axis, views[view], (1.0, 1.0))  # one camera's pixels are square
                axis.set_title(f"{name}, {view}", fontsize=8)
    figure.tight_layout(pad=0.3)
    save_png(figure, path)


def simulate_like(real: Image, *, patients: int, seed: int) -> Iterator[SimulatedPatient]:
    """Yield patients without lesions on the real scan's camera, with about its counts."""
    counts = float(real.sum())
    alike = replace(
        PRESETS["default"],
        free_share=1.0,
        cameras=CAMERAS[:1],
        total_counts=(0.9 * counts, 1.1 * counts),
    )
    for number in tqdm(range(1, patients + 1), desc="simulate", unit="patient"):
        yield simulate_patient(alike, seed=seed, number=number)


def measure(chosen: argparse.Namespace) -> int:
    """Measure, then write and print the results."""
    shown_scan = read_scan(str(get_testdata_file(REAL_SCAN))).counts[View.ANTERIOR]
    real = shown_scan if chosen.real is None else read_scan(chosen.real).counts[View.ANTERIOR]
    start = time.process_time()
    alike = simulate_like(real, patients=chosen.patients, seed=chosen.seed)
    comparisons = [measure_realism(patient, real) for patient in alike]
    seconds = (time.process_time() - start) / chosen.patients
    chosen.output.mkdir(parents=True, exist_ok=True)
    source = f"{REAL_SCAN} of pydicom, lossy" if chosen.real is None else chosen.real.name
    option = "" if chosen.real is None else f" --real {chosen.real.name}"
    command = f"python scripts/realism.py --patients {chosen.patients} --seed {chosen.seed}{option}"
    patients = [
        simulate_patient(PRESETS["default"], seed=chosen.seed, number=number)
        for number in tqdm(range(1, chosen.patients + 1), desc="simulate lesions", unit="patient")
    ]
    lesions = [measure_lesions(patient) for patient in patients]
    text = realism_report(comparisons, lesions, real, ReportOrigin(command, source, seconds))
    write_text(chosen.output / "realism.md", text)
    draw(shown_scan, patients[:SHOWN], chosen.output / "realism.png")
    print(f"{text}\nSee {chosen.output / 'realism.md'}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = make_parser().parse_args(arguments)
    return run_reported(partial(measure, chosen))


if __name__ == "__main__":
    sys.exit(main())
