"""Pictures of simulated scans beside a real one: whole bodies of all builds, and enlarged parts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.phantom.patient import SimulatedPatient
from bonescan.phantom.realism.picture import body_mask, find_frame
from bonescan.report.drawing import display_limit, draw_counts, new_figure, save_png

Views = Mapping[View, NDArray[np.number]]
Column = tuple[str, Views, float]
"""Title, counts by view, pixel size in mm."""

PARTS: Mapping[str, tuple[float, float, float]] = {
    "head": (-0.01, 0.15, 0.085),
    "thorax": (0.11, 0.37, 0.14),
    "pelvis": (0.36, 0.56, 0.13),
    "knees": (0.62, 0.82, 0.11),
}
"""First and last row, and half the width, in shares of the body height."""
HALF_WIDTH = 0.15
"""Of a whole body, in shares of the body height."""
WIDTH_PX = 1480
LEVELS_WIDTH_PX = 1000
ENLARGED = 5
"""Simulated patients of whom parts are shown enlarged."""
SMOOTHING_PX = 0.7
"""As a reading station shows counts."""


def choose_builds(patients: Sequence[SimulatedPatient], number: int) -> list[SimulatedPatient]:
    """Return some patients of all builds, from the lightest to the heaviest.

    The sexes take turns as long as both are left.

    Args:
        patients: to choose from.
        number: how many; all where there are fewer.
    """
    rank = np.argsort([patient.person.bmi for patient in patients], kind="stable")
    chosen: list[SimulatedPatient] = []
    for part in np.array_split(rank, min(number, len(patients))):
        wanted = "F" if len(chosen) % 2 else "M"
        group = [patients[index] for index in part]
        chosen.append(next((one for one in group if one.person.sex == wanted), group[0]))
    return chosen


def draw_whole(real: Sequence[Column], patients: Sequence[SimulatedPatient], path: Path) -> None:
    """Show real scans, then simulated ones: anterior views above, posterior views below."""
    part = (-0.03, 1.03, HALF_WIDTH)
    _draw([*real, *map(_column, patients)], part, path)


def draw_parts(real: Sequence[Column], patients: Sequence[SimulatedPatient], folder: Path) -> None:
    """Show each of PARTS in real and in simulated scans, one picture a part."""
    columns = [*real[:1], *map(_column, choose_builds(patients, ENLARGED))]
    for name, part in PARTS.items():
        _draw(columns, part, folder / f"realism_{name}.png")


def draw_levels(levels: Mapping[float, SimulatedPatient], path: Path) -> None:
    """Show the thorax of one patient at several levels of unevenness."""
    columns = [
        (f"unevenness {level:g}", *_column(patient)[1:]) for level, patient in levels.items()
    ]
    _draw(columns, PARTS["thorax"], path, width_px=LEVELS_WIDTH_PX)


def _column(patient: SimulatedPatient) -> Column:
    person = patient.person
    title = f"{person.sex} {person.age:.0f}, BMI {person.bmi:.0f}"
    views = {view: image.counts for view, image in patient.views.items()}
    return title, views, patient.camera.pixel_mm


def _draw(
    columns: Sequence[Column],
    part: tuple[float, float, float],
    path: Path,
    width_px: int = WIDTH_PX,
) -> None:
    first, last, half = part
    height = width_px / len(columns) * (last - first) / (2 * half)
    figure = new_figure(width_px, 2 * height + 40)
    axes = figure.subplots(2, len(columns), squeeze=False)
    for number, (title, views, pixel_mm) in enumerate(columns):
        for axis, view in zip(axes[:, number], View, strict=True):
            axis.set_axis_off()
            if view in views:
                counts = ndimage.gaussian_filter(views[view].astype(float), SMOOTHING_PX)
                shown = cut_part(counts, part, pixel_mm)
                draw_counts(axis, shown, (1.0, 1.0), limit=display_limit(shown, 99.3))
        axes[0, number].set_title(title, fontsize=8)
    figure.subplots_adjust(0.002, 0.002, 0.998, 1 - 20 / (2 * height + 40), 0.02, 0.01)
    save_png(figure, path)


def cut_part(
    counts: NDArray[np.float64], part: tuple[float, float, float], pixel_mm: float
) -> NDArray[np.float64]:
    """Return a part of a view by shares of the body height; white where it leaves the image.

    Args:
        counts: of the view (row, column).
        part: first and last row, and half the width about the body's middle.
        pixel_mm: pixel size.
    """
    frame = find_frame(body_mask(counts, pixel_mm))
    first, last, half = part
    top, bottom = (round(frame.head_row + share * frame.height) for share in (first, last))
    reach = round(half * frame.height)
    room = max(bottom - top, reach)
    padded = np.pad(counts, room)
    left = frame.midline_column - reach + room
    return padded[top + room : bottom + room, left : left + 2 * reach]
