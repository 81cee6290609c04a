import json

import numpy as np
import pytest

from bonescan.commands import main
from bonescan.data.datalist import load_items
from bonescan.data.load import load_scan
from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.dicom.scan import View
from bonescan.labels import Label
from bonescan.run_folder import label_map_name
from tests.data.annotation.labelme_files import make_cohort
from tests.factories import COLUMNS, ROWS, SPACING_MM

BOTH = tuple(View)


def make_label(*boxes, value=Label.METASTASIS):
    """Return a label map (view, row, column) with boxes (view, top, bottom, left, right)."""
    label = np.zeros((2, ROWS, COLUMNS), dtype=np.uint8)
    for view, top, bottom, left, right in boxes:
        label[view, top:bottom, left:right] = value
    return label


LABELS = (
    make_label((0, 10, 14, 5, 9)),
    make_label(),
    make_label((1, 30, 33, 12, 20)) + make_label((0, 50, 54, 10, 15), value=Label.BLADDER),
)
PREDS = (
    make_label((0, 10, 14, 5, 9), (0, 12, 16, 8, 12), (1, 20, 22, 3, 8)),
    make_label((0, 40, 44, 11, 13)) + make_label((1, 3, 9, 3, 5), value=Label.BLADDER),
    make_label((0, 50, 54, 10, 15)),
)


def write_prediction(folder, scan, array, views=BOTH):
    scan_id = load_scan(scan).scan_id
    (folder / scan_id).mkdir(parents=True, exist_ok=True)
    path = folder / scan_id / label_map_name(scan_id)
    write_view_stack(path, array, SPACING_MM, views)
    return path


@pytest.fixture
def datalist(tmp_path):
    return make_cohort(tmp_path / "scans", LABELS, test=1)


@pytest.fixture
def predictions(tmp_path, datalist):
    folder = tmp_path / "predictions"
    for number, pred in enumerate(PREDS):
        write_prediction(folder, datalist.parent / f"p{number}" / "scan.dcm", pred)
    return folder


def mine(datalist, predictions, output):
    words = {"--datalist": datalist, "--predictions": predictions, "--output": output}
    return main(["mine-negatives", *(str(word) for pair in words.items() for word in pair)])


def bodies(datalist):
    items = [*load_items(datalist), *load_items(datalist, "test")]
    return [read_view_stack(item["body"]) for item in items]


def test_masks_hold_what_was_predicted_beside_the_metastases(datalist, predictions, tmp_path):
    assert mine(datalist, predictions, tmp_path / "mined") == 0
    first, second, third = bodies(tmp_path / "mined" / "datalist.json")
    # rows 10 to 13 and columns 5 to 8 are labelled; two pixels around are left out, corners less
    near = {(12, 8), (12, 9), (12, 10), (13, 8), (13, 9), (13, 10), (14, 8), (14, 9), (15, 8)}
    box = {(row, column) for row in range(12, 16) for column in range(8, 12)}
    assert set(zip(*np.nonzero(first.array[0]), strict=True)) == box - near
    assert np.array_equal(first.array[1], PREDS[0][1])
    assert np.array_equal(second.array, make_label((0, 40, 44, 11, 13)))
    assert np.array_equal(third.array, PREDS[2])
    assert first.array.dtype == np.uint8
    assert first.views == BOTH
    assert first.spacing_mm == pytest.approx(SPACING_MM)


def test_the_new_datalist_names_the_same_scans(datalist, predictions, tmp_path, capsys):
    assert mine(datalist, predictions, tmp_path / "a" / "b") == 0
    assert f"{7 + 10 + 8 + 20} false positive pixels in 3 scans" in capsys.readouterr().out
    new = tmp_path / "a" / "b" / "datalist.json"
    for section in ("training", "test"):
        for old, mined in zip(load_items(datalist, section), load_items(new, section), strict=True):
            assert load_scan(mined["image"]).scan_id == load_scan(old["image"]).scan_id
            label = read_view_stack(mined["label"]).array
            assert np.array_equal(label, read_view_stack(old["label"]).array)
            kept = {"patient", "age", "fold"} & set(old)
            assert {key: mined[key] for key in kept} == {key: old[key] for key in kept}


def test_hints_and_pairs_of_files_move_along(datalist, predictions, tmp_path):
    content = json.loads(datalist.read_text())
    content["description"] = "kept"
    content["training"][0]["image"] += "#view=anterior"
    content["training"][1]["image"] = [content["training"][1]["image"]]
    datalist.write_text(json.dumps(content))
    assert mine(datalist, predictions, tmp_path / "mined") == 0
    mined = json.loads((tmp_path / "mined" / "datalist.json").read_text())
    assert mined["description"] == "kept"
    images = [entry["image"] for entry in mined["training"]]
    assert images == ["../scans/p0/scan.dcm#view=anterior", ["../scans/p1/scan.dcm"]]


def test_again_with_another_network_everything_is_new(datalist, predictions, tmp_path):
    mine(datalist, predictions, tmp_path / "mined")
    write_prediction(predictions, datalist.parent / "p1" / "scan.dcm", make_label())
    assert mine(datalist, predictions, tmp_path / "mined") == 0
    assert not bodies(tmp_path / "mined" / "datalist.json")[1].array.any()


def test_a_network_that_finds_nothing_is_warned_of(datalist, predictions, tmp_path, caplog):
    for number in range(3):
        write_prediction(predictions, datalist.parent / f"p{number}" / "scan.dcm", make_label())
    assert mine(datalist, predictions, tmp_path / "mined") == 0
    assert "no false positives: the class of other body is empty" in caplog.text


def test_a_scan_without_prediction_is_named_by_its_place(datalist, predictions, tmp_path, capsys):
    scan_id = load_scan(datalist.parent / "p1" / "scan.dcm").scan_id
    (predictions / scan_id / label_map_name(scan_id)).unlink()
    assert mine(datalist, predictions, tmp_path / "mined") == 1
    message = capsys.readouterr().err
    assert f"error: {datalist}: scan 2 of 'training' must have a prediction, got no" in message
    assert "P1" not in message
    assert not (tmp_path / "mined" / "datalist.json").exists()


@pytest.mark.parametrize(
    ("array", "views"),
    [(np.zeros((2, ROWS + 1, COLUMNS), np.uint8), BOTH), (make_label()[:1], BOTH[1:])],
)
def test_a_prediction_of_another_geometry_is_refused(
    array, views, datalist, predictions, tmp_path, capsys
):
    write_prediction(predictions, datalist.parent / "p0" / "scan.dcm", array, views)
    assert mine(datalist, predictions, tmp_path / "mined") == 1
    message = capsys.readouterr().err
    assert "scan 1 of 'training': " in message
    assert "_label.nii.gz: map must have the views and pixels of its scan (anterior and" in message


def test_entries_need_labels_and_the_datalist_is_not_overwritten(
    datalist, predictions, tmp_path, capsys
):
    assert mine(datalist, predictions, datalist.parent) == 1
    assert "must be another than the one read" in capsys.readouterr().err
    content = json.loads(datalist.read_text())
    del content["test"][0]["label"]
    datalist.write_text(json.dumps(content))
    assert mine(datalist, predictions, tmp_path / "mined") == 1
    assert "scan 1 of 'test': every entry must have 'label'" in capsys.readouterr().err
