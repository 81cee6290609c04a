"""What nnU-Net v2 plans for a training set of two-dimensional images: patch, network, batch.

The rules are those that Isensee 2021 (doi 10.1038/s41592-020-01008-z, Supplementary Note 2)
publishes for its two-dimensional U-Net, with the constants of version 2 and its default planner.
Pixels are taken as they are, as nnU-Net takes those of PNG files: nothing is resampled. A test lets
nnU-Net itself plan for the same images.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from monai.transforms import Compose
from numpy.typing import NDArray
from tqdm import tqdm

from bonescan.keys import IMAGE

Size = tuple[int, int]
"""(rows, columns)."""
Box = tuple[slice, slice]

LARGEST_EDGE = 2048
"""Of a patch, in pixels: the square of this edge bounds the first patch that is tried."""
LEAST_EDGE = 4
"""Of a feature map, in pixels: an edge is halved while it stays at least this long."""
ALONE_EDGE = 3 * LEAST_EDGE
"""From which an edge is halved that is the only one to be halved."""
LEAST_STAGES = 4
"""Ours: of a shallower network, whose patches have edges of less than 29 pixels, deep supervision
has nothing to supervise; whole views and their thoraxes are far larger."""
CONVOLUTIONS = 2
"""Of each stage, of the encoder and of the decoder."""
BASE_FEATURES, MOST_FEATURES = 32, 512
"""Feature maps of the first stage, doubled from stage to stage up to the most."""
CLASSES = 2
"""Background and metastasis."""
REFERENCE_VALUES, REFERENCE_BATCH = 85_000_000, 12
"""Values that the convolutions of one patch may put out where a batch of so many fits into the 8 GB
of graphics memory that nnU-Net plans for."""
LEAST_BATCH = 2
BATCH_SHARE = 0.05
"""Most that a batch may show of all pixels of the training set."""
LARGEST_FULL_SHARE = 0.75
"""Where the median image keeps less of its area than this once zeros around it are cut off, zeros
inside do not count for its mean and standard deviation either."""
SQUARE_RATIO = 1.5
"""Of a patch's edges: up to it the patch is turned any way, else by SMALL_ROTATION_DEG at most."""
FULL_ROTATION_DEG, SMALL_ROTATION_DEG = 180.0, 15.0


@dataclass(frozen=True)
class Plan:
    """How to train on a set of images.

    Attributes:
        images: how many the set has.
        median_size: median rows and columns without the zeros around.
        patch: (rows, columns) that the network sees at once.
        strides: of each stage of the encoder along rows and columns, from the finest; its length is
            the number of stages.
        features: feature maps of each stage.
        batch_size: patches of a batch.
        nonzero_norm: whether mean and standard deviation of an image leave out the zeros around the
            body (bonescan.transforms.z_score).
        rotation_deg: largest rotation of the augmentation.
    """

    images: int
    median_size: tuple[float, float]
    patch: Size
    strides: tuple[Size, ...]
    features: tuple[int, ...]
    batch_size: int
    nonzero_norm: bool
    rotation_deg: float


def make_plan(
    data: Sequence[Mapping[str, Any]], transform: Compose, *, progress: bool = True
) -> dict[str, Any]:
    """Plan for the images of a datalist.

    Args:
        data: entries of a datalist.
        transform: chain that loads an entry and lays out its image (view, row, column) in counts;
            each view is an image.
        progress: show a progress bar.

    Returns:
        The attributes of Plan, with lists in place of tuples, as JSON gives them back.

    Raises:
        ValueError: as plan_training does.
    """
    entries = tqdm(data, unit="scan", desc="Planning", disable=not progress)
    views = (np.asarray(view) for entry in entries for view in transform(dict(entry))[IMAGE])
    return _listed(asdict(plan_training(*measure_images(views))))


def measure_images(views: Iterable[NDArray]) -> tuple[list[Size], list[float]]:
    """Return of each image its size without the zeros around, and the share of its area kept."""
    sizes, shares = [], []
    for view in views:
        rows, columns = view[nonzero_box(view)].shape
        sizes.append((rows, columns))
        shares.append(rows * columns / view.size)
    return sizes, shares


def nonzero_box(view: NDArray) -> Box:
    """Return the smallest box around all that is not zero; of an empty view, the whole of it.

    Args:
        view: (row, column).
    """
    rows, columns = (np.flatnonzero((view != 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0, view.shape[0]), slice(0, view.shape[1])
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def plan_training(sizes: Sequence[Size], shares: Sequence[float]) -> Plan:
    """Plan for images of these sizes.

    Args:
        sizes: (rows, columns) of each image of the training set, without the zeros around.
        shares: of each image's area, what they make of it.

    Raises:
        ValueError: if there is no image, or they are too small for a network of LEAST_STAGES.
    """
    if not sizes:
        raise ValueError("training set must hold images to plan for, got none")
    rows, columns = np.median(np.asarray(sizes, float), axis=0).tolist()
    patch = _fit_patch((rows, columns))
    strides = plan_strides(patch)
    if len(strides) < LEAST_STAGES:
        raise ValueError(
            f"images must be large enough for a network of {LEAST_STAGES} stages, about 29 x 29 "
            f"pixels without the zeros around, got a median of {rows:g} x {columns:g}: give a "
            "larger field or finer pixels"
        )
    pixels = rows * columns * len(sizes)
    return Plan(
        images=len(sizes),
        median_size=(rows, columns),
        patch=patch,
        strides=strides,
        features=plan_features(len(strides)),
        batch_size=plan_batch(patch, pixels),
        nonzero_norm=bool(np.median(shares) < LARGEST_FULL_SHARE),
        rotation_deg=plan_rotation(patch),
    )


def plan_strides(size: tuple[float, float]) -> tuple[Size, ...]:
    """Halve feature maps, stage by stage, along each edge that is long enough.

    Args:
        size: (rows, columns) of the image or patch; a half pixel is rounded up at each stage.

    Returns:
        Strides of the stages, the first (1, 1).
    """
    strides: list[Size] = [(1, 1)]
    edges = list(size)
    while True:
        long = [edge for edge in edges if edge >= 2 * LEAST_EDGE]
        if not long or (len(long) == 1 and long[0] < ALONE_EDGE):
            return tuple(strides)
        row, column = (2 if edge >= 2 * LEAST_EDGE else 1 for edge in edges)
        strides.append((row, column))
        edges = [math.ceil(edge / step) for edge, step in zip(edges, strides[-1], strict=True)]


def plan_features(stages: int) -> tuple[int, ...]:
    """Return the feature maps of each stage, from the finest."""
    return tuple(min(BASE_FEATURES * 2**stage, MOST_FEATURES) for stage in range(stages))


def plan_batch(patch: Size, pixels: float) -> int:
    """Return as many patches as fit into memory, and as the training set has variety for.

    Args:
        patch: (rows, columns).
        pixels: of all images of the training set, without the zeros around.
    """
    fits = round(REFERENCE_VALUES / count_values(patch) * REFERENCE_BATCH)
    varied = round(pixels * BATCH_SHARE / math.prod(patch))
    return max(min(fits, varied), LEAST_BATCH)


def plan_rotation(patch: Size) -> float:
    """Return the largest rotation in degrees: any for a patch that is nearly square."""
    is_square = max(patch) <= SQUARE_RATIO * min(patch)
    return FULL_ROTATION_DEG if is_square else SMALL_ROTATION_DEG


def count_values(patch: Size) -> int:
    """Count the values that the convolutions of the network for a patch put out.

    Each stage of the encoder has CONVOLUTIONS, each of the decoder one more, which doubles the size
    of the feature map; the finest ends in one map for each class.
    """
    features = plan_features(len(plan_strides(patch)))
    pixels = list(_count_pixels(patch))
    encoder = sum(CONVOLUTIONS * maps * area for maps, area in zip(features, pixels, strict=True))
    finer = zip(features[:-1], pixels[:-1], strict=True)
    decoder = sum((CONVOLUTIONS + 1) * maps * area for maps, area in finer)
    return encoder + decoder + CLASSES * pixels[0]


def _count_pixels(patch: Size) -> Iterator[int]:
    """Yield the pixels of a feature map of each stage."""
    area = math.prod(patch)
    for stride in plan_strides(patch):
        area //= math.prod(stride)
        yield area


def _fit_patch(median_size: tuple[float, float]) -> Size:
    """Return the largest patch of which a batch fits into memory, at most the median image."""
    patch = _round_up((min(median_size[0], LARGEST_EDGE), min(median_size[1], LARGEST_EDGE)))
    while count_values(patch) * LEAST_BATCH / REFERENCE_BATCH > REFERENCE_VALUES:
        patch = _round_up(_shorten(patch, median_size))
    return patch


def _shorten(patch: Size, median_size: tuple[float, float]) -> Size:
    """Shorten the edge that is the longest beside the image's, by as little as its stages allow."""
    ratios = [edge / whole for edge, whole in zip(patch, median_size, strict=True)]
    axis = 0 if ratios[0] > ratios[1] else 1
    tried = list(patch)
    tried[axis] -= _divisors(patch)[axis]
    shorter = list(patch)
    shorter[axis] -= _divisors((tried[0], tried[1]))[axis]
    return shorter[0], shorter[1]


def _round_up(size: tuple[float, float]) -> Size:
    """Return the next larger size whose feature maps have whole pixels at every stage."""
    row, column = (
        math.ceil(edge / divisor) * divisor
        for edge, divisor in zip(size, _divisors(size), strict=True)
    )
    return row, column


def _divisors(size: tuple[float, float]) -> Size:
    """Return what each edge of a patch must be a multiple of."""
    row, column = np.prod(plan_strides(size), axis=0).tolist()
    return row, column


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(part) for key, part in value.items()}
    return [_listed(part) for part in value] if isinstance(value, tuple) else value
