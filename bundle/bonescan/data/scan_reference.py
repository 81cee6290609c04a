"""A reference to a file, with what must be said by hand about it.

A MONAI reader sees file names only. What a header does not tell therefore travels at the end of the
name, as in a link: `scan.dcm#view=posterior`, `scan.dcm#view=anterior&spacing_mm=2.4,2.4`. The
fields `view` and `spacing_mm` of a datalist are turned into this form when it is loaded.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bonescan.dicom.header import is_plausible_spacing
from bonescan.dicom.scan import View
from bonescan.errors import ScanError

_VIEW = "view"
_SPACING = "spacing_mm"
_HINTS = re.compile(rf"#((?:{_VIEW}|{_SPACING})=[^#/]*)$")


def file_names(image: str | Path | Sequence[str | Path]) -> list[str]:
    """Return the names in the field `image` of a datalist, which holds one or several."""
    return [str(name) for name in ([image] if isinstance(image, str | Path) else image)]


@dataclass(frozen=True)
class ScanReference:
    """A file and what was said by hand about it.

    Attributes:
        path: the file or folder.
        view: the view of its first frame.
        spacing_mm: (row, column) pixel spacing in mm.
    """

    path: Path
    view: View | None = None
    spacing_mm: tuple[float, float] | None = None

    def __str__(self) -> str:
        """Return the form in which it travels."""
        hints = []
        if self.view is not None:
            hints.append(f"{_VIEW}={self.view}")
        if self.spacing_mm is not None:
            hints.append(f"{_SPACING}={self.spacing_mm[0]},{self.spacing_mm[1]}")
        return f"{self.path}#{'&'.join(hints)}" if hints else str(self.path)


def parse_reference(text: str | Path) -> ScanReference:
    """Read a reference; a name without hints is a plain path.

    Raises:
        ScanError: if a hint is unknown or has an impossible value.
    """
    match = _HINTS.search(str(text))
    if match is None:
        return ScanReference(Path(text))
    path = Path(str(text)[: match.start()])
    hints = dict(part.partition("=")[::2] for part in match.group(1).split("&"))
    unknown = set(hints) - {_VIEW, _SPACING}
    if unknown:
        raise ScanError(f"{path.name}: hints must be {_VIEW} or {_SPACING}, got {sorted(unknown)}")
    return make_reference(
        path,
        view=hints.get(_VIEW),
        spacing_mm=hints[_SPACING].split(",") if _SPACING in hints else None,
    )


def make_reference(
    path: str | Path,
    *,
    view: str | None = None,
    spacing_mm: Sequence[str | float] | None = None,
) -> ScanReference:
    """Check what was said by hand about a file.

    Raises:
        ScanError: if the view or the spacing is impossible.
    """
    path = Path(path)
    if view is not None and view not in set(View):
        raise ScanError(f"{path.name}: view must be one of {', '.join(View)}, got {view!r}")
    if spacing_mm is None:
        return ScanReference(path, View(view) if view else None)
    try:
        row_mm, column_mm = map(float, spacing_mm)
    except (TypeError, ValueError):
        raise ScanError(
            f"{path.name}: spacing_mm must be two numbers, row and column, got {spacing_mm!r}"
        ) from None
    if not (is_plausible_spacing(row_mm) and is_plausible_spacing(column_mm)):
        raise ScanError(
            f"{path.name}: spacing_mm must be that of a whole-body scan, in mm, got {spacing_mm!r}"
        )
    return ScanReference(path, View(view) if view else None, (row_mm, column_mm))
