"""Segment the patient on a whole-body bone scan, and refuse scans of no whole body (numpy only)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.errors import ScanError

Counts = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

BODY_LENGTH_MM = (1100.0, 2300.0)
"""Head to toes of a patient on the bed, pointed feet included; less is a partial scan."""

MAX_HEAD_WIDTH = 0.20
"""Width above the neck over body height: a head 0.08 to 0.17, arms raised beside it over 0.25."""

MAX_LEG_WIDTH = 0.65
"""Width of the legs over that of the trunk, medians over their rows: 0.36 to 0.56 in whole bodies
(real, and 300 simulated views, some with the arms cut off), 0.7 when cut above the knee, 2 when
upside down."""

MAX_LEG_ROW_WIDTH = 0.85
"""The same for the widest row of the legs: 0.49 to 0.75, and 0.95 when cut below the knee."""

MAX_TILT_DEG = 10.0
"""Tilt of the body's long axis at which the crop loses a rib."""

SECOND_BODY = 0.25
"""Size of a second piece beside the body, over that of the body, from which it is another body."""


@dataclass(frozen=True)
class BodyExtent:
    """A patient's outline and its scale.

    Attributes:
        mask: (row, column) body.
        head_row: first row of the body.
        height_rows: body height in rows.
        height_columns: the same length in columns (pixels need not be square).
        spacing_mm: (row, column) pixel spacing.
        width_px: mask pixels per row, smoothed over 13 mm.
    """

    mask: Mask
    head_row: int
    height_rows: int
    height_columns: float
    spacing_mm: tuple[float, float]
    width_px: NDArray[np.float64]

    def row(self, share: float) -> int:
        """Return the row at a share of the body height below the top of the head."""
        return round(self.head_row + share * self.height_rows)

    def rows(self, first: float, last: float) -> slice:
        """Return the rows between two shares of the body height."""
        return slice(self.row(first), self.row(last) + 1)


def _find_pieces(
    counts: Counts, spacing_mm: tuple[float, float]
) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return the connected pieces brighter than air, numbered from 1, and the size of each."""
    smooth = ndimage.gaussian_filter(
        np.asarray(counts, dtype=np.float64), [4.5 / mm for mm in spacing_mm]
    )
    smooth -= max(float(np.median(smooth)), 0.0)  # lossy files lift the air by a pedestal
    tissue = smooth[smooth > 0.02 * np.percentile(smooth, 99.5)]
    level = 0.12 * np.median(tissue) if tissue.size else np.inf
    pieces, _ = ndimage.label(ndimage.binary_closing(smooth > level, iterations=2))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return pieces, sizes


def find_body(counts: Counts, spacing_mm: tuple[float, float]) -> Mask:
    """Return the largest connected piece that is brighter than the air, whatever it is of a body.

    Args:
        counts: (row, column) counts of one view.
        spacing_mm: (row, column) pixel spacing.
    """
    pieces, sizes = _find_pieces(counts, spacing_mm)
    return np.asarray((pieces == sizes.argmax()) & (pieces > 0))


def find_body_rows(body_mask: Mask) -> tuple[int, int] | None:
    """Return the first and the last row of a body mask (row, column), None if it is empty."""
    rows = np.flatnonzero(body_mask.sum(axis=1) >= 4)  # fewer are a leak or a wire
    return (int(rows[0]), int(rows[-1])) if rows.size else None


def find_air(body_mask: Mask, spacing_mm: tuple[float, float]) -> Mask:
    """Return what is more than 14 mm from the body, (row, column)."""
    return np.asarray(ndimage.distance_transform_edt(~body_mask, sampling=spacing_mm) > 14.0)


def find_noise_level(counts: Counts, air_mask: Mask) -> float:
    """Return the counts that the air reaches: their 99.9th percentile, 0 where there is no air.

    Lin et al. 2020 take the maximum; a leak at the injection site then sets it (29 counts on a scan
    whose air holds 3 to 5) and deletes true low-count tissue.

    Args:
        counts: (row, column) counts of one view.
        air_mask: (row, column) of find_air.
    """
    air = counts[air_mask]
    return float(np.percentile(air, 99.9)) if air.size else 0.0


def measure_body(counts: Counts, spacing_mm: tuple[float, float]) -> BodyExtent:
    """Segment the patient and check that a whole one lies there: head up, straight, arms down.

    The patient is the largest connected piece that is brighter than the air.

    Args:
        counts: (row, column) counts of one view, or of the sum of the mirrored views.
        spacing_mm: (row, column) pixel spacing.

    Raises:
        ScanError: if not, with the reason.
    """
    pieces, sizes = _find_pieces(counts, spacing_mm)
    mask = np.asarray((pieces == sizes.argmax()) & (pieces > 0))
    rows = find_body_rows(mask)
    if rows is None:
        raise _refuse("a body", "no counts that stand out")
    _check_single(pieces, sizes)
    row_mm, column_mm = spacing_mm
    head_row, height_rows = rows[0], rows[1] - rows[0]
    body = BodyExtent(
        mask=mask,
        head_row=head_row,
        height_rows=height_rows,
        height_columns=height_rows * row_mm / column_mm,
        spacing_mm=spacing_mm,
        width_px=ndimage.gaussian_filter1d(mask.sum(axis=1, dtype=np.float64), 13.0 / row_mm),
    )
    _check_length(body)
    _check_tilt(body)
    _check_legs(body)
    _check_head(body)
    return body


def find_runs(line: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the starts and the stops of the runs of True in a line."""
    edges = np.flatnonzero(np.diff(line.astype(np.int8), prepend=0, append=0))
    return edges[::2], edges[1::2]


def _refuse(expected: str, found: str) -> ScanError:
    return ScanError(
        f"scan must show {expected}, got {found}; every system of this bundle reads whole bodies "
        "with the head up and the arms down, so leave this scan out"
    )


def _check_single(pieces: NDArray[np.int32], sizes: NDArray[np.intp]) -> None:
    """Refuse a second large piece that lies beside the body, not above or below it."""
    largest = int(sizes.argmax())
    body_rows = (pieces == largest).any(axis=1)
    for number in np.flatnonzero(sizes >= SECOND_BODY * sizes[largest]):
        rows = (pieces == number).any(axis=1)
        if number != largest and (rows & body_rows).sum() > 0.5 * rows.sum():
            raise _refuse("one body", "two side by side")


def _check_length(body: BodyExtent) -> None:
    length_mm = body.height_rows * body.spacing_mm[0]
    shortest, longest = BODY_LENGTH_MM
    if not shortest <= length_mm <= longest:
        raise _refuse(
            f"a whole body of {shortest:.0f} to {longest:.0f} mm from head to toes",
            f"{length_mm:.0f} mm (a partial scan, a patient lying across, or wrong pixel spacing)",
        )


def _check_tilt(body: BodyExtent) -> None:
    """Refuse a body whose outline's regression line leaves the vertical."""
    rows, columns = np.nonzero(body.mask)
    slope = np.cov(rows * body.spacing_mm[0], columns * body.spacing_mm[1])
    tilt_deg = float(np.degrees(np.arctan2(slope[0, 1], slope[0, 0])))
    if abs(tilt_deg) > MAX_TILT_DEG:
        raise _refuse(
            f"a patient who lies straight (within {MAX_TILT_DEG:.0f} degrees)",
            f"one turned by {tilt_deg:.0f} degrees",
        )


def _check_legs(body: BodyExtent) -> None:
    """Refuse a body whose lower third is no narrower than its trunk."""
    legs = body.width_px[body.rows(0.65, 0.95)]
    trunk = float(np.median(body.width_px[body.rows(0.20, 0.45)]))
    usual, widest = float(np.median(legs)) / trunk, float(legs.max()) / trunk
    if usual > MAX_LEG_WIDTH or widest > MAX_LEG_ROW_WIDTH:
        raise _refuse(
            "a whole body with the head up and the legs below",
            f"legs {usual:.2f} times as wide as the trunk, {widest:.2f} where they are widest, "
            f"more than {MAX_LEG_WIDTH} or {MAX_LEG_ROW_WIDTH} (a scan without legs, upside down, "
            "or of a trunk that is cut at both sides)",
        )


def _check_head(body: BodyExtent) -> None:
    """Refuse a body that is wide where only a head should be."""
    _, columns = np.nonzero(body.mask[body.rows(0.01, 0.08)])
    share = float(columns.max() - columns.min() + 1) / body.height_columns
    if share > MAX_HEAD_WIDTH:
        raise _refuse(
            "the head alone above the shoulders",
            f"{share:.2f} of the body height in width there (arms above the head, or no head)",
        )
