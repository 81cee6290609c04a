"""The command that runs a published table again."""

import argparse
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bonescan.commands.command import (
    PUBLISHED,
    SAME_COMMAND,
    Command,
    add_results_folder,
    add_workers,
)
from bonescan.workflow.installation import find_configs

if TYPE_CHECKING:
    from bonescan.studies.experiments.experiment import Experiment

SPLITS = ("patient", "image")
PROFILES = ("fast", "small", "full")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    names = sorted(path.stem for path in find_configs().glob("experiments/*.yaml"))
    parser.add_argument(
        "name", choices=names, metavar="NAME", help=f"table or figure: {', '.join(names)}"
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default=PROFILES[0],
        help="fast: shows that all runs; small: a few contrasts, in a night on 2 cores; "
        "full: as published",
    )
    parser.add_argument(
        "--folds",
        type=int,
        nargs="+",
        default=[],
        metavar="K",
        help="folds to run, from 0; the profile's if not given",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default=SPLITS[0],
        help="image: optimistic, as some papers did",
    )
    add_workers(parser, None, "processes; one per GPU or core if not given")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/reproduce"), metavar="DIR", help="folder of runs"
    )
    add_results_folder(parser, "runs/reproduce/results")


def run(chosen: argparse.Namespace) -> int:
    """Do what an experiment says, and write the results.

    Raises:
        ValueError: if the experiment, its data or what is to be published is not as it must be.
    """
    from bonescan.studies.experiments.costs import write_costs
    from bonescan.studies.experiments.experiment_file import load_experiment
    from bonescan.studies.experiments.grid import ROOT
    from bonescan.studies.experiments.provenance import is_commit
    from bonescan.workflow.run_record import git_revision

    if chosen.output == PUBLISHED and not is_commit(git_revision(ROOT)):
        raise ValueError("--publish must be run from a checkout without changes: commit them first")

    path = find_configs() / "experiments" / f"{chosen.name}.yaml"
    experiment = load_experiment(path).at(chosen.profile)
    if experiment.costs:
        print(f"See {write_costs(experiment, chosen.output, command=typed(chosen))}")
        return 0
    if experiment.correlations or experiment.therapy or experiment.times:
        return _measure(experiment, chosen)
    return _run_grid(experiment, chosen)


def _measure(experiment: "Experiment", chosen: argparse.Namespace) -> int:
    """Simulate the patients, measure them, and write the results."""
    from bonescan.studies.experiments.correlation_results import write_correlations
    from bonescan.studies.experiments.data import prepare
    from bonescan.studies.experiments.grid import RunGrid
    from bonescan.studies.experiments.released import find_released
    from bonescan.studies.experiments.therapy_results import write_therapy
    from bonescan.studies.experiments.time_results import write_times

    find_released(experiment)  # before anything is simulated
    work = chosen.work.resolve()
    profile = experiment.profiles[chosen.profile]
    data = prepare(experiment, profile, work / "data", split=chosen.split, cluster=chosen.cluster)
    grid = RunGrid(experiment, chosen.profile, data, work)
    if experiment.times:
        write = write_times
    else:
        write = write_correlations if experiment.correlations else write_therapy
    page = write(grid, chosen.output, command=typed(chosen), split=chosen.split)
    print(f"See {page}")
    return 0


def _run_grid(experiment: "Experiment", chosen: argparse.Namespace) -> int:
    """Prepare the data, do what is left of the runs, and write the results."""
    from bonescan.studies.experiments.data import prepare
    from bonescan.studies.experiments.decision_results import write_decisions
    from bonescan.studies.experiments.execute import default_workers, execute
    from bonescan.studies.experiments.grid import RunGrid
    from bonescan.studies.experiments.results import write_results

    work = chosen.work.resolve()
    profile = experiment.profiles[chosen.profile]
    data = prepare(experiment, profile, work / "data", split=chosen.split, cluster=chosen.cluster)
    grid = RunGrid(experiment, chosen.profile, data, work, tuple(chosen.folds))
    workers = default_workers() if chosen.workers is None else chosen.workers
    outcome = execute(
        grid.runs(),
        workers=workers,
        cluster=chosen.cluster,
        announce=partial(print, flush=True),
    )
    write = write_decisions if experiment.decisions else write_results
    page = write(
        grid,
        chosen.output,
        command=typed(chosen),
        split=chosen.split,
        publish=chosen.output == PUBLISHED,
    )
    for failed, reason in outcome.failed:
        print(f"failed: {failed.label}: {reason}", file=sys.stderr)
    for skipped in outcome.skipped:
        print(f"not run, as it needs one that failed: {skipped.label}", file=sys.stderr)
    print(f"See {page}")
    return 1 if outcome.failed else 0


def typed(chosen: argparse.Namespace) -> str:
    """Return the command line that makes the same page; where the runs lie does not change it."""
    words = ["bonescan", "reproduce", chosen.name, "--profile", chosen.profile]
    words += ["--folds", *map(str, chosen.folds)] if chosen.folds else []
    words += ["--split", chosen.split]
    words += [] if chosen.workers is None else ["--workers", str(chosen.workers)]
    words += [] if chosen.cluster is None else ["--cluster", chosen.cluster]
    words += ["--publish"] if chosen.output == PUBLISHED else ["--output", str(chosen.output)]
    return shlex.join(words)


COMMAND = Command(
    name="reproduce",
    about="Reproduce a published table on simulated scans; write published and simulated figures.",
    example="bonescan reproduce he2024_table2",
    add_arguments=add_arguments,
    run=run,
    to_continue=SAME_COMMAND,
    notes="The experiments are the files of configs/experiments.",
)
