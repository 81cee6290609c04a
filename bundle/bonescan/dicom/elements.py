"""Tables of DICOM elements: one row says where a fact lives, for reading and for writing.

A row ties an attribute of a typed object to an element and to what its values mean. A dataset that
does not say something leaves the attribute to the default of the typed object.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from bonescan.dicom.codes import Code

_LONGEST_DECIMAL = 16
"""Characters of a decimal string (PS3.5 6.2)."""


def not_written(_fact: Any) -> None:
    """Stand for the writing of a fact that is only read."""


@dataclass(frozen=True)
class Conversion:
    """What the values of an element mean.

    Attributes:
        read: makes a fact of one or more values; None if they say nothing.
        write: makes the element's value of a fact; None or empty if there is nothing to write.
    """

    read: Callable[[list[Any]], Any]
    write: Callable[[Any], Any] = not_written


@dataclass(frozen=True)
class Element:
    """Where one attribute of a typed object lives.

    Attributes:
        attribute: name of the attribute.
        keyword: keyword of the element (PS3.6).
        conversion: what its values mean.
        within: keyword of the sequence that it lies in; "" for none.
    """

    attribute: str
    keyword: str
    conversion: Conversion
    within: str = ""


Table = Sequence[Element]
"""Rows; of several for one attribute, the first that says something is believed."""


def read(dataset: Dataset, table: Table) -> dict[str, Any]:
    """Read the facts that a dataset gives, by attribute; in a sequence, from the first item."""
    facts: dict[str, Any] = {}
    for row in table:
        if row.attribute in facts:
            continue
        holder = next(iter(_holders(dataset, row)), Dataset())
        values = _values(holder, row.keyword)
        fact = row.conversion.read(values) if values else None
        if fact is not None:
            facts[row.attribute] = fact
    return facts


def write(facts: Mapping[str, Any], dataset: Dataset, table: Table) -> None:
    """Write facts, by attribute, into a dataset; in a sequence, into every item, at least one.

    Raises:
        KeyError: if a fact of the table is missing; one that says nothing is None or empty.
    """
    for row in table:
        fact = facts[row.attribute]
        value = None if fact is None else row.conversion.write(fact)
        if value not in (None, "", []):
            if not _holders(dataset, row):
                setattr(dataset, row.within, [Dataset()])
            for item in _holders(dataset, row):
                setattr(item, row.keyword, value)


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; absent, empty and no sequence at all are the same."""
    return _items(_values(dataset, keyword))


def make_item(facts: Mapping[str, Any], table: Table) -> Dataset:
    """Return facts as the item of a sequence."""
    item = Dataset()
    write(facts, item, table)
    return item


def _values(dataset: Dataset, keyword: str) -> list[Any]:
    """Return the values of an element as a list, however many there are."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _items(values: Sequence[Any]) -> list[Dataset]:
    return [value for value in values if isinstance(value, Dataset)]


def _holders(dataset: Dataset, row: Element) -> list[Dataset]:
    """Return the items that hold a row's element, or the dataset itself."""
    return items_of(dataset, row.within) if row.within else [dataset]


def each_item(kind: Callable[..., Any], table: Table) -> Conversion:
    """Return the conversion of a sequence whose items are objects of one type."""
    return Conversion(
        read=lambda values: tuple(kind(**read(item, table)) for item in _items(values)),
        write=lambda objects: [make_item(vars(one), table) for one in objects],
    )


def first_item(kind: Callable[..., Any], table: Table) -> Conversion:
    """Return the conversion of a sequence that holds one object; more are passed over."""
    every = each_item(kind, table)
    return Conversion(
        read=lambda values: next(iter(every.read(values)), None),
        write=lambda one: every.write([one]),
    )


def decimal_string(value: float, form: str = ".6f") -> str:
    """Return a finite number as a decimal string, in a form that is given up where it is too long.

    Six decimals resolve a nanometre in mm.
    """
    text = format(value, form)
    return text if len(text) <= _LONGEST_DECIMAL else format_number_as_ds(float(value))


def _number(values: Sequence[Any]) -> float | None:
    return None if values[0] is None or not isfinite(number := float(values[0])) else number


def _count(values: Sequence[Any]) -> int | None:
    return None if values[0] is None else int(values[0]) or None


def _seconds(values: Sequence[Any]) -> float | None:
    milliseconds = _number(values)
    return None if milliseconds is None else milliseconds / 1000


TEXT = Conversion(lambda values: str(values[0]).strip() or None, str)
UPPER_CASE_TEXTS = Conversion(lambda values: tuple(str(value).upper() for value in values), list)
YES = Conversion(
    read=lambda values: str(values[0]).strip().upper() == "YES" or None,
    write=lambda holds: "YES" if holds else None,
)
"""A flag; one that does not hold is not written."""

COUNT = Conversion(_count, int)
"""A number of things; 0 says nothing."""
NUMBERS = Conversion(lambda values: [int(value) for value in values], list)
"""Integers, such as one per frame."""
DECIMAL = Conversion(_number, decimal_string)
DEGREES = Conversion(_number, lambda angle_deg: decimal_string(angle_deg, "g"))
"""A decimal string without zeros at the end, for what is whole degrees as a rule."""
WHOLE = Conversion(_number, round)
"""A number that has to be stored without its fraction."""
SECONDS = Conversion(_seconds, lambda duration_s: round(1000 * duration_s))
"""A duration that is stored in whole milliseconds."""

CODE_ITEM: Table = (
    Element("value", "CodeValue", TEXT),
    Element("scheme", "CodingSchemeDesignator", TEXT),
    Element("meaning", "CodeMeaning", TEXT),
)
"""Code Sequence macro (PS3.3 Table 8.8-1)."""
CODE = first_item(Code, CODE_ITEM)
CODES = each_item(Code, CODE_ITEM)
