import numpy as np
import pytest

from bonescan.dicom.scan_id import SALT_VARIABLE, make_patient_key, make_scan_id

COUNTS = np.arange(24, dtype=np.float32).reshape(2, 4, 3)


def test_same_scan_same_name():
    assert make_scan_id(["1.2"], COUNTS) == make_scan_id(["1.2"], COUNTS.copy())
    assert len(make_scan_id(["1.2"], COUNTS)) == 16


def test_everything_that_enters_matters():
    names = {
        make_scan_id(["1.2"], COUNTS),
        make_scan_id(["1.3"], COUNTS),
        make_scan_id(["1.2", "1.2"], COUNTS),
        make_scan_id([], COUNTS),
        make_scan_id(["1.2"], COUNTS + 1),
        make_scan_id(["1.2"], COUNTS.reshape(2, 3, 4)),
    }
    assert len(names) == 6


@pytest.mark.parametrize("salt", ["a", "b"])
def test_salt_of_the_environment(monkeypatch, salt):
    plain = make_scan_id([], COUNTS)
    monkeypatch.setenv(SALT_VARIABLE, salt)
    salted = make_scan_id([], COUNTS)
    monkeypatch.setenv(SALT_VARIABLE, "other")
    assert len({plain, salted, make_scan_id([], COUNTS)}) == 3


def test_a_patient_is_told_by_identifier_birth_and_sex(monkeypatch):
    keys = {
        make_patient_key(digests)
        for digests in (["a", "b", "c"], ["x", "b", "c"], ["a", "x", "c"], ["a", "b", ""])
    }
    assert len(keys) == 4
    assert all(len(key) == 16 for key in keys)
    assert make_patient_key(["", "b", "c"]) == ""
    monkeypatch.setenv(SALT_VARIABLE, "secret")
    assert make_patient_key(["a", "b", "c"]) not in keys
