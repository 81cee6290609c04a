"""Patches of a scan, and what a small classifier sees in each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

from bonescan.phantom.realism.picture import Image, body_mask, find_frame

SIZE, STRIDE = 64, 16
LEAST_BODY = 0.8
"""Share of a patch that must be body."""
BANDS = 4
"""Bands of the body of equal height: one tests what the others train."""
LEVELS = 16
"""Grey levels of the co-occurrence matrix."""
CLIP = 3.0
"""Counts over the patch's mean above which all look alike: the bladder is no texture."""
QUANTILES = (1, 5, 25, 50, 75, 90, 95, 99)
SCALES_PX = (1.5, 2.5, 4.0, 6.0)
"""Of the blobs."""
SPECTRUM_EDGES = np.linspace(0.02, 0.45, 11)


@dataclass(frozen=True)
class Patches:
    """Features of one scan's patches.

    Attributes:
        features: (patch, feature).
        place: middle of each patch in shares of the body's length, 0..1.
    """

    features: NDArray[np.float64]
    place: NDArray[np.float64]

    def of(self, columns: NDArray[np.intp]) -> "Patches":
        """Return some of the features."""
        return replace(self, features=self.features[:, columns])

    def inside(self, band: int) -> NDArray[np.float64]:
        """Return the features of the patches in one of BANDS bands of the body."""
        return self.features[self._bands() == band]

    def outside(self, band: int) -> NDArray[np.float64]:
        """Return the features of the patches in all other bands."""
        return self.features[self._bands() != band]

    def _bands(self) -> NDArray[np.intp]:
        return np.clip((self.place * BANDS).astype(int), 0, BANDS - 1)


def cut_patches(counts: Image, pixel_mm: float) -> Patches:
    """Return the patches of a view that lie in the body, and their features.

    Args:
        counts: Poisson counts of the view (row, column).
        pixel_mm: its pixel size.
    """
    body = body_mask(counts, pixel_mm)
    frame = find_frame(body)
    features, places = [], []
    for top in range(frame.head_row, frame.head_row + frame.height - SIZE + 1, STRIDE):
        for left in range(0, counts.shape[1] - SIZE + 1, STRIDE):
            window = (slice(top, top + SIZE), slice(left, left + SIZE))
            if body[window].mean() >= LEAST_BODY:
                features.append(describe(counts[window]))
                places.append((top + SIZE / 2 - frame.head_row) / frame.height)
    return Patches(np.array(features), np.array(places))


def describe(patch: Image) -> NDArray[np.float64]:
    """Return the features of a patch, family by family as in FAMILIES."""
    return np.concatenate([describe_one(patch) for describe_one in DESCRIBERS.values()])


def _relative(patch: Image) -> NDArray[np.float64]:
    return np.minimum(patch / max(float(patch.mean()), 1e-9), CLIP)


def _smooth(patch: Image, sigma: float = 1.0) -> NDArray[np.float64]:
    return ndimage.gaussian_filter(_relative(patch), sigma)


def describe_intensity(patch: Image) -> NDArray[np.float64]:
    """Return quantiles, spread and skewness of the smoothed patch over its mean."""
    smooth = _smooth(patch)
    spread = float(smooth.std())
    skew = float(((smooth - smooth.mean()) ** 3).mean() / max(spread, 1e-9) ** 3)
    return np.array([*np.percentile(smooth, QUANTILES), spread, skew])


def describe_spectrum(patch: Image) -> NDArray[np.float64]:
    """Return the logarithm of the radial power spectrum over that of Poisson noise."""
    power, radius, _ = _power(patch)
    bands = np.digitize(radius, SPECTRUM_EDGES)
    return np.array([np.log(power[bands == k].mean()) for k in range(1, len(SPECTRUM_EDGES))])


def describe_orientation(patch: Image) -> NDArray[np.float64]:
    """Return the share of the power of low frequencies in each of six directions."""
    power, radius, angle = _power(patch)
    low = (radius > 0.02) & (radius < 0.15)
    sector = ((angle % np.pi) / np.pi * 6).astype(int) % 6
    sums = np.bincount(sector[low], power[low], 6)
    return sums / sums.sum()


def describe_gradients(patch: Image) -> NDArray[np.float64]:
    """Return a histogram of the slopes' sizes, their mean and their 95th percentile."""
    slope = np.hypot(*np.gradient(_smooth(patch, 1.5)))
    shares = np.histogram(slope, [0, 0.02, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 10])[0] / slope.size
    return np.array([*shares, slope.mean(), np.percentile(slope, 95)])


def describe_blobs(patch: Image) -> NDArray[np.float64]:
    """Return spread, skewness and extremes of the Laplacian of Gaussians at four scales."""
    relative = _relative(patch)
    values: list[float] = []
    for scale in SCALES_PX:
        blobs = -(scale**2) * ndimage.laplace(ndimage.gaussian_filter(relative, scale))
        spread = max(float(blobs.std()), 1e-9)
        skew = float(((blobs - blobs.mean()) ** 3).mean() / spread**3)
        values += [spread, skew, *np.percentile(blobs, (2, 98))]
    return np.array(values)


def describe_grey_levels(patch: Image) -> NDArray[np.float64]:
    """Return properties of the grey-level co-occurrence matrix at two distances."""
    levels = np.minimum(_smooth(patch) / CLIP * LEVELS, LEVELS - 1).astype(np.uint8)
    matrix = graycomatrix(levels, (2, 5), (0, np.pi / 2), LEVELS, symmetric=True, normed=True)
    names = ("contrast", "homogeneity", "energy", "correlation")
    return np.concatenate([graycoprops(matrix, name).ravel() for name in names])


def describe_binary_patterns(patch: Image) -> NDArray[np.float64]:
    """Return the shares of the uniform local binary patterns of 8 neighbours 2 pixels away."""
    smooth = np.round(1000 * _smooth(patch, 1.5)).astype(np.int32)
    patterns = local_binary_pattern(smooth, 8, 2, "uniform")
    return np.bincount(patterns.astype(int).ravel(), minlength=10) / patterns.size


def _power(
    patch: Image,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return power over that of Poisson noise, frequency in cycles per pixel, and direction."""
    window = np.outer(np.hanning(SIZE), np.hanning(SIZE))
    centred = (patch - patch.mean()) * window
    power = np.abs(np.fft.fft2(centred)) ** 2 / max(float((window**2 * patch).sum()), 1e-9)
    rows, columns = np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE), indexing="ij")
    return power, np.hypot(rows, columns), np.arctan2(rows, columns)


DESCRIBERS = {
    "intensity": describe_intensity,
    "spectrum": describe_spectrum,
    "orientation": describe_orientation,
    "gradients": describe_gradients,
    "blobs": describe_blobs,
    "grey-level co-occurrence": describe_grey_levels,
    "local binary patterns": describe_binary_patterns,
}
"""Families of features."""


def _columns() -> dict[str, NDArray[np.intp]]:
    """Return which features belong to a family."""
    patch = np.indices((SIZE, SIZE)).sum(axis=0).astype(float)
    sizes = [len(describe_one(patch)) for describe_one in DESCRIBERS.values()]
    parts = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return dict(zip(DESCRIBERS, parts, strict=True))


FAMILIES: Mapping[str, NDArray[np.intp]] = _columns()
"""Which features belong to a family."""
