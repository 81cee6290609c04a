"""One label of several annotators': majority, agreement of Lin 2022, STAPLE.

Masks of several annotators are stacked along a first axis: (annotator, ...).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.labels import EIGHT_NEIGHBOURS

MAX_DIFFERENCE = 0.05
"""Greatest 1 - IoU of two outlines of one lesion that agree (Lin et al. 2022)."""

START_PERFORMANCE = 0.99999
"""Sensitivity and specificity that STAPLE starts from (Warfield et al. 2004, section III)."""


@dataclass(frozen=True)
class Dispute:
    """A lesion on which the annotators do not agree.

    Attributes:
        box_px: first row, first column, last row and last column of all outlines together.
        difference: greatest 1 - IoU of two annotators' pixels.
        pixels: number of pixels of each annotator; 0 for one who did not see the lesion.
    """

    box_px: tuple[int, int, int, int]
    difference: float
    pixels: tuple[int, ...]


@dataclass(frozen=True)
class StapleResult:
    """What STAPLE estimates.

    Attributes:
        prob: probability that a pixel is foreground, of the masks' shape.
        sensitivity: of each annotator.
        specificity: of each annotator.
        iterations: number of steps until it settled.
    """

    prob: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    specificity: NDArray[np.float64]
    iterations: int


def majority(masks: NDArray[np.bool_], *, votes: int = 2) -> NDArray[np.bool_]:
    """Take what enough annotators marked.

    The majority of Lin et al. 2020, two of three, is another: it decides whether an image is
    malignant, not which pixels are lesion.

    Args:
        masks: (annotator, ...).
        votes: number of annotators that is enough.

    Returns:
        Mask (...).

    Raises:
        ValueError: if there are fewer annotators than votes, or no votes are asked for.
    """
    _require_masks(masks)
    if not 1 <= votes <= len(masks):
        raise ValueError(f"votes must be from 1 to the {len(masks)} annotators, got {votes}")
    return masks.sum(axis=0) >= votes


def area_difference(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return 1 - intersection over union of two masks; 0 where both are empty.

    It is one division, so that a difference of exactly 5 % is not pushed over the limit.
    """
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first ^ second) / union if union else 0.0


def pick_agreed(
    masks: NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    max_difference: float = MAX_DIFFERENCE,
) -> tuple[NDArray[np.bool_], list[Dispute]]:
    """Take each lesion as one annotator drew it, where all agree (Lin et al. 2022).

    A lesion is an 8-connected component of what any annotator marked. Where 1 - IoU is at most
    `max_difference` for every pair of annotators, one of them is drawn at random; all others go to
    a new round. The published rule speaks of pairs of curves; that a lesion which only one
    annotator saw is disputed follows from it (IoU 0).

    Args:
        masks: (annotator, row, column).
        rng: source of the choice.
        max_difference: greatest 1 - IoU that is agreement.

    Returns:
        Mask (row, column) of the lesions agreed on, and the disputes in raster order.

    Raises:
        ValueError: if the masks are not boolean (annotator, row, column).
    """
    _require_masks(masks)
    if masks.ndim != 3:
        raise ValueError(f"masks must be (annotator, row, column), got shape {masks.shape}")
    agreed = np.zeros(masks.shape[1:], dtype=bool)
    disputes = []
    lesions, _ = ndimage.label(masks.any(axis=0), EIGHT_NEIGHBOURS)
    for number, box in enumerate(ndimage.find_objects(lesions), start=1):
        drawn = masks[(slice(None), *box)] & (lesions[box] == number)
        difference = max((area_difference(a, b) for a, b in combinations(drawn, 2)), default=0.0)
        if difference <= max_difference:
            agreed[box] |= drawn[rng.integers(len(drawn))]
        else:
            rows, columns = box
            box_px = (rows.start, columns.start, rows.stop - 1, columns.stop - 1)
            pixels = tuple(int(mask.sum()) for mask in drawn)
            disputes.append(Dispute(box_px, difference, pixels))
    return agreed, disputes


def staple(
    masks: NDArray[np.bool_], *, tolerance: float = 1e-9, max_iterations: int = 1000
) -> StapleResult:
    """Estimate the truth and each annotator's performance together.

    Expectation maximisation of Warfield, Zou and Wells (IEEE TMI 2004), binary, without a spatial
    prior; the prior of foreground is the mean share of the masks, as in the paper. A scan's only
    lesion that one of three annotators marked gets 1/3: who is to be believed shows in several
    lesions alone. Pixels that the annotators marked alike count as one, so an image takes no longer
    than 2^annotators numbers.

    Args:
        masks: (annotator, ...).
        tolerance: change of every sensitivity and specificity at which it has settled.
        max_iterations: steps after which it is given up.

    Returns:
        The estimates. Where no annotator marked anything the probability is 0 everywhere, where
        all marked everything it is 1, and what cannot be told of an annotator is 1.

    Raises:
        ValueError: if there are fewer than two annotators.
        RuntimeError: if it does not settle.
    """
    _require_masks(masks)
    annotators = len(masks)
    if annotators < 2:
        raise ValueError(f"masks must be those of 2 annotators or more, got {annotators}")
    codes = np.tensordot(1 << np.arange(annotators), masks.astype(np.int64), axes=1)
    patterns, pattern_of, pixels = np.unique(codes, return_inverse=True, return_counts=True)
    marked = (patterns[:, None] >> np.arange(annotators) & 1).astype(bool)  # (pattern, annotator)
    prior = float(masks.mean())
    performance = np.full((2, annotators), START_PERFORMANCE)
    for iteration in range(1, max_iterations + 1):
        prob = _expect(marked, performance, prior)
        updated = _maximise(marked, pixels, prob)
        change = np.abs(updated - performance).max()
        performance = updated
        if change <= tolerance:
            return StapleResult(
                prob[pattern_of].reshape(codes.shape), performance[0], performance[1], iteration
            )
    raise RuntimeError(f"STAPLE must settle within {max_iterations} steps, still moves {change:g}")


def _expect(
    marked: NDArray[np.bool_], performance: NDArray[np.float64], prior: float
) -> NDArray[np.float64]:
    """Return the probability of foreground of each pattern (equations 14 to 16)."""
    sensitivity, specificity = performance
    foreground = prior * np.where(marked, sensitivity, 1 - sensitivity).prod(axis=1)
    background = (1 - prior) * np.where(marked, 1 - specificity, specificity).prod(axis=1)
    total = foreground + background
    # Both vanish only for a pattern that perfect annotators cannot make: the prior is all there is.
    return np.divide(foreground, total, out=np.full_like(total, prior), where=total > 0)


def _maximise(
    marked: NDArray[np.bool_], pixels: NDArray[np.int64], prob: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return sensitivity and specificity of each annotator (equations 18 and 19)."""
    foreground, background = prob * pixels, (1 - prob) * pixels
    hits, rejections = foreground @ marked, background @ ~marked
    ones = np.ones(marked.shape[1])
    return np.stack(
        [
            np.divide(part, whole, out=ones.copy(), where=whole > 0)
            for part, whole in ((hits, foreground.sum()), (rejections, background.sum()))
        ]
    )


def _require_masks(masks: NDArray[np.bool_]) -> None:
    if masks.dtype != np.bool_ or masks.ndim < 2 or not len(masks):
        raise ValueError(
            f"masks must be boolean (annotator, ...), got {masks.dtype} of shape {masks.shape}"
        )
