import pytest

from bonescan.commands import main
from bonescan.dicom.scan import View
from bonescan.phantom import cohort as cohort_module
from bonescan.phantom.presets import PRESETS, Preset
from tests.phantom.fakes import fake_patient


@pytest.fixture
def simulated(monkeypatch):
    """Numbers of the patients that were simulated, by a fake that takes no time."""
    numbers = []

    def simulate(preset, *, seed, number):
        numbers.append(number)
        return fake_patient(views=tuple(View), seed=seed + number)

    monkeypatch.setattr(cohort_module, "simulate_patient", simulate)
    return numbers


def simulate(folder, *words):
    return main(["simulate", "--output", str(folder), *words])


def test_a_cohort_is_written(simulated, tmp_path, capsys):
    assert simulate(tmp_path / "cohort", "--patients", "2", "--seed", "4") == 0
    assert "2 simulated patients in" in capsys.readouterr().out
    assert simulated == [1, 2]


def test_the_number_of_patients_is_that_of_the_preset(simulated, tmp_path, monkeypatch):
    monkeypatch.setitem(PRESETS, "default", Preset(name="default", patients=3))
    assert simulate(tmp_path / "cohort") == 0
    assert len(simulated) == 3


def test_mistakes_are_told_in_one_line(simulated, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    for words in ((blocked,), (tmp_path, "--seed", "-1")):
        assert simulate(*words) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
    with pytest.raises(SystemExit, match="2"):
        simulate(tmp_path, "--preset", "none")


def test_an_interrupted_simulation_says_how_to_continue(tmp_path, monkeypatch, capsys):
    def interrupt(preset, *, seed, number):
        raise KeyboardInterrupt

    monkeypatch.setattr(cohort_module, "simulate_patient", interrupt)
    assert simulate(tmp_path / "cohort", "--patients", "2") == 130
    assert "run the same command again to continue" in capsys.readouterr().err
