"""Measures of how far simulated scans look like real ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.labels import SIDES, Label
from bonescan.phantom.patient import SimulatedPatient
from bonescan.phantom.presets import SITES
from bonescan.phantom.realism.regions import Regions
from bonescan.phantom.realism.relations import RELATIONS

Image = NDArray[np.number]

PROFILE_POINTS = 400
"""Rows of a body after head and feet are aligned."""
BODY_COUNTS_SHARE = 0.1
"""A row belongs to the body where it holds this share of the mean row's counts: more than the one
count per pixel that lossy compression leaves beside it."""

MEASURED_RATIOS: Mapping[tuple[View, str], tuple[float, float]] = {
    (View.POSTERIOR, "thoracic spine"): (13, 15),
    (View.POSTERIOR, "lumbar spine"): (11, 14),
    (View.POSTERIOR, "sacroiliac joints"): (8, 13),
    (View.POSTERIOR, "kidneys"): (4, 7),
    (View.POSTERIOR, "rib field"): (4.2, 4.7),
    (View.POSTERIOR, "skull"): (7, 8),
    (View.ANTERIOR, "manubrium"): (7, 19),
    (View.ANTERIOR, "sternum"): (5, 13),
    (View.ANTERIOR, "lumbar spine"): (4, 9),
    (View.ANTERIOR, "iliac crest"): (2, 7),
    (View.ANTERIOR, "skull"): (2, 13),
    (View.ANTERIOR, "shoulder"): (4, 8),
    (View.ANTERIOR, "knee"): (2.6, 7),
    (View.ANTERIOR, "femoral shaft"): (2.1, 3.3),
    (View.ANTERIOR, "bladder"): (9, 45),
    (View.ANTERIOR, "abdomen"): (1.2, 2.8),
}
"""Lowest and highest mean of a region over the medial thigh's soft tissue in three real scans."""

REAL_THORAX = (slice(186, 378), slice(72, 200))
"""Rows and columns of the real scan's thorax: 192 x 128 pixels."""
REAL_MANUBRIUM_ROW = 38
"""Upper edge of the manubrium in that window."""
FREQUENCIES = (0.05, 0.4)
"""Range of the spectrum that is compared, cycles per pixel: below lies the body's outline."""


def row_profile(counts: Image) -> NDArray[np.float64]:
    """Return the counts per row from the top of the head to the toes, on PROFILE_POINTS rows."""
    rows = ndimage.uniform_filter1d(counts.sum(axis=1, dtype=float), 3)
    inside = np.flatnonzero(rows > BODY_COUNTS_SHARE * rows[rows > 0].mean())
    points = np.linspace(inside[0], inside[-1], PROFILE_POINTS)
    return np.interp(points, np.arange(len(rows)), rows)


def profile_correlation(first: Image, second: Image) -> float:
    """Return the correlation of two scans' row profiles with heads and feet aligned."""
    return float(np.corrcoef(row_profile(first), row_profile(second))[0, 1])


def thigh_mask(regions: Regions) -> NDArray[np.bool]:
    """Return the soft tissue on the inner side of both thighs, half way down the femur."""
    mask = np.zeros(regions.image.counts.shape, bool)
    femurs = regions.bones(*(f"femur_{side}" for side in SIDES))
    middle = np.argwhere(femurs)[:, 1].mean()
    for side in SIDES:
        femur = np.argwhere(regions.bones(f"femur_{side}"))
        top, bottom = femur[:, 0].min(), femur[:, 0].max()
        for row in range(int(top + 0.5 * (bottom - top)), int(top + 0.65 * (bottom - top))):
            columns = femur[femur[:, 0] == row, 1]
            inner = columns.max() if columns.mean() < middle else columns.min()
            step = 1 if columns.mean() < middle else -1
            near, far = inner + step * regions.px(14), inner + step * regions.px(32)
            mask[row, min(near, far) : max(near, far)] = True
    return mask


def region_masks(regions: Regions) -> dict[str, NDArray[np.bool]]:
    """Return the regions of MEASURED_RATIOS that belong to a view."""
    if regions.view is View.POSTERIOR:
        return _posterior_masks(regions)
    return _anterior_masks(regions)


def _posterior_masks(regions: Regions) -> dict[str, NDArray[np.bool]]:
    thoracic = regions.bones(*SITES["thoracic_spine"])
    lumbar = regions.bones(*SITES["lumbar_spine"])
    pelvis = regions.bones(*(f"pelvis_{side}" for side in SIDES))
    near_sacrum = ndimage.binary_dilation(regions.bones("sacrum"), iterations=regions.px(6))
    ribs = _beside_spine(regions, ("t5", "t10"), (40, 85))
    scapula = regions.bones(*(f"scapula_{side}" for side in SIDES))
    kidneys = _brightest(regions, _beside_spine(regions, ("t12", "l3"), (35, 85)), area_mm2=4000)
    return {
        "thoracic spine": _core(thoracic),
        "lumbar spine": _core(lumbar),
        "sacroiliac joints": pelvis & near_sacrum & _upper(pelvis, 0.55),
        "kidneys": kidneys,
        "rib field": ribs & ~scapula,
        "skull": regions.bones("skull"),
    }


def _anterior_masks(regions: Regions) -> dict[str, NDArray[np.bool]]:
    femurs = [regions.bones(f"femur_{side}") for side in SIDES]
    pelvis = [regions.bones(f"pelvis_{side}") for side in SIDES]
    humeri = [regions.bones(f"humerus_{side}") for side in SIDES]
    patellae = regions.bones(*(f"patella_{side}" for side in SIDES))
    return {
        "manubrium": _core(regions.bones("manubrium")),
        "sternum": _core(regions.bones("sternum")),
        "lumbar spine": _core(regions.bones(*SITES["lumbar_spine"])),
        "iliac crest": np.any([mask & _upper(mask, 0.15) for mask in pelvis], axis=0),
        "skull": regions.bones("skull"),
        "shoulder": np.any([mask & _upper(mask, 0.15) for mask in humeri], axis=0),
        "knee": ndimage.binary_dilation(patellae, iterations=regions.px(16)),
        "femoral shaft": np.any(
            [_core(mask & _upper(mask, 0.6) & ~_upper(mask, 0.4)) for mask in femurs], axis=0
        ),
        "bladder": regions.image.label == Label.BLADDER,
        "abdomen": _beside_spine(regions, ("l2", "l4"), (45, 85)),
    }


def _core(mask: NDArray[np.bool]) -> NDArray[np.bool]:
    """Return a mask without its edge."""
    return ndimage.binary_erosion(mask, iterations=1)


def _upper(mask: NDArray[np.bool], share: float) -> NDArray[np.bool]:
    """Return the upper share of the rows that a mask spans, over the whole image."""
    rows = np.flatnonzero(mask.any(axis=1))
    upper = np.zeros_like(mask)
    upper[rows[0] : round(rows[0] + share * (rows[-1] - rows[0]))] = True
    return upper


def _beside_spine(
    regions: Regions, vertebrae: tuple[str, str], distance_mm: tuple[float, float]
) -> NDArray[np.bool]:
    """Return the strips on both sides of the spine between two vertebrae."""
    first, last = (np.argwhere(regions.bones(name)) for name in vertebrae)
    middle = round(float(np.concatenate([first, last])[:, 1].mean()))
    near, far = (regions.px(mm) for mm in distance_mm)
    mask = np.zeros(regions.image.counts.shape, bool)
    rows = slice(first[:, 0].min(), last[:, 0].max())
    mask[rows, middle - far : middle - near] = True
    mask[rows, middle + near : middle + far] = True
    return mask


def _brightest(regions: Regions, window: NDArray[np.bool], area_mm2: float) -> NDArray[np.bool]:
    """Return the part of a window, of a given area, that holds the most counts."""
    smooth = ndimage.gaussian_filter(regions.image.counts.astype(np.float32), 2.0)
    share = 1 - area_mm2 / regions.pixel_mm**2 / window.sum()
    return window & (smooth > np.quantile(smooth[window], max(share, 0)))


def region_ratios(patient: SimulatedPatient) -> dict[tuple[View, str], float]:
    """Return the mean of each region over that of the medial thigh's soft tissue in its view."""
    ratios = {}
    for view, image in patient.views.items():
        regions = Regions(view, image, patient.camera.pixel_mm)
        soft = image.counts[thigh_mask(regions)].mean()
        for name, mask in region_masks(regions).items():
            ratios[view, name] = float(image.counts[mask].mean() / soft)
    return ratios


def variance_over_mean(counts: Image, mask: NDArray[np.bool]) -> float:
    """Return the variance over the mean in a flat area.

    Each pixel is compared with the mean of its four neighbours, which takes slow changes away; for
    independent pixels that difference has 5/4 of a pixel's variance.
    """
    image = counts.astype(float)
    kernel = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]) / 4
    difference = image - ndimage.convolve(image, kernel)
    return float((difference[mask] ** 2).mean() / 1.25 / image[mask].mean())


def radial_spectrum(counts: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies (cycles per pixel) and the radial mean of the power spectrum.

    The power is divided by the counts in the window, so that Poisson noise alone gives 1 at every
    frequency.
    """
    rows, columns = counts.shape
    window = np.outer(np.hanning(rows), np.hanning(columns))
    centred = (counts - counts.mean()) * window
    power = np.abs(np.fft.rfft2(centred)) ** 2 / (window**2 * counts).sum()
    radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns))
    edges = np.linspace(*FREQUENCIES, 15)
    number = np.digitize(radius.ravel(), edges)
    sums = np.bincount(number, power.ravel(), len(edges) + 1)
    sizes = np.bincount(number, minlength=len(edges) + 1)
    return 0.5 * (edges[1:] + edges[:-1]), sums[1:-1] / sizes[1:-1]


def thorax_window(patient: SimulatedPatient, view: View) -> Image:
    """Return the counts of a simulated thorax in the window that frames the real one.

    The window has the real one's size; manubrium and spine lie where they lie in that.
    """
    image = patient.views[view]
    regions = Regions(view, image, patient.camera.pixel_mm)
    spine = np.argwhere(regions.bones("t1", "t12"))
    rows, columns = (part.stop - part.start for part in REAL_THORAX)
    top = np.argwhere(regions.bones("manubrium"))[:, 0].min() - REAL_MANUBRIUM_ROW
    left = round(spine[:, 1].mean()) - columns // 2
    return image.counts[top : top + rows, left : left + columns]


@dataclass(frozen=True)
class RealismMeasures:
    """One simulated patient against the real scan.

    Attributes:
        profile: correlation of the row profiles of the anterior views.
        ratios: see `region_ratios`.
        relations: of bonescan.phantom.realism.relations.RELATIONS.
        noise: variance over mean in flat areas: soft tissue of the thighs and the belly.
        spectrum: power spectrum of the thorax over that of the real one, by frequency.
        posterior_share: counts of the posterior over those of the anterior view.
    """

    profile: float
    ratios: Mapping[tuple[View, str], float]
    relations: Mapping[tuple[View, str], float]
    noise: float
    spectrum: NDArray[np.float64]
    posterior_share: float


def measure_realism(patient: SimulatedPatient, real: Image) -> RealismMeasures:
    """Measure a simulated patient who has both views against a real anterior scan."""
    front, back = (patient.views[view] for view in View)
    regions = Regions(View.ANTERIOR, front, patient.camera.pixel_mm)
    flat = thigh_mask(regions) | _beside_spine(regions, ("l2", "l4"), (45, 85))
    real_power = radial_spectrum(real[REAL_THORAX])[1]
    return RealismMeasures(
        profile=profile_correlation(front.counts, real),
        ratios=region_ratios(patient),
        relations={
            (view, name): relation(Regions(view, patient.views[view], patient.camera.pixel_mm))
            for (view, name), relation in RELATIONS.items()
        },
        noise=variance_over_mean(front.counts, flat),
        spectrum=radial_spectrum(thorax_window(patient, View.ANTERIOR))[1] / real_power,
        posterior_share=float(back.counts.sum(dtype=float) / front.counts.sum(dtype=float)),
    )
