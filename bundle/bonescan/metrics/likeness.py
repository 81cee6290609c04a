"""Whether generated images are copies of those trained on, and how like real ones they are.

Nothing here needs a trained network: what such a network takes for likeness was learnt on
photographs.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from skimage.transform import pyramid_expand, pyramid_reduce

Images = NDArray[np.floating]
"""(image, row, column), scaled to 0..1."""

BLOCK_PX = 4
"""Side of the blocks whose means are compared. Two scans of one patient differ pixel by pixel by
their counting noise, which the mean of 16 pixels makes four times smaller; a default of ours."""
COARSEST_PX = 16
PATCH_PX = 7
PATCHES = 128
DIRECTIONS, ROUNDS = 64, 8
"""Of the sliced Wasserstein distance: side of the coarsest level, side of the patches, patches of
each image, and directions, 512 in all, as in Karras 2018."""
PER_MILLE = 1e3
"""Karras 2018 gives the distance times 1000."""
SPLITS = 5
"""Times that real images are dealt to two halves; a default of ours."""
MOST_IMAGES = 256
"""Images of each set that are compared at most: more take time and change little. Ours."""


@dataclass(frozen=True)
class Neighbours:
    """The image that lies nearest to each of some images.

    Attributes:
        index: of the nearest among the others.
        distance: to it.
        ratio: that distance over the one to the nearest of another patient: near 0 for a copy, near
            1 where no patient stands out. A blurred image lies near to all: its ratio is near 1.
    """

    index: NDArray[np.intp]
    distance: NDArray[np.floating]
    ratio: NDArray[np.floating]


def find_nearest(images: Images, others: Images, patients: Sequence[Hashable]) -> Neighbours:
    """Find the nearest of other images: root mean square difference of means over BLOCK_PX pixels.

    Args:
        images: whose neighbours are sought.
        others: of the same size.
        patients: whose image each of the others is, of two patients at least.

    Raises:
        ValueError: if there is but one patient.
    """
    if len(set(patients)) < 2:
        raise ValueError(f"patients must be two or more, got {len(set(patients))}")
    blocks = [_block_means(each) for each in (images, others)]
    distance = cdist(*blocks) / np.sqrt(blocks[0].shape[1])
    index = distance.argmin(axis=1)
    nearest = distance.min(axis=1)
    owners = np.unique(np.array(list(map(str, patients))), return_inverse=True)[1]
    same = owners[None] == owners[index][:, None]
    second = np.where(same, np.inf, distance).min(axis=1)
    ratio = np.divide(nearest, second, out=np.ones_like(nearest), where=second > 0)
    return Neighbours(index, nearest, ratio)


def _block_means(images: Images) -> Images:
    number, rows, columns = images.shape
    side = min(BLOCK_PX, rows, columns)
    kept = images[:, : rows // side * side, : columns // side * side]
    blocks = kept.reshape(number, rows // side, side, columns // side, side)
    return blocks.mean(axis=(2, 4)).reshape(number, -1)


def sliced_wasserstein(first: Images, second: Images, *, seed: int) -> dict[int, float]:
    """Compare two sets of images by patches of their Laplacian pyramids (Karras 2018).

    Patches of both sets are brought to the mean and standard deviation of the first. Karras brings
    each set to its own, which hides a difference of contrast.

    Args:
        first: images, the reference; equal rows and columns.
        second: as many images of the same size: the distance falls with their number.
        seed: of patches and directions.

    Returns:
        Mean distance along random directions, times 1000, by the side of the level in pixels,
        finest first. The finest is the image less its half, the last what is left.

    Raises:
        ValueError: if the sets have other shapes, or images are smaller than a patch.

    Karras et al., "Progressive Growing of GANs", ICLR 2018, doi 10.48550/arXiv.1710.10196.
    """
    if first.shape != second.shape or min(first.shape[1:]) < PATCH_PX:
        raise ValueError(
            f"sets must be as many images of one size, {PATCH_PX} pixels or more, got "
            f"{first.shape} and {second.shape}"
        )
    rng = np.random.default_rng(seed)
    levels = zip(_pyramid(first), _pyramid(second), strict=True)
    return {one.shape[-1]: _slice(_draw_patches(one, rng), _draw_patches(two, rng), rng)
            for one, two in levels}  # fmt: skip


def _pyramid(images: Images) -> Iterator[Images]:
    """Yield the levels of the Laplacian pyramid of each image, finest first."""
    rest = images.astype(np.float32)
    while rest.shape[-1] >= 2 * COARSEST_PX:
        half = pyramid_reduce(rest, channel_axis=0)
        yield rest - pyramid_expand(half, channel_axis=0)
        rest = half
    yield rest


def _draw_patches(images: Images, rng: np.random.Generator) -> NDArray[np.floating]:
    """Draw patches of each image, as (patch, pixel)."""
    views = np.lib.stride_tricks.sliding_window_view(images, (PATCH_PX, PATCH_PX), axis=(1, 2))
    number, rows, columns = views.shape[:3]
    places = (rng.integers(0, last, (number, PATCHES)) for last in (rows, columns))
    patches = views[np.arange(number)[:, None], *places]
    return patches.reshape(-1, PATCH_PX**2)


def _slice(
    first: NDArray[np.floating], second: NDArray[np.floating], rng: np.random.Generator
) -> float:
    mean, spread = first.mean(), max(float(first.std()), np.finfo(np.float32).tiny)
    distances = []
    for _ in range(ROUNDS):
        directions = rng.standard_normal((PATCH_PX**2, DIRECTIONS), dtype=np.float32)
        directions /= np.linalg.norm(directions, axis=0)
        ordered = [np.sort((each - mean) / spread @ directions, axis=0) for each in (first, second)]
        distances.append(np.abs(ordered[0] - ordered[1]).mean())
    return PER_MILLE * float(np.mean(distances))


@dataclass(frozen=True)
class Difference:
    """Distances at one level: of each split of the real images into two halves.

    Attributes:
        generated: from generated images to the first half.
        real: from the second half to the first.
    """

    generated: Sequence[float]
    real: Sequence[float]

    @property
    def times(self) -> float:
        """How many times as far as real images from each other the generated ones lie."""
        return float(np.mean(self.generated) / max(np.mean(self.real), np.finfo(float).tiny))


def compare_with_halves(
    generated: Images, real: Images, patients: Sequence[Hashable], *, seed: int
) -> Mapping[int, Difference]:
    """Set the distance from generated to real images beside that between halves of the real ones.

    No patient lies in both halves. All distances are between equally many images.

    Args:
        generated: generated images.
        real: of the same size.
        patients: whose image each real one is, of two patients at least.
        seed: of halves, patches and directions.

    Returns:
        By the side of the level in pixels (see sliced_wasserstein).

    Raises:
        ValueError: if there is but one patient.
    """
    rng = np.random.default_rng(seed)
    rows: dict[int, list[tuple[float, float]]] = {}
    for split in range(SPLITS):
        halves = [real[half] for half in _halve(patients, rng)]
        number = min(MOST_IMAGES, len(generated), *map(len, halves))
        first, second = (half[rng.permutation(len(half))[:number]] for half in halves)
        drawn = generated[rng.permutation(len(generated))[:number]]
        away = sliced_wasserstein(first, drawn, seed=seed + split)
        apart = sliced_wasserstein(first, second, seed=seed + split)
        for side, distance in away.items():
            rows.setdefault(side, []).append((distance, apart[side]))
    return {side: Difference(*zip(*pairs, strict=True)) for side, pairs in rows.items()}


def _halve(patients: Sequence[Hashable], rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Deal patients to two halves; return the indices of the images of each."""
    names = np.array(list(map(str, patients)))
    dealt = rng.permutation(np.unique(names))
    if len(dealt) < 2:
        raise ValueError(f"patients must be two or more, got {len(dealt)}")
    in_first = np.isin(names, dealt[: len(dealt) // 2])
    return np.flatnonzero(in_first), np.flatnonzero(~in_first)
