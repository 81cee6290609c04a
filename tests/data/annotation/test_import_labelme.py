import json

import numpy as np
import pytest

from bonescan.data.annotation.import_labelme import ImportSettings, import_annotations
from bonescan.data.annotation.labelme import LabelMeError
from bonescan.data.annotation.rasterise import Drawing
from bonescan.data.datalist import load_items
from bonescan.data.nifti import read_view_stack
from bonescan.dicom.scan import View
from tests.data.annotation.labelme_files import make_scans, write_boxes
from tests.factories import BOTH, COLUMNS, ROWS, SPACING_MM, make_scan_file

VALUES = {"lesion": 1, "urine": 2}
FRONT = {(3, 10, 5, 14): "lesion", (8, 40, 11, 43): "urine"}
BACK = {(18, 20, 21, 22): "lesion"}


def paint(boxes):
    label = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    for (left, top, right, bottom), name in boxes.items():
        label[top : bottom + 1, left : right + 1] = VALUES[name]
    return label


def annotate(folder, patient="p0", *, front=FRONT, back=BACK, **fields):
    """Write the two files that belong to a scan, named after it."""
    for view, boxes in (("anterior", front), ("posterior", back)):
        name = f"{patient}_scan_{view}"
        write_boxes(folder / f"{name}.json", boxes, image=f"{name}.png", **fields)


def run(tmp_path, **changes):
    settings = {
        "scans": tmp_path / "scans",
        "annotations": tmp_path / "drawn",
        "output": tmp_path / "out",
        "values": VALUES,
        **changes,
    }
    return import_annotations(ImportSettings(**settings))


def label_of(tmp_path, key="p0_scan"):
    stack = read_view_stack(tmp_path / "out" / "labels" / f"{key}.nii.gz")
    np.testing.assert_allclose(stack.spacing_mm, SPACING_MM)
    return dict(zip(stack.views, stack.array, strict=True))


def test_files_named_after_scans_become_labels_and_a_datalist(tmp_path):
    make_scans(tmp_path / "scans", 3)
    for patient in ("p0", "p1"):
        annotate(tmp_path / "drawn", patient)
    outcome = run(tmp_path, folds=2)
    assert (outcome.labelled, outcome.unannotated, outcome.failures) == (2, 1, ())
    label = label_of(tmp_path)
    np.testing.assert_array_equal(label[View.ANTERIOR], paint(FRONT))
    np.testing.assert_array_equal(label[View.POSTERIOR], paint(BACK))
    items = load_items(tmp_path / "out" / "datalist.json")
    assert [item["patient"] for item in items] == ["p0", "p1"]
    assert sorted(item["fold"] for item in items) == [0, 1]


def test_all_scans_of_a_patient_are_in_one_fold(tmp_path):
    for number, name in enumerate(("p0/a", "p0/b", "p1/a")):
        make_scan_file(tmp_path / "scans" / f"{name}.dcm", study_uid=f"1.2.3.{number}")
        for view in View:
            key = f"{name.replace('/', '_')}_{view}"
            write_boxes(tmp_path / "drawn" / f"{key}.json", BACK, image=f"{key}.png")
    assert run(tmp_path, folds=2).labelled == 3
    items = load_items(tmp_path / "out" / "datalist.json")
    folds = {(item["patient"], item["fold"]) for item in items}
    assert len(folds) == 2


def test_the_image_path_may_lead_to_the_scan_and_the_name_choose_the_annotator(tmp_path):
    make_scans(tmp_path / "scans", 1)
    for name, back in (("ann", BACK), ("bob", {})):
        for view, boxes in (("anterior", FRONT), ("posterior", back)):
            path = tmp_path / "scans" / "p0" / "labelme" / f"{view}_{name}.json"
            write_boxes(path, boxes, image="..\\scan.dcm" if name == "bob" else "../scan.dcm")
    assert run(tmp_path, annotations=tmp_path / "scans", annotator="bob").labelled == 1
    assert not label_of(tmp_path)[View.POSTERIOR].any()
    assert run(tmp_path, annotations=tmp_path / "scans", annotator="ann").labelled == 1
    np.testing.assert_array_equal(label_of(tmp_path)[View.POSTERIOR], paint(BACK))
    with pytest.raises(LabelMeError, match=r"must hold LabelMe files of annotator '\*', got none"):
        run(tmp_path, annotations=tmp_path / "scans", annotator="*")
    outcome = run(tmp_path, annotations=tmp_path / "scans")
    assert outcome.failures == (
        "scan p0_scan: must have one file for the anterior view, got anterior_ann.json, "
        "anterior_bob.json; choose one annotator",
    )


def test_files_of_one_view_say_it_by_the_file_they_show(tmp_path):
    for view in View:
        path = tmp_path / "scans" / "p0" / ("first.dcm" if view is View.ANTERIOR else "second.dcm")
        make_scan_file(path, {view: BOTH[view]})
    for name, boxes in (("first", FRONT), ("second", BACK)):
        path = tmp_path / "drawn" / f"{name}.json"
        write_boxes(path, boxes, image=f"../scans/p0/{name}.dcm")
    assert run(tmp_path).labelled == 1
    label = label_of(tmp_path, "p0_first+second")
    np.testing.assert_array_equal(label[View.ANTERIOR], paint(FRONT))
    np.testing.assert_array_equal(label[View.POSTERIOR], paint(BACK))


def test_a_folder_of_windows_does_not_name_the_view(tmp_path):
    make_scans(tmp_path / "scans", 1)
    for view, boxes in (("anterior", FRONT), ("posterior", BACK)):
        path = tmp_path / "drawn" / f"p0_scan_{view}.json"
        write_boxes(path, boxes, image="..\\anterior\\p0_scan.png")
    assert run(tmp_path).labelled == 1
    np.testing.assert_array_equal(label_of(tmp_path)[View.POSTERIOR], paint(BACK))


def test_a_digit_before_the_view_belongs_to_the_scan(tmp_path):
    for name in ("p", "p1"):
        make_scan_file(tmp_path / "scans" / f"{name}.dcm", study_uid=f"1.2.3.{len(name)}")
    for view in View:
        name = f"p1{view}"
        write_boxes(tmp_path / "drawn" / f"{name}.json", BACK, image=f"{name}.png")
    assert run(tmp_path).labelled == 1
    np.testing.assert_array_equal(label_of(tmp_path, "p1")[View.ANTERIOR], paint(BACK))


def test_mirrored_posterior_and_upside_down_images(tmp_path):
    make_scans(tmp_path / "scans", 1)
    annotate(tmp_path / "drawn")
    assert run(tmp_path, mirrored_posterior=True, drawing=Drawing(upside_down=True)).labelled == 1
    label = label_of(tmp_path)
    np.testing.assert_array_equal(label[View.ANTERIOR], paint(FRONT)[::-1])
    np.testing.assert_array_equal(label[View.POSTERIOR], paint(BACK)[::-1, ::-1])


def test_one_bad_file_does_not_stop_the_others(tmp_path):
    make_scans(tmp_path / "scans", 4)
    annotate(tmp_path / "drawn", "p0")
    annotate(tmp_path / "drawn", "p1", front={(1, 2, 3, 4): "Lesoin"})
    annotate(tmp_path / "drawn", "p2", size=(ROWS, COLUMNS + 1))
    annotate(tmp_path / "drawn", "p3")
    annotate(tmp_path / "drawn", "p9")
    (tmp_path / "drawn" / "p3_scan_anterior.json").write_text("{broken")
    outcome = run(tmp_path)
    assert (outcome.labelled, outcome.unannotated) == (1, 0)
    failures = "\n".join(outcome.failures)
    for part in (
        "p1_scan_anterior.json: shape 1 (rectangle 'Lesoin'): label must be one of lesion, urine",
        f"p2_scan_anterior.json: must be drawn on an image of {ROWS} rows and {COLUMNS} columns",
        "p3_scan_anterior.json: must be a JSON file",
        "scan p3_scan: must have a file for the anterior view, got none",
        "p9_scan_anterior.json: image must be that of one scan, got 'p9_scan_anterior.png', "
        "which 0 scans fit",
    ):
        assert part in failures
    assert len(load_items(tmp_path / "out" / "datalist.json")) == 1


def test_a_view_without_file_is_empty_only_if_said_and_if_all_files_could_be_read(tmp_path):
    make_scans(tmp_path / "scans", 1)
    annotate(tmp_path / "drawn")
    (tmp_path / "drawn" / "p0_scan_posterior.json").unlink()
    assert "got none that can be used" in run(tmp_path).failures[0]
    assert run(tmp_path, empty_views=True).failures == ()
    assert not label_of(tmp_path)[View.POSTERIOR].any()
    (tmp_path / "drawn" / "other.json").write_text("{broken")  # it may be the missing one
    outcome = run(tmp_path, empty_views=True)
    assert outcome.labelled == 0
    assert len(outcome.failures) == 2


def test_a_file_of_a_scan_with_another_hash_or_view_is_refused(tmp_path):
    make_scan_file(tmp_path / "scans" / "p0" / "scan.dcm", {View.ANTERIOR: BOTH[View.ANTERIOR]})
    drawn = tmp_path / "drawn"
    write_boxes(drawn / "p0_scan_anterior.json", {}, image="p0_scan.png", scan_id="f" * 16)
    write_boxes(drawn / "p0_scan_posterior.json", {}, image="p0_scan.png")
    write_boxes(drawn / "both_anterior.json", {}, image="p0_scan_posterior.png")
    first, *rest = run(tmp_path).failures
    assert first == (
        "both_anterior.json: name must be that of one view, got both in it and in its image's name"
    )
    assert "which 0 scans fit; the file belongs to another scan" in rest[0]
    assert "scan p0_scan must have the view posterior, got anterior; the file" in rest[1]


def test_the_view_must_be_known(tmp_path):
    make_scans(tmp_path / "scans", 1)
    write_boxes(tmp_path / "drawn" / "p0_scan.json", {}, image="p0_scan.png")
    (failure,) = run(tmp_path).failures
    assert failure == (
        "p0_scan.json: name must say which view it shows, 'anterior' or 'posterior', as "
        "p0_scan_anterior.json does"
    )


def test_a_datalist_keeps_its_sections_folds_and_fields(tmp_path):
    make_scans(tmp_path / "scans", 3)
    entries = [
        {"image": f"p{n}/scan.dcm", "patient": f"P{n}", "fold": 7 + n, "age": 60 + n}
        for n in range(3)
    ]
    entries[2].pop("fold")
    datalist = tmp_path / "scans" / "datalist.json"
    datalist.write_text(json.dumps({"training": entries[:2], "test": entries[2:]}))
    for patient in ("p0", "p1", "p2"):
        annotate(tmp_path / "drawn", patient)
    assert run(tmp_path, scans=datalist).labelled == 3
    items = load_items(tmp_path / "out" / "datalist.json")
    assert [(item["patient"], item["fold"], item["age"]) for item in items] == [
        ("P0", 7, 60),
        ("P1", 8, 61),
    ]
    assert load_items(tmp_path / "out" / "datalist.json", "test")[0]["patient"] == "P2"


def test_scans_whose_names_would_be_one_are_refused(tmp_path):
    for number, name in enumerate(("a_b/scan.dcm", "a/b_scan.dcm")):
        make_scan_file(tmp_path / "scans" / name, study_uid=f"1.2.3.{number}")
    annotate(tmp_path / "drawn")
    with pytest.raises(ValueError, match="names of their own, got two named 'a_b_scan'"):
        run(tmp_path)


def test_no_files_at_all_is_an_error(tmp_path):
    make_scans(tmp_path / "scans", 1)
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "x_ann.json").write_text('{"training": []}')
    with pytest.raises(
        LabelMeError, match="drawn: must hold LabelMe files of annotator 'ann', got"
    ):
        run(tmp_path, annotator="ann")
