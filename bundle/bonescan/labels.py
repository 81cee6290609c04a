"""Label values, bone regions and colours: the one owner of label semantics."""

from collections.abc import Iterable, Mapping
from enum import IntEnum


class Label(IntEnum):
    """Values of a label map on disk."""

    BACKGROUND = 0
    METASTASIS = 1
    BLADDER = 2


class BodyLabel(IntEnum):
    """Values of a label map that tells air from body (Chen 2023); derived, never on disk."""

    AIR = 0
    BODY = 1
    METASTASIS = 2


class FocusLabel(IntEnum):
    """Values of a label map that tells foci of uptake apart, in the order of a network's channels.

    Metastases come last (bonescan.transforms.LesionProbd); derived, never on disk.
    """

    BACKGROUND = 0
    BLADDER = 1
    BENIGN = 2
    METASTASIS = 3


LABEL_NAMES = {label.value: label.name.lower() for label in Label}

EIGHT_NEIGHBOURS = ((True,) * 3,) * 3
"""Structuring element: a lesion is an 8-connected component of its label in one view."""

LABEL_COLOURS = {Label.METASTASIS: (214, 39, 40), Label.BLADDER: (31, 119, 180)}
"""Outline colours, RGB 0..255; readable on inverse grey."""

SIDES = ("right", "left")

AXIAL_REGIONS = (
    "skull",
    "face",
    *(f"c{number}" for number in range(1, 8)),
    *(f"t{number}" for number in range(1, 13)),
    *(f"l{number}" for number in range(1, 6)),
    "sacrum",
    "manubrium",
    "sternum",
)
PAIRED_REGIONS = (
    "clavicle",
    "scapula",
    "ribs",
    "humerus",
    "forearm",
    "hand",
    "pelvis",
    "femur",
    "patella",
    "tibia",
    "fibula",
    "foot",
)

REGIONS = (*AXIAL_REGIONS, *(f"{name}_{side}" for name in PAIRED_REGIONS for side in SIDES))
"""Bone regions in bit order: region REGIONS[i] is bit i of a region map (int64, 53 bits used)."""

REPORT_SITES = ("spine", "pelvis", "scapula", "ribs", "femur", "other")
"""Parts of the skeleton that a report names (Liu et al. 2021, doi 10.2147/CMAR.S340114, Table
3); the sacrum is of the pelvis."""

REGION_GROUPS: Mapping[str, tuple[str, ...]] = {
    "skull": ("skull", "face"),
    "cervical_spine": tuple(f"c{number}" for number in range(1, 8)),
    "thoracic_spine": tuple(f"t{number}" for number in range(1, 13)),
    "lumbar_spine": tuple(f"l{number}" for number in range(1, 6)),
    "sacrum": ("sacrum",),
    "sternum": ("manubrium", "sternum"),
    **{f"{name}_{side}": (f"{name}_{side}",) for name in PAIRED_REGIONS for side in SIDES},
}
"""Regions as they are named and weighed in results: a planar image does not tell which vertebra it
shows, and the jaw lies on the skull."""


def region_group_bits(name: str) -> int:
    """Return the bits of a group's regions: a pixel shows the group where any of them is set.

    Raises:
        ValueError: if the group is unknown.
    """
    if name not in REGION_GROUPS:
        raise ValueError(f"group must be one of {', '.join(REGION_GROUPS)}, got {name!r}")
    return sum(map(region_bit, REGION_GROUPS[name]))


def region_bit(name: str) -> int:
    """Return the value of a region's bit.

    Raises:
        ValueError: if the region is unknown.
    """
    if name not in REGIONS:
        raise ValueError(f"region must be one of {', '.join(REGIONS)}, got {name!r}")
    return 1 << REGIONS.index(name)


def check_label_values(values: Iterable[float], what: str) -> None:
    """Refuse values of a label map that are none of Label.

    Args:
        values: the values, each once or often.
        what: the map, for the message.

    Raises:
        ValueError: if there is another value.
    """
    unknown = sorted(set(values) - set(LABEL_NAMES))
    if unknown:
        known = ", ".join(f"{value} {name}" for value, name in LABEL_NAMES.items())
        others = ", ".join(f"{value:g}" for value in unknown)
        raise ValueError(
            f"{what}: values must be {known}, got {others}: map them first "
            "(`bonescan annotate import` does so for LabelMe files)"
        )


def parse_label_value(text: str) -> int:
    """Return the value that a name ("metastasis") or a number ("1") stands for.

    Raises:
        ValueError: if there is no such label.
    """
    for value, name in LABEL_NAMES.items():
        if text in {name, str(value)}:
            return value
    raise ValueError(f"label must be one of {', '.join(LABEL_NAMES.values())}, got {text!r}")
