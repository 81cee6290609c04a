"""Trained systems as the steps of a larger one, or beside another."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine
from monai.bundle import ConfigParser

from bonescan.handlers.weights import WeightsLoader
from bonescan.inferers.regions import AddRegionsd
from bonescan.inferers.stepwise import LOCATION, Part
from bonescan.keys import IMAGE, LABEL, PRED
from bonescan.labels import REGION_GROUPS
from bonescan.metrics.operating_point import OperatingPoint
from bonescan.run_folder import SYSTEM, WEIGHTS
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
    parts = {}
    for step, run in runs.items():
        parser = _read_system(_find_system(step, run, trust=trust), device)
        if step == LOCATION:  # its input is a scan with a map of metastases
            parser["keys"] = [IMAGE, LABEL]
        parts[step] = _make_part(parser)
    return parts


def make_region_steps(run: str | Path | None, device: torch.device) -> list[AddRegionsd]:
    """Return the steps that add the regions of the skeleton to a scan; none without a run.

    Args:
        run: folder of a training of configs/skeleton_regions.yaml, or None. It may bring no code,
            whomever the user trusts: there is one such system.
        device: where to infer.

    Raises:
        FileNotFoundError: if the folder holds no training, or no weights.
        ValueError: if the run is of another kind, holds code, or its weights do not fit.
    """
    if run is None:
        return []
    parser = _read_system(_find_system("regions", run, trust=False), device)
    channels = parser.get("network_def", {}).get("out_channels")
    if parser["keep_prob"] or channels != len(REGION_GROUPS):
        raise ValueError(
            f"regions_run must be a training of the overlay skeleton_regions, with "
            f"{len(REGION_GROUPS)} channels, got one of {parser['name']!r}"
        )
    parser["mark_field"] = parser["calibrate"] = []  # of lesions, of which it says nothing
    bits = {"_target_": "bonescan.transforms.RegionBitsd", "keys": PRED}
    parser["restore"] = [bits, *parser["restore"]]  # a map has the views that are put back
    part = _make_part(parser)
    load_weights = WeightsLoader(Path(run) / WEIGHTS, network=part.network, device=device)
    load_weights(Engine(lambda _engine, _batch: None))
    return [AddRegionsd(part, device=device)]


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


def _read_system(system: Path, device: torch.device) -> ConfigParser:
    """Read the file of a system, laid over inference of scans that are loaded."""
    parser = ConfigParser()
    parser.read_config([str(find_configs() / "inference.yaml"), str(system)])
    parser["load"] = []
    parser["keep_counts"] = []
    parser["point"] = OperatingPoint()
    parser["torch_device"] = device
    return parser


def _make_part(parser: ConfigParser) -> Part:
    """Make what a system consists of, without its weights."""
    keys = {
        "network": "network",
        "preprocess": "preprocessing",
        "inferer": "inferer",
        "postprocess": "postprocessing",
    }
    field = parser["field"]  # before anything is instantiated, which resolves references in place
    return Part(field=field, **{name: parser.get_parsed_content(key) for name, key in keys.items()})
