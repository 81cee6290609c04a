import csv
import dataclasses
import json
from pathlib import Path
from unittest.mock import ANY

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from bonescan.data.nifti import read_view_stack
from bonescan.dicom.scan import View
from bonescan.labels import REPORT_SITES, Label
from bonescan.report.writers import (
    FindingsWriter,
    LabelMapWriter,
    OverlayWriter,
    SummaryWriter,
    findings_document,
    scan_summary,
)
from tests.report.scan_results import PROVENANCE, SHAPE, SPACING_MM, make_result, take_view


@pytest.fixture
def folder(tmp_path) -> Path:
    """The output, with the folder of the scan."""
    (tmp_path / make_result().scan_id).mkdir()
    return tmp_path


def put_lesions(*pixels: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Return the maps of lesions at (view, row, column); counts rise from pixel to pixel."""
    label_map = np.zeros(SHAPE, np.uint8)
    for pixel in pixels:
        label_map[pixel] = Label.METASTASIS
    return {"counts": np.arange(label_map.size, dtype=float).reshape(SHAPE), "label_map": label_map}


@pytest.mark.parametrize("views", [tuple(View), (View.POSTERIOR,)])
def test_label_map_keeps_all_values_and_the_geometry(folder, views):
    result = make_result() if len(views) == 2 else take_view(make_result(), *views)
    LabelMapWriter()(result, folder)
    stack = read_view_stack(folder / "0a1b2c" / "0a1b2c_label.nii.gz")
    np.testing.assert_array_equal(stack.array, result.label_map)
    assert Label.BLADDER in stack.array
    assert stack.array.dtype == np.uint8
    assert stack.spacing_mm == pytest.approx(SPACING_MM)
    assert stack.views == views


def test_label_map_says_what_made_it_and_not_when(folder):
    path = folder / "0a1b2c" / "0a1b2c_label.nii.gz"
    LabelMapWriter()(make_result(), folder)
    (extension,) = nib.load(path).header.extensions
    text = extension.get_content()
    made_by = json.loads(text if isinstance(text, str) else text.decode())
    assert made_by["system"] == "U-Net"
    assert made_by["weights_sha256"] == [*PROVENANCE.weights_sha256]
    assert "Research use only" in made_by["notice"]
    first = path.read_bytes()
    later = dataclasses.replace(PROVENANCE, date="2030-01-01T00:00:00+00:00")
    LabelMapWriter()(make_result(provenance=later), folder)
    assert path.read_bytes() == first


def test_document_is_json_and_names_every_part(folder):
    result = make_result(**put_lesions((1, 2, 1), (1, 2, 2), (1, 3, 2)))
    FindingsWriter()(result, folder)
    document = json.loads((folder / "0a1b2c" / "findings.json").read_text())
    assert document == findings_document(result)
    assert list(document) == [
        "scan_id", "notice", "provenance", "simulated", "assessed", "views", "view_source",
        "content_check", "spacing_mm", "probability", "findings", "burden_of_assessed", "flags",
        "change",
    ]  # fmt: skip
    assert document["scan_id"] == "0a1b2c"
    assert document["provenance"] == PROVENANCE.document()
    assert document["views"] == ["anterior", "posterior"]
    assert document["spacing_mm"] == {"row": 2.4, "column": 1.9}
    assert (document["view_source"], document["content_check"]) == ("code", "not sure")
    assert document["simulated"] is True
    assert document["assessed"] == "thorax"
    assert "Research use only" in document["notice"]
    (finding,) = document["findings"]
    assert finding["view"] == "posterior"
    assert finding["area_mm2"] == 13.68
    assert finding["centroid_mm"] == {"row": 5.6, "column": 3.167}
    assert finding["box_px"] == {
        "first_row": 2, "first_column": 1, "last_row": 3, "last_column": 2,
    }  # fmt: skip


def test_overlay_is_a_picture(folder):
    OverlayWriter()(make_result(), folder)
    with Image.open(folder / "0a1b2c" / "overlay.png") as image:
        assert image.width > 2 * 60


def test_rows_follow_each_other_under_one_header(folder):
    first, second = make_result(), take_view(make_result(scan_id="ff"), View.POSTERIOR)
    for result in (first, second):
        SummaryWriter()(result, folder)
    with (folder / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["input"], row["scan_id"]) for row in rows] == [
        ("a.dcm, b.dcm", "0a1b2c"), ("a.dcm", "ff"),
    ]  # fmt: skip
    assert [row["lesions_anterior"] for row in rows] == ["1", ""]


def test_summary_keeps_the_views_apart():
    lesions = put_lesions((0, 25, 8), (0, 26, 10), (1, 5, 4))
    assert scan_summary(make_result(**lesions, simulated=False)) == {
        "scan_id": "0a1b2c",
        "assessed": "thorax",
        "simulated": False,
        "view_source": "code",
        "content_check": "not sure",
        "lesions_anterior": 2,
        "lesions_at_field_border_anterior": 1,
        "area_mm2_anterior": 9.12,
        "max_counts_anterior": 26 * 60 + 10,
        "lesions_posterior": 1,
        "lesions_at_field_border_posterior": 0,
        "area_mm2_posterior": 4.56,
        "max_counts_posterior": 120 * 60 + 5 * 60 + 4,
        "probability": None,
        "probability_of_metastasis": None,
        **{f"probability_{site}": None for site in REPORT_SITES},
        "lesions": 3,
        "bstbi_thorax": ANY,
        "uptake_share_thorax": ANY,
        "planar_bsi_percent_thorax": None,
        "skeleton_assessed_percent": None,
        "bladder_excluded": False,
        "flags": ANY,
        "days_since_earlier": None,
        "lesions_new": None,
        "lesions_grown": None,
        "lesions_shrunk": None,
        "lesions_gone": None,
        "pcwg3_2_plus_2": None,
        "system": "U-Net",
        "weights_sha256": "12345678" + 56 * "a",
        "configuration_sha256": 64 * "c",
        "regions_sha256": "",
        "operating_point": "min_area_mm2 15",
        "trained_on": "",
        "bonescan": "0.7",
        "revision": "fedcba98" + 32 * "0",
        "date": "2024-02-03T04:05:06+00:00",
    }


def test_summary_tells_a_missing_view_from_one_without_lesions():
    row = scan_summary(take_view(make_result(), View.POSTERIOR))
    assert (row["lesions_anterior"], row["area_mm2_anterior"]) == (None, None)
    assert (row["lesions_posterior"], row["area_mm2_posterior"]) == (0, 0)
    assert row["max_counts_posterior"] is None


def test_list_and_row_say_what_a_classifier_says():
    probs = dict(zip(REPORT_SITES, (0.97, 0.0, 0.3125, 0.5, 0.02, 0.125), strict=True))
    result = dataclasses.replace(make_result(), scan_prob=0.83215, site_probs=probs)
    document, row = findings_document(result), scan_summary(result)
    assert document["probability_of_metastasis"] == row["probability_of_metastasis"] == 0.832
    assert document["probability_by_site"]["scapula"] == row["probability_scapula"] == 0.312
    for site, prob in document["probability_by_site"].items():
        assert row[f"probability_{site}"] == prob


def test_numbers_of_a_field_carry_its_name():
    thorax = scan_summary(make_result())
    assert 0 < thorax["bstbi_thorax"] < 1
    assert not [key for key in thorax if key in {"bstbi", "uptake_share", "planar_bsi_percent"}]
    assert "bstbi_head_to_knees" in scan_summary(make_result(field="head to knees"))
    burden = findings_document(make_result())["burden_of_assessed"]
    assert (burden["assessed"], burden["whole_body"]) == ("thorax", False)
    assert burden["hottest"] == {"view": "anterior", "number": 1, "lesion": 1}


def test_document_with_an_earlier_scan_and_regions_is_json(folder):
    counts = np.random.default_rng(1).integers(0, 50, SHAPE).astype(np.float32)
    before = make_result(counts=counts, label_map=np.zeros(SHAPE, np.uint8))
    now = make_result(counts=counts, earlier=[before], regions=np.full(SHAPE, 1 << 4))
    FindingsWriter()(now, folder)
    document = json.loads((folder / "0a1b2c" / "findings.json").read_text())
    assert [lesion["state"] for lesion in document["change"]["lesions"]] == ["new"]
    assert document["change"]["pcwg3_2_plus_2"]["state"] == "cannot tell"
    assert document["burden_of_assessed"]["planar_bsi"]["merge"] == "max"
    assert document["burden_of_assessed"]["image_cuts_body"]
    assert document["findings"][0]["region"] == "cervical_spine"
    assert scan_summary(now)["lesions_new"] == 1


def test_flags_stand_in_the_document_and_in_the_row():
    result = make_result(view_source="guess")
    flags = findings_document(result)["flags"]
    assert flags[0] == {
        "code": "views_guessed", "severity": "serious", "view": None, "values": {"source": "guess"},
    }  # fmt: skip
    assert "views_guessed" in scan_summary(result)["flags"].split()
