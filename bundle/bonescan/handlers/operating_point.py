"""Choose the operating point of a trained system on its validation patients."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from bonescan import run_folder
from bonescan.files import write_json
from bonescan.handlers.distributed import gather
from bonescan.keys import (
    IMAGE,
    LABEL,
    META_SCAN_ID,
    PRED,
    PRED_INSTANCES,
    PROB,
    patient_of,
)
from bonescan.labels import Label
from bonescan.metrics.calibration import (
    LOG_ODDS,
    Calibration,
    count_log_odds,
    fit_recalibration,
    fit_temperature,
)
from bonescan.metrics.lesion import (
    THRESHOLDS,
    LesionScores,
    detection,
    lesion_f,
    match_lesions,
    rate_lesions,
)
from bonescan.metrics.operating_point import (
    BETA,
    MIN_AREAS_MM2,
    OperatingPoint,
    choose_min_area,
    choose_screening,
    choose_threshold,
    pooled_dice,
)
from bonescan.metrics.threshold import count_at_least
from bonescan.transforms.metadata import get_spacing_mm

logger = logging.getLogger(__name__)

THRESHOLD, MIN_AREA, CALIBRATION = CHOICES = ("threshold", "min_area", "calibration")
"""What can be chosen."""


@dataclass(frozen=True)
class ValidatedImage:
    """What the choice needs of one image (row, column).

    Attributes:
        scan_id: pseudonym of its scan.
        prob: probability of metastasis.
        pred_mask: metastases by the system's own rule.
        truth_mask: true metastases.
        instances: number of the instance that owns each pixel, where there are instances.
        spacing_mm: (row, column) pixel spacing.
    """

    scan_id: str
    prob: NDArray[np.floating]
    pred_mask: NDArray[np.bool_]
    truth_mask: NDArray[np.bool_]
    instances: NDArray[np.integer] | None
    spacing_mm: tuple[float, float]

    def count_pixels(self) -> NDArray[np.int64]:
        """Count predicted, common and true pixels at each of THRESHOLDS: (threshold, 3)."""
        thresholds = np.array(THRESHOLDS)
        predicted = count_at_least(self.prob.ravel(), thresholds)
        common = count_at_least(self.prob[self.truth_mask], thresholds)
        true = np.full(len(thresholds), np.count_nonzero(self.truth_mask))
        return np.stack([predicted, common, true], axis=-1)

    def count_found(self, min_area_mm2: float) -> NDArray[np.int64]:
        """Match the lesions at each of THRESHOLDS: (threshold, 3)."""
        min_area_px = OperatingPoint(None, min_area_mm2).min_area_px(self.spacing_mm)
        scores = LesionScores(min_area_px, self.instances)
        return np.stack(
            [match_lesions(self._decide(each), self.truth_mask, scores) for each in THRESHOLDS]
        )

    def count_lesions(self, threshold: float | None) -> NDArray[np.int64]:
        """Match the lesions at each of MIN_AREAS_MM2: (area, 3)."""
        points = [OperatingPoint(threshold, area) for area in MIN_AREAS_MM2]
        mask = self._decide(threshold)
        scores = [LesionScores(p.min_area_px(self.spacing_mm), self.instances) for p in points]
        return np.stack([match_lesions(mask, self.truth_mask, score) for score in scores])

    def rate_lesions(self, point: OperatingPoint) -> NDArray[np.float64]:
        """Rate the lesions at an operating point (bonescan.metrics.lesion.rate_lesions)."""
        scores = LesionScores(point.min_area_px(self.spacing_mm), self.instances, self.prob)
        return rate_lesions(self._decide(point.threshold), self.truth_mask, scores)

    def _decide(self, threshold: float | None) -> NDArray[np.bool_]:
        return self.pred_mask if threshold is None else self.prob >= threshold


class OperatingPointChoice:
    """Choose on the scans of an evaluator, and write `operating_point.json`.

    The threshold is the one of highest pooled Dice, the measure by which the epoch is chosen, too.
    At that threshold the least area is the one of highest F2 of lesions: a lesion that is dropped
    weighs four specks that stay, since a reader can dismiss what is shown alone. "The largest area
    that loses no lesion" would be smaller the more patients there are.

    Beside it stands a threshold for screening, with the same least area: the highest that finds
    bonescan.metrics.operating_point.SCREENING_SENSITIVITY of the lesions.

    Args:
        output_dir: folder of the file.
        choose: what is chosen: "threshold", "min_area", "calibration"; the rest stays as the system
            has it.

    Raises:
        ValueError: if there is something else to choose.
    """

    def __init__(self, output_dir: str | Path, *, choose: Collection[str] = CHOICES) -> None:
        if not set(choose) <= set(CHOICES):
            raise ValueError(f"choose must be among {', '.join(CHOICES)}, got {list(choose)}")
        self.path = Path(output_dir) / run_folder.OPERATING_POINT
        self.choose = choose
        self.images: list[ValidatedImage] = []
        self.patients: set[str] = set()

    def attach(self, engine: Engine) -> None:
        """Register on the events of an evaluation whose samples have `prob` and `pred`."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _start(self) -> None:
        self.images, self.patients = [], set()

    def _collect(self, engine: Engine) -> None:
        entries: Sequence[Mapping[str, Any]] = engine.state.batch
        for entry, sample in zip(entries, engine.state.output, strict=True):
            self.patients.add(patient_of(entry, str(sample[IMAGE].meta.get(META_SCAN_ID))))
            self.images += _read_images(sample)

    def _finish(self) -> None:
        pixels = _sum([image.count_pixels() for image in self.images], (len(THRESHOLDS), 3))
        predicted, common, true = pixels.T
        dice = pooled_dice(common, predicted, true)
        found_any = bool(true.any())
        threshold = None
        if THRESHOLD in self.choose and found_any:
            threshold = choose_threshold(THRESHOLDS, dice)
        lesions = _sum(
            [image.count_lesions(threshold) for image in self.images], (len(MIN_AREAS_MM2), 3)
        )
        min_area_mm2 = 0.0
        if MIN_AREA in self.choose and found_any:
            min_area_mm2 = choose_min_area(MIN_AREAS_MM2, lesions)
        screening = None
        if threshold is not None:
            screening = self._choose_screening(min_area_mm2)
        calibration = None
        if CALIBRATION in self.choose and found_any:
            calibration = calibrate(self.images, OperatingPoint(threshold, min_area_mm2)).document
        patients = set(gather(sorted(self.patients)))
        images = _sum([np.array([1, image.truth_mask.any()]) for image in self.images], (2,))
        if idist.get_rank() == 0:
            self._write(
                {
                    "threshold": threshold,
                    "min_area_mm2": min_area_mm2,
                    "screening": screening,
                    "calibration": calibration,
                    "chosen_on": {
                        "patients": len(patients),
                        "images": int(images[0]),
                        "images_with_lesion": int(images[1]),
                    },
                    "pooled_dice": _table("threshold", THRESHOLDS, {"dice": dice}),
                    "lesion_f2": _table("min_area_mm2", MIN_AREAS_MM2, _describe(lesions)),
                }
            )
        self._start()  # the images are large, and nobody needs them any more

    def _choose_screening(self, min_area_mm2: float) -> dict[str, float] | None:
        counts = [image.count_found(min_area_mm2) for image in self.images]
        outcomes = _sum(counts, (len(THRESHOLDS), 3))
        threshold = choose_screening(THRESHOLDS, outcomes)
        if threshold is None:
            return None
        found, missed, false = map(int, outcomes[THRESHOLDS.index(threshold)])
        return {
            "threshold": threshold,
            "lesions": found + missed,
            "found": found,
            "false": false,
        }

    def _write(self, content: Mapping[str, Any]) -> None:
        write_json(self.path, content)
        point = OperatingPoint(content["threshold"], content["min_area_mm2"])
        logger.info("Operating point: %s", point)
        if not content["chosen_on"]["images_with_lesion"]:
            logger.warning("%s: no validation image shows a lesion, nothing is chosen", self.path)


def calibrate(images: Sequence[ValidatedImage], point: OperatingPoint) -> Calibration:
    """Fit the probabilities of pixels, lesions and scans; a collective step of all processes.

    Args:
        images: of this process.
        point: what counts as a predicted lesion.
    """
    pixels = [count_log_odds(image.prob, image.truth_mask) for image in images]
    temperature = fit_temperature(_sum(pixels, (2, len(LOG_ODDS))))
    of_pixels = Calibration(temperature).of_pixels
    lesions = gather([row for image in images for row in image.rate_lesions(point).tolist()])
    scans: dict[str, tuple[float, bool]] = {}
    for scan_id, highest, shows in gather(
        [(image.scan_id, float(image.prob.max()), bool(image.truth_mask.any())) for image in images]
    ):
        before = scans.get(scan_id, (0.0, False))
        scans[scan_id] = max(before[0], highest), before[1] or shows
    of_lesions, of_scans = (
        fit_recalibration(of_pixels(cases[:, 0]), cases[:, 1])
        for cases in (np.reshape(rows, (-1, 2)) for rows in (lesions, list(scans.values())))
    )
    return Calibration(temperature, of_lesions, of_scans)


class ChooseAtEnd:
    """Run the evaluator that chooses the operating point when a training is complete.

    Args:
        evaluator: with WeightsLoader, for the weights that the training keeps, and
            OperatingPointChoice. Its network holds those weights afterwards.
    """

    def __init__(self, evaluator: Engine) -> None:
        self.evaluator = evaluator

    def attach(self, engine: Engine) -> None:
        """Register on the trainer's COMPLETED."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self) -> None:
        """Choose."""
        idist.barrier()  # until process 0 has written the weights
        self.evaluator.run()


def _read_images(sample: Mapping[str, Any]) -> list[ValidatedImage]:
    """Take what the choice needs out of a sample, image by image."""
    maps = {
        key: sample[key].cpu().numpy()
        for key in (PROB, PRED, LABEL, PRED_INSTANCES)
        if key in sample
    }
    instances = maps.get(PRED_INSTANCES)
    return [
        ValidatedImage(
            scan_id=str(sample[IMAGE].meta.get(META_SCAN_ID)),
            prob=maps[PROB][number],
            pred_mask=maps[PRED][number] == Label.METASTASIS,
            truth_mask=maps[LABEL][number] == Label.METASTASIS,
            instances=None if instances is None else instances[number].astype(np.int32),
            spacing_mm=get_spacing_mm(sample[IMAGE]),
        )
        for number in range(len(maps[PROB]))
    ]


def _sum(parts: Sequence[NDArray[Any]], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Add up over images and processes; a process may have no image."""
    total = torch.from_numpy(np.sum([np.zeros(shape, np.int64), *parts], axis=0, dtype=np.int64))
    # a backend adds on its own device only (nccl: the GPU)
    return idist.all_reduce(total.to(idist.device())).cpu().numpy()


def _describe(lesions: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Return F2, sensitivity and precision of lesions at each area (area, 3)."""
    sensitivity, precision, _ = np.stack([detection(row[None]) for row in lesions], axis=-1)
    return {"f2": lesion_f(lesions, beta=BETA), "sensitivity": sensitivity, "precision": precision}


def _table(
    name: str, choices: Sequence[float], columns: Mapping[str, NDArray[np.float64]]
) -> list[dict[str, float | None]]:
    """Return what was measured of each choice, None where it is undefined."""
    return [
        {
            name: round(choice, 6),
            **{
                key: None if np.isnan(values[row]) else round(float(values[row]), 6)
                for key, values in columns.items()
            },
        }
        for row, choice in enumerate(choices)
    ]
