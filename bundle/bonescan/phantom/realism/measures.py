"""Measures of how far simulated scans look like real ones."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.labels import SIDES, Label
from bonescan.phantom.patient import SimulatedPatient
from bonescan.phantom.presets import SITES
from bonescan.phantom.realism.facts import (
    FREQUENCIES,
    FREQUENCY_EDGES,
    ratio_name,
    spectrum_name,
)
from bonescan.phantom.realism.picture import Image, measure_picture
from bonescan.phantom.realism.regions import Regions
from bonescan.phantom.realism.relations import measure_relations

PROFILE_POINTS = 400
"""Rows of a body after head and feet are aligned."""
BODY_COUNTS_SHARE = 0.1
"""A row belongs to the body where it holds this share of the mean row's counts: more than the one
count per pixel that lossy compression leaves beside it."""

REAL_THORAX = (slice(186, 378), slice(72, 200))
"""Rows and columns of the real scan's thorax: 192 x 128 pixels."""
REAL_MANUBRIUM_ROW = 38
"""Upper edge of the manubrium in that window."""
STEP_SHARE = "L1 over T12 off by more than 28 %, share"
KIDNEY_SEEN = 1.4
"""Kidney over flank from which a kidney is clearly seen."""


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


def region_ratios(regions: Regions) -> dict[str, float]:
    """Return the mean of each region over that of the medial thigh's soft tissue in its view.

    NaN where the view does not show the region.
    """
    counts = regions.image.counts
    soft = _mean(counts, thigh_mask(regions))
    return {
        ratio_name(regions.view, name): _mean(counts, mask) / soft
        for name, mask in region_masks(regions).items()
    }


def _mean(counts: Image, mask: NDArray[np.bool]) -> float:
    return float(counts[mask].mean()) if mask.any() else float("nan")


def variance_over_mean(counts: Image, mask: NDArray[np.bool]) -> float:
    """Return the variance over the mean in a flat area.

    Each pixel is compared with the mean of its four neighbours, which takes slow changes away; for
    independent pixels that difference has 5/4 of a pixel's variance.
    """
    image = counts.astype(float)
    kernel = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]) / 4
    difference = image - ndimage.convolve(image, kernel)
    return float((difference[mask] ** 2).mean() / 1.25 / image[mask].mean())


def radial_spectrum(counts: Image) -> NDArray[np.float64]:
    """Return the radial mean of the power spectrum at each of FREQUENCIES.

    The power is divided by the counts in the window, so that Poisson noise alone gives 1 at every
    frequency.
    """
    rows, columns = counts.shape
    window = np.outer(np.hanning(rows), np.hanning(columns))
    centred = (counts - counts.mean()) * window
    power = np.abs(np.fft.rfft2(centred)) ** 2 / (window**2 * counts).sum()
    radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns))
    number = np.digitize(radius.ravel(), FREQUENCY_EDGES)
    sums = np.bincount(number, power.ravel(), len(FREQUENCY_EDGES) + 1)
    sizes = np.bincount(number, minlength=len(FREQUENCY_EDGES) + 1)
    return sums[1:-1] / sizes[1:-1]


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


def measure_views(views: Mapping[View, Regions]) -> dict[str, float]:
    """Measure the views of one scan whose bones are known or have been found.

    Args:
        views: the anterior view, the posterior view, or both.

    Returns:
        Measures of bonescan.phantom.realism.facts, by name; those of views that are there.
    """
    measured: dict[str, float] = {}
    for view, regions in views.items():
        measured |= {**measure_relations(regions), **region_ratios(regions)}
        if view is View.ANTERIOR:
            counts = regions.image.counts
            flat = thigh_mask(regions) | _beside_spine(regions, ("l2", "l4"), (45, 85))
            measured |= measure_picture(counts, regions.pixel_mm)
            measured["variance over mean in flat areas"] = variance_over_mean(counts, flat)
    if len(views) == 2:
        front, back = (views[view].image.counts.sum(dtype=float) for view in View)
        measured["posterior over anterior counts"] = float(back / front)
    return {**measured, **_shares(measured)}


def measure_patient(patient: SimulatedPatient) -> dict[str, float]:
    """Measure a simulated patient without metastases; see measure_views."""
    pixel_mm = patient.camera.pixel_mm
    views = {view: Regions(view, image, pixel_mm) for view, image in patient.views.items()}
    bmi = patient.person.bmi
    return {
        **measure_views(views),
        "body mass index": bmi,
        "body mass index above 35, share": float(bmi > 35),
    }


def measure_beside(patient: SimulatedPatient, real: Image) -> dict[str, float]:
    """Compare the anterior view of a simulated patient with that of the real scan NM1.

    Args:
        patient: on the real scan's camera, with about its counts.
        real: counts of the real scan.

    Returns:
        The correlation of the row profiles, and the power spectrum of the thorax over the real one.
    """
    power = radial_spectrum(thorax_window(patient, View.ANTERIOR))
    ratios = power / radial_spectrum(real[REAL_THORAX])
    counts = patient.views[View.ANTERIOR].counts
    return {
        "correlation of the row profile": profile_correlation(counts, real),
        **{spectrum_name(f): float(ratio) for f, ratio in zip(FREQUENCIES, ratios, strict=True)},
    }


def _shares(measured: Mapping[str, float]) -> dict[str, float]:
    """Return 1 or 0 for what is counted: its mean over the patients is a share."""
    limits = {
        "kidneys clearly seen, share": ("kidney over flank, posterior", KIDNEY_SEEN),
        "rows cut above 0.5, share": ("rows cut by the field, left and right", 0.5),
    }
    shares = {
        share: float(measured[name] > limit)
        for share, (name, limit) in limits.items()
        if name in measured
    }
    step = measured.get("L1 over T12, posterior")
    return shares if step is None else {**shares, STEP_SHARE: float(abs(step - 1) > 0.28)}
