"""Run a published table again on simulated scans, and write published and measured side by side.

The experiments are the files of configs/experiments. Run again to go on after an interruption.
"""

import argparse
import logging
import sys
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.errors import one_line, root_cause
from bonescan.prepare.image_set import SPLITS
from bonescan.studies.experiments.data import prepare
from bonescan.studies.experiments.execute import default_workers, execute
from bonescan.studies.experiments.experiment import PROFILES, load_experiment
from bonescan.studies.experiments.grid import CONFIGS, RunGrid
from bonescan.studies.experiments.results import write_results

EXPERIMENTS = CONFIGS / "experiments"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    names = sorted(path.stem for path in EXPERIMENTS.glob("*.yaml"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument(
        "--profile", choices=PROFILES, default="fast", help="fast: 2 cores; full: as published"
    )
    parser.add_argument(
        "--folds", type=int, nargs="+", default=[], metavar="K", help="folds to run, from 0"
    )
    parser.add_argument(
        "--split", choices=SPLITS, default="patient", help="image: optimistic, as some papers did"
    )
    parser.add_argument(
        "--workers", type=int, metavar="W", help="processes; one per GPU or core if not given"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/reproduce"), metavar="DIR")
    parser.add_argument("--output", type=Path, default=Path("docs/results"), metavar="DIR")
    return parser.parse_args(arguments)


def reproduce(chosen: argparse.Namespace) -> int:
    """Prepare the data, do what is left of the runs, and write the results."""
    experiment = load_experiment(EXPERIMENTS / f"{chosen.name}.yaml")
    work = chosen.work.resolve()
    profile = experiment.profiles[chosen.profile]
    material = prepare(experiment, profile, work / "data", split=chosen.split)
    grid = RunGrid(experiment, chosen.profile, material, work, tuple(chosen.folds))
    workers = default_workers() if chosen.workers is None else chosen.workers
    outcome = execute(grid.runs(), workers=workers, announce=lambda line: print(line, flush=True))
    options = [chosen.name, "--profile", chosen.profile]
    options += ["--folds", *map(str, chosen.folds)] if chosen.folds else []
    options += ["--split", chosen.split] if chosen.split != SPLITS[0] else []
    command = " ".join(["python scripts/reproduce.py", *options])
    page = write_results(grid, chosen.output, command=command, split=chosen.split)
    for run, reason in outcome.failed:
        print(f"failed: {run.label}: {reason}", file=sys.stderr)
    for run in outcome.skipped:
        print(f"not run, as it needs one that failed: {run.label}", file=sys.stderr)
    print(f"See {page}")
    return 1 if outcome.failed else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    logging.getLogger("bundle").setLevel(logging.WARNING)
    try:
        return reproduce(parse(arguments))
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on where it stopped.", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as err:
        print(f"error: {one_line(root_cause(err))}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
