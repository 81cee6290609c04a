"""The one real bone scan that anybody may use, in the encodings of NEMA WG04."""

import re

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError

LOSSLESS = ("UNC", "J2KR", "JPLL", "JLSL", "RLE")
COUNTS = 3_596_452


@pytest.mark.data
def test_lossless_encodings_hold_the_same_counts(reference_data):
    scans = {name: read_scan(reference_data / "real" / f"NM1_{name}.dcm") for name in LOSSLESS}
    for name, scan in scans.items():
        assert scan.views == (View.ANTERIOR,), name
        assert scan.spacing_mm == (2.26, 2.26)
        assert scan.stack().shape == (1, 1024, 256)
        assert scan.stack().sum(dtype=np.int64) == COUNTS
        assert scan.stack().max() == 278
        np.testing.assert_array_equal(scan.stack(), scans["UNC"].stack())


@pytest.mark.data
@pytest.mark.parametrize(("name", "total"), [("JLSN", 3_651_263), ("J2KI", 3_629_901)])
def test_lossy_encodings_warn(reference_data, caplog, name, total):
    scan = read_scan(reference_data / "real" / f"NM1_{name}.dcm")
    assert scan.stack().sum(dtype=np.int64) == total
    assert scan.stack().min() == 0
    assert f"NM1_{name}.dcm: lossy compression: counts are approximate" in caplog.text
    assert ("negative values set to 0" in caplog.text) == (name == "J2KI")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("NM1_JPLY.dcm", "JPEG scan header must select coefficients 0..63 at full precision"),
        ("NM_RECON_TOMO_heart.dcm", "NM, but no planar whole-body acquisition"),
    ],
)
def test_refused(reference_data, name, reason):
    with pytest.raises(ScanError, match=rf"^{re.escape(name)}: .*{re.escape(reason)}"):
        read_scan(reference_data / "real" / name)


def test_scan_that_comes_with_pydicom(caplog, capfd):
    scan = read_scan(get_testdata_file("JPGExtended.dcm"))
    assert scan.views == (View.ANTERIOR,)
    assert scan.stack().shape == (1, 1024, 256)
    assert (scan.stack().min(), scan.stack().max()) == (0, 264)
    assert scan.stack().sum(dtype=np.int64) == 3_767_007
    assert scan.acquisition.model == "MILLENNIUM MG"
    assert "lossy compression" in caplog.text
    assert not capfd.readouterr().err


def test_jpeg_2000_with_negative_values_that_comes_with_pydicom(caplog):
    assert read_scan(get_testdata_file("JPEG2000.dcm")).stack().min() == 0
    assert "39921 negative values set to 0 counts" in caplog.text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("JPEG2000-embedded-sequence-delimiter.dcm", "compressed frames must have the header's"),
        ("CT_small.dcm", "modality must be NM"),
        ("no_meta.dcm", "not a DICOM file"),
    ],
)
def test_refused_of_pydicom(name, reason):
    with pytest.raises(ScanError, match=rf"^{re.escape(name)}: .*{re.escape(reason)}"):
        read_scan(get_testdata_file(name))
