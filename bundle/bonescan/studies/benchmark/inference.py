"""Inference from scan to files beside the bare forward pass."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigWorkflow
from monai.data import MetaTensor
from torch import nn

from bonescan.keys import IMAGE
from bonescan.networks import UNetRes
from bonescan.studies.benchmark.inputs import BenchmarkInputs, make_workflow, repeat_cohort
from bonescan.studies.benchmark.loop import LoopComparison
from bonescan.studies.benchmark.measurement import Measurement, compare_times

TARGET = 2.0

SYSTEM = "lin2020_unet_res"

LESION_SHARE = 0.0002
"""Share of pixels that the untrained network is made to call lesion: some twenty spots a scan;
trained ones mark ten. Left alone it calls a thousand spots lesion: one would measure their drawing.
"""

TUNING_SCANS = 6


def make_inference(datalist: Path, folder: Path, *, width: int | None) -> ConfigWorkflow:
    """Compose inference over the scans of a datalist, with random weights that find few lesions.

    Args:
        datalist: scans to infer.
        folder: where to write weights and results; it exists.
        width: of the network; None for the paper's.
    """
    weights = folder / "weights.pt"
    overrides = {
        "input": str(datalist),
        "output_dir": str(folder / "out"),
        "weights": str(weights),
    }
    workflow = make_workflow(["inference"], overrides, system=SYSTEM, width=width)
    network, dataset = map(workflow.parser.get_parsed_content, ("network", "dataset"))
    spare_lesions(network, dataset)
    torch.save(network.state_dict(), weights)
    return workflow


@torch.no_grad()
def spare_lesions(network: UNetRes, dataset: Sequence[Mapping[str, MetaTensor]]) -> None:
    """Shift the last bias of a network so that it calls few pixels lesion.

    Args:
        network: network of two classes, background and metastasis; changed.
        dataset: samples like those to come.
    """
    network.eval()
    margins = []
    for index in range(min(TUNING_SCANS, len(dataset))):
        logits = network(dataset[index][IMAGE].as_tensor()[:, None])  # (V, 2, H, W)
        margins.append((logits[:, 1] - logits[:, 0]).flatten())
    bias = network.state_dict()["head.bias"]  # shares its memory with the network
    bias[1] -= np.quantile(torch.cat(margins).numpy(), 1 - LESION_SHARE)


def measure_inference(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure the ratio of scan-to-files inference to the bare forward pass, scan by scan."""
    width = inputs.size.width
    datalist = repeat_cohort(inputs.scans, inputs.folder / "cohort", inputs.size.infer_scans)
    workflow = make_inference(datalist, inputs.folder, width=width)
    workflow.parser.get_parsed_content("preflight").check()
    network, evaluator = map(workflow.parser.get_parsed_content, ("network", "evaluator"))
    comparison = LoopComparison(partial(forward_pass, network), Events.ITERATION_COMPLETED)
    comparison.attach(evaluator)
    evaluator.run()
    of_size = "at the paper's size" if width is None else f"of width {width}"
    how = (
        f"U-Net-Res {of_size} on the CPU with its weights loaded: a scan of two views from DICOM "
        "to label map, findings and picture, over one forward pass of the same two images"
    )
    pairs = comparison.pairs[1:]  # the first scan warms up
    return [compare_times("Inference, scan to files / forward pass", pairs, how=how, target=TARGET)]


def forward_pass(network: nn.Module, engine: Engine) -> Callable[[], object]:
    """Return the forward pass of the scan that has just been inferred."""
    views = engine.state.output[0][IMAGE].as_tensor()[:, None]  # (V, 1, H, W)

    @torch.no_grad()
    def infer() -> None:
        network(views)

    return infer
