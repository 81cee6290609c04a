"""Simulate a cohort of planar whole-body bone scans with everything that is known about them.

Run again with the same arguments to go on after an interruption.
"""

import argparse
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import PRESETS, find_preset


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--preset", choices=PRESETS, default="default", help="what the patients are like"
    )
    parser.add_argument(
        "--patients", type=int, metavar="N", help="the preset's own number if not given"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="0 or more")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--workers", type=int, default=1, metavar="W", help="processes")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = parse(arguments)
    preset = find_preset(chosen.preset)
    patients = preset.patients if chosen.patients is None else chosen.patients
    try:
        cohort = Cohort(preset, patients, chosen.seed, chosen.output)
        simulate_cohort(cohort, workers=chosen.workers)
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on where it stopped.", file=sys.stderr)
        return 130
    except ValueError as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    except OSError as err:
        reason = err.strerror or err
        print(
            f"error: {chosen.output} must be a folder with room to write, got: {reason}; "
            "when that is mended, the same command goes on where it stopped",
            file=sys.stderr,
        )
        return 1
    except BrokenProcessPool:
        print(
            "error: a worker process died, perhaps for lack of memory; the same command with "
            "fewer --workers goes on where it stopped",
            file=sys.stderr,
        )
        return 1
    print(f"{patients} simulated patients in {chosen.output}; see {chosen.output / 'README.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
