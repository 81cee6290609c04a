import json

import numpy as np
import pytest

from bonescan.commands import main
from bonescan.data.datalist import load_items
from bonescan.data.load import load_scan
from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.dicom.scan import View
from bonescan.run_folder import label_map_name
from tests.data.annotation.labelme_files import make_cohort, random_label, write_boxes
from tests.factories import SPACING_MM


@pytest.fixture
def datalist(tmp_path):
    return make_cohort(tmp_path / "scans", [random_label(seed) for seed in range(3)])


def run(command, *words):
    return main([*command.split(), *(str(word) for word in words)])


def labels_of(folder):
    items = load_items(folder / "datalist.json")
    return {item["patient"]: read_view_stack(item["label"]).array for item in items}


def test_predictions_are_exported_corrected_and_imported_to_train_on(tmp_path, datalist, capsys):
    predictions = tmp_path / "predictions"
    for number in range(3):
        scan_id = load_scan(datalist.parent / f"p{number}" / "scan.dcm").scan_id
        (predictions / scan_id).mkdir(parents=True)
        path = predictions / scan_id / label_map_name(scan_id)
        write_view_stack(path, random_label(number + 10), SPACING_MM, tuple(View))
    drawn = tmp_path / "drawn"
    words = ("--scans", datalist, "--labels", predictions, "--output", drawn)
    assert run("annotate export", *words) == 0
    assert "6 views" in capsys.readouterr().out
    path = drawn / "p1_scan_posterior.json"
    content = json.loads(path.read_text())
    content["shapes"] = [shape for shape in content["shapes"] if shape["label"] == "bladder"]
    path.rename(drawn / "renamed by the physician.json").write_text(json.dumps(content))
    words = ("--scans", datalist, "--annotations", drawn, "--output", tmp_path / "out")
    assert run("annotate import", *words) == 0
    assert "3 scans labelled" in capsys.readouterr().out
    labels = labels_of(tmp_path / "out")
    corrected = random_label(11)
    corrected[1][corrected[1] == 1] = 0
    np.testing.assert_array_equal(labels["P0"], random_label(10))
    np.testing.assert_array_equal(labels["P1"], corrected)
    np.testing.assert_array_equal(labels["P2"], random_label(12))


def test_the_datalists_own_labels_are_exported(tmp_path, datalist):
    assert run("annotate export", "--scans", datalist, "--output", tmp_path / "drawn") == 0
    words = ("--annotations", tmp_path / "drawn", "--output", tmp_path / "out")
    assert run("annotate import", "--scans", datalist, *words) == 0
    np.testing.assert_array_equal(labels_of(tmp_path / "out")["P2"], random_label(2))


def test_files_beside_the_scans_of_a_datalist_are_found(tmp_path, datalist, capsys):
    assert run("annotate export", "--scans", datalist, "--output", datalist.parent / "drawn") == 0
    lists = tmp_path / "lists"
    lists.mkdir()
    entries = json.loads(datalist.read_text())["training"]
    for entry in entries:
        for key in ("image", "label"):
            entry[key] = f"../scans/{entry[key]}"
    (lists / "all.json").write_text(json.dumps({"training": entries}))
    words = ("--scans", lists / "all.json", "--output", tmp_path / "out")
    assert run("annotate import", *words) == 0
    np.testing.assert_array_equal(labels_of(tmp_path / "out")["P2"], random_label(2))
    assert "Import: 100%" in capsys.readouterr().err


def test_missing_files_and_lists_are_told_before_scans_are_read(tmp_path, datalist, capsys):
    (datalist.parent / "p0" / "scan.dcm").write_bytes(b"damaged")
    output = tmp_path / "out"
    assert run("annotate import", "--scans", datalist, "--output", output) == 1
    told = capsys.readouterr().err
    assert "must hold LabelMe files, got none; give their folder by --annotations" in told
    assert "Read" not in told
    assert run("annotate import", "--scans", tmp_path / "wrong.json", "--output", output) == 1
    told = capsys.readouterr().err
    assert "no such datalist; name a file such as" in told
    assert "--dataset_dir" not in told


def test_exports_without_label_map_fail_and_others_go_on(tmp_path, datalist, capsys):
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "p0_scan.nii.gz").write_bytes((datalist.parent / "p0/label.nii.gz").read_bytes())
    words = ("--scans", datalist, "--labels", labels, "--output", tmp_path / "drawn")
    assert run("annotate export", *words) == 1
    told = capsys.readouterr()
    assert "2 views" in told.out
    assert "left out: scan p1_scan: has no label map" in told.err


def test_imports_list_failures_and_take_a_mapping(tmp_path, datalist, capsys):
    drawn = tmp_path / "drawn"
    for name in ("p0_scan_anterior", "p0_scan_posterior", "p1_scan_anterior"):
        write_boxes(drawn / f"{name}.json", {(2, 3, 5, 6): "Herd"}, image=f"{name}.png")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("Herd: bladder\n")
    words = ["--scans", datalist, "--annotations", drawn, "--output", tmp_path / "out"]
    assert run("annotate import", *words, "--mapping", mapping) == 1
    told = capsys.readouterr()
    assert "1 scans labelled" in told.out
    assert "left out: scan p1_scan: must have a file for the posterior view" in told.err
    assert set(np.unique(labels_of(tmp_path / "out")["P0"])) == {0, 2}
    words += ["--mapping", mapping, "--label", "Herd=metastasis", "--empty-views"]
    assert run("annotate import", *words) == 0
    assert set(np.unique(labels_of(tmp_path / "out")["P1"])) == {0, 1}
    assert run("annotate import", *words, "--label", "Herd=tumour") == 1
    assert "error: label must be one of" in capsys.readouterr().err


def make_annotators(tmp_path, datalist):
    """Return `NAME=DATALIST` of three annotators, one of whom never marks anything behind."""
    entries = json.loads(datalist.read_text())["training"]
    words = []
    for name in ("ann", "bob", "cyd"):
        for number, entry in enumerate(entries):
            label = random_label(number)
            if name == "cyd":
                label[1] = 0
            path = datalist.parent / f"p{number}" / f"{name}.nii.gz"
            write_view_stack(path, label, SPACING_MM, tuple(View))
            entry["label"] = str(path.relative_to(datalist.parent))
        path = datalist.parent / f"{name}.json"
        path.write_text(json.dumps({"training": entries}))
        words.append(f"{name}={path}")
    return words


@pytest.mark.parametrize("method", ["majority", "staple"])
def test_a_consensus_has_a_datalist_and_a_report(tmp_path, datalist, method):
    annotators, output = make_annotators(tmp_path, datalist), tmp_path / "out"
    assert run("annotate consensus", *annotators, "--output", output, "--method", method) == 0
    assert set(labels_of(output)) == {"P0", "P1", "P2"}
    np.testing.assert_array_equal(labels_of(output)["P1"], random_label(1))
    document = json.loads((output / "agreement.json").read_text())
    assert document["pairs"][0]["dsc"]["value"] == 1 > document["pairs"][1]["dsc"]["value"]
    assert (output / "agreement.md").read_text().startswith("Agreement of 3 annotators")
    assert (output / "agreement.png").stat().st_size > 1000
    assert not (output / "disputes.json").exists()


def test_disputed_scans_are_left_for_a_new_round(tmp_path, datalist, capsys):
    annotators, output = make_annotators(tmp_path, datalist), tmp_path / "out"
    assert run("annotate consensus", *annotators, "--output", output, "--method", "agreement") == 1
    told = capsys.readouterr().out
    assert "0 scans in" in told
    assert f"3 scans are disputed; see {output / 'disputes.json'}" in told
    disputes = json.loads((output / "disputes.json").read_text())
    assert {dispute["view"] for dispute in disputes} == {"posterior"}
    assert disputes[0]["scan"] == "p0_scan"
    assert disputes[0]["dispute"]["difference"] == 1
    assert not (output / "datalist.json").exists()
    run(
        "annotate consensus",
        *annotators,
        "--output",
        output,
        "--method",
        "agreement",
        "--max-difference",
        1,
    )
    assert set(labels_of(output)) == {"P0", "P1", "P2"}


def test_a_consensus_needs_two_annotators(tmp_path, datalist, capsys):
    assert run("annotate consensus", f"ann={datalist}", "--output", tmp_path / "out") == 1
    assert "error: datalists must be those of 2 annotators" in capsys.readouterr().err


def test_annotators_are_named_each_by_a_name_of_their_own(tmp_path, datalist, capsys):
    words = (f"ann={datalist}", f"ann={datalist}", "--output", tmp_path / "out")
    assert run("annotate consensus", *words) == 1
    assert "annotators must have different names, got 'ann' twice" in capsys.readouterr().err
    assert run("annotate consensus", datalist, "--output", tmp_path / "out") == 1
    assert "annotator must be NAME=DATALIST, got" in capsys.readouterr().err
