"""One patient under the camera: the sum of what all structures add, as hot as they must be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.phantom.imaging.acquisition import Acquisition, draw_acquisition
from bonescan.phantom.imaging.bases import BaseKey, BaseKind, Bases, base_weights
from bonescan.phantom.imaging.camera import (
    ScanSettings,
    draw_scan,
    expected_counts,
    scatter,
    strip_mask,
)
from bonescan.phantom.imaging.contrast import LEAST_BENIGN_RISE, scale_to_stand_out
from bonescan.phantom.imaging.projection import Patch
from bonescan.phantom.imaging.scatter_window import SCATTER_WINDOW_SHARE
from bonescan.phantom.presets import Preset
from bonescan.phantom.tracer.lesions import Lesion
from bonescan.phantom.tracer.paint import spot_block
from bonescan.phantom.tracer.uptake import HotSpot, Uptake

BLADDER = BaseKey(BaseKind.ORGAN, "bladder")

Patches = Mapping[View, Patch]
"""What one structure alone adds to each view."""


@dataclass(frozen=True)
class Scene:
    """One patient under the camera, before the Poisson draw and in the geometry of the grid.

    Attributes:
        bases: the body under the camera.
        lesions: each with the primary photons that it alone adds.
        foci: benign hot spots, the same.
        bladder: its primary photons, None where there is none.
        expected: counts by view, (row, column), at rest behind ideal detectors.
        counts_per_photon: expected counts of a primary photon, by view.
        strip: pixels that the detectors pass over, (row, column).
        scan: how long and with how much scatter is scanned.
        acquisition: movements, and how the detectors count.
        stores_scatter: whether the scatter window is stored, too.
    """

    bases: Bases
    lesions: tuple[tuple[Lesion, Patches], ...]
    foci: tuple[tuple[HotSpot, Patches], ...]
    bladder: Patches | None
    expected: Mapping[View, NDArray[np.float32]]
    counts_per_photon: Mapping[View, float]
    strip: NDArray[np.bool]
    scan: ScanSettings
    acquisition: Acquisition
    stores_scatter: bool


def set_scene(
    bases: Bases,
    uptake: Uptake,
    lesions: tuple[Lesion, ...],
    preset: Preset,
    rng: np.random.Generator,
    *,
    unit: int,
) -> Scene:
    """Add up what both detectors see of one patient.

    Args:
        bases: the body under the camera.
        uptake: what its structures hold.
        lesions: metastases, not yet as hot as they must be.
        preset: how uneven bone is, and how many counts there are.
        rng: source of what belongs to the scan.
        unit: which camera of its model it is.
    """
    scan, pixel_mm = draw_scan(preset.total_counts, rng), bases.camera.pixel_mm
    photons = bases.photons(base_weights(bases.keys, uptake, preset.unevenness, rng))
    foci, normal = _add_foci(bases, uptake, photons, scan)
    hot = tuple(_heat(lesion, bases, normal) for lesion in lesions)
    for _, patches in hot:
        _add(photons, patches)
    # Cold lesions take away what the bone holds on average, which may be more than is there.
    photons = {view: np.maximum(image, 0) for view, image in photons.items()}
    strip = strip_mask(bases.thickness.shape, bases.camera, bases.geometry)
    expected, scales = expected_counts(photons, bases.thickness, strip, pixel_mm, scan)
    return Scene(
        bases=bases,
        lesions=hot,
        foci=foci,
        bladder=bases.patch(BLADDER, uptake.organs["bladder"]),
        expected=expected,
        counts_per_photon=scales,
        strip=strip,
        scan=scan,
        acquisition=draw_acquisition(bases, rng, unit=unit),
        stores_scatter=rng.random() < SCATTER_WINDOW_SHARE,
    )


def _add_foci(
    bases: Bases, uptake: Uptake, photons: Mapping[View, NDArray[np.float32]], scan: ScanSettings
) -> tuple[tuple[tuple[HotSpot, Patches], ...], dict[View, NDArray[np.float32]]]:
    """Add the hot spots to the photons of both views.

    Returns:
        The hot spots with what each adds, and the views with scatter.
    """
    pixel_mm, spots = bases.camera.pixel_mm, tuple(_project_spots(bases, uptake))
    for spot, patches in spots:
        if spot.peak_over_ring is None:
            _add(photons, patches)
    normal = {
        view: image + scatter(image, bases.thickness, pixel_mm, scan)
        for view, image in photons.items()
    }
    foci = tuple(_heat_spot(spot, patches, normal, pixel_mm) for spot, patches in spots)
    for spot, patches in foci:
        if spot.peak_over_ring is not None:
            _add(photons, patches)
            _add(normal, patches)
    return foci, normal


def _project_spots(bases: Bases, uptake: Uptake) -> Iterator[tuple[HotSpot, Patches]]:
    """Yield the hot spots that lie in the grid, with what each alone adds to the views."""
    for spot in uptake.hot_spots:
        block = spot_block(bases.body, spot)
        if block is not None:
            yield spot, bases.project(block)


def _add(photons: Mapping[View, NDArray[np.float32]], patches: Patches) -> None:
    for view, patch in patches.items():
        photons[view][patch.slices] += patch.values


def _heat_spot(
    spot: HotSpot, patches: Patches, normal: Mapping[View, NDArray[np.float32]], pixel_mm: float
) -> tuple[HotSpot, Patches]:
    """Return a hot spot with what it adds when it is as hot as it must be."""
    if spot.peak_over_ring is None:
        return spot, patches
    factor = scale_to_stand_out(
        patches, normal, spot.peak_over_ring, pixel_mm, least_rise=LEAST_BENIGN_RISE
    )
    return spot, {view: patch.times(factor) for view, patch in patches.items()}


def _heat(
    lesion: Lesion, bases: Bases, normal: Mapping[View, NDArray[np.float32]]
) -> tuple[Lesion, Patches]:
    """Return a lesion as hot as it must be in the view that shows it best, and what it adds."""
    patches = bases.project(lesion.added)
    if lesion.peak_over_ring is None:
        return lesion, patches
    factor = scale_to_stand_out(patches, normal, lesion.peak_over_ring, bases.camera.pixel_mm)
    hot = lesion.scaled(factor)
    factor = (hot.contrast - 1) / (lesion.contrast - 1)
    return hot, {view: patch.times(factor) for view, patch in patches.items()}
