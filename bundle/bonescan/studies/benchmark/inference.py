"""Inference from scan to files beside the bare forward pass."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.data import MetaTensor
from torch import nn

from bonescan.keys import IMAGE
from bonescan.networks import UNetRes
from bonescan.studies.benchmark.inputs import BenchmarkSize, make_workflow, repeat_cohort
from bonescan.studies.benchmark.measurement import Measurement, summarise_ratio, time_s

TARGET = 2.0

LESION_SHARE = 0.001
"""Share of pixels that the untrained network is made to call lesion: a few tens of spots a scan, as
after training. Left alone it calls a thousand spots lesion: one would measure their drawing."""

TUNING_SCANS = 6


class ForwardComparison:
    """Repeat the bare forward pass after each scan, and time both; attached last.

    Args:
        network: network that infers.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.pairs: list[tuple[float, float]] = []
        self._since = 0.0

    def attach(self, engine: Engine) -> None:
        """Register on the events of the run."""
        engine.add_event_handler(Events.STARTED, self._restart)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._compare)

    def _restart(self) -> None:
        self._since = time.perf_counter()

    def _compare(self, engine: Engine) -> None:
        whole_s = time.perf_counter() - self._since
        views = engine.state.output[0][IMAGE].as_tensor()[:, None]  # (V, 1, H, W)
        with torch.no_grad():
            bare_s = time_s(lambda: self.network(views))
        self.pairs.append((whole_s, bare_s))
        self._restart()


def save_sparing_weights(
    network: UNetRes, dataset: Sequence[Mapping[str, MetaTensor]], path: Path
) -> None:
    """Save random weights that call few pixels lesion.

    Args:
        network: network of two classes, background and metastasis; changed.
        dataset: samples like those to come.
        path: file to write.
    """
    network.eval()
    margins = []
    with torch.no_grad():
        for index in range(min(TUNING_SCANS, len(dataset))):
            logits = network(dataset[index][IMAGE].as_tensor()[:, None])  # (V, 2, H, W)
            margins.append((logits[:, 1] - logits[:, 0]).flatten())
        weights = network.state_dict()  # shares its memory with the network
        weights["head.bias"][1] -= np.quantile(torch.cat(margins).numpy(), 1 - LESION_SHARE)
    torch.save(weights, path)


def measure_inference(scans: list[Path], folder: Path, effort: BenchmarkSize) -> list[Measurement]:
    """Measure the ratio of scan-to-files inference to the bare forward pass, scan by scan.

    Args:
        scans: folders of simulated patients, two views each.
        folder: empty folder to work in.
        effort: how long to measure.
    """
    datalist = repeat_cohort(scans, folder / "cohort", effort.infer_scans)
    weights = folder / "weights.pt"
    width: dict[str, Any] = {} if effort.infer_width is None else {"width": effort.infer_width}
    workflow = make_workflow(
        ["inference"],
        "inference",
        input=str(datalist),
        output_dir=str(folder / "out"),
        weights=str(weights),
        **width,
    )
    network = workflow.parser.get_parsed_content("network")
    dataset = workflow.parser.get_parsed_content("dataset")
    save_sparing_weights(network, dataset, weights)
    evaluator = workflow.parser.get_parsed_content("evaluator")
    comparison = ForwardComparison(network)
    comparison.attach(evaluator)
    evaluator.run()
    how = (
        "configs/inference.yaml on the CPU, UNetRes "
        + ("at paper size" if effort.infer_width is None else f"of width {effort.infer_width}")
        + ", weights loaded; per scan of two views: DICOM to label map, findings and picture, over "
        "one forward pass of the same two images"
    )
    return [
        summarise_ratio(
            "Inference, scan to files over forward",
            comparison.pairs[1:],
            how=how,
            target=TARGET,
        )
    ]
