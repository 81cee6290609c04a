"""Which scan and view a LabelMe file belongs to."""

from pathlib import Path

import pytest

from bonescan.data.annotation.labelme import Annotation, LabelMeError
from bonescan.data.annotation.owner import find_owner
from bonescan.data.listing import list_scans
from bonescan.dicom.scan import View
from tests.factories import BOTH, COLUMNS, ROWS, make_scan_file


@pytest.fixture
def scans(tmp_path):
    """One scan with both views, one with the posterior view alone."""
    make_scan_file(tmp_path / "p0" / "scan.dcm", study_uid="1.0")
    make_scan_file(
        tmp_path / "p1" / "back.dcm", {View.POSTERIOR: BOTH[View.POSTERIOR]}, study_uid="1.1"
    )
    return list_scans(tmp_path)[0]


def owner(scans, name, image, **fields):
    """Key and view of the owner of a file that lies beside the patients' folders."""
    folder = Path(scans[0].entry["image"]).parents[1]
    scan, view = find_owner(Annotation(folder / name, image, (ROWS, COLUMNS), (), **fields), scans)
    return scan.key, view


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("any.json", "p0_scan_anterior.png", ("p0_scan", View.ANTERIOR)),
        ("any.json", "P0_SCAN-POST.png", ("p0_scan", View.POSTERIOR)),
        ("post_bob.json", "p0_scan.png", ("p0_scan", View.POSTERIOR)),
        ("anterior_ann.json", "p0/scan.dcm", ("p0_scan", View.ANTERIOR)),
        ("any.json", "p1/back.dcm", ("p1_back", View.POSTERIOR)),  # the only view
        ("any.json", "scan_ant.png", ("p0_scan", View.ANTERIOR)),  # no other scan has this name
        ("postponed_anterior.json", "p0_scan.png", ("p0_scan", View.ANTERIOR)),
    ],
)
def test_names_and_paths_tell_scan_and_view(scans, name, image, expected):
    assert owner(scans, name, image) == expected


def test_the_scan_id_overrules_names(scans):
    scan_id = scans[1].facts.scan_id
    exported = {"scan_id": scan_id, "view": View.POSTERIOR}
    assert owner(scans, "x.json", "p0_scan_anterior.png", **exported) == (
        "p1_back",
        View.POSTERIOR,
    )


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("x.json", "p7_scan_anterior.png", "got 'p7_scan_anterior.png', which 0 scans fit"),
        ("x.json", "p0_scan.png", "x.json: name must say which view it shows"),
        ("x_anterior.json", "p1_back.png", "must have the view anterior, got posterior"),
        ("x_ant.json", "p0_scan_posterior.png", "must be that of one view, got both"),
    ],
)
def test_files_that_fit_no_view_are_refused(scans, name, image, expected):
    with pytest.raises(LabelMeError, match=expected):
        owner(scans, name, image)
