"""What a bone is drawn from: shapes, and what fills them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from bonescan.phantom.anatomy.shapes import Shape

MARROW_DENSITY = 0.05
"""Tracer in the cavity of a long bone's shaft over that in its cortex: fatty marrow without bone
holds about as much as other soft tissue."""
SPONGY_DENSITY = 0.35
"""Tracer in spongy bone over that in cortex: bone fills a fifth of it, and its large surface takes
up more per gram. A default of ours."""
CORTEX_MM = 1.5
"""Thickness of the cortex around spongy bone. A default of ours."""


@dataclass(frozen=True)
class BoneShape:
    """One bone before it is rasterised.

    Attributes:
        name: of the bone.
        region: of `bonescan.labels.REGIONS`.
        shapes: their union is the bone.
        without: what is cut out of it.
        marrow: the cavity of its shaft, where it holds MARROW_DENSITY of the tracer in its cortex.
        spongy: its ends, where it holds SPONGY_DENSITY below a thin cortex.
        cover_mm: least thickness of the soft tissue over it; 0 leaves that to the body's outline.
    """

    name: str
    region: str
    shapes: Sequence[Shape]
    without: Sequence[Shape] = field(default=(), kw_only=True)
    marrow: Sequence[Shape] = field(default=(), kw_only=True)
    spongy: Sequence[Shape] = field(default=(), kw_only=True)
    cover_mm: float = field(default=0.0, kw_only=True)

    @classmethod
    def paired(
        cls,
        name: str,
        side: str,
        shapes: Sequence[Shape],
        *,
        cover_mm: float,
        marrow: Sequence[Shape] = (),
        spongy: Sequence[Shape] = (),
    ) -> Self:
        """Return a bone of one side that is all of its region, such as ``femur_left``."""
        name = f"{name}_{side}"
        return cls(name, name, shapes, marrow=marrow, spongy=spongy, cover_mm=cover_mm)
