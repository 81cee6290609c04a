"""A patient who moves head, arms or legs: what is counted afterwards lies elsewhere.

A movement bends the image about a joint. The detector counts all rows in front of it at once, so
those that lie there at the time show a part in both places; after a pause the step is sharp.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bonescan.dicom.scan import View
from bonescan.labels import SIDES, region_bit
from bonescan.phantom.anatomy.body_scale import side_sign
from bonescan.phantom.anatomy.voxels import Body
from bonescan.phantom.imaging.bed import time_after
from bonescan.phantom.imaging.uniformity import FIELD_LENGTH_MM

PART_SHARE = {"head": 0.03, "arm": 0.012, "leg": 0.012}
"""Share of scans in which the head, and each arm and leg, moves visibly; together 7 %. Defaults of
ours."""
SHARP_SHARE = 0.3
"""Share of the movements while the bed stands still or the scan pauses. A default of ours."""

HEAD_TILT_DEG, HEAD_TURN_DEG = 3.0, 14.0
"""Standard deviations of a movement of the head: ear to the shoulder, and about the long axis.
With the angles below, defaults of ours."""
ARM_DEG = {"shoulder": (1.5, 4.0), "elbow": (2.5, 9.0)}
LEG_DEG = {"hip": (0.6, 2.0), "knee": (1.0, 4.0)}
"""Angles about a joint: hands and feet move by 10 to 50 mm."""
OUTWARD_SHARE = 0.75

HEAD_RADIUS_MM = 75.0
"""The head turns as a ball of this radius."""
ARM_MM = (32.0, 48.0)
"""Distances from the arm's axis to which all, and nothing, moves with it."""
ARM_CORE_MM = 16.0
"""An arm that lies so close to the shadow of another bone lies on the trunk and cannot be moved in
the image apart from it."""
STAY_MM = 15.0
"""Distance from the bones that stay at which what moves is free."""
LEG_GAP_MM = 8.0
"""Breadth over which legs that touch part."""
JOINT_MM = (15.0, 90.0)
"""Distances beyond a joint from which nothing, and all, turns with it: skin and muscle stretch."""

ARM_BONES = ("clavicle", "scapula", "humerus", "forearm", "hand")
LEG_BONES = ("femur", "patella", "tibia", "fibula", "foot")

T = TypeVar("T", bound=np.generic)
Places = NDArray[np.float64]
"""Rows and columns in mm of the pixels of an image, (2, row, column)."""


@dataclass(frozen=True)
class Motion:
    """A part of the image that moved at one time.

    Attributes:
        part: "head", "arm" or "leg".
        box: the rows and columns that hold it, before and after.
        after: share of its time that each row of the box was counted after the movement, (row,).
        source: row and column that each pixel of the box shows after the movement, by view, (2,
            row, column).
    """

    part: str
    box: tuple[slice, slice]
    after: NDArray[np.float32]
    source: Mapping[View, NDArray[np.float32]]

    def apply(self, image: NDArray[T], view: View, columns: tuple[int, int]) -> NDArray[T]:
        """Return an image (row, column) of a view with the part moved.

        Counts, which are floating-point numbers, are shared between both places by time; of the
        whole numbers of a map, those stand where the part lay longer.

        Args:
            image: counts or a map in the geometry of the grid.
            view: whose image.
            columns: first and last column that the detector reaches; what comes in from beyond is
                taken to be as at its edge.
        """
        result = image.copy()
        part, (row, column) = result[self.box], self.source[view]
        row, column = row.clip(0, len(image) - 1), column.clip(*columns)
        if np.issubdtype(image.dtype, np.floating):
            moved = ndimage.map_coordinates(image, (row, column), order=1)
            part[:] = part + self.after[:, None] * (moved - part)
        else:
            moved = image[np.rint(row).astype(np.intp), np.rint(column).astype(np.intp)]
            late = self.after > 0.5
            part[late] = moved[late]
        return result


def draw_motions(
    body: Body, regions: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Motion, ...]:
    """Draw the movements of head, arms and legs, each on its own; mostly none.

    Args:
        body: who moves.
        regions: of the bones at rest, one bit each, (row, column).
        rng: source of all randomness.
    """
    moves: list[Callable[[], Motion | None]] = []
    if rng.random() < PART_SHARE["head"]:
        moves.append(partial(move_head, body, rng))
    for side in SIDES:
        if rng.random() < PART_SHARE["arm"]:
            moves.append(partial(move_arm, body, regions, rng, side))
        if rng.random() < PART_SHARE["leg"]:
            moves.append(partial(move_leg, body, regions, rng, side))
    return tuple(motion for move in moves if (motion := move()) is not None)


def move_head(body: Body, rng: np.random.Generator) -> Motion | None:
    """Tilt and turn the head: what lies in front goes to one side, what lies behind to the other.

    None, as of arms and legs, where the field of view does not hold it.
    """
    places, neck = _places(body), _place(body, "c4_centre")
    share = _ramp(neck[0] - places[0])
    share *= np.abs(places[1] - neck[1]) < 2 * HEAD_RADIUS_MM
    tilt, turn = np.radians(rng.normal(0, (HEAD_TILT_DEG, HEAD_TURN_DEG)))
    source = _turned_back(places, neck, share * tilt)
    depth_mm = np.sqrt(np.maximum(HEAD_RADIUS_MM**2 - (places[1] - neck[1]) ** 2, 0))
    aside_mm = np.array([0, np.sin(turn)])[:, None, None] * share * depth_mm
    sources = {View.ANTERIOR: source - aside_mm, View.POSTERIOR: source + aside_mm}
    return _at_some_time("head", share, sources, body, rng)


def move_arm(
    body: Body, regions: NDArray[np.int64], rng: np.random.Generator, side: str
) -> Motion | None:
    """Move an arm about the shoulder or the elbow; None where it lies on the trunk."""
    joint, angle = _draw_turn(ARM_DEG, side, rng)
    places, pivot = _places(body), _place(body, f"{joint}_{side}")
    beyond = _ramp(places[0] - pivot[0])
    away, still = _from_arm(body, side, places), _others(regions, ARM_BONES, side)
    if (still & (beyond > 0) & (away < ARM_CORE_MM)).any():
        return None
    inner, outer = ARM_MM
    share = np.clip((outer - away) / (outer - inner), 0, 1) * beyond * _free(still, body)
    source = _turned_back(places, pivot, share * angle)
    return _at_some_time("arm", share, dict.fromkeys(View, source), body, rng)


def move_leg(
    body: Body, regions: NDArray[np.int64], rng: np.random.Generator, side: str
) -> Motion | None:
    """Move a leg about the hip or the knee; a hand beside it stays."""
    joint, angle = _draw_turn(LEG_DEG, side, rng)
    places, pivot = _places(body), _place(body, f"{joint}_{side}")
    knees = [_place(body, f"knee_{each}") for each in SIDES]
    aside_mm = side_sign(side) * (places[1] - np.mean(knees, axis=0)[1])
    share = np.clip(0.5 + aside_mm / LEG_GAP_MM, 0, 1) * _ramp(places[0] - pivot[0])
    share *= _free(_others(regions, LEG_BONES, side), body)
    source = _turned_back(places, pivot, share * angle)
    return _at_some_time("leg", share, dict.fromkeys(View, source), body, rng)


def _others(regions: NDArray[np.int64], moving: Sequence[str], side: str) -> NDArray[np.bool]:
    """Return where the bones lie that do not move, (row, column)."""
    bits = sum(region_bit(f"{bone}_{side}") for bone in moving)
    return (regions & ~np.int64(bits)) != 0


def _free(still: NDArray[np.bool], body: Body) -> NDArray[np.float64]:
    """Return 0 on the bones that stay and 1 away from them."""
    away = ndimage.distance_transform_edt(~still, sampling=_pixel_mm(body))
    return np.clip(away / STAY_MM, 0, 1)


def _draw_turn(
    angles_deg: Mapping[str, tuple[float, float]], side: str, rng: np.random.Generator
) -> tuple[str, float]:
    """Draw a joint and by how many radians the limb below turns about it towards the left."""
    joint = tuple(angles_deg)[rng.integers(len(angles_deg))]
    outward = 1 if rng.random() < OUTWARD_SHARE else -1
    return joint, side_sign(side) * outward * np.radians(rng.uniform(*angles_deg[joint]))


def _places(body: Body) -> Places:
    rows, _, columns = body.shape
    return np.indices((rows, columns)) * _pixel_mm(body)[:, None, None]


def _pixel_mm(body: Body) -> NDArray[np.float64]:
    """Return the height and the breadth of a pixel."""
    return np.array(body.spacing_mm[::2])


def _place(body: Body, point: str) -> NDArray[np.float64]:
    """Return row and column of a point in mm."""
    return np.array(body.points[point][::2]) * _pixel_mm(body)


def _ramp(beyond_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which share of a joint's turn reaches each place beyond it."""
    near, far = JOINT_MM
    return np.clip((beyond_mm - near) / (far - near), 0, 1)


def _from_arm(body: Body, side: str, places: Places) -> NDArray[np.float64]:
    """Return the distance of each place from the arm's axis in mm."""
    shoulder, elbow, wrist = (
        _place(body, f"{joint}_{side}") for joint in ("shoulder", "elbow", "wrist")
    )
    finger_tips = wrist + 0.75 * (wrist - elbow)
    return _distance(places, (shoulder, elbow, wrist, finger_tips))


def _distance(places: Places, line: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the distance of places from a line of straight pieces."""
    nearest = np.full(places.shape[1:], np.inf)
    for start, end in pairwise(line):
        along = end - start
        from_start = places - start[:, None, None]
        share = np.clip(np.tensordot(along, from_start, 1) / (along @ along), 0, 1)
        away = from_start - share * along[:, None, None]
        nearest = np.minimum(nearest, np.hypot(*away))
    return nearest


def _turned_back(
    places: Places, pivot: NDArray[np.float64], angle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where places lay before each turned by its angle about a pivot, in mm."""
    row, column = places - pivot[:, None, None]
    cosine, sine = np.cos(angle), np.sin(angle)
    back = np.stack([cosine * row + sine * column, cosine * column - sine * row])
    return back + pivot[:, None, None]


def _at_some_time(
    part: str,
    share: NDArray[np.float64],
    sources_mm: Mapping[View, NDArray[np.float64]],
    body: Body,
    rng: np.random.Generator,
) -> Motion | None:
    """Draw when a part moves; the scan runs from the head to the feet."""
    boxes = ndimage.find_objects((share > 0).astype(np.uint8))
    if not boxes:
        return None
    (box,), pixel_mm = boxes, _pixel_mm(body)
    rows = np.arange(box[0].start, box[0].stop)
    event = rng.uniform(rows[0], rows[-1])
    length_mm = 0.0 if rng.random() < SHARP_SHARE else FIELD_LENGTH_MM
    after = time_after((rows - event) * pixel_mm[0], length_mm).astype(np.float32)
    source = {
        view: (source_mm[:, *box] / pixel_mm[:, None, None]).astype(np.float32)
        for view, source_mm in sources_mm.items()
    }
    return Motion(part, box, after, source)
