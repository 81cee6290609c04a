"""Which images an image set holds: views selected, copies planned, images dealt to folds.

Lin et al. 2020 and 2022 turn 112 thorax images into 2 280 with mirroring, shifts and rotations, and
do not say how many of each. Here every image is taken as it is and mirrored, each with the same
number of random moves beside the unmoved one, and what is left over goes to images drawn at random:
112 x 2 x (1 + 9) = 2 240, and 40 more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

SELECT_STREAM = 1
DEAL_STREAM = 2
"""Second word of the seeds of what is drawn here, apart from the plan's own."""

SectionFold = tuple[str, int | None]
"""Section and fold of an image; None outside of the folds."""


@dataclass(frozen=True)
class ImageVariant:
    """One image to write.

    Attributes:
        original: number of the view that it is made of, from 0.
        mirrored: left and right swapped.
        draw: number of the random move; 0 is unmoved.
    """

    original: int
    mirrored: bool
    draw: int

    @property
    def name(self) -> str:
        """Folder and start of the file name, relative to the datalist."""
        side = "mirrored" if self.mirrored else "straight"
        return f"{self.original:04d}/{side}-{self.draw:02d}"


def select_originals(shows_lesion: Sequence[bool], selected: int, *, seed: int) -> list[int]:
    """Choose views, those that show metastasis before the others, at random among equals.

    Args:
        shows_lesion: whether each view shows metastasis.
        selected: number of views wanted, 1 or more.
        seed: 0 or more.

    Returns:
        Numbers of exactly `selected` views, ascending.

    Raises:
        ValueError: if there are fewer views than that.
    """
    views = len(shows_lesion)
    if not 1 <= selected <= views:
        raise ValueError(f"selected must be from 1 to the number of views, {views}, got {selected}")
    order = np.random.default_rng([seed, SELECT_STREAM]).permutation(views).tolist()
    order.sort(key=lambda index: not shows_lesion[index])  # stable: stays random
    return sorted(order[:selected])


def plan_variants(originals: int, total: int, *, seed: int) -> list[ImageVariant]:
    """Choose the images to write: an equal number of each original, straight and mirrored.

    Args:
        originals: number of views that there are.
        total: number of images wanted: that number, for each view as it is and no more, or at least
            twice that.
        seed: decides which of them get one more move where the total is no multiple.

    Returns:
        Exactly `total` variants, sorted by original.

    Raises:
        ValueError: if there are no originals, or the total is too small.
    """
    if originals > 0 and total == originals:
        return [ImageVariant(original, mirrored=False, draw=0) for original in range(originals)]
    if originals < 1 or total < 2 * originals:
        raise ValueError(
            f"total must be {originals}, or at least {2 * originals} to hold each of the "
            f"{originals} views straight and mirrored, got {total}"
        )
    each, extra = divmod(total, 2 * originals)
    chosen = np.random.default_rng(seed).choice(2 * originals, size=extra, replace=False)
    plan = []
    for position, (original, mirrored) in enumerate(product(range(originals), (False, True))):
        draws = each + int(position in chosen)
        plan += [ImageVariant(original, mirrored, draw) for draw in range(draws)]
    return plan


def deal_images(views: Sequence[SectionFold], images: int, *, seed: int) -> list[SectionFold]:
    """Deal images to sections and folds at random, without regard of the patient.

    Args:
        views: section and fold of each view of the original datalist, whose proportions are kept.
        images: number of images.
        seed: 0 or more.

    Returns:
        Section and fold of each image; each has its share of the views, to within one image.
    """
    together = sorted(views, key=repr)
    shares = [together[index * len(together) // images] for index in range(images)]
    order = np.random.default_rng([seed, DEAL_STREAM]).permutation(images)
    return [shares[index] for index in order]
