"""Collect what an evaluation finds, image by image, and write it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ignite.distributed as idist
import numpy as np
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from bundle.data.samples import SampleDataset
from bundle.keys import IMAGE, LABEL, META_SCAN_ID, META_VIEWS, PATIENT, PRED, PROB, VIEW_SEPARATOR
from bundle.labels import Label
from bundle.metrics.lesion import LesionMatch, match_lesions
from bundle.metrics.pixel import confusion_counts
from bundle.metrics.threshold import Threshold, best_threshold

LOWEST_SCORE = 0.05
"""Probability from which pixels form components for the FROC curve; lower ones are noise."""


@dataclass(frozen=True)
class ImageResult:
    """One image, what was predicted on it, and how well.

    Attributes:
        patient: pseudonym of the patient.
        scan_id: salted hash of the scan.
        view: name of the view.
        counts: TP, FP, FN, TN in pixels.
        match: lesions and components of the final prediction.
        candidates: lesions and components at LOWEST_SCORE with their probabilities, for FROC.
        baseline_counts: TP, FP, FN, TN of the intensity threshold; None without a baseline.
        image: scaled image (row, column) as 0..255, for pictures.
        pred_mask: prediction, packed bits.
        truth_mask: truth, packed bits.
    """

    patient: str
    scan_id: str
    view: str
    counts: NDArray[np.int64]
    match: LesionMatch
    candidates: LesionMatch
    baseline_counts: NDArray[np.int64] | None
    image: NDArray[np.uint8]
    pred_mask: NDArray[np.uint8]
    truth_mask: NDArray[np.uint8]

    def masks(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return prediction and truth (row, column)."""
        shape = self.image.shape
        pred, truth = (
            np.unpackbits(packed, count=self.image.size).reshape(shape).astype(bool)
            for packed in (self.pred_mask, self.truth_mask)
        )
        return pred, truth


def fit_baseline(dataset: SampleDataset) -> Threshold:
    """Choose the best single intensity threshold on the scans of a training set."""
    samples = [dataset[index] for index in range(len(dataset))]
    return best_threshold(
        [np.asarray(sample[IMAGE]) for sample in samples],
        [np.asarray(sample[LABEL]) == Label.METASTASIS for sample in samples],
    )


def image_results(
    sample: Mapping[str, Any], *, patient: str, threshold: Threshold | None
) -> list[ImageResult]:
    """Evaluate every view of one scan.

    Args:
        sample: image, label, pred (view, row, column) and prob (class, view, row, column), with
            the image's metadata.
        patient: pseudonym of the patient.
        threshold: intensity threshold of the baseline.

    Returns:
        One result per view.
    """
    meta = sample[IMAGE].meta
    image = sample[IMAGE].cpu().numpy()
    pred_mask = sample[PRED].cpu().numpy() == Label.METASTASIS
    truth_mask = sample[LABEL].cpu().numpy() == Label.METASTASIS
    prob = sample[PROB].cpu().numpy()[-1]
    names = str(meta[META_VIEWS]).split(VIEW_SEPARATOR)
    return [
        ImageResult(
            patient=patient,
            scan_id=str(meta[META_SCAN_ID]),
            view=name,
            counts=confusion_counts(pred_mask[i], truth_mask[i]),
            match=match_lesions(pred_mask[i], truth_mask[i]),
            candidates=match_lesions(prob[i] >= LOWEST_SCORE, truth_mask[i], prob=prob[i]),
            baseline_counts=(
                None
                if threshold is None
                else confusion_counts(image[i] >= threshold.intensity, truth_mask[i])
            ),
            image=np.round(255 * np.clip(image[i], 0, 1)).astype(np.uint8),
            pred_mask=np.packbits(pred_mask[i]),
            truth_mask=np.packbits(truth_mask[i]),
        )
        for i, name in enumerate(names)
    ]


class EvaluationCollector:
    """Gather the results of all images of an evaluation, from all processes.

    Memory: about 80 kB for an image of 256 x 256.

    Args:
        baseline_dataset: samples of the training set on which the intensity threshold is chosen;
            None leaves the baseline out.
    """

    def __init__(self, *, baseline_dataset: SampleDataset | None = None) -> None:
        self.baseline_dataset = baseline_dataset
        self.threshold: Threshold | None = None
        self.results: list[ImageResult] = []

    def attach(self, engine: Engine) -> None:
        """Register on the events of the evaluation."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._gather)

    def _start(self) -> None:
        self.results = []
        if self.baseline_dataset is not None:
            self.threshold = fit_baseline(self.baseline_dataset)

    def _collect(self, engine: Engine) -> None:
        batch: Sequence[Mapping[str, Any]] = engine.state.batch
        for entry, sample in zip(batch, engine.state.output, strict=True):
            self.results += image_results(
                sample, patient=str(entry[PATIENT]), threshold=self.threshold
            )

    def _gather(self) -> None:
        if idist.get_world_size() > 1:
            shards = idist.all_gather(self.results)
            self.results = [result for shard in shards for result in shard]
        self.results.sort(key=lambda result: (result.patient, result.scan_id, result.view))
