"""Results that are compared, and those that must not be."""

import dataclasses
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bonescan.dicom.scan import Source, View
from bonescan.errors import ScanError
from bonescan.measures.change import LesionState
from bonescan.measures.progression import RuleState
from bonescan.report.compared import compare_results
from bonescan.report.scan_result import ScanResult
from tests.measures.bodies import scan_body
from tests.report.scan_results import PROVENANCE

FIRST, SECOND, THIRD = date(2024, 1, 10), date(2024, 4, 9), date(2024, 9, 1)
LEFT, RIGHT, LOW, HIGH = (400.0, 330.0), (450.0, 180.0), (1100.0, 250.0), (250.0, 260.0)


def make_visit(day: date | None, *places: tuple[float, float], **changes: object) -> ScanResult:
    """Return the result of a scan of one body, with lesions in some places."""
    scan = scan_body(dict.fromkeys(places, 80))
    name = "none" if day is None else str(day.toordinal())
    values = {
        **{field.name: getattr(scan, field.name) for field in dataclasses.fields(scan)},
        "scan_id": f"id{name}",
        "sources": {view: Source(Path(f"{name}.dcm"), n) for n, view in enumerate(View)},
        "simulated": True,
        "mirrored_copy": False,
        "provenance": PROVENANCE,
        "acquired": day,
        "patient_key": "8f3a",
    }
    return ScanResult(**(values | changes))


NOW, BEFORE = make_visit(SECOND, LEFT, LOW), make_visit(FIRST, LEFT)


def test_earlier_scans_are_put_in_order():
    third = make_visit(THIRD, LEFT, LOW, HIGH, RIGHT)
    result = compare_results(third, [NOW, BEFORE], therapy_start=date(2024, 1, 20))
    assert [each.acquired for each in result.earlier] == [FIRST, SECOND]
    assert result.change.pcwg3.new_lesions == (0, 1, 2)
    assert result.change.days == (THIRD - SECOND).days
    assert result.change.count(LesionState.NEW) == 2
    assert result.change.pcwg3.state is RuleState.UNKNOWN
    assert third.change is None, "the result itself is left as it is"


def test_no_earlier_scan_is_a_mistake():
    with pytest.raises(ValueError, match="earlier must hold at least one scan, got none"):
        compare_results(NOW, [])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (make_visit(FIRST, LEFT, patient_key="77b0"), "must be of the same patient, got one of an"),
        (make_visit(THIRD, LEFT), "got one that was made 145 days after the next"),
        (make_visit(None, LEFT), r"none\.dcm: the day of a scan that is compared must be known"),
        (dataclasses.replace(NOW, sources=BEFORE.sources),
         r"must be different ones, got the same in 738985\.dcm and 738895\.dcm"),
        (dataclasses.replace(BEFORE, field="thorax"),
         r"in the same field, got the whole body and, of 738895\.dcm, the thorax"),
        (dataclasses.replace(
            BEFORE, provenance=dataclasses.replace(PROVENANCE, operating_point={"threshold": 0.4})),
         "by the same system at the same operating point"),
        (make_visit(FIRST, LEFT, counts=np.ascontiguousarray(BEFORE.counts[:, ::-1])),
         "must fit on the present one"),
    ],
    ids=["patient", "order", "no day", "twice", "field", "system", "upside down"],
)  # fmt: skip
def test_what_must_not_be_compared(other, told):
    with pytest.raises(ScanError, match=told) as caught:
        compare_results(NOW, [other])
    assert not re.search(r"2024|8f3a|77b0", str(caught.value))


def test_therapy_must_not_begin_after_the_scan():
    with pytest.raises(
        ScanError, match="must not be after the scan, got a day 2 days later"
    ) as err:
        compare_results(NOW, [BEFORE], therapy_start=date(2024, 4, 11))
    assert "2024" not in str(err.value)
    assert compare_results(NOW, [BEFORE], therapy_start=SECOND).change.flare_possible is False
