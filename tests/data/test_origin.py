"""Where the scans of a datalist come from."""

import json
import shutil

import pytest

from bonescan.data.origin import Origin, find_origin, join_origins

SIMULATED, MIXED, UNMARKED = Origin


def write(folder, **sections):
    (folder / "datalist.json").write_text(json.dumps(sections))
    return folder / "datalist.json"


def test_scans_with_the_simulators_mark_are_simulated(cohort, tmp_path):
    assert find_origin(cohort / "datalist.json") is SIMULATED
    scan = next(cohort.rglob("*.dcm"))
    (tmp_path / "scan").mkdir()
    shutil.copy(scan, tmp_path / "scan" / "a.dcm")
    assert find_origin(write(tmp_path, training=[{"image": "scan"}])) is SIMULATED


def test_one_that_says_nothing_is_not(cohort, tmp_path):
    shutil.copy(next(cohort.rglob("*.dcm")), tmp_path / "a.dcm")
    (tmp_path / "b.nii.gz").write_bytes(b"no mark")
    marked, other = {"image": "a.dcm"}, {"image": "b.nii.gz"}
    told = {**other, "simulated": True}
    assert find_origin(write(tmp_path, training=[marked], added=[told])) is SIMULATED
    assert find_origin(write(tmp_path, training=[marked], added=[other])) is MIXED
    assert find_origin(write(tmp_path, training=[other])) is UNMARKED
    assert find_origin(write(tmp_path, training=[{"image": ["a.dcm", "b.nii.gz"]}])) is UNMARKED


def test_what_only_tests_is_not_learned_from(cohort, tmp_path):
    shutil.copy(next(cohort.rglob("*.dcm")), tmp_path / "a.dcm")
    (tmp_path / "b.nii.gz").write_bytes(b"no mark")
    marked, other = {"image": "a.dcm"}, {"image": "b.nii.gz"}
    assert find_origin(write(tmp_path, training=[marked], test=[other])) is SIMULATED
    assert find_origin(write(tmp_path, training=[other], test=[marked])) is UNMARKED
    with pytest.raises(ValueError, match="must be entries in another section than 'test'"):
        find_origin(write(tmp_path, test=[marked]))


@pytest.mark.parametrize(
    ("origins", "joined"),
    [
        ([SIMULATED], SIMULATED),
        ([UNMARKED, UNMARKED], UNMARKED),
        ([UNMARKED, SIMULATED], MIXED),
        ([MIXED, SIMULATED], MIXED),
        ([SIMULATED, None], None),
        ([], None),
    ],
)
def test_lots_of_scans_together_are_no_better_known_than_each(origins, joined):
    assert join_origins(origins) is joined
    assert join_origins(origins[::-1]) is joined
