"""Measure what needs no training: receptive fields, pulls of loss terms, ceilings, clusters."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.losses import DiceLoss
from torch import Tensor
from torch.nn import functional as F

from bonescan.commands.command import HelpFormatter, add_results_folder
from bonescan.commands.reporting import run_reported
from bonescan.data.datalist import DATALIST_FILE
from bonescan.files import write_text
from bonescan.losses import FocalTverskyLoss
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import find_preset
from bonescan.report.image_results import describe_interval
from bonescan.report.tables import format_interval, markdown_table
from bonescan.studies.experiments.row_images import WITH_LESION
from bonescan.studies.experiments.statistics import RESAMPLES, estimate, to_entry
from bonescan.studies.mechanisms.ceiling import measure_ceiling
from bonescan.studies.mechanisms.clusters import cluster_images
from bonescan.studies.mechanisms.loss_gradients import Loss, measure_gradient_ratio
from bonescan.studies.mechanisms.receptive_field import measure_receptive_field
from bonescan.workflow.command import compose, parse_command
from bonescan.workflow.installation import find_configs
from bonescan.workflow.run_record import git_revision

PAGE = "mechanisms.md"
SYSTEMS = (
    "lin2020_unet", "lin2020_unet_res", "he2024_max", "he2024_avg", "he2024_fusion",
    "he2024_fusion_dac_raw", "he2024_fusion_dac1", "he2024_fusion_dac2", "chen2023_otsu",
)  # fmt: skip
"""Those whose output is a map of pixels: K-means has no gradient, Mask R-CNN boxes."""
SHAPES = {"chen2023_otsu": (3, 640, 512)}
THORAX = (1, 512, 512)
"""Larger than the field, so that the border cuts nothing but what sees all of the image."""
WIDTH = 4
"""Of the networks whose fields are measured: fields do not depend on it."""
SIZES = ((640, 256), (320, 128), (240, 96))
"""Of a view for Chen 2023: as published, and as experiments reduce it."""
LESION_SHARES = (0.001, 0.003, 0.01)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--patients", type=int, default=20, metavar="N", help="of each cohort")
    parser.add_argument("--seed", type=int, default=2, metavar="S", help="of the cohorts")
    add_results_folder(parser, "build/results")
    return parser


def configuration(system: str) -> dict[str, Any]:
    """Compose the training of a system."""
    path = find_configs() / "systems" / f"{system}.yaml"
    return compose(parse_command(["--args_file", str(path), "--bundle_root", str(path.parents[2])]))


def field_rows() -> Iterator[list[str]]:
    """Measure the receptive field of each network."""
    for name in SYSTEMS:
        torch.manual_seed(0)
        parser = ConfigParser({**configuration(name), "width": WIDTH})
        field = measure_receptive_field(
            parser.get_parsed_content("network_def"), SHAPES.get(name, THORAX)
        )
        yield [name, f"{field.rows} x {field.columns}", str(field.effective_px)]


def _weighted(logits: Tensor, label: Tensor, *, weight: float) -> Tensor:
    """Compute the cross-entropy in which metastasis weighs more, as the reduced profiles add it."""
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits, label, pos_weight=torch.tensor(weight))
    weights = torch.ones(logits.shape[1])
    weights[-1] = weight
    return F.cross_entropy(logits, label[:, 0].long(), weights)


LOSSES: Mapping[str, tuple[Loss, int, float]] = {
    "Chen 2023, three classes: cross-entropy x100 over Dice": (
        DiceLoss(include_background=False, softmax=True, to_onehot_y=True, batch=True), 3, 100,
    ),
    "Chen 2023, three classes: cross-entropy x100 over focal Tversky": (FocalTverskyLoss(), 3, 100),
    "He 2024: cross-entropy x50 over Dice": (DiceLoss(sigmoid=True, batch=True), 1, 50),
    "Lin 2020: cross-entropy x50 over Dice": (
        DiceLoss(include_background=False, softmax=True, to_onehot_y=True, batch=True), 2, 50,
    ),
}  # fmt: skip
"""The overlap loss of the reduced profiles, number of classes, and weight in the cross-entropy."""


def gradient_rows() -> Iterator[list[str]]:
    """Compare the terms of each loss."""
    for name, (overlap, channels, weight) in LOSSES.items():
        ratios = [
            measure_gradient_ratio(
                partial(_weighted, weight=weight), overlap, channels=channels, lesion_share=share
            )
            for share in LESION_SHARES
        ]
        yield [name, *(f"{ratio:.1f}" for ratio in ratios)]


def ceiling_rows(cohort: Callable[[str], Path]) -> Iterator[list[str]]:
    """Send the truth through the geometry of the systems."""
    systems = [("Lin 2020, He 2024: thorax crop", "lin2020", configuration("lin2020_unet"))]
    chen = configuration("chen2023_baseline")
    systems += [
        (f"Chen 2023: {rows} x {columns} a view", "chen2023", {**chen, "size": [rows, columns]})
        for rows, columns in SIZES
    ]
    for name, preset, config in systems:
        ceiling = measure_ceiling(config, cohort(preset))
        yield [name, f"{ceiling.dsc:.3f}", f"{ceiling.kept} of {ceiling.lesions}"]


def cluster_rows(datalist: Path) -> Iterator[list[str]]:
    """Measure K-means on images with lesions."""
    for rule, images in cluster_images(configuration("lin2020_kmeans"), datalist).items():
        found = estimate(images, ["iou", "precision", "recall"], WITH_LESION, test_to_training=None)
        counts = [str(int(images.with_lesion.sum())), str(len(set(images.patients)))]
        yield [rule, *(format_interval(to_entry(each)) for each in found.values()), *counts]


def report(cohort: Callable[[str], Path], *, command: str) -> str:
    """Measure everything and lay it out as Markdown."""
    shares = [f"{share:.1%} lesion" for share in LESION_SHARES]
    revision = git_revision(find_configs().parent)
    return "\n\n".join(
        [
            "# What can be known without training",
            f"`{command}`, revision {revision}. Scans are **simulated**.",
            "## How far networks see\nFrom the gradient of the central output pixel, at random "
            "weights. All: box that holds any gradient, at most the image (512 x 512; for Chen "
            "2023 640 x 512); networks with global pooling or attention along rows and columns see "
            "all of it. Effective: side of the centred square that holds 95 % of it. In pixels of "
            "the input; training changes the second, not the first.",
            _table(["system", "all, rows x columns", "effective"], field_rows()),
            "## Which term of a loss pulls\nNorm of the gradient towards metastasis at the start, "
            "cross-entropy over overlap loss, in the losses of the reduced profiles.",
            _table(["loss", *shares], gradient_rows()),
            "## Ceilings\nThe truth through each geometry and back to the acquisition, inside the "
            "assessed field: what a network reaches that is right in every pixel of its input.",
            _table(["geometry", "DSC, pooled", "lesions kept"], ceiling_rows(cohort)),
            "## Clusters of grey values\nK-means of Lin 2020, K = 9, means over images with "
            "lesions; rule A takes the hottest cluster, rule B as many as are best on the image "
            f"itself, which needs the truth. In parentheses: {describe_interval(RESAMPLES)}.",
            _table(
                ["rule", "IoU", "precision", "recall", "images with lesion", "patients"],
                cluster_rows(cohort("lin2020")),
            ),
        ]
    ) + "\n"  # fmt: skip


def _table(header: Sequence[str], rows: Iterator[list[str]]) -> str:
    return markdown_table(header, list(rows))


def measure(chosen: argparse.Namespace) -> int:
    """Measure, then write and print the page."""
    with tempfile.TemporaryDirectory(prefix="mechanisms-") as folder:

        def cohort(preset: str) -> Path:
            path = Path(folder) / preset
            simulate_cohort(Cohort(find_preset(preset), chosen.patients, chosen.seed, path))
            return path / DATALIST_FILE

        command = f"python scripts/mechanisms.py --patients {chosen.patients} --seed {chosen.seed}"
        text = report(cohort, command=command)
    chosen.output.mkdir(parents=True, exist_ok=True)
    write_text(chosen.output / PAGE, text)
    print(f"{text}\nSee {chosen.output / PAGE}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_reported(partial(measure, make_parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
