"""Find the thorax on a whole-body bone scan (numpy only).

Lin et al. 2020 (PLoS ONE 15(12):e0243253, "Thorax cropping") read shoulders and legs off the peaks
and valleys of the row-wise pixel counts and take the upper three fifths of the trunk, "spine to
pelvis 3 : 2". That text fixes the idea, not the numbers: on real scans the "third valley" lies
below the hip. The windows below, in shares of the body height, are ours: set on ten real views of
five patients, then on simulated patients whose bones are known.
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage, signal

from bonescan.transforms.body import BodyExtent, Counts, Mask, find_runs, measure_body

SHOULDER_RISE = 0.3
"""Share of the widening from neck to shoulders at which the thorax starts: a quarter leaves more
than 25 mm of neck in 2 of 100 patients, a third cuts the first rib of slender ones."""

LEAST_SHOULDER_SHARE = 0.123
"""No higher than this share of the body height below the top of the head: the neck of the obese is
as wide as if it were shoulders, and 30 mm of it would come into the crop. T1 lies at 0.131 or more
in 110 patients."""

LEG_ROW_RANGE = (0.515, 0.545)
"""Where legs part, in shares of the body height. Thighs that touch push the gap down, and at 0.55
over 25 mm of the pelvis come into the crop in 4 of 100 patients. A belly that hides it pushes the
gap up, and at 0.50 the lowest ribs of 5 in 110 patients are lost."""

SPINE_SHARE = 0.6
"""Share of the trunk that is thorax: "spine : pelvis = 3 : 2" (Lin et al. 2020)."""


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


def find_thorax(counts: Counts, spacing_mm: tuple[float, float]) -> ThoraxLandmarks:
    """Find the thorax on a whole-body scan of a patient who lies straight, arms at the sides.

    Args:
        counts: (row, column) counts of one view, or of the sum of the mirrored views.
        spacing_mm: (row, column) pixel spacing.

    Raises:
        ScanError: if the scan is empty, shows no whole body (head to legs), or the patient lies
            otherwise.
    """
    return locate_thorax(counts, measure_body(counts, spacing_mm))


def locate_thorax(counts: Counts, body: BodyExtent) -> ThoraxLandmarks:
    """Find the thorax of a body.

    Args:
        counts: (row, column) counts that the body was measured on.
        body: of measure_body.
    """
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
        row_stop=round(shoulder_row + SPINE_SHARE * (leg_row - shoulder_row)),
        column_start=column_start,
        column_stop=column_stop,
    )


def _find_neck(body: BodyExtent) -> int:
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


def _find_shoulder(body: BodyExtent, neck_row: int) -> int:
    """Return the row where the body has widened by a share of the way from neck to shoulders."""
    below = body.width_px[neck_row : body.row(0.26) + 1]
    rise = below.max() - below[0]
    risen = neck_row + int(np.argmax(below >= below[0] + SHOULDER_RISE * rise))
    return max(risen, body.row(LEAST_SHOULDER_SHARE))


def _find_midline(counts: Counts, body: BodyExtent) -> int:
    """Return the column that halves the counts of the trunk."""
    trunk = np.where(body.mask, counts, 0)[body.rows(0.15, 0.45)].sum(axis=0, dtype=np.float64)
    return int(np.searchsorted(np.cumsum(trunk), trunk.sum() / 2))


def _find_legs(body: BodyExtent, midline: int) -> int:
    """Return the row where the legs part: the first lasting gap in the mask at the mid-line."""
    window = body.rows(0.42, 0.72)
    lasting = round(27.0 / body.spacing_mm[0])
    gaps = _has_gap(body, window, midline).astype(int)
    run = np.convolve(gaps, np.ones(lasting, dtype=int), mode="valid") == lasting
    row = window.start + int(np.argmax(run)) if run.any() else -1
    if not body.row(0.45) <= row <= body.row(0.62):
        row = _find_narrowing(body)
    highest, lowest = (body.row(share) for share in LEG_ROW_RANGE)
    return min(max(row, highest), lowest)


def _has_gap(body: BodyExtent, window: slice, midline: int) -> Mask:
    """Tell for each row of a window if air of at least 8 mm parts the body near the mid-line."""
    reach = round(0.06 * body.height_columns)
    strip = body.mask[window, max(midline - reach, 0) : midline + reach + 1]
    inside = ndimage.binary_opening(~strip, np.ones((1, max(round(8.0 / body.spacing_mm[1]), 1))))
    left = np.maximum.accumulate(strip, axis=1)
    right = np.maximum.accumulate(strip[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((inside & left & right).any(axis=1))


def _find_narrowing(body: BodyExtent) -> int:
    """Return the row below the hips where the body narrows fastest."""
    window = body.rows(0.46, 0.60)
    growth = np.diff(body.width_px)[window]
    row = int(np.argmin(growth))
    return window.start + row if 0 < row < growth.size - 1 else body.row(0.525)


def _measure_leg_width(body: BodyExtent, midline: int) -> float:
    """Return the width of both thighs in columns: that of the trunk without the arms."""
    lefts, rights = [], []
    for row in range(body.row(0.60), body.row(0.72) + 1):
        starts, stops = find_runs(body.mask[row])
        wide = stops - starts > 0.012 * body.height_columns
        near = np.abs((starts + stops) / 2 - midline) < 0.16 * body.height_columns
        if (wide & near).any():
            lefts.append(starts[wide & near].min())
            rights.append(stops[wide & near].max())
    width = np.percentile(rights, 90) - np.percentile(lefts, 10) if lefts else 0.0
    return float(np.clip(width, 0.15 * body.height_columns, 0.26 * body.height_columns))
