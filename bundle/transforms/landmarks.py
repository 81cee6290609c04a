"""Find the body and the thorax on a whole-body bone scan (numpy only).

Lin et al. 2020 (PLoS ONE 15(12):e0243253, "Thorax cropping") read shoulders and legs off the peaks
and valleys of the row-wise pixel counts and take the upper three fifths of the trunk, "spine to
pelvis 3 : 2". That text fixes the idea, not the numbers: on real scans the "third valley" lies
below the hip. The windows below, in shares of the body height, are ours; each gives its reason.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from bundle.dicom.errors import ScanError

Counts = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

ADVICE = "; turn the thorax crop off to use the whole scan"


@dataclass(frozen=True)
class ThoraxLandmarks:
    """Places on a whole-body scan, in rows and columns of the image searched.

    Rows and columns that start a range belong to it, those that end it do not.

    Attributes:
        head_row: first row of the body.
        foot_row: last row of the body.
        neck_row: narrowest row between head and shoulders.
        shoulder_row: row where the shoulders start: first row of the thorax.
        leg_row: row where the legs part.
        midline_column: column with as many counts of the trunk on its left as on its right.
        row_start: first row of the thorax.
        row_stop: row after the last one of the thorax.
        column_start: first column of the thorax.
        column_stop: column after the last one of the thorax.
    """

    head_row: int
    foot_row: int
    neck_row: int
    shoulder_row: int
    leg_row: int
    midline_column: int
    row_start: int
    row_stop: int
    column_start: int
    column_stop: int

    def as_meta(self) -> dict[str, int]:
        """Return the landmarks as plain integers, which a data loader can collate."""
        return asdict(self)


@dataclass(frozen=True)
class _Body:
    """What the search reads from: the body mask and its scale.

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


def find_body(counts: Counts, spacing_mm: tuple[float, float]) -> Mask:
    """Segment the patient: the largest connected piece that is brighter than the air.

    Args:
        counts: (row, column) counts of one view, or of the sum of the mirrored views.
        spacing_mm: (row, column) pixel spacing.

    Returns:
        (row, column) mask; all False where there are no counts.
    """
    smooth = ndimage.gaussian_filter(
        np.asarray(counts, dtype=np.float64), [4.5 / mm for mm in spacing_mm]
    )
    smooth -= max(float(np.median(smooth)), 0.0)  # lossy files lift the air by a pedestal
    tissue = smooth[smooth > 0.02 * np.percentile(smooth, 99.5)]
    if tissue.size == 0:
        return np.zeros(smooth.shape, dtype=bool)
    mask = smooth > 0.12 * np.median(tissue)
    return _largest_piece(ndimage.binary_closing(mask, iterations=2))


def _largest_piece(mask: Mask) -> Mask:
    pieces, number = ndimage.label(mask)
    if number == 0:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == sizes.argmax())


def find_noise_level(counts: Counts, body_mask: Mask, spacing_mm: tuple[float, float]) -> float:
    """Return the counts that the air reaches: the 99.9th percentile outside the body.

    Lin et al. 2020 take the maximum; a leak at the injection site then sets it (29 counts on a scan
    whose air holds 3 to 5) and deletes true low-count tissue.

    Args:
        counts: (row, column) counts of one view.
        body_mask: (row, column) body; 14 mm around it are not counted as air.
        spacing_mm: (row, column) pixel spacing.
    """
    distance_mm = ndimage.distance_transform_edt(~body_mask, sampling=spacing_mm)
    air = counts[distance_mm > 14.0]
    return float(np.percentile(air, 99.9)) if air.size else 0.0


def find_thorax(counts: Counts, spacing_mm: tuple[float, float]) -> ThoraxLandmarks:
    """Find the thorax on a whole-body scan of a patient who lies straight, arms at the sides.

    Args:
        counts: (row, column) counts of one view, or of the sum of the mirrored views.
        spacing_mm: (row, column) pixel spacing.

    Raises:
        ScanError: if the scan is empty, shows no whole body (head to legs), or the patient lies
            otherwise.
    """
    body = _measure_body(counts, spacing_mm)
    neck_row = _find_neck(body)
    shoulder_row = _find_shoulder(body, neck_row)
    midline = _find_midline(counts, body)
    leg_row = _find_legs(body, midline)
    half_width = _measure_leg_width(body, midline) / 2
    column_start = max(round(midline - half_width), 0)
    column_stop = min(round(midline + half_width), counts.shape[1])
    return ThoraxLandmarks(
        head_row=body.head_row,
        foot_row=body.row(1.0),
        neck_row=neck_row,
        shoulder_row=shoulder_row,
        leg_row=leg_row,
        midline_column=midline,
        row_start=shoulder_row,
        row_stop=round(shoulder_row + 0.6 * (leg_row - shoulder_row)),  # spine : pelvis = 3 : 2
        column_start=column_start,
        column_stop=column_stop,
    )


def _measure_body(counts: Counts, spacing_mm: tuple[float, float]) -> _Body:
    mask = find_body(counts, spacing_mm)
    per_row = mask.sum(axis=1)
    rows = np.flatnonzero(per_row >= 4)  # fewer are a leak or a wire
    if rows.size == 0:
        raise ScanError(f"thorax crop must find a body, got a view without one{ADVICE}")
    row_mm, column_mm = spacing_mm
    head_row, height_rows = int(rows[0]), int(rows[-1] - rows[0])
    return _Body(
        mask=mask,
        head_row=head_row,
        height_rows=height_rows,
        height_columns=height_rows * row_mm / column_mm,
        spacing_mm=spacing_mm,
        width_px=ndimage.gaussian_filter1d(per_row.astype(np.float64), 13.0 / row_mm),
    )


def _find_neck(body: _Body) -> int:
    """Return the last narrow row above the place where the body widens fastest."""
    growth = np.diff(body.width_px)
    widening = body.rows(0.09, 0.22)
    steepest = widening.start + int(np.argmax(growth[widening]))
    above = slice(body.row(0.06), steepest + 1)
    valleys, _ = signal.find_peaks(-body.width_px[above])
    if valleys.size:
        neck = above.start + int(valleys[-1])
    else:  # a short neck shows as a bend only
        neck = above.start + int(np.argmax(np.diff(growth)[above]))
    inside = body.row(0.08) <= neck <= body.row(0.19)
    return neck if inside else body.row(0.13)


def _find_shoulder(body: _Body, neck_row: int) -> int:
    """Return the row that has a quarter of the rise in width from the neck to the shoulders."""
    below = body.width_px[neck_row : body.row(0.26) + 1]
    rise = below.max() - below[0]
    return neck_row + int(np.argmax(below >= below[0] + 0.25 * rise))


def _find_midline(counts: Counts, body: _Body) -> int:
    """Return the column that halves the counts of the trunk."""
    trunk = np.where(body.mask, counts, 0)[body.rows(0.15, 0.45)].sum(axis=0, dtype=np.float64)
    return int(np.searchsorted(np.cumsum(trunk), trunk.sum() / 2))


def _find_legs(body: _Body, midline: int) -> int:
    """Return the row where the legs part: the first lasting gap in the mask at the mid-line.

    The gap is kept within 0.50 to 0.55 of the body height: thighs that touch push it down.
    """
    window = body.rows(0.42, 0.72)
    lasting = round(27.0 / body.spacing_mm[0])
    gaps = _has_gap(body, window, midline).astype(int)
    run = np.convolve(gaps, np.ones(lasting, dtype=int), mode="valid") == lasting
    row = window.start + int(np.argmax(run)) if run.any() else -1
    if not body.row(0.45) <= row <= body.row(0.62):
        row = _find_narrowing(body)
    return min(max(row, body.row(0.50)), body.row(0.55))


def _has_gap(body: _Body, window: slice, midline: int) -> Mask:
    """Tell for each row of a window if air of at least 8 mm parts the body near the mid-line."""
    reach = round(0.06 * body.height_columns)
    strip = body.mask[window, max(midline - reach, 0) : midline + reach + 1]
    inside = ndimage.binary_opening(~strip, np.ones((1, max(round(8.0 / body.spacing_mm[1]), 1))))
    left = np.maximum.accumulate(strip, axis=1)
    right = np.maximum.accumulate(strip[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((inside & left & right).any(axis=1))


def _find_narrowing(body: _Body) -> int:
    """Return the row below the hips where the body narrows fastest."""
    window = body.rows(0.46, 0.60)
    growth = np.diff(body.width_px)[window]
    row = int(np.argmin(growth))
    return window.start + row if 0 < row < growth.size - 1 else body.row(0.525)


def _measure_leg_width(body: _Body, midline: int) -> float:
    """Return the width of both thighs in columns: that of the trunk without the arms."""
    lefts, rights = [], []
    for row in range(body.row(0.60), body.row(0.72) + 1):
        starts, stops = _runs(body.mask[row])
        wide = stops - starts > 0.012 * body.height_columns
        near = np.abs((starts + stops) / 2 - midline) < 0.16 * body.height_columns
        if (wide & near).any():
            lefts.append(starts[wide & near].min())
            rights.append(stops[wide & near].max())
    width = np.percentile(rights, 90) - np.percentile(lefts, 10) if lefts else 0.0
    return float(np.clip(width, 0.15 * body.height_columns, 0.26 * body.height_columns))


def _runs(line: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the starts and the stops of the runs of True."""
    edges = np.flatnonzero(np.diff(line.astype(np.int8), prepend=0, append=0))
    return edges[::2], edges[1::2]
