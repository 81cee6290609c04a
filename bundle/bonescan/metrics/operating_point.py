"""At which probability, and from which area on, a system says that a lesion is there."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.metrics.bootstrap import ratio
from bonescan.metrics.calibration import Calibration, read_calibration
from bonescan.metrics.lesion import THRESHOLDS, lesion_f

logger = logging.getLogger(__name__)

MIN_AREAS_MM2 = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 120.0)
"""Least areas to choose from; a pixel of a whole-body scan has about 5 mm2."""

BETA = 2.0
"""A lesion that is dropped weighs four false ones: nobody looks at what is not shown."""

SCREENING_SENSITIVITY = 0.9
"""Of lesions, on the validation patients: what whoever screens asks for, at whatever cost in false
ones. A default of ours."""

AS_PUBLISHED = "the system's own rule (likeliest class, or 0.5), lesions of any area"


class Purpose(StrEnum):
    """What lesions are marked for."""

    COUNTING = "counting"
    """Burden and change: as many pixels right as can be."""
    SCREENING = "screening"
    """No lesion shall be missed: SCREENING_SENSITIVITY."""


@dataclass(frozen=True)
class OperatingPoint:
    """What counts as a predicted metastasis, and what its probability means.

    Attributes:
        threshold: probability from which a pixel is metastasis; None leaves it to the system's own
            rule, such as the likeliest class.
        min_area_mm2: lesions of less area are dropped.
        calibration: of probabilities after that: the threshold is one of the system's own.
    """

    threshold: float | None = None
    min_area_mm2: float = 0.0
    calibration: Calibration = field(default_factory=Calibration)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The thresholds of a free-response curve, this point's among them."""
        own = () if self.threshold is None else (self.threshold,)
        return tuple(sorted({*THRESHOLDS, *own}, reverse=True))

    def min_area_px(self, spacing_mm: tuple[float, float]) -> float:
        """Return the least area in pixels of a (row, column) spacing."""
        return self.min_area_mm2 / (spacing_mm[0] * spacing_mm[1])

    @property
    def numbers(self) -> dict[str, float]:
        """What differs from the system's own rule, by name."""
        area = {"min_area_mm2": self.min_area_mm2} if self.min_area_mm2 else {}
        return area if self.threshold is None else {"threshold": self.threshold, **area}

    def __str__(self) -> str:
        """Say what counts."""
        if not self.numbers:
            return AS_PUBLISHED
        rule = "the system's own rule"
        if self.threshold is not None:
            rule = f"probability {self.threshold:.3f} or more"
        return f"{rule}, lesions of {self.min_area_mm2:g} mm2 or more"


def read_operating_point(
    path: str | Path | None, purpose: str = Purpose.COUNTING
) -> OperatingPoint:
    """Read the operating point that a training has chosen.

    Args:
        path: JSON file with `threshold` and `min_area_mm2`, and with `calibration` where it was
            fitted; None for the system's own rule. Where there is no such file, that rule holds,
            with a warning.
        purpose: what lesions are marked for, one of Purpose.

    Raises:
        ValueError: if the file holds no operating point, or none for the purpose.
    """
    screening = Purpose(purpose) == Purpose.SCREENING
    if path is None or not Path(path).is_file():
        if screening:
            raise ValueError(f"operating point for screening must be in a file, got {path}")
        if path is not None:
            logger.warning("%s does not exist: what counts is %s", path, AS_PUBLISHED)
        return OperatingPoint()
    path = Path(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    if screening and not content.get("screening"):
        raise ValueError(
            f"{path} must hold a threshold for screening: validation found none that finds "
            f"{SCREENING_SENSITIVITY:.0%} of the lesions, or the training is older; take the one "
            "for counting"
        )
    try:
        point = OperatingPoint(
            content["screening"]["threshold"] if screening else content["threshold"],
            float(content["min_area_mm2"]),
            read_calibration(content.get("calibration")),
        )
    except (KeyError, TypeError, ValueError) as err:
        raise ValueError(f"{path} must hold threshold and min_area_mm2, got {content!r}") from err
    return point


def choose_screening(thresholds: Sequence[float], outcomes: NDArray[Any]) -> float | None:
    """Return the highest threshold that finds SCREENING_SENSITIVITY of the lesions; None if none.

    Args:
        thresholds: descending.
        outcomes: bonescan.metrics.lesion.OUTCOMES at each threshold, (threshold, 3).
    """
    found, missed, _ = outcomes.T
    enough = np.flatnonzero(found >= SCREENING_SENSITIVITY * (found + missed))
    return float(thresholds[enough[0]]) if len(enough) else None


def choose_threshold(thresholds: Sequence[float], dice: NDArray[np.float64]) -> float:
    """Return the threshold of highest Dice; of several, the one nearest to 0.5 in log odds."""
    odds = np.abs(np.log(np.divide(thresholds, np.subtract(1, thresholds))))
    best = np.flatnonzero(dice == np.nanmax(dice))
    return float(thresholds[best[np.argmin(odds[best])]])


def choose_min_area(areas_mm2: Sequence[float], outcomes: NDArray[Any]) -> float:
    """Return the least area of highest F2 of lesions; of several, the smallest.

    Args:
        areas_mm2: ascending.
        outcomes: bonescan.metrics.lesion.OUTCOMES at each area, (area, 3).
    """
    return float(areas_mm2[int(np.argmax(lesion_f(outcomes, beta=BETA)))])


def pooled_dice(common: NDArray[Any], predicted: NDArray[Any], true: NDArray[Any]) -> NDArray:
    """Compute Dice from numbers of pixels; NaN where there is neither truth nor prediction."""
    return ratio(2 * np.asarray(common, np.float64), np.add(predicted, true))
