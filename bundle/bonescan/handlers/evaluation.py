"""Collect what an evaluation finds, scan by scan, and write it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from bonescan.data.samples import SampleDataset
from bonescan.dicom.scan import View
from bonescan.files import write_json
from bonescan.handlers.progress import HISTORY_NAME
from bonescan.keys import (
    IMAGE,
    LABEL,
    META_SCAN_ID,
    META_SIMULATED,
    META_VIEWS,
    PATIENT,
    PRED,
    PROB,
    SIMULATED,
    VIEW_SEPARATOR,
)
from bonescan.labels import Label
from bonescan.metrics.lesion import froc, merge_matches
from bonescan.metrics.threshold import Threshold, best_threshold
from bonescan.report.curves import read_history, write_froc_curve, write_training_curves
from bonescan.report.evaluated_images import EvaluatedImage, write_evaluated_images
from bonescan.report.image_results import ImageResult, representative, score_image, summarise
from bonescan.report.overlay import ImagePanel, make_panel, write_panels
from bonescan.report.tables import to_markdown, write_image_csv
from bonescan.transforms.metadata import get_spacing_mm
from bonescan.transforms.mirror import is_mirrored
from bonescan.workflow.run_record import RUN_NAME, describe_run

CASES_NAME = "cases.npz"
BASELINE = "Best single intensity threshold"


@dataclass(frozen=True)
class ScoredImage:
    """One evaluated image, small enough to be kept until it is known which are shown.

    Attributes:
        result: agreement of prediction and truth.
        baseline: agreement of the intensity threshold and the truth; None without a baseline.
        uptake: scaled image (row, column) as 0..255.
        pred_bits: prediction, packed bits.
        truth_bits: truth, packed bits.
        spacing_mm: (row, column) pixel spacing.
        simulated: whether the scan is simulated.
        mirrored: whether a posterior view lies on the anterior one (MirrorPosterior).
    """

    result: ImageResult
    baseline: ImageResult | None
    uptake: NDArray[np.uint8]
    pred_bits: NDArray[np.uint8]
    truth_bits: NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    simulated: bool
    mirrored: bool

    def unpack(self) -> EvaluatedImage:
        """Return the image with its masks."""
        pred_mask, truth_mask = (
            np.unpackbits(bits, count=self.uptake.size).reshape(self.uptake.shape).astype(bool)
            for bits in (self.pred_bits, self.truth_bits)
        )
        return EvaluatedImage(
            scan_id=self.result.scan_id,
            view=self.result.view,
            spacing_mm=self.spacing_mm,
            mirrored=self.mirrored and self.result.view is View.POSTERIOR,
            uptake=self.uptake,
            pred_mask=pred_mask,
            truth_mask=truth_mask,
        )

    def picture(self, title: str) -> ImagePanel:
        """Return what a panel of cases shows."""
        return make_panel(self.unpack(), f"{title}, DSC {self.result.dsc:.2f}")


def fit_threshold(dataset: SampleDataset) -> Threshold:
    """Choose the best single intensity threshold on the scans of a training set."""
    samples = [dataset[index] for index in range(len(dataset))]
    return best_threshold(
        [np.asarray(sample[IMAGE]) for sample in samples],
        [np.asarray(sample[LABEL]) == Label.METASTASIS for sample in samples],
    )


def make_cases(
    sample: Mapping[str, Any], entry: Mapping[str, Any], threshold: Threshold | None
) -> list[ScoredImage]:
    """Evaluate every view of one scan.

    Args:
        sample: image, label, pred and prob (view, row, column), the image with its metadata.
        entry: the scan's entry of the datalist; its patient is the unit of the intervals.
        threshold: intensity threshold of the baseline.

    Returns:
        One case per view.
    """
    meta = sample[IMAGE].meta
    uptake = sample[IMAGE].cpu().numpy()
    pred_mask = sample[PRED].cpu().numpy() == Label.METASTASIS
    truth_mask = sample[LABEL].cpu().numpy() == Label.METASTASIS
    prob = sample[PROB].cpu().numpy()
    spacing_mm = get_spacing_mm(sample[IMAGE])  # of the sample, which may be resampled
    mirrored = is_mirrored(sample[IMAGE])
    cases = []
    for i, name in enumerate(str(meta[META_VIEWS]).split(VIEW_SEPARATOR)):
        score = partial(
            score_image,
            truth_mask=truth_mask[i],
            scan_id=str(meta[META_SCAN_ID]),
            patient=str(entry.get(PATIENT, meta[META_SCAN_ID])),
            view=View(name),
        )
        baseline = None if threshold is None else score(uptake[i] >= threshold.intensity)
        cases.append(
            ScoredImage(
                result=score(pred_mask[i], prob=prob[i]),
                baseline=baseline,
                uptake=np.round(255 * np.clip(uptake[i], 0, 1)).astype(np.uint8),
                pred_bits=np.packbits(pred_mask[i]),
                truth_bits=np.packbits(truth_mask[i]),
                spacing_mm=spacing_mm,
                simulated=bool(meta[META_SIMULATED]) or bool(entry.get(SIMULATED, False)),
                mirrored=mirrored,
            )
        )
    return cases


class EvaluationReport:
    """Gather the results of all scans, from all processes, and write tables and pictures.

    Written into `output_dir`: `images.csv` (one row per image), `summary.json` and `summary.md`
    (all metrics with intervals), `cases.png` (best, median and worst image), `froc.png`,
    `training_curves.png` where the run's history lies beside the weights, and `run.json`.

    Memory: about 80 kB for an image of 256 x 256.

    Args:
        output_dir: folder to write to.
        run_dir: folder of the training run.
        datalist: datalist that is evaluated.
        name: what the system is called in the tables.
        seed: seed of the evaluation, for the record.
        baseline_dataset: samples of the training set on which an intensity threshold is chosen
            that is evaluated beside the system; None leaves it out.
        keep_cases: whether to write all images with their masks, `cases.npz`, too; they must be of
            one size.
    """

    def __init__(
        self,
        *,
        output_dir: str | Path,
        run_dir: str | Path,
        datalist: str | Path,
        name: str,
        seed: int,
        baseline_dataset: SampleDataset | None = None,
        keep_cases: bool = False,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.run_dir = Path(run_dir)
        self.datalist = Path(datalist)
        self.name = name
        self.seed = seed
        self.baseline_dataset = baseline_dataset
        self.keep_cases = keep_cases
        self.threshold: Threshold | None = None
        self.cases: list[ScoredImage] = []

    def attach(self, engine: Engine) -> None:
        """Register on the events of the evaluation."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _start(self) -> None:
        self.cases = []
        if self.baseline_dataset is not None:
            self.threshold = fit_threshold(self.baseline_dataset)

    def _collect(self, engine: Engine) -> None:
        entries: Sequence[Mapping[str, Any]] = engine.state.batch
        for entry, sample in zip(entries, engine.state.output, strict=True):
            self.cases += make_cases(sample, entry, self.threshold)

    def _finish(self, engine: Engine) -> None:
        if idist.get_world_size() > 1:
            shards = idist.all_gather(self.cases)
            self.cases = [case for shard in shards for case in shard]
        self.cases.sort(key=lambda case: (case.result.patient, case.result.view))
        if engine.state.rank == 0:
            self._write()

    def _write(self) -> None:
        simulated = any(case.simulated for case in self.cases)
        results = [case.result for case in self.cases]
        summaries = {self.name: summarise(results, simulated=simulated)}
        baseline = [case.baseline for case in self.cases if case.baseline is not None]
        if baseline and self.threshold is not None:
            summaries[BASELINE] = {
                **summarise(baseline, simulated=simulated),
                "threshold": self.threshold.intensity,
            }
        write_image_csv(self.output_dir / "images.csv", results)
        write_json(self.output_dir / "summary.json", summaries)
        (self.output_dir / "summary.md").write_text(to_markdown(summaries), encoding="utf-8")
        if self.keep_cases:
            write_evaluated_images(
                self.output_dir / CASES_NAME, [case.unpack() for case in self.cases]
            )
        write_json(self.output_dir / RUN_NAME, describe_run(seed=self.seed, datalist=self.datalist))
        self._draw(results, simulated=simulated)

    def _draw(self, results: Sequence[ImageResult], *, simulated: bool) -> None:
        shown = [self.cases[index].picture(title) for title, index in representative(results)]
        write_panels(self.output_dir / "cases.png", shown, simulated=simulated)
        by_scan: dict[str, list[ImageResult]] = {}
        for result in results:
            by_scan.setdefault(result.scan_id, []).append(result)
        curve = froc(
            [
                merge_matches(image.froc_match for image in images if image.froc_match is not None)
                for images in by_scan.values()
            ]
        )
        write_froc_curve(self.output_dir / "froc.png", {self.name: curve}, simulated=simulated)
        history = self.run_dir / HISTORY_NAME
        if history.is_file():
            write_training_curves(
                self.output_dir / "training_curves.png", read_history(history), simulated=simulated
            )
