"""Train the content check of images on simulated scans, and write its weights into the package.

Takes about 10 minutes. Train it again whenever the simulator has changed, and then measure it anew
with `python scripts/measure_content_check.py`.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.neural_network import MLPClassifier
from tqdm import tqdm

from bonescan.commands.command import HelpFormatter
from bonescan.commands.reporting import run_reported
from bonescan.dicom import content
from bonescan.dicom.scan import View
from bonescan.files import write_whole
from bonescan.phantom.patient import simulate_patient
from bonescan.phantom.presets import find_preset
from bonescan.workflow.run_record import git_revision

Array = NDArray[np.float64]

COHORTS = (("default", 8001, 200), ("lin2020", 8003, 100), ("chen2023", 8004, 100))
"""Preset, seed and number of patients; `measure_content_check.py` has others."""
COPIES = 20
"""Varied images of each view."""
UNITS = 16
DECAY = 0.05
"""Weight decay: more of it leaves more images undecided, less of it trusts single cells."""
OTHER = len(View)
"""Class of what is no upright view."""
STEP = 2
"""Pixels that are summed along both axes before anything is varied."""
CELL_MM = (6.8, 9.0)
"""Size of the cells of a varied image: what `bonescan.dicom.content` makes of 1.1 to 2.5 mm."""


@dataclass(frozen=True)
class SimulatedImage:
    """A view without its patient: counts on pixels of `pixel_mm`, and its class."""

    counts: Array
    pixel_mm: float
    view: int


def simulate_images(preset: str, seed: int, patients: int) -> Iterator[SimulatedImage]:
    """Simulate the views of a cohort."""
    for number in tqdm(range(1, patients + 1), desc=f"Simulate {preset}", unit="patient"):
        patient = simulate_patient(find_preset(preset), seed=seed, number=number)
        for view, image in patient.views.items():
            rows, columns = image.counts.shape
            blocks = image.counts.reshape(rows // STEP, STEP, columns // STEP, STEP)
            yield SimulatedImage(
                blocks.sum(axis=(1, 3), dtype=np.float64),
                patient.camera.pixel_mm * STEP,
                tuple(View).index(view),
            )


def vary(image: SimulatedImage, rng: np.random.Generator) -> tuple[Array, float]:
    """Return another patient by another camera: shape, levels, hot spots, noise, field of view.

    Levels of regions, contrast and shape vary far beyond the simulator's own ranges, so that the
    network relies on none of them.

    Returns:
        Counts (row, column), and the size of their square pixels in mm.
    """
    cell_mm = rng.uniform(*CELL_MM)
    counts = _deform(image, cell_mm, rng)
    counts *= np.exp(_smooth_noise(counts.shape, rng, 64.0 / cell_mm) * rng.uniform(0.0, 0.35))
    mean = counts.mean()
    counts = mean * (counts / mean) ** rng.uniform(0.7, 1.4)
    counts += rng.uniform(0.0, 0.5) * ndimage.gaussian_filter(counts, 64.0 / cell_mm)
    _add_spots(counts, rng, rng.poisson(2))
    if rng.random() < 0.2:
        counts = np.minimum(counts, np.percentile(counts, rng.uniform(96.0, 99.8)))
    total = 10.0 ** rng.uniform(4.7, 6.5)
    counts = rng.poisson(counts * (total / counts.sum())).astype(np.float64)
    _crop(counts, rng, cell_mm)
    if rng.random() < 0.15:
        counts += rng.uniform(0.0, 0.3) * counts.mean()  # a pedestal, as lossy files have it
    return counts, cell_mm


def _smooth_noise(shape: tuple[int, ...], rng: np.random.Generator, sigma_px: float) -> Array:
    """Return smooth noise of standard deviation one."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), sigma_px, mode="nearest")
    return np.asarray(noise / noise.std())


def _deform(image: SimulatedImage, cell_mm: float, rng: np.random.Generator) -> Array:
    """Blur, turn, scale, shear and bend an image onto cells of another size."""
    step = cell_mm / image.pixel_mm
    blurred = ndimage.gaussian_filter(image.counts, rng.uniform(0.3, 1.1) * step)
    shape = tuple(round(size / step) for size in image.counts.shape)
    down, across = (axis - axis.mean() for axis in np.indices(shape).astype(np.float64))
    angle = np.radians(rng.normal(0.0, 2.5))
    rows = rng.normal(1.0, 0.06) * (down * np.cos(angle) - across * np.sin(angle))
    columns = rng.normal(1.0, 0.08) * (down * np.sin(angle) + across * np.cos(angle))
    bend = rng.uniform(0.0, 15.0) / cell_mm
    rows += bend * _smooth_noise(shape, rng, 80.0 / cell_mm)
    columns += bend * _smooth_noise(shape, rng, 80.0 / cell_mm) + rng.normal(0.0, 0.01) * down
    places = [
        place * step + (size - 1) / 2
        for place, size in zip((rows, columns), blurred.shape, strict=True)
    ]
    return np.maximum(ndimage.map_coordinates(blurred, places, order=1), 1e-9)


def _add_spots(counts: Array, rng: np.random.Generator, number: int) -> None:
    """Add hot spots: lesions in the body, at times one at the site of injection or on the table."""
    mean = counts.mean()
    row, column = np.indices(counts.shape)
    for outside in [False] * number + [True] * (rng.random() < 0.15):
        at_row, at_column = rng.integers(counts.shape[0]), rng.integers(counts.shape[1])
        if outside or counts[at_row, at_column] > 0.3 * mean:
            distance = np.hypot(row - at_row, column - at_column) / rng.uniform(0.5, 1.8)
            counts += rng.uniform(1.0, 10.0) * mean * np.exp(-(distance**2) / 2)


def _crop(counts: Array, rng: np.random.Generator, cell_mm: float) -> None:
    """Lose the feet, the top of the head, or the arms, in some images."""
    rows = np.flatnonzero(counts.sum(axis=1) > 0.02 * counts.sum(axis=1).max())
    first, length = rows[0], rows[-1] - rows[0]
    if rng.random() < 0.3:
        counts[first + round(rng.uniform(0.7, 1.0) * length) :] = 0
    if rng.random() < 0.15:
        counts[: first + round(rng.uniform(0.0, 0.12) * length)] = 0
    if rng.random() < 0.3:
        middle = counts.sum(axis=0) @ np.arange(counts.shape[1]) / counts.sum()
        half = rng.uniform(150.0, 260.0) / cell_mm
        counts[:, : max(round(middle - half), 0)] = 0
        counts[:, round(middle + half) + 1 :] = 0


def make_other(rng: np.random.Generator, bodies: Array) -> Array:
    """Return an image of no body (row, column): a box, a ramp, clouds, discs, an outline, parts."""
    shape = int(rng.integers(110, 260)), int(rng.integers(40, 90))
    row, column = np.indices(shape).astype(np.float64)
    body = bodies[rng.integers(len(bodies))]
    match rng.integers(6):
        case 0:
            image = ((row > row.max() * rng.uniform(0, 0.3)) & (column > 8)).astype(np.float64)
        case 1:
            image = rng.uniform(0, 3) * row + rng.uniform(0, 3) * column + rng.uniform(0, 100)
            image[:3] = 0
        case 2:
            image = np.exp(rng.uniform(0.5, 2) * _smooth_noise(row.shape, rng, rng.uniform(1, 12)))
        case 3:
            image = _draw_discs(row, column, rng)
        case 4:
            image = _enlarge(body > 0.1 * body.mean())
        case _:
            parts = np.array_split(body, rng.integers(3, 7))
            order = rng.permutation(len(parts))
            order = order if (np.diff(order) != 1).any() else order[::-1]
            image = _enlarge(np.concatenate([parts[number] for number in order]))
    level = 10.0 ** rng.uniform(0.0, 2.5) / max(image.mean(), 1e-9)
    return rng.poisson(image * level).astype(np.float64)


def _draw_discs(row: Array, column: Array, rng: np.random.Generator) -> Array:
    image = np.zeros(row.shape)
    for _ in range(rng.integers(1, 9)):
        down, across = (axis - rng.uniform(0, axis.max()) for axis in (row, column))
        radii = rng.uniform(3, row.max() / 2), rng.uniform(3, column.max() / 3)
        image += rng.uniform(0.2, 3) * (np.hypot(down / radii[0], across / radii[1]) < 1)
    return ndimage.gaussian_filter(image, rng.uniform(0, 2)) + 1e-3


def _enlarge(grid: NDArray[Any]) -> Array:
    """Return cells of a grid as an image with air around it, about as large as a body."""
    return np.pad(np.kron(grid.astype(np.float64), np.ones((3, 2))), ((6, 6), (4, 4)))


def make_examples(
    images: list[SimulatedImage], rng: np.random.Generator
) -> tuple[Array, NDArray[np.intp]]:
    """Make the inputs (example, cell) and classes: views, the same upside down, and others."""
    grids: list[Array] = []
    classes: list[int] = []
    for image in tqdm(images, desc="Vary", unit="view"):
        for _ in range(COPIES):
            counts, cell_mm = vary(image, rng)
            grid = content.lay_on_grid(counts, (cell_mm, cell_mm))
            if grid is not None:
                grids.append(grid)
                classes.append(image.view)
    bodies = np.stack(grids)
    others: list[Array] = []
    while len(others) < len(grids) // 2:
        grid = content.lay_on_grid(make_other(rng, bodies), (8.0, 8.0))
        if grid is not None:
            others.append(content.find_contrast(grid))
    views = np.stack([content.find_contrast(grid) for grid in bodies])
    mirrored = rng.random(len(views)) < 0.5
    views[mirrored] = views[mirrored, :, ::-1]
    inputs = np.concatenate([views, views[:, ::-1], others])
    return inputs.reshape(len(inputs), -1), np.array(classes + [OTHER] * (len(views) + len(others)))


def fit(inputs: Array, classes: NDArray[np.intp]) -> dict[str, NDArray[np.float16]]:
    """Fit the network; return its arrays by the names of `bonescan.dicom.content.Weights`."""
    network = MLPClassifier(
        (UNITS,), alpha=DECAY, batch_size=128, early_stopping=True, n_iter_no_change=8, max_iter=80,
        random_state=0,
    )  # fmt: skip
    network.fit(inputs.astype(np.float32), classes)
    names = ("hidden", "output", "hidden_bias", "output_bias")
    arrays = (*network.coefs_, *network.intercepts_)
    return {name: array.astype(np.float16) for name, array in zip(names, arrays, strict=True)}


def describe(examples: int) -> dict[str, Any]:
    """Return the record of a training."""
    cohorts = [dict(zip(("preset", "seed", "patients"), one, strict=True)) for one in COHORTS]
    return {
        "made_by": "python scripts/train_content_check.py",
        "revision": git_revision(Path(__file__).parents[1]),
        "date": datetime.now(UTC).date().isoformat(),
        "simulated": True,
        "cohorts": cohorts,
        "patients": sum(patients for _, _, patients in COHORTS),
        "examples": examples,
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
    }


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="weights to write",
        default=Path(content.__file__).with_name(content.WEIGHTS),
    )  # fmt: skip
    return parser


def train(chosen: argparse.Namespace) -> int:
    """Simulate, train and write the weights."""
    rng = np.random.default_rng(COHORTS[0][1])
    images = [image for cohort in COHORTS for image in simulate_images(*cohort)]
    inputs, classes = make_examples(images, rng)
    arrays: dict[str, Any] = {**fit(inputs, classes), "record": json.dumps(describe(len(inputs)))}
    write_whole(chosen.output, lambda path: np.savez_compressed(path, **arrays))
    print(f"{len(inputs)} examples of {len(images)} simulated views; weights in {chosen.output}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_reported(partial(train, make_parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
