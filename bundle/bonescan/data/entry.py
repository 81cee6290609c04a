"""The fields of a datalist's entry that this bundle reads, and what they may hold."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from bonescan.dicom.scan import View
from bonescan.keys import (
    BENIGN,
    BODY,
    EARLIER,
    FOLD,
    GENERATED,
    IMAGE,
    INSTANCES,
    LABEL,
    LABELLED,
    MIRRORED,
    PATIENT,
    REGIONS,
    THERAPY_START,
    UNSEEN_FOLDS,
)

FILE_KEYS = (IMAGE, LABEL, INSTANCES, BENIGN, REGIONS, BODY, EARLIER)
"""Fields that name files, relative to the datalist."""
VIEW_FIELD = "view"
SPACING_FIELD = "spacing_mm"
"""Fields that say by hand what the header does not; they move into the image's name."""


def check_entry(entry: Mapping[str, Any], where: str) -> None:
    """Check the types of an entry's fields; those that the bundle does not know may hold anything.

    Args:
        entry: as JSON gave it.
        where: file and number of the entry, for the message.

    Raises:
        ValueError: naming the field; its value may name a patient and is not quoted. Also if the
            entry says that it is labelled and names no label, or that it is generated and has one.
    """
    for field, (fits, expected) in _RULES.items():
        if field in entry and not fits(entry[field]):
            raise ValueError(f"{where}: {field!r} must be {expected}, got {_kind(entry[field])}")
    if entry.get(LABELLED) and LABEL not in entry:
        raise ValueError(f"{where}: an entry that is {LABELLED!r} must have {LABEL!r}, has none")
    if entry.get(GENERATED) and LABEL in entry:
        raise ValueError(
            f"{where}: an entry that is {GENERATED!r} must have no {LABEL!r}, got one: "
            "nobody knows what a generated image shows"
        )


def _is_file_field(value: Any) -> bool:
    names = [value] if isinstance(value, str) else value
    return isinstance(names, list) and bool(names) and all(map(_is_name, names))


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_whole_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_whole, value))


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_patient(value: Any) -> bool:
    return _is_name(value) or _is_whole(value)


def _is_view(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in set(View))


def _is_day(value: Any) -> bool:
    try:
        return bool(date.fromisoformat(value))
    except (TypeError, ValueError):
        return False


def _is_spacing(value: Any) -> bool:
    is_pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
    return value is None or (is_pair and all(isinstance(size, int | float) for size in value))


_RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(FILE_KEYS, (_is_file_field, "the name of a file or a list of names")),
    PATIENT: (_is_patient, "a name or a whole number"),
    FOLD: (_is_whole, "a whole number"),
    LABELLED: (_is_truth, "true or false"),
    MIRRORED: (_is_truth, "true or false"),
    GENERATED: (_is_truth, "true or false"),
    UNSEEN_FOLDS: (_is_whole_list, "a list of whole numbers"),
    VIEW_FIELD: (_is_view, f"one of {', '.join(View)}"),
    THERAPY_START: (_is_day, "a day, YYYY-MM-DD"),
    SPACING_FIELD: (_is_spacing, "two numbers, row and column in mm"),
}


def _kind(value: Any) -> str:
    """Say what a value is without its content."""
    if value is None:
        return "null"
    if isinstance(value, str | list | dict) and not value:
        return f"an empty {_KINDS[type(value)]}"
    return f"another {_KINDS.get(type(value), 'value')}"


_KINDS = {str: "text", list: "list", dict: "object", bool: "value", int: "number", float: "number"}
