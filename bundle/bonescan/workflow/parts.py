"""Trained systems as the steps of a larger one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from bonescan.inferers.stepwise import LOCATION, Part
from bonescan.keys import IMAGE, LABEL
from bonescan.metrics.operating_point import OperatingPoint
from bonescan.run_folder import SYSTEM
from bonescan.workflow.installation import find_configs
from bonescan.workflow.trust import check_system


def load_parts(
    runs: Mapping[str, str | Path], *, device: torch.device, trust: bool = False
) -> dict[str, Part]:
    """Load the systems of some runs, without their weights.

    Each decides by its own rule, such as 0.5: the operating points of the runs hold for them alone.

    Args:
        runs: folders of trainings by step (bonescan.inferers.stepwise.STEPS).
        device: where they infer.
        trust: whether a run may bring a system of its maker's own, which is code.

    Raises:
        FileNotFoundError: if a folder holds no training.
        ValueError: if a run holds code and is not trusted.
    """
    return {
        step: _load_part(
            _find_system(step, run, trust=trust), device=device, with_map=step == LOCATION
        )
        for step, run in runs.items()
    }


def describe_parts(runs: Mapping[str, str | Path]) -> dict[str, Any]:
    """Return the systems of some runs by step, for a hash of what makes a result."""
    return {
        step: json.loads((Path(run) / SYSTEM).read_text(encoding="utf-8"))
        for step, run in runs.items()
    }


def _find_system(step: str, run: str | Path, *, trust: bool) -> Path:
    """Return the file of a run's system."""
    path = Path(run) / SYSTEM
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist: give the folder of a training by --{step}_run"
        )
    if not trust:
        check_system(path)
    return path


def _load_part(system: Path, *, device: torch.device, with_map: bool) -> Part:
    """Load one system.

    Args:
        system: file of the system.
        device: where it infers.
        with_map: whether its input is a scan with a map of metastases.
    """
    parser = ConfigParser()
    parser.read_config([str(find_configs() / "inference.yaml"), str(system)])
    parser["load"] = []  # scans come loaded
    parser["keep_counts"] = []
    parser["point"] = OperatingPoint()
    parser["torch_device"] = device
    if with_map:
        parser["keys"] = [IMAGE, LABEL]
    keys = {
        "network": "network",
        "preprocess": "preprocessing",
        "inferer": "inferer",
        "postprocess": "postprocessing",
    }
    field = parser["field"]  # before anything is instantiated, which resolves references in place
    return Part(field=field, **{name: parser.get_parsed_content(key) for name, key in keys.items()})
