import pytest
from pydicom.data import get_testdata_file

from scripts import normal_bodies
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import describe_system

REAL = get_testdata_file("JPGExtended.dcm")


@pytest.mark.slow
def test_page_and_pictures(tmp_path, capsys):
    run, output = tmp_path / "run", tmp_path / "results"
    run.mkdir()
    (run / "system.json").write_text(describe_system(name="Bright", network_def=NETWORK))
    save_weights(run / "model.pt", 0.9)
    arguments = [str(run), "--patients", "2", "--trust", "--real", REAL]
    assert normal_bodies.main([*arguments, "--output", str(output)]) == 0
    page = (output / normal_bodies.PAGE).read_text(encoding="utf-8")
    assert page in capsys.readouterr().out
    assert "Bright on 2 **simulated** patients of the preset `normal`" in page
    assert "| false marks per scan, mean |" in page
    for picture in (normal_bodies.WORST, normal_bodies.REAL):
        assert (output / picture).stat().st_size > 10_000
        assert picture in page
