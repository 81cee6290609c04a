"""What a report says, before anybody lays it out: sections of sentences, facts and tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from bonescan.report.page.pictures import ViewPicture


@dataclass(frozen=True)
class Fact:
    """A named value.

    Attributes:
        name: what it is.
        value: with its unit.
        note: how it is meant, empty where that is clear.
    """

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Column:
    """The title of a column, and whether numbers stand in it."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Row:
    """One row of a table, of one or several lines.

    Attributes:
        head: the first cells, which stand once for all lines; the first of them names the row.
        lines: the other cells of each line.
    """

    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Table:
    """Rows under titles.

    Attributes:
        caption: what is in it.
        columns: of the cells of head and line.
        rows: at least one.
        note: under the table, empty where nothing is to be said.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True)
class Point:
    """A value at a day, counted from any, and both as text."""

    day: int
    value: float
    day_text: str
    text: str


@dataclass(frozen=True)
class Curve:
    """Values over time.

    Attributes:
        title: what the values are, with their unit.
        points: by ascending day, two or more; no value is negative.
    """

    title: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Section:
    """One part of a report; any of its parts may be empty.

    Attributes:
        key: names it in links and styles.
        title: its heading.
        sentences: paragraphs.
        items: of a list.
        facts: named values.
        tables: below these.
        curve: below the tables.
    """

    key: str
    title: str
    sentences: Sequence[str] = ()
    items: Sequence[str] = ()
    facts: Sequence[Fact] = ()
    tables: Sequence[Table] = ()
    curve: Curve | None = None


@dataclass(frozen=True)
class Document:
    """The report of one scan.

    Attributes:
        language: of its texts (BCP 47).
        scan_id: names the scan.
        title: what it is.
        subtitle: of which scan, what of it was assessed.
        notice: that it is for research use only.
        simulated: that the scan is simulated, empty where it is not.
        trained_on: what the system was trained on that bears on its result, empty where nothing.
        identity: who was scanned and when; empty in a report without identity.
        impression: the answer in one or two sentences.
        warnings: what speaks against believing the rest.
        pictures: the views.
        sections: all else, in reading order.
        footer: what stands at the end of every page.
        keywords: what made the report, as JSON, for the properties of a PDF.
    """

    language: str
    scan_id: str
    title: str
    subtitle: str
    notice: str
    simulated: str
    trained_on: str
    identity: Sequence[Fact]
    impression: Section
    warnings: Section
    pictures: Sequence[ViewPicture]
    sections: Sequence[Section]
    footer: str
    keywords: str
