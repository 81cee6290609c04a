"""Simulate, train, evaluate and infer, small enough for two CPU cores; then say what to look at.

Each step is a command of its own, printed before it runs, so that it can be typed again. Run again
to go on after an interruption.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from pydicom.data import get_testdata_file

ROOT = Path(__file__).resolve().parents[1]
COHORT = Path("data/demo")
NEW_SCAN = Path("data/demo_new")
RUN = Path("runs/demo")
PATIENTS = 40
EPOCHS = 8
REAL_SCAN = "JPGExtended.dcm"
"""An anterior view of a real bone scan (NEMA WG04 sample NM1), which comes with pydicom."""


def call(title: str, *arguments: str) -> None:
    """Print and run one command; end the demo where it fails."""
    print(f"\n== {title}\n   python {' '.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"the step failed with exit code {done.returncode}; run make demo again")


def bundle(title: str, config: str, *arguments: str) -> None:
    """Run a workflow of the bundle."""
    call(title, "-m", "monai.bundle", "run", "--config_file", config, *arguments)


def simulate() -> None:
    """Make the cohort, and one scan that belongs to nobody in it."""
    for title, folder, patients, seed in (
        ("Simulate a cohort of bone scans", COHORT, PATIENTS, 1),
        ("Simulate a new scan", NEW_SCAN, 1, 2),
    ):
        size = ["--patients", str(patients), "--seed", str(seed)]
        call(title, "scripts/simulate.py", *size, "--output", str(folder), "--workers", "2")


def train() -> None:
    """Train from the start, go on, or see that it is done."""
    history = ROOT / RUN / "history.csv"
    done = len(history.read_text().splitlines()) - 1 if history.is_file() else 0
    if done >= EPOCHS:
        print("\n== Training is done already")
        return
    resume = ["--resume"] if (ROOT / RUN / "last.pt").is_file() else []
    where = ["--dataset_dir", str(COHORT), "--output_dir", str(RUN), "--epochs", str(EPOCHS)]
    config = "['configs/train.yaml','configs/fast.yaml']"
    bundle("Train", config, *where, *resume)


def use() -> None:
    """Evaluate on patients that training has not seen; infer new scans."""
    system = f"{RUN}/system.json"
    config = f"['configs/evaluate.yaml','{system}']"
    where = ["--dataset_dir", str(COHORT), "--run_dir", str(RUN)]
    bundle("Evaluate on held-out patients", config, *where)
    config = f"['configs/inference.yaml','{system}']"
    for title, source, name in (
        ("Infer the new simulated scan", str(NEW_SCAN), "new"),
        ("Infer a real scan", str(get_testdata_file(REAL_SCAN)), "real"),
    ):
        where = ["--run_dir", str(RUN), "--output_dir", f"{RUN}/{name}"]
        bundle(title, config, "--input", source, *where)


def tell(seconds: float) -> None:
    """Print the table and the pictures to look at."""
    evaluation = ROOT / RUN / "evaluation"
    summary = json.loads((evaluation / "summary.json").read_text())
    first = next(iter(summary.values()))
    print(f"\nDone in {seconds / 60:.1f} minutes.\n")
    print(
        f"Metastases on SIMULATED scans, n = {first['images']} images of {first['patients']} "
        "patients that training has not seen;\npooled pixels, 95 % interval over patients. "
        "A small network trained for a few minutes: not a result."
    )
    print(f"\n{'':34}{'DSC':>24}{'precision':>12}{'recall':>9}")
    for name, system in summary.items():
        dsc, cpa, recall = (system["pooled"][key] for key in ("dsc", "cpa", "recall"))
        interval = f"{dsc['value']:.3f} ({dsc['lower']:.3f} to {dsc['upper']:.3f})"
        print(f"{name:34}{interval:>24}{cpa['value']:>12.3f}{recall['value']:>9.3f}")
    print("\nLook at:")
    pictures = [evaluation / name for name in ("cases.png", "froc.png", "training_curves.png")]
    pictures += sorted((ROOT / RUN / "new").glob("*/overlay.png"))
    pictures += sorted((ROOT / RUN / "real").glob("*/overlay.png"))
    for picture in pictures:
        print(f"  {picture.relative_to(ROOT)}")
    print("The real scan validates nothing: it has no reference outlines.")


def main() -> int:
    """Run the demo; return its exit code."""
    start = time.monotonic()
    try:
        simulate()
        train()
        use()
    except KeyboardInterrupt:
        print("\ninterrupted; run make demo again to go on")
        return 130
    tell(time.monotonic() - start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
