"""What is a planar whole-body scan, and which frames of a file belong to it."""

import logging
import re

from bonescan.dicom import codes
from bonescan.dicom.guard import tell
from bonescan.dicom.header import EnergyWindow, ImageHeader
from bonescan.errors import ScanError

logger = logging.getLogger(__name__)

_ELONGATION = 1.5
"""A whole-body matrix is at least this much longer than wide (1024 x 256, 1024 x 512)."""

_USUAL_WIDTH = (0.15, 0.20)
"""Width of the photopeak's window as a share of its energy, as whole-body scans are taken."""

_OTHER_NUCLIDE = re.compile(
    r"IODI|JOD|FLUORI|GALLIUM|INDIUM|THALLIUM|LUTETIUM|SAMARIUM|STRONTIUM|YTTRIUM|RADIUM|XENON"
    r"|(?<![A-Z])(I|F|GA|IN|TL|LU|SM|SR|XE)[ ^-]*[0-9]{2,3}(?![0-9])"
    r"|(?<![0-9])[0-9]{2,3}[ ^-]*(I|F|GA|IN|TL|LU|SM|SR|XE)(?![A-Z])"
)
"""Names of radionuclides that are not 99mTc: "^131^Iodine", "I-131", "18F"."""
_BLOOD_POOL = re.compile(r"BLOOD[ ._-]*POOL|GEOMETRIC[ ._-]*MEAN")
"""Words, in upper case, for images of a whole body that are no late bone scan as acquired."""

_SCATTER = re.compile(r"(?<![A-Z])(SC(?![A-Z])|SCAT|COMPTON|LOWER|DOWN)")
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
            f"got {tell(header.modality, codes.MODALITIES)}"
        )
    if header.samples_per_pixel != 1 or header.burned_in or _is_screen(header):
        raise ScanError(
            f"{name}: a screenshot (colour, or text burned into the pixels), not counts; "
            "export the original whole-body acquisition instead"
        )
    if _kind(header) != codes.WHOLE_BODY:
        _require_long_matrix(header)
    _require_bone_scan(header)


def _require_long_matrix(header: ImageHeader) -> None:
    """Check that an image that does not say what it is can be one of a whole body.

    Raises:
        ScanError: if it says that it is something else, or has another shape.
    """
    name = header.path.name
    rows, columns = header.rows, header.columns
    plausible = _kind(header) in {codes.STATIC, ""} and rows >= _ELONGATION * columns
    if not plausible or header.sop_class_uid != codes.NM_IMAGE_STORAGE:
        raise ScanError(
            f"{name}: NM, but no planar whole-body acquisition: ImageType value 3 must be "
            f"{codes.WHOLE_BODY}, got {tell(_kind(header), codes.IMAGE_KINDS)} "
            f"({rows} x {columns} pixels, {len(header.frames)} frames)"
        )
    logger.warning(
        "%s: ImageType does not say %s; taken for one by its %d x %d pixels",
        name,
        codes.WHOLE_BODY,
        rows,
        columns,
    )


def _require_bone_scan(header: ImageHeader) -> None:
    """Check that the image is one of emitted 99mTc, as it was acquired.

    A file that was only compressed again says DERIVED, too.

    Raises:
        ScanError: if not, as far as the header says.
    """
    texts = " ".join([header.image_id, header.series_description, *header.private_labels]).upper()
    nuclide = (header.acquisition.radionuclide or "").upper()
    reasons = (
        ("TRANSMISSION" in header.image_type, "ImageType says TRANSMISSION"),
        (
            header.image_type[:1] == ("DERIVED",) and not header.recompressed,
            "ImageType says DERIVED, and not because of compression",
        ),
        (_BLOOD_POOL.search(texts), "a label says blood pool or geometric mean"),
        (_OTHER_NUCLIDE.search(nuclide), "the header names another radionuclide than 99mTc"),
    )
    for holds, reason in reasons:
        if holds:
            raise ScanError(
                f"{header.path.name}: must be a bone scan with 99mTc as it was acquired; {reason}"
            )


def _kind(header: ImageHeader) -> str:
    """Return ImageType value 3 (PS3.3 C.8.4.9.1.1), "" if absent."""
    return header.image_type[2] if len(header.image_type) > 2 else ""


def _is_screen(header: ImageHeader) -> bool:
    return any("SCREEN" in value for value in header.image_type)


def photopeak_frames(header: ImageHeader) -> tuple[int, ...]:
    """Choose the frames of the photopeak's energy window.

    A file may hold scatter windows beside the photopeak (frames E1D1, E1D2, E2D1, E2D2). Of the
    windows around 140.5 keV that with the usual width, or nearest to it, is the image; without
    limits, the first whose name is not that of a scatter window, with a warning if several remain.

    Returns:
        Frame numbers in the file, from 0.

    Raises:
        ScanError: if that window has more frames than the two views, or all windows lie elsewhere.
    """
    window_of = [frame.energy_window or 1 for frame in header.frames]
    numbers = sorted(set(window_of))
    chosen = _photopeak(header, numbers)
    frames = tuple(index for index, number in enumerate(window_of) if number == chosen)
    if len(frames) > 2:
        raise ScanError(
            f"{header.path.name}: must have 1 or 2 views, got {len(frames)} frames in one energy "
            "window"
        )
    return frames


def _photopeak(header: ImageHeader, numbers: list[int]) -> int:
    """Return the number of the energy window that holds the image.

    Raises:
        ScanError: if every window has limits and none holds the photopeak.
    """
    windows = {
        number: header.energy_windows[number - 1]
        for number in numbers
        if 1 <= number <= len(header.energy_windows)
    }
    around = {number: _unusual(window) for number, window in windows.items() if _holds(window)}
    if around:
        return min(around, key=lambda number: (around[number], number))
    unknown = [number for number in numbers if not _has_limits(windows.get(number))]
    if not unknown:
        raise ScanError(
            f"{header.path.name}: must be a scan with 99mTc; no energy window holds "
            f"{codes.PHOTOPEAK_KEV} keV"
        )
    named = [number for number in unknown if number in windows]
    candidates = [number for number in named if not _is_scatter(windows[number])] or unknown
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


def _has_limits(window: EnergyWindow | None) -> bool:
    return window is not None and bool(window.lower_kev or window.upper_kev)


def _unusual(window: EnergyWindow) -> float:
    """Return how far a window's width is from the usual one, as a share of the photopeak."""
    low, high = _USUAL_WIDTH
    width = ((window.upper_kev or 0.0) - (window.lower_kev or 0.0)) / codes.PHOTOPEAK_KEV
    return round(max(low - width, width - high, 0.0), 3)


def _is_scatter(window: EnergyWindow) -> bool:
    return _SCATTER.search(window.name.upper()) is not None
