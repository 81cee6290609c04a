"""Damaged files end in a scan or in a ScanError, never in anything else."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import RLELossless

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import BoneScan
from bonescan.errors import ScanError
from tests.factories import make_dataset, make_scan_file, save

FILES = 100


def flip(data: bytes, chance: Generator) -> bytes:
    """Change some bytes, mostly of the header."""
    damaged = bytearray(data)
    for _ in range(chance.integers(1, 12)):
        end = min(len(data), 2500) if chance.random() < 0.8 else len(data)
        damaged[chance.integers(132, end)] = chance.integers(256)
    return bytes(damaged)


def cut(data: bytes, chance: Generator) -> bytes:
    """Drop the end."""
    return data[: chance.integers(len(data))]


def lose(data: bytes, chance: Generator) -> bytes:
    """Drop a piece in the middle, so that lengths no longer fit."""
    start = chance.integers(132, len(data))
    return data[:start] + data[start + chance.integers(1, 40) :]


def flip_stream(data: bytes, chance: Generator) -> bytes:
    """Change one to three bytes of the header of the first JPEG stream, where there is one."""
    start = data.find(b"\xff\xd8\xff", 1000)
    if start < 0:
        return flip(data, chance)
    damaged = bytearray(data)
    for _ in range(chance.integers(1, 4)):
        damaged[start + chance.integers(700)] = chance.integers(256)
    return bytes(damaged)


def change_rows(data: bytes, chance: Generator) -> bytes:
    """Change Rows, and sometimes Columns, of the header alone."""
    image = dcmread(BytesIO(data))
    image.Rows = int(chance.choice([30, 512, 2048, 8000]))
    if chance.random() < 0.5:
        image.Columns = int(chance.choice([52, 256, 512, 2000]))
    damaged = BytesIO()
    image.save_as(damaged)
    return damaged.getvalue()


DAMAGE: tuple[Callable[[bytes, Generator], bytes], ...] = (
    flip,
    flip,
    cut,
    lose,
    flip_stream,
    flip_stream,
    change_rows,
)


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("fuzz")
    names = [
        make_scan_file(folder / "plain.dcm"),
        make_scan_file(folder / "rle.dcm", syntax=RLELossless),
    ]
    names += [get_testdata_file(name) for name in ("JPGExtended.dcm", "JPEG2000.dcm")]
    return [Path(name).read_bytes() for name in names]


def read_or_refuse(path) -> bool:
    try:
        scan = read_scan(path)
    except ScanError as err:
        if not str(err).startswith(path.name):
            raise
        return False
    return isinstance(scan, BoneScan)


def test_damaged_files(tmp_path, originals):
    read = 0
    for seed in range(FILES):
        chance = np.random.default_rng(seed)
        path = tmp_path / f"{seed}.dcm"
        damage = DAMAGE[chance.integers(len(DAMAGE))]
        path.write_bytes(damage(originals[chance.integers(len(originals))], chance))
        read += read_or_refuse(path)
    assert 5 < read < FILES - 5  # the damage is neither always harmless nor always fatal


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", ["JPLL", "JLSL", "JLSN"])
def test_damaged_jpeg_streams(tmp_path, reference_data, name):
    data = (reference_data / "real" / f"NM1_{name}.dcm").read_bytes()
    for seed in range(150):
        chance = np.random.default_rng(seed)
        path = tmp_path / f"{seed}.dcm"
        path.write_bytes((change_rows if seed % 7 == 0 else flip_stream)(data, chance))
        read_or_refuse(path)


def test_every_tag_removed_in_turn(tmp_path):
    tags = [element.tag for element in make_dataset()]
    for tag in tags:
        image = make_dataset()
        del image[tag]
        read_or_refuse(save(image, tmp_path / f"{tag.json_key}.dcm"))


def test_every_value_emptied_in_turn(tmp_path):
    keywords = [element.keyword for element in make_dataset() if element.keyword]
    for keyword in keywords:
        image = make_dataset()
        image[keyword].value = None
        read_or_refuse(save(image, tmp_path / f"{keyword}.dcm"))
