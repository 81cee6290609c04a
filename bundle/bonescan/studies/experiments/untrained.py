"""Liu 2021's chain at the paper's size with random weights, which sees as much as a trained one."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigWorkflow
from torch import nn

from bonescan.files import write_json
from bonescan.inferers.stepwise import BLADDER, CLASSIFIER, METASTASIS, Part
from bonescan.keys import IMAGE
from bonescan.labels import Label
from bonescan.run_folder import SYSTEM, WEIGHTS
from bonescan.studies.benchmark.inference import TUNING_SCANS
from bonescan.studies.benchmark.inputs import make_workflow
from bonescan.studies.experiments.costs import read_system
from bonescan.transforms.sub_images import TOLD_LABELS
from bonescan.workflow.run_record import SYSTEM_KEYS

OPEN_SHARES = {Label.METASTASIS: 0.20, Label.BLADDER: 0.28}
"""Shares of the sub-images that show a target in 40 simulated scans of preset liu2021, seed 1: as
many does a good classifier have segmented, which is most of what the chain costs."""
NEVER = 1e4
"""By how much a logit is lowered so that it is never positive."""


def make_untrained(
    datalist: Path, folder: Path, *, system: str, steps: Mapping[str, str]
) -> ConfigWorkflow:
    """Compose the inference of a chain whose networks have learnt nothing.

    The classifier calls OPEN_SHARES of the sub-images, and the segmentation networks mark nothing:
    left alone they mark thousands of spots, and one would measure the drawing of noise.

    Args:
        datalist: scans to infer.
        folder: empty folder of weights and results.
        system: file of configs/systems that applies steps, without ending.
        steps: file of configs/systems by step (bonescan.inferers.stepwise.STEPS).
    """
    torch.manual_seed(0)
    runs = {step: _save_untrained(name, folder / step) for step, name in steps.items()}
    settings = {
        "input": str(datalist),
        "output_dir": str(folder / "out"),
        **{f"{step}_run": str(run) for step, run in runs.items()},
    }
    workflow = make_workflow(["inference"], settings, system=system)
    parts, dataset = map(workflow.parser.get_parsed_content, ("parts", "dataset"))
    scans = [dataset[index] for index in range(min(TUNING_SCANS, len(dataset)))]
    tune_classifier(parts[CLASSIFIER], scans)
    for step in (METASTASIS, BLADDER):
        mark_nothing(parts[step].network)
    for step, run in runs.items():
        torch.save(parts[step].network.state_dict(), run / WEIGHTS)
    return workflow


@torch.no_grad()
def tune_classifier(part: Part, scans: Iterable[Mapping[str, Any]]) -> None:
    """Shift the last biases of a classifier so that it calls OPEN_SHARES of the sub-images.

    Args:
        part: a classifier of sub-images; its network is changed.
        scans: as the chain loads them.
    """
    network = part.network.eval()
    inputs = [part.preprocess({IMAGE: scan[IMAGE]})[IMAGE][None] for scan in scans]
    logits = torch.cat([part.inferer(each, network)[0] for each in inputs])  # (sub-image, target)
    bias = list(network.parameters())[-1]
    for output, label in enumerate(TOLD_LABELS):
        bias[output] -= float(np.quantile(logits[:, output].numpy(), 1 - OPEN_SHARES[label]))


@torch.no_grad()
def mark_nothing(network: nn.Module) -> None:
    """Lower the last bias of a segmentation network so far that it marks nothing."""
    list(network.parameters())[-1].sub_(NEVER)


def _save_untrained(system: str, folder: Path) -> Path:
    """Make the folder of a training of a system that has not begun."""
    folder.mkdir(parents=True)
    parser = read_system(system)
    write_json(folder / SYSTEM, {key: parser[key] for key in SYSTEM_KEYS})
    network = parser.get_parsed_content("network_def")
    torch.save(network.state_dict(), folder / WEIGHTS)
    return folder
