"""Which scans are compared, and in which order they are read."""

import logging
from pathlib import Path

import pytest

from bonescan.data.follow_up import Visit, order_scans, parse_visit, plan_scans
from bonescan.errors import ScanError
from bonescan.keys import VISIT
from tests.factories import BOTH, assign, make_scan_file

DAYS = {"a1": "20240110", "a2": "20240409", "a3": "20240901", "b1": "20240301", "b2": "20240302"}


@pytest.fixture
def scans(tmp_path) -> dict[str, str]:
    """Two patients, a and b, scanned on several days."""
    return {
        name: str(
            make_scan_file(
                tmp_path / f"{name}.dcm",
                study_uid=f"1.2.{number}",
                edit=assign(AcquisitionDate=day, PatientID=name[0]),
            )
        )
        for number, (name, day) in enumerate(DAYS.items(), start=1)
    }


def entries(*names: str) -> list[dict[str, str]]:
    return [{"image": name} for name in names]


def read_order(planned) -> list[tuple[str, list[str], bool]]:
    """Name, earlier scans, and whether results are asked for, in the order of reading."""
    visits = [parse_visit(entry[VISIT]) for entry in order_scans(planned)]
    return [
        (Path(each.name).stem, [Path(name).stem for name in each.earlier], each.is_asked)
        for each in visits
    ]


def test_scans_that_nothing_is_compared_with_stay_as_they_are():
    scans = [{"image": "b", "label": "x"}, {"image": "a"}]
    assert order_scans(plan_scans(scans)) == scans


def test_earlier_scans_are_read_first_and_not_asked_for(scans):
    planned = plan_scans(entries(scans["a3"]), earlier=[scans["a2"], scans["a1"]])
    assert read_order(planned) == [
        ("a1", [], False), ("a2", [], False), ("a3", ["a2", "a1"], True),
    ]  # fmt: skip
    assert read_order(plan_scans(entries(scans["a3"]), earlier=scans["a1"])) == [
        ("a1", [], False), ("a3", ["a1"], True),
    ]  # fmt: skip


def test_a_folder_of_earlier_scans(scans, tmp_path):
    for name in ("b2", "b1"):
        (tmp_path / "old").mkdir(exist_ok=True)
        Path(scans[name]).rename(tmp_path / "old" / f"{name}.dcm")
    planned = plan_scans(entries(scans["a3"]), earlier=[str(tmp_path / "old")])
    assert read_order(planned)[-1] == ("a3", ["b1", "b2"], True)


def test_each_scan_is_compared_with_those_of_its_patient_and_earlier_days(scans):
    names = [scans[name] for name in ("b2", "a3", "a1", "b1", "a2")]
    assert read_order(plan_scans(entries(*names), follow_up=True)) == [
        ("b1", [], True), ("b2", ["b1"], True),
        ("a1", [], True), ("a2", ["a1"], True), ("a3", ["a1", "a2"], True),
    ]  # fmt: skip


def test_patients_are_chains_of_their_own(scans):
    planned = plan_scans(entries(*scans.values()), follow_up=True)
    chains = [parse_visit(entry[VISIT]).chain for entry in order_scans(planned)]
    assert chains == [1, 1, 1, 2, 2]


def test_a_scan_that_is_done_is_read_again_for_the_next(scans):
    planned = plan_scans(entries(scans["a1"], scans["a2"]), follow_up=True)
    assert read_order(planned[1:]) == [("a1", [], False), ("a2", ["a1"], True)]


def test_scans_of_one_day_are_not_compared_with_each_other(scans, tmp_path):
    again = make_scan_file(
        tmp_path / "c.dcm", {view: BOTH[view] + 1 for view in BOTH}, study_uid="1.9",
        edit=assign(AcquisitionDate=DAYS["a2"], PatientID="a"),
    )  # fmt: skip
    planned = plan_scans(entries(scans["a1"], scans["a2"], str(again)), follow_up=True)
    assert [earlier for _, earlier, _ in read_order(planned)] == [[], ["a1"], ["a1"]]


def test_scans_without_day_or_patient_stay_alone(scans, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    undated = make_scan_file(tmp_path / "u.dcm", edit=assign(PatientID="a"), study_uid="1.8")
    nobody = make_scan_file(
        tmp_path / "n.dcm", edit=assign(PatientID="", StudyDate=DAYS["a2"]), study_uid="1.7"
    )
    damaged = tmp_path / "d.dcm"
    damaged.write_bytes(b"\0" * 128 + b"DICM damaged")
    names = [str(path) for path in (undated, nobody, damaged, tmp_path / "map.nii.gz")]
    assert not any(
        VISIT in entry for entry in order_scans(plan_scans(entries(*names), follow_up=True))
    )
    assert "u.dcm is compared with no scan: its day is not known" in caplog.text
    assert "no scan is compared: no patient was scanned on two days" in caplog.text
    assert not any(day in caplog.text for day in DAYS.values())


def test_an_entry_names_its_earlier_scan_and_its_therapy():
    scans = [
        {"image": "n1", "earlier": ["o1", "o2"], "therapy_start": "2024-01-20"},
        {"image": "n2"},
        {"image": "n3", "earlier": "o3"},
    ]
    ordered = order_scans(plan_scans(scans))
    assert [entry["image"] for entry in ordered] == [["o1", "o2"], "n1", "n2", "o3", "n3"]
    visits = [parse_visit(entry[VISIT]) for entry in ordered]
    assert [visit.therapy_start for visit in visits] == ["", "2024-01-20", "", "", ""]
    assert visits[1].earlier == ["o1, o2"]
    assert visits[4] == Visit("n3", 3, ["o3"])


def test_therapy_of_one_patient(scans):
    planned = plan_scans(
        entries(scans["a1"], scans["a2"]), follow_up=True, therapy_start="2024-02-01"
    )
    assert [scan.therapy_start for scan in planned] == ["", "2024-02-01"]
    assert "2024" not in repr(planned)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"earlier": ["a1"]}, "must be one scan where its earlier ones are named, got 5 scans"),
        ({"earlier": ["a1"], "follow_up": True}, "must not be given together"),
        ({"therapy_start": "2024-02-01"}, "must be of one patient .* got it for 0"),
        ({"therapy_start": "2024-02-01", "follow_up": True}, "must be of one .* got it for 2"),
        ({"therapy_start": "20.1.2024", "follow_up": True}, "must be a day, YYYY-MM-DD"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(scans, options, told):
    with pytest.raises(ValueError, match=told) as caught:
        plan_scans(entries(*scans.values()), **options)
    assert "2024-02-01" not in str(caught.value)


def test_an_earlier_scan_that_is_not_there(scans):
    with pytest.raises(ScanError, match=r"gone\.dcm: no such file or folder"):
        plan_scans(entries(scans["a2"]), earlier=["gone.dcm"])
