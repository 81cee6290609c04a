"""Bones on a scan whose bones nobody knows: laid over it from simulated scans that look like it.

The simulated views most like the scan are warped onto it (optical flow), and a pixel belongs to a
bone where most of them say so. How far measures that rest on this differ from those that rest on
the true bones is measured by treating simulated patients as if their bones were unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.registration import optical_flow_ilk

from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from bonescan.labels import REGIONS, SIDES
from bonescan.phantom.patient import SimulatedPatient, SimulatedView
from bonescan.phantom.presets import SITES
from bonescan.phantom.realism.picture import Frame, Image, body_mask, find_frame
from bonescan.phantom.realism.regions import Regions

SHAPE = (256, 104)
BODY_ROWS = 240
"""The grid on which scans are compared: a body is this high, whoever it is; 7 mm a pixel."""
SMOOTHING_PX = 1.0
BRIGHTEST = 0.97
"""Quantile of the body's pixels above which all look alike: the bladder must not steer the rest."""
REACH_PX = 7
"""Radius over which the flow is even: 50 mm."""
STEPS = 12
CANDIDATES, VOTERS = 6, 5
"""Views that are warped, of these that vote."""
NEEDED = (
    "skull",
    "manubrium",
    "sternum",
    "sacrum",
    *(name for part in ("thoracic", "lumbar") for name in SITES[f"{part}_spine"]),
    *(f"{name}_{side}" for name in ("ribs", "pelvis", "femur") for side in SIDES),
)
"""Bones without which nothing can be measured."""


@dataclass(frozen=True)
class Example:
    """A view whose bones are known, on the grid of comparison."""

    looks: NDArray[np.float64]
    frame: Frame
    regions: NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """Views whose bones are known, of each patient by view."""

    patients: tuple[SimulatedPatient, ...]
    looks: tuple[Mapping[View, Example], ...]

    @classmethod
    def of(cls, patients: Sequence[SimulatedPatient]) -> "Examples":
        """Return the views of simulated patients as examples."""
        looks = [
            {
                view: Example(*_look(image.counts, patient.camera.pixel_mm), image.regions)
                for view, image in patient.views.items()
            }
            for patient in patients
        ]
        return cls(tuple(patients), tuple(looks))

    def without(self, patient: SimulatedPatient) -> "Examples":
        """Return all examples but those of one patient."""
        kept = [index for index, one in enumerate(self.patients) if one is not patient]
        return Examples(
            tuple(self.patients[index] for index in kept),
            tuple(self.looks[index] for index in kept),
        )

    def views(self, view: View) -> list[Example]:
        """Return the examples of one view."""
        return [looks[view] for looks in self.looks if view in looks]


def find_bones(counts: Image, view: View, pixel_mm: float, examples: Examples) -> Regions:
    """Return a view with its bones as far as examples tell them.

    Args:
        counts: of the view (row, column), in acquisition geometry.
        view: its side.
        pixel_mm: its pixel size.
        examples: at least VOTERS of that side.

    Raises:
        ScanError: if one of NEEDED is not found.
    """
    looks, frame = _look(counts, pixel_mm)
    near = sorted(examples.views(view), key=lambda example: -_likeness(looks, example.looks))[
        :CANDIDATES
    ]
    warped = [_warp(looks, example) for example in near]
    best = sorted(range(len(near)), key=lambda index: -warped[index][0])[:VOTERS]
    maps = [_carry(counts.shape, frame, near[index], warped[index][1]) for index in best]
    empty = np.zeros(counts.shape, np.uint16)
    image = SimulatedView(
        counts.astype(np.uint16), empty.astype(np.uint8), empty, empty, _vote(maps)
    )
    regions = Regions(view, image, pixel_mm)
    missing = [name for name in NEEDED if not regions.bones(name).any()]
    if missing:
        raise ScanError(f"{view} view must show bones as simulated ones do, found no {missing[0]}")
    return regions


def _look(counts: Image, pixel_mm: float) -> tuple[NDArray[np.float64], Frame]:
    """Return a view on the grid of comparison, from 0 (air) to 1 (BRIGHTEST), and its frame."""
    frame = find_frame(body_mask(counts, pixel_mm))
    smooth = ndimage.gaussian_filter(counts.astype(float), 2.0)
    standard = ndimage.map_coordinates(smooth, _places(np.indices(SHAPE), frame), order=1)
    root = np.sqrt(ndimage.gaussian_filter(standard, SMOOTHING_PX))
    limit = np.quantile(root[root > 0.2 * root.max()], BRIGHTEST)
    return np.minimum(root / limit, 1), frame


def _places(grid: NDArray[np.number], frame: Frame) -> NDArray[np.float64]:
    """Return where points (row, column) of the grid of comparison lie in a view."""
    step = frame.height / BODY_ROWS
    top, left = (SHAPE[0] - BODY_ROWS) / 2, SHAPE[1] / 2
    return np.stack(
        [
            frame.head_row + (grid[0] - top) * step,
            frame.midline_column + (grid[1] - left) * step,
        ]
    )


def _likeness(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def _warp(looks: NDArray[np.float64], example: Example) -> tuple[float, NDArray[np.float64]]:
    """Return how alike an example becomes, and where in it each point of the grid is found."""
    flow = optical_flow_ilk(looks, example.looks, radius=REACH_PX, num_warp=STEPS, gaussian=True)
    places = np.indices(SHAPE) + flow
    moved = ndimage.map_coordinates(example.looks, places, order=1, mode="nearest")
    return _likeness(looks, moved), places


def _carry(
    shape: tuple[int, ...], frame: Frame, example: Example, places: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return an example's bones on a view's own pixels."""
    step = frame.height / BODY_ROWS
    rows, columns = np.indices(shape)
    row = (rows - frame.head_row) / step + (SHAPE[0] - BODY_ROWS) / 2
    column = (columns - frame.midline_column) / step + SHAPE[1] / 2
    fine = [ndimage.map_coordinates(part, [row, column], order=1, cval=-1e4) for part in places]
    index = np.rint(_places(np.stack(fine), example.frame)).astype(int)
    inside = np.all(
        [
            (part >= 0) & (part < size)
            for part, size in zip(index, example.regions.shape, strict=True)
        ],
        axis=0,
    )
    clipped = [np.where(inside, part, 0) for part in index]
    return np.where(inside, example.regions[tuple(clipped)], 0)


def _vote(maps: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the bits that most maps have; of a bone on which none agree, those of the first."""
    result = np.zeros_like(maps[0])
    for bit in range(len(REGIONS)):
        votes = np.sum([(one >> bit) & 1 for one in maps], axis=0)
        agreed = votes > len(maps) / 2
        bone = agreed if agreed.any() else ((maps[0] >> bit) & 1) != 0
        result |= np.where(bone, np.int64(1) << bit, 0)
    return result
