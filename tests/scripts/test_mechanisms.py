import pytest

from scripts import mechanisms


@pytest.mark.slow
def test_page_has_all_tables(tmp_path, capsys):
    assert mechanisms.main(["--patients", "1", "--output", str(tmp_path)]) == 0
    page = (tmp_path / "mechanisms.md").read_text(encoding="utf-8")
    assert page in capsys.readouterr().out
    assert "| lin2020_unet | 188 x 188 |" in page
    assert "| Chen 2023: 640 x 256 a view | 1.000 |" in page
    assert "| Chen 2023, three classes: cross-entropy x100 over Dice |" in page
    assert "| B |" in page
