"""Whether the scans of a datalist are simulated."""

import json
import shutil

from bonescan.data.origin import is_simulated


def write(folder, **sections):
    (folder / "datalist.json").write_text(json.dumps(sections))
    return folder / "datalist.json"


def test_scans_with_the_simulators_mark_are(cohort, tmp_path):
    assert is_simulated(cohort / "datalist.json")
    scan = next(cohort.rglob("*.dcm"))
    (tmp_path / "scan").mkdir()
    shutil.copy(scan, tmp_path / "scan" / "a.dcm")
    assert is_simulated(write(tmp_path, training=[{"image": "scan"}]))


def test_one_that_says_nothing_is_not(cohort, tmp_path):
    shutil.copy(next(cohort.rglob("*.dcm")), tmp_path / "a.dcm")
    (tmp_path / "b.nii.gz").write_bytes(b"no mark")
    marked, other = {"image": "a.dcm"}, {"image": "b.nii.gz"}
    assert is_simulated(write(tmp_path, training=[marked], test=[{**other, "simulated": True}]))
    assert not is_simulated(write(tmp_path, training=[marked], test=[other]))
    assert not is_simulated(write(tmp_path, training=[{"image": ["a.dcm", "b.nii.gz"]}]))
