import re

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from bonescan.dicom.jpeg import decode_extended


@pytest.fixture(scope="module")
def stream() -> bytes:
    dataset = pydicom.dcmread(get_testdata_file("JPGExtended.dcm"))
    return next(generate_frames(dataset.PixelData, number_of_frames=1))


def test_decodes_to_the_size_asked_for(stream):
    values = decode_extended(stream, (1024, 256), 12)
    assert values.shape == (1024, 256)
    assert values.dtype == np.uint16
    assert values[:, :13].max() < values.max() == 264  # nothing is scanned in the first columns


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda s: s.replace(b"\0\x3f\0", b"\0\0\0"), "must select coefficients 0..63"),
        (lambda s: s.replace(b"\0\x3f\0", b"\0\x3f\x01"), "must select coefficients 0..63"),
        (lambda s: b"xx" + s, "does not begin with a start-of-image marker"),
        (lambda s: s[:30], "holds no scan"),
        (lambda _: b"", "does not begin"),
    ],
)
def test_streams_that_break_the_standard(stream, damage, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        decode_extended(damage(stream), (1024, 256), 12)
