"""Measure the thorax crop on simulated patients whose bones are known.

Takes about 4 minutes for 200 patients.
"""

import argparse
import sys
from functools import partial

from tqdm import tqdm

from bonescan.commands.command import HelpFormatter, add_results_folder
from bonescan.commands.reporting import run_reported
from bonescan.files import write_text
from bonescan.phantom.presets import find_preset
from bonescan.prepare.crop_quality import CropQuality, measure_simulated
from bonescan.report.tables import markdown_table

PAGE = "thorax_crop.md"
PRESET = "default"


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    about = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(description=about, formatter_class=HelpFormatter)
    parser.add_argument("--patients", type=int, default=200, metavar="N", help="to simulate")
    parser.add_argument("--seed", type=int, default=2, metavar="S", help="0 or more")
    add_results_folder(parser, "build/results")
    return parser


def report(qualities: list[CropQuality | None], *, seed: int) -> str:
    """Lay out the shares as Markdown; None is a patient whose crop was refused."""
    found = [quality for quality in qualities if quality is not None]
    holds = sum(quality.holds_thorax for quality in found)
    narrow = sum(quality.is_narrow for quality in found)
    n = len(qualities)
    rows = (
        ("thorax inside (T1 to T12, sternum, ribs except the outer 10 mm)", holds, "97 %"),
        ("no more than 25 mm of neck above C7 or pelvis below the crest inside", narrow, "95 %"),
        ("refused", n - len(found), ""),
    )
    table = markdown_table(
        ("measured quantity", "patients", "share", "aim"),
        [(name, f"{count} of {n}", f"{count / n:.1%}", aim) for name, count, aim in rows],
    )
    command = f"python scripts/measure_crop.py --patients {n} --seed {seed}"
    title = f"# Thorax crop on {n} simulated patients"
    return f"{title}\n`{command}`, preset `{PRESET}`.\n\n{table}\n"


def measure(chosen: argparse.Namespace) -> int:
    """Measure, then write and print the page."""
    preset = find_preset(PRESET)
    numbers = tqdm(range(1, chosen.patients + 1), unit="patient")
    qualities = [measure_simulated(preset, seed=chosen.seed, number=number) for number in numbers]
    text = report(qualities, seed=chosen.seed)
    chosen.output.mkdir(parents=True, exist_ok=True)
    write_text(chosen.output / PAGE, text)
    print(f"{text}\nSee {chosen.output / PAGE}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = make_parser().parse_args(arguments)
    return run_reported(partial(measure, chosen))


if __name__ == "__main__":
    sys.exit(main())
