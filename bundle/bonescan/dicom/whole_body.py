"""What is a planar whole-body scan, and which frames of a file belong to it."""

import logging
import re

from bonescan.dicom import codes
from bonescan.dicom.header import EnergyWindow, ImageHeader
from bonescan.errors import ScanError

logger = logging.getLogger(__name__)

_ELONGATION = 1.5
"""A whole-body matrix is at least this much longer than wide (1024 x 256, 1024 x 512)."""

_SCATTER = re.compile(r"(?<![A-Z])(SC(?![A-Z])|SCAT|LOWER|DOWN)")
"""Names of scatter windows: "Tc99m_SC", "SC2", "lower scatter"; not "WB SCAN"."""


def require_whole_body(header: ImageHeader) -> None:
    """Check that a header is that of a planar whole-body acquisition.

    The SOP class is not asked alone: real scans exist whose class is Secondary Capture while
    modality and ImageType are right.

    Raises:
        ScanError: saying what the file is instead.
    """
    name = header.path.name
    if header.modality != codes.MODALITY:
        raise ScanError(
            f"{name}: modality must be {codes.MODALITY} (nuclear medicine), "
            f"got {header.modality or 'none'}"
        )
    if header.samples_per_pixel != 1 or header.burned_in or _is_screen(header):
        raise ScanError(
            f"{name}: a screenshot (colour, or text burned into the pixels), not counts; "
            "export the original whole-body acquisition instead"
        )
    if _kind(header) == codes.WHOLE_BODY:
        return
    rows, columns = header.rows, header.columns
    plausible = _kind(header) in {codes.STATIC, ""} and rows >= _ELONGATION * columns
    if not plausible or header.sop_class_uid != codes.NM_IMAGE_STORAGE:
        raise ScanError(
            f"{name}: NM, but no planar whole-body acquisition: ImageType value 3 must be "
            f"{codes.WHOLE_BODY}, got {_kind(header) or 'none'} ({rows} x {columns} pixels, "
            f"{len(header.frames)} frames)"
        )
    logger.warning(
        "%s: ImageType does not say %s; taken for one by its %d x %d pixels",
        name,
        codes.WHOLE_BODY,
        rows,
        columns,
    )


def _kind(header: ImageHeader) -> str:
    """Return ImageType value 3 (PS3.3 C.8.4.9.1.1), "" if absent."""
    return header.image_type[2] if len(header.image_type) > 2 else ""


def _is_screen(header: ImageHeader) -> bool:
    return any("SCREEN" in value for value in header.image_type)


def photopeak_frames(header: ImageHeader) -> tuple[int, ...]:
    """Choose the frames of the photopeak's energy window.

    A file may hold scatter windows beside the photopeak (frames E1D1, E1D2, E2D1, E2D2). The
    narrowest window around 140.5 keV is the image; without limits, the first whose name is not that
    of a scatter window, with a warning if several remain.

    Returns:
        Frame numbers in the file, from 0.

    Raises:
        ScanError: if that window has more frames than the two views.
    """
    window_of = [frame.energy_window or 1 for frame in header.frames]
    numbers = sorted(set(window_of))
    chosen = numbers[0] if len(numbers) == 1 else _photopeak(header, numbers)
    frames = tuple(index for index, number in enumerate(window_of) if number == chosen)
    if len(frames) > 2:
        raise ScanError(
            f"{header.path.name}: must have 1 or 2 views, got {len(frames)} frames in one energy "
            "window"
        )
    return frames


def _photopeak(header: ImageHeader, numbers: list[int]) -> int:
    """Return the number of the energy window that holds the image."""
    windows = {
        number: header.energy_windows[number - 1]
        for number in numbers
        if 1 <= number <= len(header.energy_windows)
    }
    around = {number: _width_kev(window) for number, window in windows.items() if _holds(window)}
    if around:
        return min(around, key=lambda number: (around[number], number))
    candidates = [number for number in windows if not _is_scatter(windows[number])] or numbers
    if len(candidates) > 1:
        logger.warning(
            "%s: %d energy windows, none said to hold %.1f keV; window %d is taken for the image",
            header.path.name,
            len(numbers),
            codes.PHOTOPEAK_KEV,
            candidates[0],
        )
    return candidates[0]


def _holds(window: EnergyWindow) -> bool:
    low, high = window.lower_kev, window.upper_kev
    return low is not None and high is not None and low <= codes.PHOTOPEAK_KEV <= high


def _width_kev(window: EnergyWindow) -> float:
    return (window.upper_kev or 0.0) - (window.lower_kev or 0.0)


def _is_scatter(window: EnergyWindow) -> bool:
    return _SCATTER.search(window.name.upper()) is not None
