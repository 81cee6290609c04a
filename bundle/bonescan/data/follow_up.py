"""Several scans of one patient: which are compared, and in which order they are read."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

from bonescan.data.find import find_scans
from bonescan.data.load import ImageField
from bonescan.data.scan_reference import file_names, parse_reference
from bonescan.dicom.read import read_visit
from bonescan.errors import ScanError
from bonescan.keys import EARLIER, IMAGE, THERAPY_START, VISIT

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlannedScan:
    """A scan that is asked for, and the earlier ones that it is compared with.

    Attributes:
        entry: of the datalist, with `image`.
        earlier: earlier scans of the patient, in any order.
        therapy_start: first day of therapy in ISO form; empty where it is not known.
    """

    entry: Mapping[str, Any]
    earlier: Sequence[ImageField] = ()
    therapy_start: str = field(default="", repr=False)


@dataclass(frozen=True)
class Visit:
    """Where a scan stands among those of its patient, as a sample carries it.

    Attributes:
        name: of the scan.
        chain: number of the patient's scans, which are read one after the other.
        earlier: names of the scans that it is compared with.
        is_asked: whether results are wanted; not of a scan that was named as an earlier one alone.
        therapy_start: first day of therapy in ISO form; empty where it is not known.
    """

    name: str
    chain: int
    earlier: Sequence[str] = ()
    is_asked: bool = True
    therapy_start: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Return the text in which it travels: a string collates."""
        return json.dumps(asdict(self))


def parse_visit(text: str) -> Visit:
    """Return the visit that a sample carries."""
    return Visit(**json.loads(text))


def plan_scans(
    entries: Sequence[Mapping[str, Any]],
    *,
    earlier: Sequence[str] | None = None,
    follow_up: bool = False,
    therapy_start: str | date | None = None,
) -> list[PlannedScan]:
    """Say which scans are compared with which.

    Args:
        entries: scans that are asked for. Without `earlier` and `follow_up`, an entry is compared
            with the scan in its field `earlier`, if it has one.
        earlier: files or folders of earlier scans of the one patient who is asked for.
        follow_up: whether each scan is compared with those of earlier days among the entries that
            are of the same patient, as their headers say.
        therapy_start: first day of therapy; an entry may have a field `therapy_start` of its own.

    Raises:
        ValueError: if earlier scans are given of more than one scan or beside `follow_up`, or a day
            of therapy that is none, that belongs to nobody, or to several patients.
        ScanError: if an earlier scan is not there.
    """
    if earlier and follow_up:
        raise ValueError("earlier and follow_up must not be given together; leave one out")
    if earlier:
        planned = [_plan_one(entries, earlier)]
    elif follow_up:
        planned = _plan_by_patient(entries)
    else:
        planned = [
            PlannedScan(entry, [entry[EARLIER]] if EARLIER in entry else []) for entry in entries
        ]
    return _add_therapy(planned, None if therapy_start is None else _iso_day(therapy_start))


def order_scans(planned: Sequence[PlannedScan]) -> list[dict[str, Any]]:
    """List the entries that are to be read: earlier scans before those that need them.

    A scan that was read for the one before is not read again.

    Returns:
        Entries; each carries its Visit where any scan is compared.
    """
    if not any(scan.earlier for scan in planned):
        return [dict(scan.entry) for scan in planned]
    entries: list[dict[str, Any]] = []
    chain, there = 0, set[str]()
    for scan in planned:
        by_name = {_name(image): image for image in scan.earlier}
        if not there & set(by_name):
            chain, there = chain + 1, set()
        for name in sorted(set(by_name) - there):
            visit = Visit(name, chain, is_asked=False)
            entries.append({IMAGE: by_name[name], VISIT: str(visit)})
        own = _name(scan.entry[IMAGE])
        visit = Visit(own, chain, list(by_name), therapy_start=scan.therapy_start)
        entries.append({**scan.entry, VISIT: str(visit)})
        there |= {own, *by_name}
    return entries


def _plan_one(entries: Sequence[Mapping[str, Any]], earlier: Sequence[str]) -> PlannedScan:
    if len(entries) != 1:
        raise ValueError(
            f"input must be one scan where its earlier ones are named, got {len(entries)} scans; "
            "name one, or compare the scans of each patient by follow_up"
        )
    named = [earlier] if isinstance(earlier, str) else earlier
    return PlannedScan(entries[0], [each[IMAGE] for path in named for each in find_scans(path)])


def _plan_by_patient(entries: Sequence[Mapping[str, Any]]) -> list[PlannedScan]:
    """Group entries by patient, the oldest first; those that nothing is known of stay alone."""
    rows = list(_read_visits(entries))
    order = {key: number for number, (key, _, _) in reversed(list(enumerate(rows)))}
    rows.sort(key=lambda row: (order[row[0]], row[1]))
    planned = []
    for _, of_patient in groupby(rows, key=itemgetter(0)):
        visits = list(of_patient)
        for _, day, entry in visits:
            earlier = [other[IMAGE] for _, before, other in visits if before < day]
            planned.append(PlannedScan(entry, earlier))
    if not any(scan.earlier for scan in planned):
        logger.warning("no scan is compared: no patient was scanned on two days, by the headers")
    return planned


def _read_visits(
    entries: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[str, date, Mapping[str, Any]]]:
    """Return the patient and the day of each entry; a patient of its own where either is unknown.

    What cannot be read is left to the reading, which says why.
    """
    for entry in entries:
        names = file_names(entry[IMAGE])
        try:
            day, patient = read_visit([parse_reference(name).path for name in names])
        except ScanError:
            day, patient = None, ""
        if patient and day is None:
            logger.warning("%s is compared with no scan: its day is not known", _name(names))
        if not patient or day is None:
            day, patient = date.min, f"unknown {_name(names)}"
        yield patient, day, entry


def _add_therapy(planned: Sequence[PlannedScan], given: str | None) -> list[PlannedScan]:
    """Give each compared scan its day of therapy: that of its entry, else the given one."""
    first_of_chain = {_name(scan.earlier[0]) for scan in planned if scan.earlier}
    if given is not None and len(first_of_chain) != 1:
        raise ValueError(
            "therapy_start must be of one patient whose scans are compared, got it for "
            f"{len(first_of_chain)}; give it in the datalist, as a field of each entry"
        )
    return [
        PlannedScan(scan.entry, scan.earlier, scan.entry.get(THERAPY_START) or given or "")
        if scan.earlier
        else scan
        for scan in planned
    ]


def _iso_day(day: str | date) -> str:
    try:
        return date.fromisoformat(str(day)).isoformat()
    except ValueError:
        raise ValueError("therapy_start must be a day, YYYY-MM-DD, got something else") from None


def _name(image: ImageField) -> str:
    return ", ".join(file_names(image))
