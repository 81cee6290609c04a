"""Count what a trained system marks on simulated bodies without any finding: all of it is false."""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

import bonescan
from bonescan.commands.command import HelpFormatter, add_results_folder
from bonescan.commands.reporting import run_reported
from bonescan.commands.workflow import add_trust, run_folder
from bonescan.data.datalist import DATALIST_FILE
from bonescan.dicom.scan import View
from bonescan.files import write_text
from bonescan.metrics.bootstrap import RESAMPLES
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import find_preset
from bonescan.report.image_results import describe_interval, with_interval
from bonescan.report.overlay import write_overlay
from bonescan.report.scan_result import ScanResult
from bonescan.report.tables import format_interval, markdown_table
from bonescan.studies.normal_bodies import NormalScan, mark_normals

PAGE = "normal_bodies.md"
WORST = "normal_bodies_worst.png"
REAL = "normal_bodies_real.png"
PRESET = "normal"
AIM = 1.0
"""False marks per scan, at most."""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a training")
    parser.add_argument("--patients", type=int, default=40, metavar="N", help="to simulate")
    parser.add_argument("--seed", type=int, default=3, metavar="S", help="0 or more")
    parser.add_argument("--workers", type=int, default=1, metavar="W", help="that simulate")
    parser.add_argument("--real", type=Path, metavar="FILE", help="a real scan to look at as well")
    add_trust(parser)
    add_results_folder(parser, "build/results")
    return parser


def report(scans: Sequence[NormalScan], real: ScanResult | None, *, command: str) -> str:
    """Lay out the counts as Markdown."""
    counts = np.array([len(scan.marks) for scan in scans], dtype=float)
    patients = [str(number) for number in range(len(scans))]
    mean = with_interval(
        lambda weights: (weights @ counts / weights.sum(axis=-1))[..., None],
        patients, names=["marks"], resamples=RESAMPLES,
    )["marks"]  # fmt: skip
    clean = int(np.count_nonzero(counts == 0))
    rows = [
        ("false marks per scan, mean", format_interval(mean), f"below {AIM:g}"),
        ("scans without any mark", f"{clean} of {len(scans)}", ""),
    ]
    system = scans[0].result.provenance.system
    parts = [
        "# False marks on normal bodies",
        f"`{command}`. {system} on {len(scans)} **simulated** patients of the preset `{PRESET}`, "
        "who have neither metastases nor benign findings, so that each mark is false. In "
        f"parentheses: {describe_interval(RESAMPLES)}.",
        markdown_table(("measured quantity", "value", "aim"), rows),
        "## Where they lie",
        _table_of_places(scans),
        f"![The scan with most marks]({WORST})",
    ]
    if real is not None:
        parts += [
            "## The real scan",
            f"Marks on the real scan at hand, which shows no metastasis: {len(real.findings)}.",
            f"![The real scan]({REAL})",
        ]
    return "\n\n".join(parts) + "\n"


def _table_of_places(scans: Sequence[NormalScan]) -> str:
    marks = [mark for scan in scans for mark in scan.marks]
    places = Counter((mark.region, mark.view) for mark in marks)
    regions = [region for region, _ in Counter(mark.region for mark in marks).most_common()]
    rows = [[region, *(str(places[region, view]) for view in View)] for region in regions]
    return markdown_table(("region", *View), rows) if rows else "Nowhere: there is none."


def measure(chosen: argparse.Namespace) -> int:
    """Simulate, mark, then write and print the page with its pictures."""
    system = bonescan.load(chosen.run, trust=chosen.trust)
    preset = replace(find_preset(PRESET), two_file_share=0.0)
    with tempfile.TemporaryDirectory(prefix="normal-") as folder:
        cohort = Cohort(preset, chosen.patients, chosen.seed, Path(folder))
        simulate_cohort(cohort, workers=chosen.workers)
        scans = list(
            tqdm(mark_normals(system, cohort.folder / DATALIST_FILE), total=chosen.patients)
        )
    real = None if chosen.real is None else system(chosen.real)
    chosen.output.mkdir(parents=True, exist_ok=True)
    write_overlay(chosen.output / WORST, max(scans, key=lambda scan: len(scan.marks)).result)
    if real is not None:
        write_overlay(chosen.output / REAL, real)
    command = (
        f"python scripts/normal_bodies.py RUN --patients {chosen.patients} --seed {chosen.seed}"
    )
    text = report(scans, real, command=command)
    write_text(chosen.output / PAGE, text)
    print(f"{text}\nSee {chosen.output / PAGE}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_reported(partial(measure, make_parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
