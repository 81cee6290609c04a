"""How far probabilities can be believed, and how validation patients put them right.

Pixels by temperature scaling (Guo et al. 2017, "On calibration of modern neural networks"): the log
odds of all pixels are divided by one number. Lesions, and scans, by logistic regression on the log
odds of their most probable pixel (Platt 1999). A scan is no product over its lesions: they rise and
fall together, so that 1 - prod(1 - p) would call nearly every scan metastatic; what happened to
validation scans with such a pixel takes that into account.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from bonescan.metrics.bootstrap import ratio

MAX_LOG_ODDS = 16.0
"""Log odds are clipped to this: single precision knows no probability nearer to 1."""

LOG_ODDS = np.linspace(-MAX_LOG_ODDS, MAX_LOG_ODDS, 1601)
"""Centres of the bins, 0.02 apart, in which pixels are counted; 0 among them."""

TEMPERATURES = (0.05, 20.0)
"""Bounds of the search; a default of ours, far beyond what networks are found to need."""

MOST_BINS = 10
LEAST_CASES = 10
"""Of a bin, on average: fewer say little. Both are defaults of ours."""


@dataclass(frozen=True)
class Recalibration:
    """Probability that a score stands for: ``sigmoid(slope * log odds + intercept)``.

    Attributes:
        slope: of the log odds of the score.
        intercept: of the same.
        number: how many scores it was fitted to.
        true: how many of them were of what the score speaks of.
    """

    slope: float
    intercept: float
    number: int
    true: int

    def __call__(self, score: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities for scores in 0..1 of any shape."""
        return expit(self.slope * _log_odds(score) + self.intercept)


@dataclass(frozen=True)
class Calibration:
    """What validation patients say of a system's probabilities.

    Attributes:
        temperature: log odds of pixels are divided by it; over 1 where the system is too sure.
        lesion: from the highest calibrated probability of a predicted lesion's pixels to the
            probability that it is a true lesion by the rule of bonescan.metrics.lesion; None where
            those of the validation patients are all true, all false or none.
        scan: from the highest calibrated probability of a scan's pixels to the probability that
            the field shows a metastasis; None where all validation scans do, or none does.
    """

    temperature: float = 1.0
    lesion: Recalibration | None = None
    scan: Recalibration | None = None

    def of_pixels(self, prob: NDArray[np.floating]) -> NDArray[np.floating]:
        """Calibrate probabilities of any shape; 0, 0.5 and 1 stay, and so does the order."""
        return expit(logit(prob) / self.temperature).astype(prob.dtype)

    def of_lesion(self, highest: float | None) -> float | None:
        """Return the probability of a lesion, of its highest calibrated pixel."""
        return _apply(self.lesion, highest)

    def of_scan(self, highest: float) -> float | None:
        """Return the probability that a scan shows metastasis, of its highest calibrated pixel."""
        return _apply(self.scan, highest)

    @property
    def document(self) -> dict[str, Any]:
        """The calibration as JSON holds it."""
        return asdict(self)


def read_calibration(document: Mapping[str, Any] | None) -> Calibration:
    """Take a calibration from its document; None leaves probabilities as they are.

    Raises:
        KeyError: if a number is missing.
        TypeError: if a part is of another kind.
        ValueError: if the temperature is not over 0.
    """
    if document is None:
        return Calibration()
    temperature = float(document["temperature"])
    if not temperature > 0:
        raise ValueError(f"temperature must be over 0, got {temperature}")
    parts = {
        name: None if document[name] is None else Recalibration(**document[name])
        for name in ("lesion", "scan")
    }
    return Calibration(temperature, **parts)


def count_log_odds(prob: NDArray[np.floating], truth: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count pixels at each of LOG_ODDS: those that are no lesion, and those that are.

    Args:
        prob: probability of lesion, any shape.
        truth: true lesions, the same shape.

    Returns:
        (2, len(LOG_ODDS)).
    """
    step = LOG_ODDS[1] - LOG_ODDS[0]
    place = np.rint((_log_odds(prob) + MAX_LOG_ODDS) / step).astype(np.int64)
    counts = [np.bincount(place[kind], minlength=len(LOG_ODDS)) for kind in (~truth, truth)]
    return np.stack(counts)


def fit_temperature(counts: NDArray[np.integer]) -> float:
    """Find the temperature of least cross-entropy.

    Args:
        counts: pixels that are no lesion and that are, at each of LOG_ODDS: (2, len(LOG_ODDS)).

    Returns:
        Within TEMPERATURES; 1 where one kind of pixel is missing, on which it would have no end.
    """
    if not counts.any(axis=1).all():
        return 1.0
    signs = np.array([[1.0], [-1.0]])

    def cross_entropy(log_temperature: float) -> float:
        scaled = signs * LOG_ODDS / np.exp(log_temperature)
        return float((counts * np.logaddexp(0.0, scaled)).sum() / counts.sum())

    found = minimize_scalar(cross_entropy, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))


def fit_recalibration(score: ArrayLike, truth: ArrayLike) -> Recalibration | None:
    """Fit probabilities to scores by logistic regression on their log odds.

    Targets are drawn in from 0 and 1 by one case of each kind (Platt 1999), so that a few cases
    that scores part perfectly do not become certainties.

    Args:
        score: in 0..1, (case,).
        truth: whether each case is one, (case,).

    Returns:
        None where the cases are all of one kind: they do not say how a score matters.
    """
    truth = np.asarray(truth, bool)
    number, true = len(truth), int(truth.sum())
    if true in {0, number}:
        return None
    target = np.where(truth, (true + 1) / (true + 2), 1 / (number - true + 2))
    log_odds = np.tile(_log_odds(score), 2)[:, None]
    kind = np.repeat([1, 0], number)
    model = LogisticRegression(C=np.inf)  # no penalty but that of the targets
    model.fit(log_odds, kind, sample_weight=np.concatenate([target, 1 - target]))
    return Recalibration(float(model.coef_[0, 0]), float(model.intercept_[0]), number, true)


def assign_bins(prob: NDArray[np.floating]) -> NDArray[np.intp]:
    """Assign probabilities (case,) to bins of equal numbers, from 0; equal ones share a bin.

    There are MOST_BINS, and fewer where that would leave fewer cases than LEAST_CASES in each.
    """
    bins = int(np.clip(len(prob) // LEAST_CASES, 1, MOST_BINS))
    edges = np.unique(np.quantile(prob, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, prob, side="left")


def reliability(
    prob: NDArray[np.floating],
    truth: NDArray[np.bool_],
    bin_of: NDArray[np.intp],
    weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compare what is stated with what is true, bin by bin.

    Args:
        prob: stated probabilities (case,).
        truth: whether each case is one (case,).
        bin_of: bin of each case (assign_bins).
        weights: (..., case), how often each case counts; once each if not given.

    Returns:
        Cases, mean probability and share that is true of each bin, (..., bin); NaN in empty ones.
    """
    weights = np.ones(len(prob)) if weights is None else weights
    members = (bin_of[:, None] == np.arange(bin_of.max(initial=0) + 1)).astype(np.float64)
    cases = weights @ members
    return (
        cases,
        ratio((weights * prob) @ members, cases),
        ratio((weights * truth) @ members, cases),
    )


def calibration_error(
    prob: NDArray[np.floating],
    truth: NDArray[np.bool_],
    bin_of: NDArray[np.intp],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Compute the expected calibration error: how far stated and true shares differ in a bin.

    The mean over the cases of the difference of their bin. Few cases make it too large: even the
    true probabilities of 100 lesions, in bins of 10, have about 0.1.

    Args:
        prob: as in reliability.
        truth: likewise.
        bin_of: likewise.
        weights: likewise.

    Returns:
        (...), 0..1; NaN without cases.
    """
    cases, stated, true = reliability(prob, truth, bin_of, weights)
    return ratio(np.nansum(cases * np.abs(stated - true), axis=-1), cases.sum(axis=-1))


def _log_odds(prob: ArrayLike) -> NDArray[np.float64]:
    odds = logit(np.asarray(prob, np.float64))
    return np.clip(odds, -MAX_LOG_ODDS, MAX_LOG_ODDS)


def _apply(recalibration: Recalibration | None, score: float | None) -> float | None:
    if recalibration is None or score is None:
        return None
    return float(recalibration(score))
