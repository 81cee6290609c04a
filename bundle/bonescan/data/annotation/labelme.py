"""LabelMe files: the one place that knows the format.

LabelMe (github.com/wkentaro/labelme) writes one JSON file per image, in versions 4 to 6 with the
same fields. Points are [x, y] in pixels of the image that the annotator saw; x = 0 is the left edge
of its first column, so that pixel (row, column) holds the points from (column, row) up to
(column + 1, row + 1).
"""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bonescan.dicom.scan import View
from bonescan.files import write_json

LABELME_VERSION = "5.5.0"
"""Version of the format that is written."""

POLYGON = "polygon"
POINTS_OF_KIND: Mapping[str, tuple[int, int | None]] = {
    POLYGON: (3, None),
    "rectangle": (2, 2),
    "oriented_rectangle": (4, 4),
    "circle": (2, 2),
    "line": (2, 2),
    "linestrip": (2, None),
    "point": (1, 1),
    "mask": (2, 2),
}
"""Kinds of shapes, with the least and the greatest number of their points."""

_FARTHEST_PX = 1_000_000
"""No image is so large: a point farther away is an error of the file, and would fill the memory."""

_SHAPES = "shapes"
_SCAN_ID = "scan_id"
_VIEW = "view"
"""Fields of ours beside LabelMe's own, which LabelMe keeps when it saves the file again."""


class LabelMeError(ValueError):
    """A LabelMe file cannot be used; the message names the file and, where there is one, the shape.

    It holds the name of the file, not its folder, and no other text of the image's.
    """


@dataclass(frozen=True)
class LabelMeShape:
    """One shape as drawn.

    Attributes:
        number: position in the file, from 1.
        label: its name, as typed by the annotator.
        kind: one of POINTS_OF_KIND.
        points: (point, 2) of x and y.
        mask: pixels (row, column) of a `mask` shape, between its two points.
        group: number that shapes of one object share.
    """

    number: int
    label: str
    kind: str
    points: NDArray[np.float64]
    mask: NDArray[np.bool_] | None = None
    group: int | None = None

    def __str__(self) -> str:
        """Name the shape for messages."""
        return f"shape {self.number} ({self.kind} {self.label!r})"


@dataclass(frozen=True)
class Annotation:
    """What an annotator drew on one image.

    Attributes:
        path: the file.
        image_path: the image's name, relative to the file's folder; empty where not known.
        size: (rows, columns) of the image.
        shapes: in the order in which they are painted.
        scan_id: name of the scan, where the file was exported by this bundle.
        view: the view, where the file was exported by this bundle.
        made_by: what made the shapes, where a system did (bonescan.report.provenance).
    """

    path: Path
    image_path: str
    size: tuple[int, int]
    shapes: tuple[LabelMeShape, ...]
    scan_id: str | None = None
    view: View | None = None
    made_by: Mapping[str, Any] = field(default_factory=dict)


def is_labelme(path: Path) -> bool:
    """Tell whether a JSON file is a LabelMe file; files that are no JSON count as broken ones."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return True
    return isinstance(content, dict) and _SHAPES in content


def read_labelme(path: str | Path) -> Annotation:
    """Read a LabelMe file of version 4 or later, its image embedded or not.

    Raises:
        LabelMeError: if it is no such file, a shape is broken or of an unknown kind, or the size of
            the image is not known.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as err:
        raise LabelMeError(
            f"{path.name}: must be a JSON file in UTF-8, got {type(err).__name__}: {err}; "
            "save it again in LabelMe"
        ) from err
    if not isinstance(content, dict) or not isinstance(content.get(_SHAPES), list):
        raise LabelMeError(f"{path.name}: must hold a list of 'shapes', as LabelMe writes it")
    view = content.get(_VIEW)
    if view not in (None, *View):  # a tuple, for what JSON holds may not be hashable
        raise LabelMeError(f"{path.name}: view must be one of {', '.join(View)}, got {view!r}")
    return Annotation(
        path=path,
        image_path=str(content.get("imagePath") or "").replace("\\", "/"),  # from Windows
        size=_read_size(content, path.name),
        shapes=tuple(
            _read_shape(shape, number, path.name)
            for number, shape in enumerate(content[_SHAPES], start=1)
        ),
        scan_id=content.get(_SCAN_ID),
        view=None if view is None else View(view),
    )


def write_labelme(annotation: Annotation) -> None:
    """Write an annotation without masks to its path; the image is not embedded."""
    content = {
        **make_content(annotation.shapes, annotation.image_path, annotation.size, flags={}),
        _SCAN_ID: annotation.scan_id,
        _VIEW: annotation.view,
        **({"made_by": dict(annotation.made_by)} if annotation.made_by else {}),
    }
    write_json(annotation.path, content, indent=1)


def make_content(
    shapes: Sequence[LabelMeShape],
    image_path: str,
    size: tuple[int, int],
    *,
    flags: Mapping[str, bool],
) -> dict[str, Any]:
    """Return the content of a LabelMe file; the image is not embedded.

    Args:
        shapes: without masks, in the order in which they are painted.
        image_path: the image's name, relative to the file's folder.
        size: (rows, columns) of the image.
        flags: LabelMe's marks of the image as a whole.
    """
    rows, columns = size
    return {
        "version": LABELME_VERSION,
        "flags": dict(flags),
        _SHAPES: [
            {
                "label": shape.label,
                "points": shape.points.tolist(),
                "group_id": shape.group,
                "description": "",
                "shape_type": shape.kind,
                "flags": {},
                "mask": None,
            }
            for shape in shapes
        ],
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": rows,
        "imageWidth": columns,
    }


def _read_size(content: Mapping[str, Any], name: str) -> tuple[int, int]:
    """Return (rows, columns) as the file says, or of the image in it."""
    height, width = content.get("imageHeight"), content.get("imageWidth")
    embedded = content.get("imageData")
    if embedded is not None:
        rows, columns = _decode(embedded, f"{name}: imageData").shape[:2]
        if (height, width) not in ((None, None), (rows, columns)):
            raise LabelMeError(
                f"{name}: imageHeight and imageWidth must be those of the embedded image, "
                f"{rows} and {columns}, got {height!r} and {width!r}"
            )
        return rows, columns
    if not (isinstance(height, int) and isinstance(width, int) and min(height, width) > 0):
        raise LabelMeError(
            f"{name}: imageHeight and imageWidth must be positive whole numbers where no image is "
            f"embedded, got {height!r} and {width!r}"
        )
    return height, width


def _read_shape(shape: Any, number: int, name: str) -> LabelMeShape:
    if not isinstance(shape, dict) or not isinstance(shape.get("label"), str):
        raise LabelMeError(f"{name}: shape {number}: must have a 'label' that is text")
    kind = shape.get("shape_type") or POLYGON  # the first files had polygons only
    where = f"{name}: shape {number} ({kind} {shape['label']!r})"
    if not isinstance(kind, str) or kind not in POINTS_OF_KIND:
        raise LabelMeError(f"{where}: kind must be one of {', '.join(POINTS_OF_KIND)}")
    try:
        points = np.array(shape.get("points"), dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        points = np.array(np.nan)
    if points.ndim != 2 or points.shape[1] != 2 or not (abs(points) <= _FARTHEST_PX).all():
        raise LabelMeError(
            f"{where}: points must be pairs of finite numbers up to {_FARTHEST_PX:,} pixels"
        )
    least, most = POINTS_OF_KIND[kind]
    if len(points) < least or (most is not None and len(points) > most):
        wanted = f"{least}" if least == most else f"{least} or more"
        raise LabelMeError(f"{where}: must have {wanted} points, got {len(points)}")
    mask = _read_mask(shape.get("mask"), points, where) if kind == "mask" else None
    return LabelMeShape(number, shape["label"], kind, points, mask, shape.get("group_id"))


def _read_mask(encoded: Any, points: NDArray[np.float64], where: str) -> NDArray[np.bool_]:
    """Decode the pixels of a mask shape, which fill the box from its first to its last pixel."""
    mask = _decode(encoded, f"{where}: mask").astype(bool)
    (left, top), (right, bottom) = points.astype(int)
    if mask.shape != (bottom - top + 1, right - left + 1):
        raise LabelMeError(
            f"{where}: mask must have the {bottom - top + 1} rows and {right - left + 1} columns "
            f"between its points, got an image of shape {mask.shape}"
        )
    return mask


def _decode(encoded: Any, where: str) -> NDArray:
    """Decode an image in base64."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))) as image:
            return np.array(image)
    except (TypeError, ValueError, OSError, Image.DecompressionBombError) as err:
        raise LabelMeError(f"{where} must be an image file in base64, got {err}") from err
