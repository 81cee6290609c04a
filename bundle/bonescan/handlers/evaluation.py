"""Collect what an evaluation finds, scan by scan, and write it down."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from bonescan import run_folder
from bonescan.data.samples import SampleDataset
from bonescan.files import write_json, write_text
from bonescan.handlers.distributed import gather
from bonescan.image_form import ImageForm
from bonescan.keys import (
    IMAGE,
    LABEL,
    META_SCAN_ID,
    META_SIMULATED,
    MIRRORED,
    PRED,
    PRED_INSTANCES,
    PROB,
    SIMULATED,
    patient_of,
)
from bonescan.labels import LABEL_NAMES, Label
from bonescan.metrics.lesion import LesionScores
from bonescan.metrics.operating_point import OperatingPoint
from bonescan.metrics.threshold import Threshold, best_threshold
from bonescan.report.curves import read_history, write_froc_curve, write_training_curves
from bonescan.report.evaluated_images import EvaluatedImage, write_evaluated_images
from bonescan.report.image_results import (
    ImageResult,
    detection_of,
    froc_of,
    representative,
    score_image,
    summarise,
    unit_of,
)
from bonescan.report.panels import write_panels
from bonescan.report.reliability import summarise_reliability, write_reliability_diagram
from bonescan.report.tables import to_markdown, write_image_csv
from bonescan.transforms.metadata import get_spacing_mm, get_views
from bonescan.transforms.mirror import is_flipped

BASELINE = "Best single intensity threshold"


@dataclass(frozen=True, kw_only=True)
class EvaluatedScan:
    """What an evaluation needs of one scan.

    Attributes:
        scan_id: pseudonym of the scan.
        patient: pseudonym of the patient, the unit of the intervals.
        forms: what each image shows of the scan.
        spacing_mm: (row, column) pixel spacing of the images.
        posterior_flipped: whether the posterior view was flipped to lie on the anterior one.
        mirrored_copy: whether the scan is a mirrored copy of an image set.
        simulated: whether the scan is simulated.
        uptake: scaled images (image, row, column).
        pred_label: predicted label maps, the same shape.
        truth_label: true label maps, the same shape.
        prob: probability of metastasis, the same shape.
        instances: number of the instance that owns each pixel, the same shape, where the system
            tells lesions apart.
    """

    scan_id: str
    patient: str
    forms: Sequence[ImageForm]
    spacing_mm: tuple[float, float]
    posterior_flipped: bool
    mirrored_copy: bool
    simulated: bool
    uptake: NDArray[np.floating]
    pred_label: NDArray[Any]
    truth_label: NDArray[Any]
    prob: NDArray[np.floating]
    instances: NDArray[np.integer] | None = None

    def score(self, label: Label, point: OperatingPoint) -> list[ImageResult]:
        """Compare the prediction of a label with the truth; metastases at an operating point."""
        masks = self.pred_label == label
        if label is not Label.METASTASIS:
            return self.score_masks(masks, label)
        instances = [None] * len(masks) if self.instances is None else self.instances
        min_area_px = point.min_area_px(self.spacing_mm)
        scores = [
            LesionScores(min_area_px, owners, prob, point.thresholds)
            for owners, prob in zip(instances, self.prob, strict=True)
        ]
        return self.score_masks(masks, label, scores)

    def score_masks(
        self,
        pred_mask: NDArray[np.bool_],
        label: Label,
        lesion_scores: Sequence[LesionScores] | None = None,
    ) -> list[ImageResult]:
        """Compare masks (image, row, column) with the truth of a label."""
        return [
            score_image(
                pred_mask[number],
                self.truth_label[number] == label,
                scan_id=self.scan_id,
                patient=self.patient,
                form=form,
                spacing_mm=self.spacing_mm,
                label=label,
                lesion_scores=None if lesion_scores is None else lesion_scores[number],
            )
            for number, form in enumerate(self.forms)
        ]

    def images(self) -> list[EvaluatedImage]:
        """Return the pixels of the images, with the masks of metastases."""
        return [
            EvaluatedImage(
                scan_id=self.scan_id,
                patient=self.patient,
                form=form,
                spacing_mm=self.spacing_mm,
                posterior_flipped=self.posterior_flipped,
                mirrored_copy=self.mirrored_copy,
                simulated=self.simulated,
                uptake=np.round(255 * np.clip(self.uptake[number], 0, 1)).astype(np.uint8),
                pred_bits=np.packbits(self.pred_label[number] == Label.METASTASIS),
                truth_bits=np.packbits(self.truth_label[number] == Label.METASTASIS),
            )
            for number, form in enumerate(self.forms)
        ]


def read_sample(sample: Mapping[str, Any], entry: Mapping[str, Any]) -> EvaluatedScan:
    """Take what an evaluation needs out of one scan's sample.

    Args:
        sample: image, label, pred and prob (image, row, column), the image with its metadata;
            pred_instances likewise where the system tells lesions apart.
        entry: the scan's entry of the datalist.
    """
    image = sample[IMAGE]
    scan_id = str(image.meta[META_SCAN_ID])
    instances = sample.get(PRED_INSTANCES)
    return EvaluatedScan(
        scan_id=scan_id,
        patient=patient_of(entry, scan_id),
        forms=get_views(image),
        spacing_mm=get_spacing_mm(image),  # of the sample, which may be resampled
        posterior_flipped=is_flipped(image),
        mirrored_copy=bool(entry.get(MIRRORED, False)),
        simulated=bool(image.meta[META_SIMULATED]) or bool(entry.get(SIMULATED, False)),
        uptake=image.cpu().numpy(),
        pred_label=sample[PRED].cpu().numpy(),
        truth_label=sample[LABEL].cpu().numpy(),
        prob=sample[PROB].cpu().numpy(),
        instances=None if instances is None else instances.cpu().numpy().astype(np.int32),
    )


def fit_threshold(dataset: SampleDataset, label: Label) -> Threshold:
    """Choose the best single intensity threshold for a label on the scans of a training set."""
    samples = [dataset[index] for index in range(len(dataset))]
    return best_threshold(
        [np.asarray(sample[IMAGE]) for sample in samples],
        [np.asarray(sample[LABEL]) == label for sample in samples],
    )


class EvaluationReport:
    """Gather the results of all scans, from all processes, and write tables and pictures.

    Written into `output_dir` (names in bonescan.run_folder): a row per image, a summary of all
    metrics with intervals as JSON and as a page, where metastases are evaluated the best, the
    median and the worst image, the free-response curve and the reliability diagram, and the curves
    of the training where its history lies in `run_dir`.

    Memory: about 80 kB for an image of 256 x 256.

    Args:
        output_dir: folder to write to.
        run_dir: folder of the training run.
        name: what the system is called in the tables.
        label_values: values of bonescan.labels.Label that are evaluated, each against all others.
            The summary of metastases alone holds a document by system; any other holds such a
            summary by name of the label.
        point: operating point that the predictions were decided at; it governs the free-response
            curve, too.
        baseline_dataset: samples of the training set on which an intensity threshold is chosen
            for each label that is evaluated beside the system; None leaves it out.
        keep_images: whether to write all images with the masks of metastases, too; they must be of
            one size.

    Raises:
        ValueError: if there is no label value, one twice, or one that bonescan.labels lacks.
    """

    def __init__(
        self,
        *,
        output_dir: str | Path,
        run_dir: str | Path,
        name: str,
        label_values: Sequence[int] = (Label.METASTASIS,),
        point: OperatingPoint | None = None,
        baseline_dataset: SampleDataset | None = None,
        keep_images: bool = False,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.run_dir = Path(run_dir)
        self.name = name
        self.labels = _to_labels(label_values)
        self.point = point or OperatingPoint()
        self.baseline_dataset = baseline_dataset
        self.keep_images = keep_images
        self.thresholds: dict[Label, Threshold] = {}
        self.images: list[EvaluatedImage] = []
        self.results: list[ImageResult] = []
        self.baseline_results: list[ImageResult] = []

    def attach(self, engine: Engine) -> None:
        """Register on the events of the evaluation."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _start(self) -> None:
        self.images, self.results, self.baseline_results = [], [], []
        if self.baseline_dataset is not None:
            self.thresholds = {
                label: fit_threshold(self.baseline_dataset, label) for label in self.labels
            }

    def _collect(self, engine: Engine) -> None:
        entries: Sequence[Mapping[str, Any]] = engine.state.batch
        for entry, sample in zip(entries, engine.state.output, strict=True):
            scan = read_sample(sample, entry)
            self.images += scan.images()
            for label in self.labels:
                self.results += scan.score(label, self.point)
            for label, threshold in self.thresholds.items():
                self.baseline_results += scan.score_masks(scan.uptake >= threshold.intensity, label)

    def _finish(self, engine: Engine) -> None:
        self.images = sorted(gather(self.images), key=_by_patient)
        self.results = sorted(gather(self.results), key=_by_patient)
        self.baseline_results = sorted(gather(self.baseline_results), key=_by_patient)
        if engine.state.rank == 0:
            self._write()

    def _write(self) -> None:
        simulated = any(image.simulated for image in self.images)
        write_image_csv(self.output_dir / run_folder.IMAGE_ROWS, self.results)
        summaries = self._write_summaries(simulated=simulated)
        if self.keep_images:
            write_evaluated_images(self.output_dir / run_folder.EVALUATED_IMAGES, self.images)
        if Label.METASTASIS in self.labels:
            self._draw_metastases(simulated=simulated)
            found = summaries[LABEL_NAMES[Label.METASTASIS]][self.name]["reliability"]
            path = self.output_dir / run_folder.RELIABILITY
            write_reliability_diagram(path, found, simulated=simulated)
        history = self.run_dir / run_folder.HISTORY
        if history.is_file():
            path = self.output_dir / run_folder.TRAINING_CURVES
            write_training_curves(path, read_history(history), simulated=simulated)

    def _write_summaries(self, *, simulated: bool) -> dict[str, Any]:
        summaries = {
            LABEL_NAMES[label]: self._summarise(label, simulated=simulated) for label in self.labels
        }
        document: Mapping[str, Any] = summaries
        page = "\n".join(
            f"## {name.capitalize()}\n\n{to_markdown(systems)}"
            for name, systems in summaries.items()
        )
        if self.labels == (Label.METASTASIS,):
            (document,) = summaries.values()
            page = to_markdown(document)
        write_json(self.output_dir / run_folder.SUMMARY_JSON, document)
        write_text(self.output_dir / run_folder.SUMMARY_PAGE, page)
        return summaries

    def _summarise(self, label: Label, *, simulated: bool) -> dict[str, dict[str, Any]]:
        """Summarise the system, and the baseline where there is one, for one label."""
        results = [result for result in self.results if result.label is label]
        summaries = {
            self.name: summarise(results, simulated=simulated, thresholds=self.point.thresholds)
        }
        if label is Label.METASTASIS:
            summaries[self.name]["operating_point"] = {**asdict(self.point), "is": str(self.point)}
            summaries[self.name]["reliability"] = summarise_reliability(
                results, self.point.calibration
            )
        if label in self.thresholds:
            baseline = [result for result in self.baseline_results if result.label is label]
            summaries[BASELINE] = {
                **summarise(baseline, simulated=simulated),
                "threshold": self.thresholds[label].intensity,
            }
        return summaries

    def _draw_metastases(self, *, simulated: bool) -> None:
        results = [result for result in self.results if result.label is Label.METASTASIS]
        images = {image.key: image for image in self.images}
        examples = {}
        for rank, number in representative(results):
            result = results[number]
            image = images[result.key]
            examples[f"{rank}, {image.caption}, DSC {result.dsc:.2f}"] = image
        write_panels(self.output_dir / run_folder.EXAMPLES, examples, simulated=simulated)
        point = detection_of(results)
        write_froc_curve(
            self.output_dir / run_folder.FROC_CURVE,
            froc_of(results, self.point.thresholds),
            name=self.name,
            unit=unit_of(results),
            point=(point["false_positives"], point["sensitivity"]),
            simulated=simulated,
        )


def _to_labels(values: Sequence[int]) -> tuple[Label, ...]:
    known = {label.value: label for label in Label if label is not Label.BACKGROUND}
    if not values or not set(values) <= set(known) or len(set(values)) < len(values):
        names = ", ".join(f"{value} {LABEL_NAMES[value]}" for value in known)
        raise ValueError(f"label_values must be different ones of {names}, got {list(values)}")
    return tuple(known[value] for value in values)


def _by_patient(item: EvaluatedImage | ImageResult) -> tuple[str, ImageForm]:
    return item.patient, item.form
