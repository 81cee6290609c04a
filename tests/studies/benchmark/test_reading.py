import numpy as np
import pytest

from bonescan.dicom.read import read_scan
from bonescan.studies.benchmark.reading import ENCODINGS, encode


@pytest.mark.parametrize("name", ENCODINGS)
def test_encoded_scan_reads_the_same(cohort, tmp_path, name):
    source = next(cohort.glob("*/scan.dcm"))
    encode(source, tmp_path / "encoded.dcm", ENCODINGS[name])
    encoded = read_scan(tmp_path / "encoded.dcm")
    assert np.array_equal(encoded.stack(), read_scan(source).stack())
    assert (tmp_path / "encoded.dcm").stat().st_size < source.stat().st_size


def test_what_is_no_image_is_an_error(tmp_path):
    (tmp_path / "text.dcm").write_text("no image")
    with pytest.raises(ValueError, match=r"text\.dcm must be an image that GDCM can encode"):
        encode(tmp_path / "text.dcm", tmp_path / "out.dcm", ENCODINGS["RLE lossless"])
