"""How evenly a detector counts: photomultipliers, their faults, edges and dead strips.

A whole-body scan carries every part of the patient across the whole length of the detector. What is
uneven along that length averages out; what is uneven across it stays, as stripes along the columns.
Everything here is a factor on the expected counts.
"""

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.phantom.cameras import CameraPreset

FIELD_LENGTH_MM = 390.0
"""Detector along the bed: 387 mm by 533 mm on Siemens cameras, 400 mm by 540 mm on those of GE."""
TUBE_PITCH_MM = 76.0
"""Photomultipliers of three inches in a hexagonal lattice: some 50 to a detector."""
TUBE_SIGMA = 0.35
"""Standard deviation of one tube's light, over the pitch: half as bright at 0.4 of the pitch."""
SAMPLE_MM = 6.5
"""Along the bed the response is computed in the pixels of 6.4 mm in which NEMA NU 1 measures it."""

INTEGRAL_UNIFORMITY = (0.02, 0.04)
"""(max - min) / (max + min) of a flood image that is corrected: specified as less than 5 %; that
most cameras keep to this range is a default of ours."""
OFF_PEAK_UNIFORMITY = (0.08, 0.16)
"""The same where the energy window has left the peak and tubes show. Without any correction it is
25 %; a default of ours."""
SHARED_TUBE_ERROR = 0.5
"""Size of the error that all tubes have in common over that of their own: a default of ours."""
OFF_PEAK_LOSS = (0.05, 0.35)
"""Share of the counts that an off-peak detector loses. One is published, whose view was faint all
over (J Nucl Med Technol 2003;31:165); the range is a default of ours."""
EDGE_PACKING = (-0.02, 0.06)
EDGE_MM = 9.0
"""What correction leaves of the bright rim of the crystal, and how far it reaches: defaults of
ours."""

PHOTOMULTIPLIER_LOSS = (0.3, 1.0)
"""Share of its light that a faulty photomultiplier has lost; 1 is a dead one."""
DEAD_STRIP_MM = (2.0, 9.0)
DEAD_STRIP_GAIN = (0.0, 0.6)
"""Breadth of a strip that lost counts, and what it still counts: defaults of ours."""
FAULT_SHARE = {"photomultiplier fault": 0.008, "off-peak detector": 0.006, "dead strip": 0.008}
"""Share of scans in which one of the two detectors has the fault. A department looks at a flood
image each day, so they are rare; defaults of ours."""


@dataclass(frozen=True)
class Tubes:
    """The photomultipliers of one detector.

    Attributes:
        along: light of each tube at each place along the bed, (tube, sample).
        across: light of each tube at each column, (tube, column).
    """

    along: NDArray[np.float64]
    across: NDArray[np.float64]

    def flood(self, errors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what errors of the tubes do to a flood image, (sample along the bed, column)."""
        return (self.along * errors[:, None]).T @ self.across


def place_tubes(columns: int, pixel_mm: float) -> Tubes:
    """Return the lattice of tubes behind a detector that covers a number of columns."""
    pitch, row_pitch = TUBE_PITCH_MM, TUBE_PITCH_MM * np.sqrt(3) / 2
    centres = [
        (row * row_pitch, (column + 0.5 * (row % 2)) * pitch)
        for row in range(int(FIELD_LENGTH_MM / row_pitch) + 1)
        for column in range(int(columns * pixel_mm / pitch) + 2)
    ]
    row_mm, column_mm = np.array(centres).T
    column_mm = column_mm - column_mm.mean() + columns * pixel_mm / 2
    row_mm = row_mm - row_mm.mean() + FIELD_LENGTH_MM / 2
    samples_mm = np.arange(SAMPLE_MM / 2, FIELD_LENGTH_MM, SAMPLE_MM)
    columns_mm = (np.arange(columns) + 0.5) * pixel_mm
    return Tubes(_light(samples_mm, row_mm), _light(columns_mm, column_mm))


def _light(place_mm: NDArray[np.floating], tube_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    away = (place_mm - tube_mm[:, None]) / (TUBE_SIGMA * TUBE_PITCH_MM)
    return np.exp(-0.5 * away**2)


def draw_flood(
    tubes: Tubes, uniformity: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a flood image (sample along the bed, column) around 1 of a drawn uniformity."""
    errors = rng.normal(SHARED_TUBE_ERROR * rng.normal(), 1.0, len(tubes.along))
    pattern = tubes.flood(errors)
    pattern -= pattern.mean()
    return 1 + pattern * (2 * rng.uniform(*uniformity) / (pattern.max() - pattern.min()))


@lru_cache(maxsize=16)
def column_gains(
    camera: CameraPreset, view: View, *, unit: int, columns: int
) -> NDArray[np.float32]:
    """Return the gain of each column of the grid of one detector without a fault.

    It belongs to the camera: every scan of one unit has the same, so it is kept for the next.

    Args:
        camera: the model.
        view: which of its two detectors.
        unit: which camera of that model; a cohort has one of each.
        columns: of the grid.
    """
    model = crc32(f"{camera.model} {view}".encode())
    rng = np.random.default_rng([unit, model])
    size = _breadth(camera)
    flood = draw_flood(place_tubes(size, camera.pixel_mm), INTEGRAL_UNIFORMITY, rng)
    rim_mm = (np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5) * camera.pixel_mm
    rim = rng.uniform(*EDGE_PACKING) * np.exp(-rim_mm / EDGE_MM)
    gains = _on_grid(camera, flood.mean(axis=0) + rim, columns)
    gains.flags.writeable = False
    return gains


def _breadth(camera: CameraPreset) -> int:
    return camera.last_column - camera.first_column + 1


def _on_grid(camera: CameraPreset, gains: NDArray[np.float64], columns: int) -> NDArray[np.float32]:
    whole = np.ones(columns, np.float32)
    whole[camera.first_column : camera.last_column + 1] = gains
    return whole


@dataclass(frozen=True)
class DetectorFault:
    """A fault of one detector.

    Attributes:
        name: of the fault.
        view: of the detector that has it.
        gains: of each column over a sound detector's, (column,).
    """

    name: str
    view: View
    gains: NDArray[np.float32]


def draw_fault(
    camera: CameraPreset, columns: int, rng: np.random.Generator
) -> DetectorFault | None:
    """Draw a fault of one of both detectors; mostly None.

    Args:
        camera: the model.
        columns: of the grid.
        rng: source of all randomness.
    """
    name = draw_by_share(FAULT_SHARE, rng)
    if name is None:
        return None
    view = tuple(View)[rng.integers(2)]
    make = {
        "photomultiplier fault": _weak_photomultiplier,
        "off-peak detector": _off_peak,
        "dead strip": _dead_strip,
    }[name]
    gains = make(_breadth(camera), camera.pixel_mm, rng)
    return DetectorFault(name, view, _on_grid(camera, gains, columns))


def draw_by_share(shares: dict[str, float], rng: np.random.Generator) -> str | None:
    """Draw at most one of the names, each with its share."""
    drawn = rng.random()
    for name, share in shares.items():
        drawn -= share
        if drawn < 0:
            return name
    return None


def _weak_photomultiplier(
    columns: int, pixel_mm: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return gains with a hollow as wide as a tube: it is one of six along the bed."""
    tubes = place_tubes(columns, pixel_mm)
    seen = np.flatnonzero(tubes.across.max(axis=1) > 0.9)
    errors = np.zeros(len(tubes.along))
    errors[rng.choice(seen)] = rng.uniform(*PHOTOMULTIPLIER_LOSS)
    return 1 - tubes.flood(errors).mean(axis=0)


def _off_peak(columns: int, pixel_mm: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return gains of a detector whose energy window has left the peak."""
    flood = draw_flood(place_tubes(columns, pixel_mm), OFF_PEAK_UNIFORMITY, rng)
    return (1 - rng.uniform(*OFF_PEAK_LOSS)) * flood.mean(axis=0)


def _dead_strip(columns: int, pixel_mm: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return gains with a few columns that lost counts along the whole scan."""
    gains = np.ones(columns)
    breadth = max(1, round(rng.uniform(*DEAD_STRIP_MM) / pixel_mm))
    first = rng.integers(columns - breadth)
    gains[first : first + breadth] = rng.uniform(*DEAD_STRIP_GAIN)
    return gains
