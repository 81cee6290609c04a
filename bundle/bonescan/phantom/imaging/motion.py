"""A patient who moves during the scan: what is scanned afterwards lies elsewhere."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bonescan.phantom.anatomy.voxels import Body

MOTION_SHARE = 0.06
"""Share of scans with a visible movement; a default of ours."""
SHIFT_MM = (5.0, 16.0)

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Motion:
    """A part of the image that lies aside from where it was: a step at one row.

    Attributes:
        rows: rows that are scanned after, or before, the movement.
        columns: columns of the limb.
        shift_px: towards higher columns.
    """

    rows: slice
    columns: slice
    shift_px: int

    def apply(self, image: NDArray[T]) -> NDArray[T]:
        """Return an image or a map (row, column) with the part moved; its edge is repeated."""
        moved = image.copy()
        part = image[self.rows, self.columns]
        source = np.clip(np.arange(part.shape[1]) - self.shift_px, 0, part.shape[1] - 1)
        moved[self.rows, self.columns] = part[:, source]
        return moved


def draw_motion(body: Body, rng: np.random.Generator) -> Motion | None:
    """Draw a turn of the head or an outward move of one leg; mostly None."""
    if rng.random() >= MOTION_SHARE:
        return None
    shift_px = max(1, round(rng.uniform(*SHIFT_MM) / body.spacing_mm[2]))
    part = ("head", "leg_right", "leg_left")[rng.integers(3)]
    if part == "head":
        neck = round(body.points["c4_centre"][0])
        return Motion(slice(0, neck), slice(None), int(rng.choice((-1, 1))) * shift_px)
    side = part.removeprefix("leg_")
    hip, knee = (body.points[f"{joint}_{side}"] for joint in ("hip", "knee"))
    row = int(rng.uniform(0.5 * hip[0] + 0.5 * knee[0], knee[0] + 0.3 * (knee[0] - hip[0])))
    middle = round(np.mean([body.points[f"knee_{side}"][2] for side in ("left", "right")]))
    if side == "right":
        return Motion(slice(row, None), slice(0, middle), -shift_px)
    return Motion(slice(row, None), slice(middle, None), shift_px)
