import json
import re

import numpy as np
import pytest
from monai.data import load_decathlon_datalist

from bonescan.data.datalist import data_hash, find_datalist, load_items, read_datalist
from bonescan.data.entry import FILE_KEYS
from tests.damage import damage_json
from tests.factories import make_datalist


def entry(number, fold=None, **fields):
    found = {
        "image": f"p{number}/scan.dcm",
        "label": f"p{number}/label.nii.gz",
        "patient": f"p{number}",
        **fields,
    }
    return found if fold is None else {**found, "fold": fold}


@pytest.fixture
def datalist(tmp_path):
    training = [entry(number, fold=number % 3, age=60 + number) for number in range(7)]
    return make_datalist(tmp_path, training=training, test=[entry(7), entry(8)])


def patients(items):
    return [item["patient"] for item in items]


def test_sections_and_folds(datalist):
    everything = load_items(datalist)
    assert patients(everything) == [f"p{number}" for number in range(7)]
    assert patients(load_items(datalist, "test")) == ["p7", "p8"]
    assert patients(load_items(datalist, only_fold=1)) == ["p1", "p4"]
    assert patients(load_items(datalist, exclude_folds=[1, None])) == ["p0", "p2", "p3", "p5", "p6"]


def test_paths_are_joined_and_other_fields_stand(datalist):
    first = load_items(datalist)[0]
    assert first["image"] == str(datalist.parent / "p0" / "scan.dcm")
    assert first["label"] == str(datalist.parent / "p0" / "label.nii.gz")
    assert first["age"] == 60
    # MONAI's own function makes a path of the patient, who has a folder beside the datalist.
    theirs = load_decathlon_datalist(datalist, data_list_key="training")[0]
    assert theirs["patient"] != first["patient"] == "p0"
    assert {**theirs, "patient": "p0"} == first


def test_two_files_and_hints(tmp_path):
    pair = {"image": ["a.dcm", "b.dcm"], "patient": "p", "view": "posterior"}
    one = {"image": "c.dcm", "patient": "q", "spacing_mm": [2.4, 1.9]}
    path = make_datalist(tmp_path, test=[pair, one])
    first, second = load_items(path, "test")
    assert first == {
        "image": [f"{tmp_path}/a.dcm#view=posterior", f"{tmp_path}/b.dcm"],
        "patient": "p",
    }
    assert second == {"image": f"{tmp_path}/c.dcm#spacing_mm=2.4,1.9", "patient": "q"}


def test_plain_names_are_entries(tmp_path):
    path = make_datalist(tmp_path, test=[{"image": "a.dcm"}])
    path.write_text(json.dumps({"test": ["a.dcm"], "labels": {}, "tags": []}))
    assert load_items(path, "test") == [{"image": f"{tmp_path}/a.dcm"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "a datalist must be JSON, got an error"),
        ("[" * 100_000, "a datalist must be JSON, got an error"),
        ("[]", "the datalist is empty: no list of entries with 'image' in it"),
        ('{"training": []}', "the datalist is empty"),
        ('{"training": [{"label": "x"}]}', "the datalist is empty"),
    ],
)
def test_unusable_files(tmp_path, text, expected):
    path = tmp_path / "datalist.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(expected)):
        load_items(path)
    with pytest.raises(ValueError, match=re.escape(expected)):
        data_hash(path)


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match="no such datalist; name a file such as"):
        load_items(tmp_path / "datalist.json")


def test_unknown_section(datalist):
    with pytest.raises(ValueError, match=re.escape("one of ['test', 'training'], got 'valid'")):
        load_items(datalist, "valid")


@pytest.mark.parametrize("name", ["p2/scan.dcm", "p8/label.nii.gz"])
def test_missing_file_is_named(datalist, name):
    (datalist.parent / name).unlink()
    expected = f"1 file(s) that the datalist names do not exist, the first is '{name}'"
    for read in (load_items, data_hash):
        with pytest.raises(ValueError, match=re.escape(expected)):
            read(datalist)


@pytest.mark.parametrize(
    ("sections", "places"),
    [
        ({"training": [entry(1, 0)], "test": [entry(1)]}, "(training, fold 0) and (test)"),
        (
            {"training": [entry(1, 0), entry(1, 2)]},
            "(training, fold 0) and (training, fold 2)",
        ),
    ],
)
def test_patient_on_two_sides(tmp_path, sections, places):
    path = make_datalist(tmp_path, **sections)
    expected = f"a patient must be in one section and one fold, got patient 'p1' in {places}"
    with pytest.raises(ValueError, match=re.escape(expected)):
        load_items(path)


def test_two_images_of_one_patient_in_one_fold_are_fine(tmp_path):
    path = make_datalist(tmp_path, training=[entry(1, 0), {**entry(1, 0), "image": "x.dcm"}])
    assert len(load_items(path, only_fold=0)) == 2


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ([entry(1), entry(2, 0)], "every entry must have 'fold', 1 have none"),
        ([{"image": "a.dcm", "fold": 0}], "every entry must have 'patient', 1 have none"),
        ([entry(1, 3), entry(2, 4)], "fold must be one of [3, 4], got [0]"),
    ],
)
def test_splits_that_cannot_be(tmp_path, training, expected):
    path = make_datalist(tmp_path, training=training)
    with pytest.raises(ValueError, match=re.escape(expected)):
        load_items(path, exclude_folds=[0])


def test_nothing_left(tmp_path):
    path = make_datalist(tmp_path, training=[entry(1, 0)])
    with pytest.raises(ValueError, match="section 'training' has no entries left to use"):
        load_items(path, exclude_folds=[0])


def test_hash_follows_the_datalist_and_the_sizes_of_its_files(datalist):
    first = data_hash(datalist)
    assert first == data_hash(datalist)
    (datalist.parent / "p3" / "scan.dcm").write_bytes(b"x")
    second = data_hash(datalist)
    datalist.write_text(datalist.read_text() + " ")
    assert len({first, second, data_hash(datalist)}) == 3


def test_sections_as_they_stand(datalist):
    assert list(read_datalist(datalist)) == ["training", "test"]
    assert read_datalist(datalist)["test"][0]["image"] == "p7/scan.dcm"


def test_added_section_joins_every_fold(tmp_path):
    training = [entry(number, fold=number % 2) for number in range(4)]
    path = make_datalist(tmp_path, training=training, healthy=[entry(8), entry(9)])
    assert patients(load_items(path, exclude_folds=[1], added_section="healthy")) == [
        "p0", "p2", "p8", "p9",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"section must be one of .*got 'sick'"):
        load_items(path, added_section="sick")


@pytest.fixture
def half_labelled(tmp_path):
    """Patients 0 to 5 in three folds, the odd ones without label; one of each kind beside them."""
    entries = [entry(number, fold=number % 3) for number in range(6)]
    others = [entry(8), entry(9)]
    for number in (1, 3, 5):
        del entries[number]["label"]
    del others[1]["label"]
    return make_datalist(tmp_path, training=entries, others=others)


@pytest.mark.parametrize(
    ("labelled", "kept", "others", "left_out"),
    [
        (True, ["p0", "p4"], ["p8"], "3 entries without 'label' left out of 6"),
        (False, ["p1", "p3"], ["p9"], "3 entries with 'label' left out of 6"),
        (None, ["p0", "p1", "p3", "p4"], ["p8", "p9"], ""),
    ],
)
def test_entries_are_chosen_by_their_label(half_labelled, caplog, labelled, kept, others, left_out):
    caplog.set_level("INFO")
    items = load_items(half_labelled, exclude_folds=[2], added_section="others", labelled=labelled)
    assert patients(items) == kept + others
    assert left_out in caplog.text
    assert bool(caplog.text) == bool(left_out)


def test_a_label_that_is_to_be_left_aside_need_not_exist(half_labelled):
    content = json.loads(half_labelled.read_text())
    aside, own = content["training"][0], content["training"][2]
    aside |= {"labelled": False, "label": "nowhere.nii.gz"}
    own["labelled"] = True
    half_labelled.write_text(json.dumps(content))
    assert patients(load_items(half_labelled, labelled=True)) == ["p2", "p4"]
    assert len(data_hash(half_labelled)) == 64
    assert "label" not in load_items(half_labelled)[0]


def test_labels_are_kept_for_a_share_of_all_patients(half_labelled):
    shares = {"labelled_fraction": 0.4, "added_section": "others"}  # of 8 patients, 4 with label
    kept = load_items(half_labelled, labelled=True, seed=1, **shares)
    assert len(kept) == 3
    assert len(load_items(half_labelled, seed=1, **shares)) == 8
    assert patients(load_items(half_labelled, labelled=True, seed=3, **shares)) != patients(kept)


def test_an_entry_marked_labelled_needs_its_label(half_labelled):
    content = json.loads(half_labelled.read_text())
    content["training"][1]["labelled"] = True
    half_labelled.write_text(json.dumps(content))
    expected = "training, entry 2: an entry that is 'labelled' must have 'label', has none"
    with pytest.raises(ValueError, match=expected):
        load_items(half_labelled)
    content["training"][1]["label"] = "nowhere.nii.gz"
    half_labelled.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"do not exist, the first is 'nowhere\.nii\.gz'"):
        load_items(half_labelled)


def test_no_entry_of_the_wanted_kind_is_left(half_labelled):
    with pytest.raises(ValueError, match="'training' has no entries without 'label' left to use"):
        load_items(half_labelled, only_fold=0, exclude_folds=[0], labelled=False)
    labelled = make_datalist(half_labelled.parent, test=[entry(7)])
    with pytest.raises(ValueError, match="section 'test' has no entries without 'label' left"):
        load_items(labelled, "test", labelled=False)


def test_entries_that_are_left_out_need_no_fold(half_labelled):
    content = json.loads(half_labelled.read_text())
    del content["training"][3]["fold"]
    half_labelled.write_text(json.dumps(content))
    assert patients(load_items(half_labelled, only_fold=0, labelled=True)) == ["p0"]
    with pytest.raises(ValueError, match="every entry must have 'fold', 1 have none"):
        load_items(half_labelled, only_fold=0)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        *[(key, None, f"{key!r} must be the name of a file") for key in FILE_KEYS],
        ("image", [], "'image' must be the name of a file or a list of names, got an empty list"),
        ("label", 5, "'label' must be the name of a file or a list of names, got another number"),
        ("regions", True, "'regions' must be the name of a file"),
        ("body", ["a", 3], "'body' must be the name of a file"),
        ("label", "", "'label' must be the name of a file or a list of names, got an empty text"),
        ("patient", None, "'patient' must be a name or a whole number, got null"),
        ("patient", ["Zwickelmann"], "'patient' must be a name or a whole number, got another li"),
        ("patient", {}, "'patient' must be a name or a whole number, got an empty object"),
        ("mirrored", "yes", "'mirrored' must be true or false, got another text"),
        ("labelled", 1, "'labelled' must be true or false, got another number"),
        ("fold", "0", "'fold' must be a whole number, got another text"),
        ("fold", [1], "'fold' must be a whole number"),
        ("view", [], "'view' must be one of anterior, posterior, got an empty list"),
        ("view", "oblique", "'view' must be one of anterior, posterior, got another text"),
        ("spacing_mm", {"a": 1}, "'spacing_mm' must be two numbers, row and column in mm"),
    ],
)
def test_fields_of_another_type(tmp_path, field, value, told):
    path = make_datalist(tmp_path, training=[entry(1, 0), entry(2, 1)])
    content = json.loads(path.read_text())
    content["training"][1][field] = value
    path.write_text(json.dumps(content))
    expected = re.escape(f"{path}: training, entry 2: {told}")
    for read in (load_items, data_hash):
        with pytest.raises(ValueError, match=f"^{expected}") as caught:
            read(path)
        assert "Zwickelmann" not in str(caught.value)


@pytest.mark.parametrize("item", [5, {"label": "a"}, None])
def test_an_item_without_image_among_entries(tmp_path, item):
    path = make_datalist(tmp_path, training=[entry(1, 0)])
    path.write_text(json.dumps({"training": [entry(1, 0), item]}))
    expected = re.escape(f"{path}: training, entry 2: must have 'image'")
    with pytest.raises(ValueError, match=f"^{expected}$"):
        load_items(path)


@pytest.mark.parametrize("files", [80, pytest.param(1500, marks=pytest.mark.slow)])
def test_damaged_datalists_are_read_or_refused(datalist, files):
    text, refused = datalist.read_text(), 0
    for seed in range(files):
        datalist.write_text(damage_json(text, np.random.default_rng(seed)), encoding="utf-8")
        for section in ("training", "test"):
            try:
                load_items(datalist, section, exclude_folds=[1])
            except ValueError as err:
                assert str(datalist) in str(err)  # noqa: PT017 - many files, one test
                refused += 1
    assert files / 2 < refused < 2 * files


def test_entries_tell_the_datalist_that_they_are_of(tmp_path):
    path = make_datalist(tmp_path, training=[{"image": "a.dcm"}])
    entries = load_items(path)
    assert find_datalist(entries) == path
    assert find_datalist(list(entries)) is None
