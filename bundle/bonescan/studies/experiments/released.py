"""A released system, whose masks and times stand beside the others of an experiment."""

from pathlib import Path
from typing import Any

from bonescan.api import System
from bonescan.run_folder import SYSTEM, WEIGHTS
from bonescan.studies.experiments.experiment import Experiment
from bonescan.studies.experiments.grid import ROOT


def find_released(experiment: Experiment) -> Path | None:
    """Return the folder of the released system of an experiment; None where it names none.

    Raises:
        ValueError: if the folder is not there, or lacks its system or weights.
    """
    if experiment.released is None:
        return None
    folder = ROOT / experiment.released
    for name in (SYSTEM, WEIGHTS):
        if not (folder / name).is_file():
            raise ValueError(
                f"{experiment.name}: released must be the folder of a released system with {name}, "
                f"got {experiment.released}, which has none in {ROOT}: run it from a checkout with "
                "models/"
            )
    return folder


def describe_released(experiment: Experiment, system: System) -> dict[str, Any]:
    """Say which system made the masks, ready for JSON."""
    facts = system.provenance
    return {
        "run": experiment.released,
        "weights_sha256": list(facts.weights_sha256),
        "operating_point": dict(facts.operating_point),
    }
