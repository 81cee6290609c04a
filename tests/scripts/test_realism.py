from types import SimpleNamespace

import numpy as np
import pytest

from bonescan.errors import ScanError
from scripts import realism
from tests.factories import make_scan_file
from tests.phantom.fakes import LESIONS, disk, fake_patient


def test_a_file_that_does_not_read_is_told_and_the_others_go_on(tmp_path, capsys):
    make_scan_file(tmp_path / "a.dcm", spacing_mm=(2.5, 2.5))
    make_scan_file(tmp_path / "b.dcm", spacing_mm=(2.5, 2.4), study_uid="1.2.3.5")
    (tmp_path / "c.dcm").write_bytes(b"no scan")
    scans = realism.read_real(tmp_path)
    assert [(real.number, real.pixel_mm) for real in scans] == [(1, 2.5)]
    told = capsys.readouterr().err
    assert "left out: scan 2: pixels must be square" in told
    assert "left out: scan 3: " in told


def test_no_scan_at_all_is_an_error(tmp_path):
    (tmp_path / "c.dcm").write_bytes(b"no scan")
    with pytest.raises(ScanError, match="must hold a whole-body scan with an anterior view"):
        realism.read_real(tmp_path)


def test_lesions_are_counted_in_the_crop_of_each_view(monkeypatch):
    patient = fake_patient()
    row, column, radius = LESIONS[0]
    crop = SimpleNamespace(row_start=0, row_stop=row, column_start=column, column_stop=70)
    monkeypatch.setattr(realism, "find_crop", lambda _: crop)
    quarter = (disk(*LESIONS[0])[:row, column:]).sum()
    assert quarter == pytest.approx(np.pi * radius**2 / 4, rel=0.3)
    wanted = 100 * quarter / (row * (70 - column))
    assert realism.lesion_shares(patient) == pytest.approx([wanted, wanted])
    monkeypatch.setattr(realism, "find_crop", lambda _: None)
    assert not realism.lesion_shares(patient)


@pytest.mark.slow
def test_the_page_has_all_sections_and_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(realism, "LEVELLED", 1)
    monkeypatch.setattr(realism, "COMPARED", 4)
    assert realism.main(["--patients", "4", "--seed", "820", "--output", str(tmp_path)]) == 0
    page = (tmp_path / "realism.md").read_text(encoding="utf-8")
    for title in ("Neighbouring structures", "Real scans (1)", "How uneven bone is"):
        assert f"## {title}" in page
    shown = {path.name for path in tmp_path.glob("*.png")}
    assert all(f"]({name})" in page for name in shown)
    assert len(shown) == 6
    assert max(path.stat().st_size for path in tmp_path.glob("*.png")) < 1_500_000
