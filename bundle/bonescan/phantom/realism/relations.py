"""How neighbouring structures of one view relate: what the eye compares before any level.

Every function takes one view in acquisition geometry and returns one number, NaN where the view
does not show the structures. Nothing here depends on how many counts the view has.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from bonescan.dicom.scan import View
from bonescan.labels import SIDES
from bonescan.phantom.presets import SITES
from bonescan.phantom.realism.facts import view_name
from bonescan.phantom.realism.regions import Regions

SMOOTHING_MM = 5.0
"""Standard deviation of the smoothing before maxima are counted."""
RIB_MM = 30.0
"""Least breadth of a ridge that is taken for a rib."""
PROMINENCE = 0.03
"""Of the highest counts of a row, so much must a maximum stand out: 2.5 times the noise of a view
of 3.6 million counts after the smoothing."""


def sacroiliac_index(regions: Regions) -> float:
    """Return the mean counts of the sacroiliac joints over those of the sacrum between them."""
    sacrum = regions.bones("sacrum")
    pelvis = regions.bones(*(f"pelvis_{side}" for side in SIDES))
    rows = _rows(sacrum, 0.05, 0.5)
    joint = pelvis & ndimage.binary_dilation(sacrum, iterations=regions.px(6)) & rows
    return _ratio(regions, joint, sacrum & rows & ~_near(regions, pelvis, 4))


def scapula_over_ribs(regions: Regions) -> float:
    """Return the mean counts of the scapulae over those of the rib cage beside them."""
    scapula = regions.bones(*(f"scapula_{side}" for side in SIDES))
    humerus = regions.bones(*(f"humerus_{side}" for side in SIDES))
    cage = _filled_cage(regions)
    spine = _near(regions, regions.bones(*SITES["thoracic_spine"]), 12)
    beside = cage & _near(regions, scapula, 30) & ~_near(regions, scapula, 5) & ~spine
    return _ratio(regions, scapula & cage & ~spine & ~_near(regions, humerus, 10), beside)


def clavicle_over_surroundings(regions: Regions) -> float:
    """Return the mean counts of the middle of the clavicles over what lies above and below."""
    kept, beside = np.zeros((2, *regions.image.counts.shape), bool)
    for side in SIDES:
        clavicle = regions.bones(f"clavicle_{side}")
        middle = _columns(clavicle, 0.3, 0.7)
        kept |= clavicle & middle
        beside |= _near(regions, clavicle, 22) & ~_near(regions, clavicle, 9) & middle
    return _ratio(regions, kept, beside)


def maxima_across_manubrium(regions: Regions) -> float:
    """Return the number of maxima across the upper manubrium, in the row that shows most."""
    manubrium = regions.bones("manubrium")
    rows = np.flatnonzero(manubrium.any(axis=1))
    columns = np.flatnonzero(manubrium.any(axis=0))
    if not len(rows):
        return float("nan")
    smooth = _smooth(regions)
    reach = regions.px(25)
    upper = smooth[rows[0] : rows[0] + regions.px(18)]
    profiles = upper[:, max(columns[0] - reach, 0) : columns[-1] + reach]
    return float(max(_count_maxima(profile) for profile in profiles))


def skull_rim_over_vault(regions: Regions) -> float:
    """Return the mean counts of the rim of the skull over those of its middle."""
    skull = regions.bones("skull") & _rows(regions.bones("skull"), 0.0, 0.55)
    depth = ndimage.distance_transform_edt(skull) * regions.pixel_mm
    return _ratio(regions, (depth > 4) & (depth < 14), depth > 35)


def rib_contrast(regions: Regions) -> float:
    """Return how uneven the sides of the chest are along rows, over 20 to 60 mm."""
    cage = _filled_cage(regions) & ~_near(regions, regions.bones(*SITES["thoracic_spine"]), 25)
    cage &= ~regions.bones("manubrium", "sternum")
    return _unevenness(regions, cage)


def lumbar_ladder(regions: Regions) -> float:
    """Return how uneven the lumbar spine is along its course, over 20 to 60 mm."""
    return _unevenness(regions, regions.bones(*SITES["lumbar_spine"][:4]))


def mirror_correlation(regions: Regions) -> float:
    """Return the correlation of the chest beside the spine with its mirror image."""
    spine = np.argwhere(regions.bones(*SITES["thoracic_spine"]))
    if not len(spine):
        return float("nan")
    middle, half = round(float(spine[:, 1].mean())), regions.px(130)
    rows = slice(spine[:, 0].min(), spine[:, 0].max())
    chest = _smooth(regions)[rows, max(middle - half, 0) : middle + half + 1]
    beside = chest.shape[1] // 2 - regions.px(25)
    right, left = chest[:, :beside], chest[:, ::-1][:, :beside]
    detail = [part - ndimage.gaussian_filter(part, regions.px(25)) for part in (right, left)]
    return float(np.corrcoef(detail[0].ravel(), detail[1].ravel())[0, 1])


def side_difference(regions: Regions) -> float:
    """Return the mean absolute logarithm of right over left, over the large paired bones."""
    names = ("scapula", "humerus", "pelvis", "femur", "tibia", "clavicle", "ribs")
    counts = regions.image.counts
    means = [[counts[regions.bones(f"{name}_{side}")] for side in SIDES] for name in names]
    logs = [
        np.log(right.mean() / left.mean())
        for right, left in means
        if len(right) and len(left) and right.mean() > 0 and left.mean() > 0
    ]
    return float(np.mean(np.abs(logs)))


def neighbour_difference(regions: Regions) -> float:
    """Return the mean absolute logarithm of one vertebra's counts over the next one's."""
    levels = _vertebra_levels(regions)
    return float(np.mean(np.abs(np.diff(np.log(levels)))))


def region_step(regions: Regions) -> float:
    """Return the counts of L1 over those of T12."""
    return _ratio(regions, regions.bones("l1"), regions.bones("t12"))


def kidney_over_flank(regions: Regions) -> float:
    """Return the brighter kidney region's mean counts over those of the flank below it."""
    first, last = (np.argwhere(regions.bones(name)) for name in ("t12", "l3"))
    middle = round(float(np.concatenate([first, last])[:, 1].mean()))
    smooth = _smooth(regions)
    rows = slice(first[:, 0].min(), last[:, 0].max())
    below = slice(last[:, 0].max(), last[:, 0].max() + regions.px(35))
    near, far = regions.px(35), regions.px(85)
    flanks = [
        (smooth[rows, columns], smooth[below, columns])
        for columns in (slice(middle - far, middle - near), slice(middle + near, middle + far))
    ]
    return float(np.mean([np.quantile(kidney, 0.8) / np.median(low) for kidney, low in flanks]))


def maxima_across_shank(regions: Regions) -> float:
    """Return the mean number of maxima across a shank, a little above its middle."""
    smooth = ndimage.gaussian_filter1d(regions.image.counts.astype(float), regions.px(24), axis=0)
    smooth = ndimage.gaussian_filter1d(smooth, 1.0, axis=1)
    numbers = []
    for side in SIDES:
        tibia = np.argwhere(regions.bones(f"tibia_{side}", f"fibula_{side}"))
        if not len(tibia):
            continue
        row = round(float(np.quantile(tibia[:, 0], 0.4)))
        columns = tibia[tibia[:, 0] == row, 1]
        reach = regions.px(15)
        line = smooth[row, max(columns.min() - reach, 0) : columns.max() + reach]
        numbers.append(_count_maxima(line))
    return float(np.mean(numbers)) if numbers else float("nan")


def spread_along_ribs(regions: Regions) -> float:
    """Return how uneven ribs are along their course, the median over the ribs that are seen.

    A rib is a ridge beside the spine of at least RIB_MM; its spread is the standard deviation of
    the smoothed counts along it, over the straight line through them.
    """
    cage = _filled_cage(regions) & ~_near(regions, regions.bones(*SITES["thoracic_spine"]), 25)
    cage &= ~_near(regions, regions.bones("manubrium", "sternum"), 15)
    smooth = _smooth(regions)
    tops = smooth >= ndimage.maximum_filter1d(smooth, regions.px(14), axis=0)
    ribs, number = ndimage.label(tops & cage, np.ones((3, 3)))
    spreads = []
    for index in range(1, number + 1):
        rows, columns = np.nonzero(ribs == index)
        if np.ptp(columns) * regions.pixel_mm >= RIB_MM:
            counts = smooth[rows, columns]
            line = np.polyval(np.polyfit(columns, counts, 1), columns)
            spreads.append(float(np.std(counts / line)))
    return float(np.median(spreads)) if spreads else float("nan")


def chest_wall_over_lung(regions: Regions) -> float:
    """Return the mean counts of the outer 12 mm of the chest over those 25 to 45 mm inside."""
    depth = ndimage.distance_transform_edt(_filled_cage(regions)) * regions.pixel_mm
    lateral = _rows(depth > 0, 0.35, 0.8)
    wall, lung = (depth > 0) & (depth <= 12), (depth > 25) & (depth <= 45)
    return _ratio(regions, wall & lateral, lung & lateral)


def neck_step(regions: Regions) -> float:
    """Return the counts of T1 over those of C7."""
    return _ratio(regions, regions.bones("t1"), regions.bones("c7"))


def _count_maxima(profile: NDArray[np.float64]) -> int:
    return len(signal.find_peaks(profile, prominence=PROMINENCE * profile.max())[0])


def _ratio(regions: Regions, mask: NDArray[np.bool], other: NDArray[np.bool]) -> float:
    if not mask.any() or not other.any():
        return float("nan")
    counts = regions.image.counts
    return float(counts[mask].mean() / max(counts[other].mean(), 1e-9))


def _near(regions: Regions, mask: NDArray[np.bool], mm: float) -> NDArray[np.bool]:
    """Return a mask with all pixels up to a distance from it."""
    return ndimage.distance_transform_edt(~mask) * regions.pixel_mm <= mm


def _rows(mask: NDArray[np.bool], first: float, last: float) -> NDArray[np.bool]:
    """Return the rows between two shares of those that a mask spans, over the whole image."""
    return _columns(mask.T, first, last).T


def _columns(mask: NDArray[np.bool], first: float, last: float) -> NDArray[np.bool]:
    inside = np.flatnonzero(mask.any(axis=0))
    part = np.zeros_like(mask)
    if len(inside):
        low, high = np.interp((first, last), (0, 1), (inside[0], inside[-1] + 1))
        part[:, round(low) : round(high)] = True
    return part


def _filled_cage(regions: Regions) -> NDArray[np.bool]:
    """Return the area that the ribs enclose."""
    ribs = regions.bones(*(f"ribs_{side}" for side in SIDES))
    closed = ndimage.binary_closing(ribs, iterations=regions.px(14))
    return ndimage.binary_fill_holes(closed)


def _smooth(regions: Regions) -> NDArray[np.float64]:
    sigma = SMOOTHING_MM / regions.pixel_mm
    return ndimage.gaussian_filter(regions.image.counts.astype(float), sigma)


def _unevenness(regions: Regions, mask: NDArray[np.bool]) -> float:
    """Return the standard deviation of ribs' or vertebrae's scale along rows, over the mean."""
    counts = regions.image.counts.astype(float)
    sizes = [mm / 2.3548 / regions.pixel_mm for mm in (10, 40)]
    fine, coarse = (ndimage.gaussian_filter1d(counts, size, axis=0) for size in sizes)
    fine, coarse = (ndimage.uniform_filter1d(part, 7, axis=1) for part in (fine, coarse))
    return float(np.std((fine - coarse)[mask] / np.maximum(coarse[mask], 1e-9)))


def _vertebra_levels(regions: Regions) -> NDArray[np.float64]:
    counts = regions.image.counts
    names = (*SITES["thoracic_spine"][3:], *SITES["lumbar_spine"])
    levels = []
    for name in names:
        mask = regions.bones(name) & _columns(regions.bones(name), 0.3, 0.7)
        levels.append(counts[mask].mean())
    return np.array(levels)


RELATIONS: Mapping[tuple[View, str], Callable[[Regions], float]] = {
    (View.POSTERIOR, "sacroiliac index"): sacroiliac_index,
    (View.POSTERIOR, "scapula over ribs"): scapula_over_ribs,
    (View.ANTERIOR, "clavicle over surroundings"): clavicle_over_surroundings,
    (View.ANTERIOR, "maxima across manubrium"): maxima_across_manubrium,
    (View.ANTERIOR, "skull rim over vault"): skull_rim_over_vault,
    (View.ANTERIOR, "rib contrast"): rib_contrast,
    (View.POSTERIOR, "rib contrast"): rib_contrast,
    (View.ANTERIOR, "spread along ribs"): spread_along_ribs,
    (View.POSTERIOR, "spread along ribs"): spread_along_ribs,
    (View.ANTERIOR, "lumbar ladder"): lumbar_ladder,
    (View.ANTERIOR, "mirror correlation"): mirror_correlation,
    (View.POSTERIOR, "mirror correlation"): mirror_correlation,
    (View.POSTERIOR, "side difference"): side_difference,
    (View.POSTERIOR, "neighbour difference"): neighbour_difference,
    (View.POSTERIOR, "L1 over T12"): region_step,
    (View.POSTERIOR, "T1 over C7"): neck_step,
    (View.POSTERIOR, "kidney over flank"): kidney_over_flank,
    (View.ANTERIOR, "chest wall over lung"): chest_wall_over_lung,
    (View.ANTERIOR, "maxima across shank"): maxima_across_shank,
}
"""By view and name."""


def measure_relations(regions: Regions) -> dict[str, float]:
    """Return the relations of one view, by name and view."""
    return {
        view_name(view, name): relation(regions)
        for (view, name), relation in RELATIONS.items()
        if view is regions.view
    }
