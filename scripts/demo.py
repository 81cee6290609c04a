"""Use the released weights; then simulate, train, evaluate and infer, small enough for two cores.

Each step is a command of its own, printed before it runs, so that it can be typed again. Run again
to go on after an interruption.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from pydicom.data import get_testdata_file

from bonescan.commands.command import SAME_COMMAND, HelpFormatter
from bonescan.commands.reporting import run_reported
from bonescan.run_folder import HISTORY, LAST_STATE

ROOT = Path(__file__).resolve().parents[1]
RELEASED, UNSEEN = "models/both_views", "data/demo_unseen"
COHORT, NEW_SCAN, RUN = "data/demo", "data/demo_new", "runs/demo"
PRESET, PATIENTS, SEED = "he2024", "44", "1"
"""The preset has few patients without metastases and no superscan, which would outweigh all others:
six of the nine that are tested show lesions in the thorax, none of them more than half of all."""
EPOCHS = 16
LOOK_AT = ("evaluation/*.png", "released/*/report.html", "new/*/report.html", "real/*/report.html")
REAL_SCAN = "JPGExtended.dcm"  # of NEMA WG04; comes with pydicom


def call(title: str, *arguments: str) -> None:
    """Print and run one command in the root of the checkout; end the demo where it fails."""
    print(f"\n== {title}\n   bonescan {' '.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "bonescan", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"the step failed with exit code {done.returncode}; run make demo again")


def look() -> None:
    """Use the released weights on three simulated scans that they have not seen, and a real one."""
    size = ("--preset", "default", "--patients", "3", "--seed", "8", "--workers", "2")
    call("Simulate three scans", "simulate", *size, "-o", f"{UNSEEN}/simulated")
    real = ROOT / UNSEEN / "real" / "scan.dcm"
    real.parent.mkdir(exist_ok=True)
    shutil.copyfile(str(get_testdata_file(REAL_SCAN)), real)
    out = f"{RUN}/released"
    call("Infer them and a real scan with released weights", "infer", RELEASED, UNSEEN, "-o", out)
    print("\nReports, to open in a browser:")
    print_found(f"{out}/*/report.html")


def print_found(*patterns: str) -> None:
    """Print the files in the checkout that match."""
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
        print(f"  {path.relative_to(ROOT)}")


def simulate() -> None:
    """Make the cohort, and one scan that belongs to nobody in it."""
    for title, folder, patients, seed in (
        ("Simulate a cohort", COHORT, PATIENTS, SEED),
        ("Simulate a new scan", NEW_SCAN, "1", "2"),
    ):
        size = ("--preset", PRESET, "--patients", patients, "--seed", seed, "--workers", "2")
        call(title, "simulate", *size, "-o", folder)


def train() -> None:
    """Train from the start, go on, or see that it is done."""
    history = ROOT / RUN / HISTORY
    if history.is_file() and len(history.read_text().splitlines()) > EPOCHS:
        print("\n== Training is done already")
        return
    resume = ["--resume"] if (ROOT / RUN / LAST_STATE).is_file() else []
    where = ["--data", COHORT, "-o", RUN]
    call("Train", "train", "lin2020_unet_res", *where, "--fast", "--epochs", str(EPOCHS), *resume)


def use() -> None:
    """Evaluate on patients that training has not seen; infer a new and a real scan."""
    call("Evaluate on held-out patients", "evaluate", RUN)
    for name, source in (("new", NEW_SCAN), ("real", str(get_testdata_file(REAL_SCAN)))):
        call(f"Infer a {name} scan", "infer", RUN, source, "-o", f"{RUN}/{name}")


def tell(seconds: float) -> None:
    """Print the table and the pictures to look at."""
    run = ROOT / RUN
    summary = json.loads((run / "evaluation/summary.json").read_text())
    first = next(iter(summary.values()))
    print(
        f"\nDone in {seconds / 60:.1f} minutes.\n\nMetastases on SIMULATED scans, n = "
        f"{first['images']} images of {first['patients']} patients that training has not seen, "
        f"{first['images_with_lesion']} of\nthem with lesions; pooled pixels, 95 % interval over "
        "patients. A demonstration, not a result.\n\n"
        f"{'':34}{'DSC':>24}{'precision':>12}{'recall':>9}"
    )
    for name, system in summary.items():
        dsc, precision, recall = (system["pooled"][key] for key in ("dsc", "precision", "recall"))
        interval = f"{dsc['value']:.3f} ({dsc['lower']:.3f} to {dsc['upper']:.3f})"
        print(f"{name:34}{interval:>24}{precision['value']:>12.3f}{recall['value']:>9.3f}")
    sensitivity, false = (first["detection"][key] for key in ("sensitivity", "false_positives"))
    print(
        f"\nOf {first['lesions']} lesions it finds {sensitivity['value']:.0%}, with "
        f"{false['value']:.1f} false ones per scan, at the operating point that the\nvalidation "
        f"patients chose: {first['operating_point']['is']}."
    )
    print("\nLook at (the reports in a browser):")
    print_found(*(f"{RUN}/{pattern}" for pattern in LOOK_AT))
    print("The real scan validates nothing: it has no reference outlines.")


def run() -> int:
    """Run the demo."""
    start = time.monotonic()
    for step in (look, simulate, train, use):
        step()
    tell(time.monotonic() - start)
    return 0


if __name__ == "__main__":
    # No options; help, and a refusal of anything else.
    argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter).parse_args()
    sys.exit(run_reported(run, to_continue=SAME_COMMAND))
