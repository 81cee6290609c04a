from pydicom.dataset import Dataset

from bonescan.dicom.results.uids import make_instance_uid, make_uid
from bonescan.dicom.scan_id import SALT_VARIABLE

REST = b"what follows\x02"


def make_head(**changes: str) -> Dataset:
    made = Dataset()
    values = {
        "SOPInstanceUID": "1.2",
        "ContentDate": "20240203",
        "ContentTime": "040506",
        "InstanceCreationDate": "20240203",
        "InstanceCreationTime": "040506",
        "Manufacturer": "one",
    }
    for keyword, value in (values | changes).items():
        setattr(made, keyword, value)
    return made


def test_same_words_make_the_same_uid_and_others_another():
    uid = make_uid("study", "1.2.3")
    assert uid == make_uid("study", "1.2.3")
    assert uid.is_valid
    assert uid.startswith("2.25.")
    others = {make_uid("study1", ".2.3"), make_uid("study", "1.2", "3"), make_uid("1.2.3", "study")}
    assert len(others | {uid}) == 4


def test_nobody_without_the_key_makes_the_same(monkeypatch):
    uid = make_uid("study", "1.2.3")
    monkeypatch.setenv(SALT_VARIABLE, "a secret")
    assert make_uid("study", "1.2.3") != uid


def test_another_day_makes_the_same_object():
    later = {
        "SOPInstanceUID": "9.9",
        "ContentDate": "20300101",
        "ContentTime": "222324",
        "InstanceCreationDate": "20300101",
        "InstanceCreationTime": "222324",
    }
    assert make_instance_uid(make_head(**later), REST) == make_instance_uid(make_head(), REST)


def test_whatever_else_differs_makes_another_object():
    uids = {
        make_instance_uid(make_head(), REST),
        make_instance_uid(make_head(Manufacturer="another"), REST),
        make_instance_uid(make_head(), REST[:-1] + b"\x03"),
    }
    assert len(uids) == 3
