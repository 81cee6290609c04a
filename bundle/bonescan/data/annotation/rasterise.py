"""From the shapes of a LabelMe file to a label map, pixel for pixel as LabelMe does it.

LabelMe's `labelme.utils.shape_to_mask` and `shapes_to_label` hand the points to the drawing
routines of Pillow, edge included, lines 10 pixels wide and points as discs of radius 5, and paint
later shapes over earlier ones. So does this module: the tests hold results of that package.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bonescan.data.annotation.labelme import Annotation, LabelMeError, LabelMeShape

LINE_WIDTH_PX = 10
POINT_RADIUS_PX = 5
"""LabelMe's; a user who draws lines around lesions should not: use polygons."""


@dataclass(frozen=True)
class Drawing:
    """How the image that the annotator saw differs from the view as acquired.

    Attributes:
        upside_down: rows run from the feet to the head.
        mirrored: columns run the other way, as in a posterior view that was flipped.
        resized: it may have another number of rows and columns; the points are scaled.
    """

    upside_down: bool = False
    mirrored: bool = False
    resized: bool = False


def rasterise(
    annotation: Annotation,
    size: tuple[int, int],
    values: Mapping[str, int | None],
    drawing: Drawing | None = None,
) -> NDArray[np.uint8]:
    """Paint an annotation as a label map in the geometry of the acquisition.

    Args:
        annotation: the shapes.
        size: (rows, columns) of the view as acquired.
        values: value of each name, 0..255; None leaves the shapes of this name out.
        drawing: how the annotator's image differs from the view; None if it does not.

    Returns:
        Label map (row, column); 0 where nothing was drawn.

    Raises:
        LabelMeError: if the sizes do not fit, a name is unknown, or a point is off the image.
    """
    drawing = drawing or Drawing()
    if annotation.size != size and not drawing.resized:
        raise LabelMeError(
            f"{annotation.path.name}: must be drawn on an image of {size[0]} rows and {size[1]} "
            f"columns, got {annotation.size[0]} and {annotation.size[1]}; it belongs to another "
            "scan, or the image was resized, which must be said"
        )
    label = np.zeros(size, dtype=np.uint8)
    for shape in annotation.shapes:
        value = _value_of(shape, values, annotation)
        _require_inside(shape, annotation)
        if value is not None:
            label[shape_mask(shape, annotation.size, size)] = value
    label = label[::-1] if drawing.upside_down else label
    return np.ascontiguousarray(label[:, ::-1] if drawing.mirrored else label)


def shape_mask(
    shape: LabelMeShape, drawn_size: tuple[int, int], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Paint one shape, edge included.

    Args:
        shape: the shape.
        drawn_size: (rows, columns) of the image that it was drawn on.
        size: (rows, columns) of the mask; the shape is scaled to it, the width of lines is not.

    Returns:
        Mask (row, column).
    """
    if shape.mask is not None:
        return _paste_mask(shape, shape.mask, drawn_size, size)
    scale_xy = np.array([size[1] / drawn_size[1], size[0] / drawn_size[0]])
    canvas = Image.new("L", size[::-1], 0)
    draw = ImageDraw.Draw(canvas)
    points = shape.points * scale_xy
    outline = [tuple(point) for point in points.tolist()]
    if shape.kind == "rectangle":
        corners = [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]
        draw.rectangle(corners, outline=1, fill=1)
    elif shape.kind == "circle":
        centre, edge = shape.points
        _draw_ellipse(draw, points[0], float(np.linalg.norm(edge - centre)) * scale_xy)
    elif shape.kind == "point":
        _draw_ellipse(draw, points[0], np.full(2, float(POINT_RADIUS_PX)))
    elif shape.kind in {"line", "linestrip"}:
        draw.line(outline, fill=1, width=LINE_WIDTH_PX)
    else:
        draw.polygon(outline, outline=1, fill=1)
    return np.array(canvas, dtype=bool)


def _draw_ellipse(
    draw: ImageDraw.ImageDraw, centre: NDArray[np.float64], radii: NDArray[np.float64]
) -> None:
    box = [*(centre - radii).tolist(), *(centre + radii).tolist()]
    draw.ellipse(box, outline=1, fill=1)


def _paste_mask(
    shape: LabelMeShape, mask: NDArray[np.bool_], drawn_size: tuple[int, int], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Put a mask shape in its place and take the nearest pixel of each pixel of the view."""
    drawn = np.zeros(drawn_size, dtype=bool)
    left, top = shape.points[0].astype(int)
    drawn[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    rows, columns = (
        ((np.arange(length) + 0.5) * drawn_length / length).astype(int)
        for length, drawn_length in zip(size, drawn_size, strict=True)
    )
    return drawn[np.ix_(rows, columns)]


def _value_of(
    shape: LabelMeShape, values: Mapping[str, int | None], annotation: Annotation
) -> int | None:
    if shape.label not in values:
        raise LabelMeError(
            f"{annotation.path.name}: {shape}: label must be one of {', '.join(sorted(values))}; "
            "correct it in LabelMe or add it to the mapping"
        )
    return values[shape.label]


def _require_inside(shape: LabelMeShape, annotation: Annotation) -> None:
    """Check that all points are on the image, its edges included; LabelMe lets none be off it."""
    rows, columns = annotation.size
    limit = np.array([columns, rows]) - (1 if shape.mask is not None else 0)
    off = shape.points[((shape.points < 0) | (shape.points > limit)).any(axis=1)]
    if len(off):
        raise LabelMeError(
            f"{annotation.path.name}: {shape}: points must lie within x 0..{columns} and "
            f"y 0..{rows}, got ({off[0, 0]:g}, {off[0, 1]:g}); the file belongs to another image"
        )
