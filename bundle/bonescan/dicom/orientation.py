"""How the patient lay, and to which sides an image runs: checks that no view is read against."""

from collections.abc import Mapping

from bonescan.dicom.header import ImageHeader
from bonescan.dicom.scan import View
from bonescan.errors import ScanError

_LIES = {True: "prone", False: "supine", None: "nothing"}
_RIGHT_EDGE: Mapping[View, str] = {View.ANTERIOR: "L", View.POSTERIOR: "R"}
"""Side of the patient at the right edge of a view as a camera records it."""


def require_one_position(header: ImageHeader) -> None:
    """Check that coded orientation and position in the gantry agree on how the patient lay.

    Raises:
        ScanError: if one says prone and the other supine.
    """
    coded, by_position = header.prone, header.prone_by_position
    if None not in {coded, by_position} and coded != by_position:
        raise ScanError(
            f"{header.path.name}: the header contradicts itself: PatientOrientationCodeSequence "
            f"says {_LIES[coded]}, PatientPosition says {_LIES[by_position]}. Say which view the "
            f'first frame is, such as "{header.path.name}#view=anterior"'
        )


def lay_prone(header: ImageHeader) -> bool | None:
    """Return whether the patient lay prone, None if the header does not say."""
    return header.prone_by_position if header.prone is None else header.prone


def require_upright(header: ImageHeader) -> None:
    """Check PatientOrientation (0020,0020), where it is given: columns run to the feet.

    Raises:
        ScanError: if rows do not run to a side of the patient, or columns not to the feet.
    """
    sides = header.orientation
    if len(sides) == 2 and not (sides[0][:1] in {"L", "R"} and sides[1][:1] == "F"):
        raise ScanError(
            f"{header.path.name}: PatientOrientation must run to L or R and down to F, the feet, "
            "got something else: the image is turned or upside down; export it as it was acquired"
        )


def require_side(header: ImageHeader, view: View) -> None:
    """Check that the only view of a file is stored as a camera records it.

    Raises:
        ScanError: if PatientOrientation says that it is the other view, or mirrored.
    """
    side = header.orientation[0][:1] if len(header.orientation) == 2 else ""
    if side and side != _RIGHT_EDGE[view]:
        raise ScanError(
            f"{header.path.name}: the header contradicts itself: the view is said to be {view}, "
            f"which has the patient's {_RIGHT_EDGE[view]} at its right edge, PatientOrientation "
            f"says {_RIGHT_EDGE[view.other]}: it is the other view or mirrored. Export it as it "
            f'was acquired, or say the view by hand, such as "{header.path.name}#view={view}"'
        )
