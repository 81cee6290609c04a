import pytest
import yaml

from bonescan.commands import main
from bonescan.dicom.scan import View
from bonescan.phantom import bank as bank_module
from bonescan.phantom import cohort as cohort_module
from bonescan.phantom.bank import Bank
from bonescan.phantom.presets import PRESETS, Preset
from tests.phantom.fakes import fake_patient


@pytest.fixture
def simulated(monkeypatch):
    """Numbers of the patients that were simulated, by a fake that takes no time."""
    numbers = []

    def simulate(preset, *, seed, number, bodies):
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
    def interrupt(preset, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cohort_module, "simulate_patient", interrupt)
    assert simulate(tmp_path / "cohort", "--patients", "2") == 130
    assert "run the same command again to continue" in capsys.readouterr().err


def test_a_bank_is_built_and_a_cohort_drawn_from_a_part_of_it(
    simulated, tmp_path, monkeypatch, capsys
):
    plans, opened = [], []
    monkeypatch.setattr(bank_module, "build_bank", lambda plan, **who: plans.append((plan, who)))
    words = ("--preset", "he2024", "--bodies", "30", "--seed", "4", "--workers", "2")
    assert simulate(tmp_path / "bank", *words) == 0
    ((plan, who),) = plans
    assert (plan.preset.name, plan.bodies, plan.seed, plan.folder) == (
        "he2024", 30, 4, tmp_path / "bank",
    )  # fmt: skip
    assert who == {"workers": 2, "cluster": None}
    assert "30 bodies in" in capsys.readouterr().out

    def draw_from(folder, part):
        opened.append((folder, part))
        settings = {"preset": "he2024", "bodies": 30, "seed": 4, "cameras": [], "people": []}
        return Bank(folder, settings, (), part)

    monkeypatch.setattr(Bank, "open", draw_from)
    monkeypatch.setattr(Bank, "check_fits", lambda bank, preset: None)
    from_bank = ("--patients", "2", "--from-bank", str(tmp_path / "bank"))
    assert simulate(tmp_path / "cohort", *from_bank, "--part", "test") == 0
    assert simulate(tmp_path / "other", *from_bank) == 0
    assert opened == [(tmp_path / "bank", "test"), (tmp_path / "bank", "all")]
    written = yaml.safe_load((tmp_path / "cohort" / "cohort.yaml").read_text())["bank"]
    assert (written["part"], written["bodies"], written["preset"]) == ("test", 30, "he2024")
    assert simulate(tmp_path / "cohort", *from_bank) == 1  # another part of the bank
    assert "a cohort of the same bank, got" in capsys.readouterr().err


def test_options_of_a_bank_that_do_not_go_together_are_told(tmp_path, capsys):
    assert simulate(tmp_path, "--bodies", "3", "--from-bank", str(tmp_path)) == 1
    assert "--bodies must be given without --from-bank" in capsys.readouterr().err
    assert simulate(tmp_path, "--part", "test") == 1
    assert "--part must be given with --from-bank, got test alone" in capsys.readouterr().err
    assert simulate(tmp_path / "new", "--from-bank", str(tmp_path / "none")) == 1
    assert "must be a bank of bodies" in capsys.readouterr().err
