"""The bed: what it puts between the patient and the posterior detector, and how evenly it moves."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bonescan.phantom.anatomy.voxels import Body
from bonescan.phantom.cameras import CameraPreset
from bonescan.phantom.imaging.uniformity import FIELD_LENGTH_MM, draw_by_share

TABLE_BREADTH_MM = (380.0, 460.0)
"""Breadth of the table; arms lie on supports beside it."""
BESIDE_TABLE = (1.0, 1.1)
"""Transmission beside the table over that through it: its mattress reaches farther than it does.
Both are defaults of ours."""
HEAD_REST_SHARE, HEAD_REST = 0.8, (0.85, 0.97)
KNEE_CUSHION_SHARE, KNEE_CUSHION = 0.6, (0.9, 0.98)
"""Share of scans with a pillow or head rest and with a cushion below the knees, and what passes
them: 2 to 10 mm of water. Defaults of ours."""
HEAD_REST_BREADTH_MM = 260.0
KNEE_CUSHION_MM = (200.0, 460.0)
"""Size of the cushion: along and across the bed."""
EDGE_MM = 8.0
"""Foam is rounded, and the camera blurs its edge: standard deviation of a step."""

SPEED_STEP = (0.05, 0.25)
"""Change of the bed's speed, up or down, over the speed."""
STALL = (0.04, 0.3)
"""Time that the bed stood still over that in which it passes the detector."""
ZIPPER_MM = (2.0, 8.0)
ZIPPER_GAIN = (1.25, 1.8)
"""Length of the joint where a scan that was stopped goes on, and how much more it counts; as often
it leaves a gap, with as much less."""
FAULT_SHARE = {"speed step": 0.008, "bed stall": 0.008, "zipper": 0.012}
"""Share of scans. With the sizes above, defaults of ours."""

Gains = NDArray[np.float64]


def posterior_transmission(
    body: Body, camera: CameraPreset, rng: np.random.Generator, *, unit: int
) -> NDArray[np.float32]:
    """Return what of the posterior counts passes table and pillows, (row, column).

    Over what passes the middle of the table. The table belongs to the unit of the camera, pillows
    to the patient.

    Args:
        body: who lies on them, and where.
        camera: the model.
        rng: draws the pillows.
        unit: which camera of that model; a cohort has one of each.
    """
    rows, _, columns = body.shape
    row_mm, column_mm = (np.arange(size) * camera.pixel_mm for size in (rows, columns))
    passed = np.broadcast_to(_table(camera, column_mm, unit), (rows, columns)).copy()
    neck_mm, middle_mm = (camera.pixel_mm * place for place in body.points["c4_centre"][::2])
    if rng.random() < HEAD_REST_SHARE:
        across = _within(column_mm - middle_mm, HEAD_REST_BREADTH_MM)
        _lay(passed, _rounded(neck_mm - row_mm), across, rng.uniform(*HEAD_REST))
    knee_mm = camera.pixel_mm * body.points["knee_right"][0]
    if rng.random() < KNEE_CUSHION_SHARE:
        length_mm, breadth_mm = KNEE_CUSHION_MM
        along = _within(row_mm - knee_mm, length_mm)
        _lay(passed, along, _within(column_mm - middle_mm, breadth_mm), rng.uniform(*KNEE_CUSHION))
    return passed


def _table(camera: CameraPreset, column_mm: NDArray[np.floating], unit: int) -> NDArray[np.float32]:
    """Return the transmission of the table at each column; it is the same in every scan."""
    rng = np.random.default_rng([unit, crc32(f"{camera.model} table".encode())])
    middle_mm = (camera.first_column + camera.last_column) / 2 * camera.pixel_mm
    on_table = _within(column_mm - middle_mm, rng.uniform(*TABLE_BREADTH_MM))
    return (1 + (rng.uniform(*BESIDE_TABLE) - 1) * (1 - on_table)).astype(np.float32)


def _lay(
    passed: NDArray[np.float32],
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    transmission: float,
) -> None:
    """Lay a cushion below the patient, whose thickness along and across the bed is 0..1."""
    rows = np.flatnonzero(along > 1e-3)
    part = passed[rows[0] : rows[-1] + 1]
    part *= 1 - (1 - transmission) * np.outer(along[rows], across).astype(np.float32)


def _within(from_middle_mm: NDArray[np.floating], breadth_mm: float) -> NDArray[np.float64]:
    return _rounded(breadth_mm / 2 - np.abs(from_middle_mm))


def _rounded(inside_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    return ndtr(inside_mm / EDGE_MM)


@dataclass(frozen=True)
class BedFault:
    """A fault of the bed's motion, the same in both views.

    Attributes:
        name: of the fault.
        gains: time in front of the detector of each row, over that of an even scan, (row,).
    """

    name: str
    gains: NDArray[np.float32]


def draw_bed_fault(
    rows: int, first_row: int, last_row: int, pixel_mm: float, rng: np.random.Generator
) -> BedFault | None:
    """Draw a fault of the bed's motion; mostly None.

    Args:
        rows: of the grid.
        first_row: first scanned row.
        last_row: last scanned row.
        pixel_mm: size of a row.
        rng: source of all randomness.
    """
    name = draw_by_share(FAULT_SHARE, rng)
    if name is None:
        return None
    make = {"speed step": _speed_step, "bed stall": _stall, "zipper": _zipper}[name]
    # Away from the ends of the scan, where nobody lies.
    row = rng.uniform(0.1 * last_row + 0.9 * first_row, 0.9 * last_row + 0.1 * first_row)
    gains = make((np.arange(rows) - row) * pixel_mm, rng)
    return BedFault(name, (gains / gains[first_row : last_row + 1].mean()).astype(np.float32))


def time_after(from_event_mm: NDArray[np.floating], length_mm: float) -> NDArray[np.float64]:
    """Return the share of its time under the detector that each row has after an event.

    The detector counts all rows in front of it at once. Those that lie there at the event are seen
    before and after it.

    Args:
        from_event_mm: rows from the middle of the detector at the event, towards the feet.
        length_mm: of the part of the detector that counts; 0 sees one row at a time.
    """
    return np.clip(0.5 + from_event_mm / max(length_mm, 1e-6), 0, 1)


def _speed_step(from_event_mm: NDArray[np.floating], rng: np.random.Generator) -> Gains:
    change = rng.uniform(*SPEED_STEP) * rng.choice((-1, 1))
    return 1 + change * time_after(from_event_mm, FIELD_LENGTH_MM)


def _stall(from_event_mm: NDArray[np.floating], rng: np.random.Generator) -> Gains:
    """Return gains that rise by steps: every row in front of the standing detector counts more."""
    return 1 + rng.uniform(*STALL) * (np.abs(from_event_mm) < FIELD_LENGTH_MM / 2)


def _zipper(from_event_mm: NDArray[np.floating], rng: np.random.Generator) -> Gains:
    joint = np.abs(from_event_mm) < rng.uniform(*ZIPPER_MM) / 2
    gain = rng.uniform(*ZIPPER_GAIN) ** rng.choice((-1, 1))
    return np.where(joint, gain, 1.0)
