"""What a scan and every map over it share: their views, and the pixels of each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SPACING_TOLERANCE = 0.01
"""Relative difference of two spacings that are the same: files round them."""


@dataclass(frozen=True)
class ViewGrid:
    """The views of a scan, or of a map over it, and their pixels.

    Attributes:
        views: names of the views, in the order of the first axis.
        size: (rows, columns) of each.
        spacing_mm: (row, column) pixel spacing in mm.
    """

    views: Sequence[str]
    size: tuple[int, int]
    spacing_mm: tuple[float, float]

    def __str__(self) -> str:
        """Say it in a message: `anterior, 1024 x 256 pixels of 2.4 x 2.4 mm`."""
        (rows, columns), (row_mm, column_mm) = self.size, self.spacing_mm
        pixels = f"{rows} x {columns} pixels of {row_mm:.4g} x {column_mm:.4g} mm"
        return f"{' and '.join(self.views)}, {pixels}"

    def fits(self, other: "ViewGrid") -> bool:
        """Say whether both have the same views and pixels."""
        return (
            tuple(self.views) == tuple(other.views)
            and self.size == other.size
            and all(
                math.isclose(*pair, rel_tol=SPACING_TOLERANCE)
                for pair in zip(self.spacing_mm, other.spacing_mm, strict=True)
            )
        )


def require_same_grid(map_grid: ViewGrid, scan_grid: ViewGrid, name: str) -> None:
    """Refuse a map that is not one over its scan.

    Args:
        map_grid: of the map.
        scan_grid: of the scan.
        name: of the map's file, for the message.

    Raises:
        ValueError: if views, size or pixel spacing differ.
    """
    if not map_grid.fits(scan_grid):
        raise ValueError(
            f"{name}: map must have the views and pixels of its scan ({scan_grid}), got "
            f"{map_grid}: it is of another scan or view, or its header is wrong"
        )
