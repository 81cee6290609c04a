"""Two scans of one patient laid on each other, whatever camera, field of view and posture.

First the whole body by an affine map, then each place by itself: what lies around it is searched
for in the other scan. On 12 simulated bodies scanned twice, in postures and mostly on cameras drawn
anew, and with other lesions each time, the error in mm was, median and 90th percentile: spine, ribs
and pelvis 5 and 13, head 6 and 12, shoulders 6 and 11, legs from the knees 10 and 27, arms from the
elbows 27 and 91: lesions there can be taken for new ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal
from scipy.optimize import least_squares
from skimage.feature import match_template

from bonescan.dicom.scan import View, mirrored
from bonescan.errors import ScanError
from bonescan.measures.assessed_scan import AssessedScan

GRID_MM = 6.0
"""Pixel of the images that are registered: less than half of a vertebra's height."""

_NOISE_MM = 4.0
"""Smoothing before the square root, which would lift the mean of single counts."""
_COARSE_MM, _FINE_MM, _LOCAL_MM = 20.0, 8.0, 3.0
"""Further smoothing: of the affine map, first and second, and of the search around each place."""
_BRIGHTEST_PERCENTILE = 95.0
"""Of the body: brighter pixels are cut off, so that lesions, bladder and injection do not lead."""
_BODY = 0.1
"""Of the brightest pixel: what is darker is air."""
_OUTLIER = 0.2
"""Difference of the images, in means of the body, from which a pixel pulls less and less."""
_PATCH, _REACH = 12, 8
"""Half the side of what is searched for around a place, and how far, in pixels of GRID_MM: 150 mm
wide, moved by up to 48 mm."""
_STAY = 0.3
"""Correlation that a place must gain to move by all of its reach, growing with the square."""
_LEAST_LIKE = 0.4
"""Correlation below which a place was not found again, and stays where the affine map has it."""

Image = NDArray[np.float64]


@dataclass(frozen=True)
class Registration:
    """Where the places of a scan lie in an earlier one; places in mm in the anterior geometry.

    Attributes:
        matrix: of the affine map in pixels of GRID_MM (2, 2).
        offset: added to it (2,).
        now: image of the present scan, (row, column) in GRID_MM.
        earlier: image of the earlier scan, drawn to the present one by the affine map.
        correlation: of the two over the body, -1..1: how well they fit.
    """

    matrix: Image
    offset: Image
    now: Image
    earlier: Image
    correlation: float

    def find(self, place_mm: tuple[float, float]) -> tuple[float, float]:
        """Find a place of the present scan in the earlier one.

        Args:
            place_mm: (row, column) from the centre of the upper left pixel, posterior views
                mirrored.

        Returns:
            The place in the earlier scan, likewise.
        """
        place = np.array(place_mm) / GRID_MM
        row, column = (self.matrix @ (place + self._search(place)) + self.offset) * GRID_MM
        return float(row), float(column)

    def find_back(self, place_mm: tuple[float, float]) -> tuple[float, float]:
        """Return where a place of the earlier scan lies in the present one, by the affine map."""
        place = np.array(place_mm) / GRID_MM - self.offset
        row, column = np.linalg.solve(self.matrix, place) * GRID_MM
        return float(row), float(column)

    def _search(self, place: Image) -> Image:
        """Return by how many pixels what lies around a place is moved in the earlier image."""
        margin = _PATCH + _REACH
        centre = np.rint(place).astype(int).clip(0, np.array(self.now.shape) - 1)
        (top, left), (bottom, right) = centre, centre + 2 * margin + 1
        inner = slice(_REACH, 2 * margin + 1 - _REACH)
        patch = np.pad(self.now, margin)[top:bottom, left:right][inner, inner]
        around = np.pad(self.earlier, margin)[top:bottom, left:right]
        if not patch.std() or not around.std():
            return np.zeros(2)
        moves = np.indices((2 * _REACH + 1,) * 2) - _REACH
        likeness = match_template(around, patch)
        gain = likeness - _STAY * (moves**2).sum(axis=0) / _REACH**2
        best = np.unravel_index(gain.argmax(), gain.shape)
        if likeness[best] < _LEAST_LIKE:
            return np.zeros(2)
        return moves[:, *best].astype(np.float64)


def register_scans(scan: AssessedScan, earlier: AssessedScan) -> Registration:
    """Lay a scan on an earlier one by the views that both have, all at once.

    Raises:
        ScanError: if they have no view in common, or one shows nothing.
    """
    views = [view for view in scan.views if view in earlier.views]
    if not views:
        raise ScanError(
            f"earlier scan must have a view of the present one, got {' and '.join(earlier.views)} "
            f"alone instead of {' and '.join(scan.views)}; leave it out"
        )
    now, before = _lay_views(scan, views), _lay_views(earlier, views)
    matrix, offset = np.eye(2), np.zeros(2)
    for blur_mm in (_COARSE_MM, _FINE_MM):
        pair = _draw(now, blur_mm), _draw(before, blur_mm)
        if blur_mm == _COARSE_MM:
            offset = _find_shift(*pair)
        matrix, offset = _fit(*pair, matrix, offset)
    fine, other = _draw(now, _LOCAL_MM), _draw(before, _LOCAL_MM)
    drawn = ndimage.affine_transform(other, matrix, offset, output_shape=fine.shape, order=1)
    body = fine > _BODY * fine.max()
    return Registration(
        matrix=matrix,
        offset=offset,
        now=fine,
        earlier=drawn,
        correlation=float(np.corrcoef(fine[body], drawn[body])[0, 1]),
    )


def _lay_views(scan: AssessedScan, views: Sequence[View]) -> Image:
    """Return the square roots of the summed counts of views, posterior mirrored, in GRID_MM."""
    stack = [
        mirrored(counts, view)
        for counts, view in zip(scan.counts, scan.views, strict=True)
        if view in views
    ]
    counts = np.maximum(np.sum(stack, axis=0, dtype=np.float64), 0)
    smooth = np.sqrt(ndimage.gaussian_filter(counts, [_NOISE_MM / mm for mm in scan.spacing_mm]))
    if not smooth.any():
        raise ScanError("scan must show a body to be compared with another, got no counts")
    step = np.array([GRID_MM / mm for mm in scan.spacing_mm])
    shape = tuple(int(size) for size in np.ceil(counts.shape / step))
    broad = ndimage.gaussian_filter(smooth, step / 2)
    return ndimage.affine_transform(broad, step, output_shape=shape, order=1, mode="nearest")


def _draw(image: Image, blur_mm: float) -> Image:
    """Return an image smoothed, without its brightest parts, with a mean of 1 in the body."""
    smooth = ndimage.gaussian_filter(image, blur_mm / GRID_MM)
    body = smooth[smooth > _BODY * smooth.max()]
    cut = np.minimum(smooth, np.percentile(body, _BRIGHTEST_PERCENTILE))
    return cut / cut[cut > _BODY * cut.max()].mean()


def _find_shift(now: Image, before: Image) -> Image:
    """Return the offset at which two images of any size correlate best."""
    likeness = signal.fftconvolve(before - before.mean(), (now - now.mean())[::-1, ::-1])
    best = np.unravel_index(likeness.argmax(), likeness.shape)
    return np.array(best, np.float64) - (np.array(now.shape) - 1)


def _fit(now: Image, before: Image, matrix: Image, offset: Image) -> tuple[Image, Image]:
    """Fit the affine map by least squares of the differences, with a loss that spares outliers."""
    centre = np.array(now.shape) / 2
    places = np.indices(now.shape).reshape(2, -1) - centre[:, None]

    def differ(values: Image) -> Image:
        turned = values[:4].reshape(2, 2) @ places + (centre + values[4:])[:, None]
        drawn = ndimage.map_coordinates(before, turned, order=1, mode="constant")
        return drawn - now.ravel()

    start = np.concatenate([matrix.ravel(), matrix @ centre + offset - centre])
    fitted = least_squares(
        differ,
        start,
        loss="soft_l1",
        f_scale=_OUTLIER,
        x_scale=(0.05, 0.05, 0.05, 0.05, 10.0, 10.0),  # of scale and shear; of pixels
        max_nfev=40,
    ).x
    matrix = fitted[:4].reshape(2, 2)
    return matrix, centre + fitted[4:] - matrix @ centre
