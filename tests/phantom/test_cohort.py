import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from bonescan.data.datalist import load_items
from bonescan.dicom.scan import View
from bonescan.phantom import cohort as cohort_module
from bonescan.phantom.cohort import Cohort, simulate_cohort, simulate_one
from bonescan.phantom.follow_up import FollowUp
from bonescan.phantom.presets import PRESETS, Preset
from tests.phantom.fakes import fake_patient
from tests.phantom.folders import tree, wait_for

PRESET = PRESETS["default"]


@pytest.fixture
def simulated(monkeypatch):
    """Numbers of the patients that were simulated, by a fake that takes no time."""
    numbers = []

    def simulate(preset, *, seed, number, bodies):
        numbers.append(number)
        views = tuple(View) if number % 2 else (View.ANTERIOR,)
        return fake_patient(views=views, seed=seed + number)

    def simulate_again(preset, *, seed, number, rng, bodies):
        numbers.append(-number)
        return FollowUp(fake_patient(seed=seed + 100 + number), "stable", 90, 9, ())

    monkeypatch.setattr(cohort_module, "simulate_patient", simulate)
    monkeypatch.setattr(cohort_module, "simulate_follow_up", simulate_again)
    return numbers


def test_folder_of_a_cohort(simulated, tmp_path):
    simulate_cohort(Cohort(PRESET, 3, 5, tmp_path / "new" / "cohort"))
    folder = tmp_path / "new" / "cohort"
    assert {path.name for path in folder.iterdir()} == {
        "README.md", "cohort.yaml", "datalist.json", "clinical.csv",
        "sim-0001", "sim-0002", "sim-0003",
    }  # fmt: skip
    configuration = yaml.safe_load((folder / "cohort.yaml").read_text())
    assert (configuration["patients"], configuration["seed"]) == (3, 5)
    assert configuration["preset"]["two_file_share"] == PRESET.two_file_share
    assert len((folder / "clinical.csv").read_text().splitlines()) == 4
    assert "**Everything here is simulated.**" in (folder / "README.md").read_text()
    assert {item["fold"] for item in load_items(folder / "datalist.json")} == {0, 1, 2}


def test_second_scans_have_a_datalist_of_their_own(simulated, tmp_path):
    folder = tmp_path / "cohort"
    simulate_cohort(Cohort(PRESETS["liu2021"], 20, 5, folder))
    assert simulated == [*range(1, 21), -1, -18]
    sections = json.loads((folder / "follow_up.json").read_text())
    entries = [
        entry
        for section in ("training", "test")
        if sections[section]
        for entry in load_items(folder / "follow_up.json", section)
    ]
    assert sorted(entry["patient"] for entry in entries) == ["SIM0001", "SIM0018"]
    for entry in entries:
        assert Path(entry["earlier"]).is_file()  # joined to the folder
        assert entry["image"] != entry["earlier"]
    assert len((folder / "clinical.csv").read_text().splitlines()) == 21
    assert "`follow_up.json`" in (folder / "README.md").read_text()
    assert "follow_up" not in (folder / "datalist.json").read_text()


def test_a_study_without_second_scans_mentions_none(simulated, tmp_path):
    simulate_cohort(Cohort(PRESETS["liu2021_alp"], 2, 5, tmp_path / "cohort"))
    assert simulated == [1, 2]
    assert "follow_up" not in (tmp_path / "cohort" / "README.md").read_text()


def test_same_seed_same_bytes(simulated, tmp_path):
    for name in ("one", "two"):
        simulate_cohort(Cohort(PRESET, 3, 5, tmp_path / name))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    simulate_cohort(Cohort(PRESET, 3, 6, tmp_path / "three"))
    assert tree(tmp_path / "one") != tree(tmp_path / "three")


def test_only_a_preset_with_groups_says_so_in_the_configuration(simulated, tmp_path):
    """Cohorts that were begun before presets had groups must stay the same."""
    preset = Cohort(PRESET, 3, 5, tmp_path).configuration()["preset"]
    assert not {"groups", "lesion_in_each_view", "study"} & set(preset)
    assert "one_view_patients" in preset
    cohort = Cohort(PRESETS["chen2023"], 3, 5, tmp_path / "cohort")
    simulate_cohort(cohort)
    groups = yaml.safe_load((cohort.folder / "cohort.yaml").read_text())["preset"]["groups"]
    assert [group["patients"] for group in groups] == [90, 10, 50, 50]
    assert not any("benign" in group for group in groups)
    simulate_cohort(cohort)
    assert simulated == [1, 2, 3]


def test_run_again_makes_only_what_is_missing(simulated, tmp_path):
    cohort = Cohort(PRESET, 3, 5, tmp_path / "cohort")
    simulate_cohort(cohort)
    whole = tree(cohort.folder)
    for path in (cohort.folder / "sim-0002").rglob("*.*"):
        path.unlink()
    (cohort.folder / "sim-0002" / "labelme").rmdir()
    (cohort.folder / "sim-0002").rmdir()
    simulated.clear()
    simulate_cohort(cohort)
    assert simulated == [2]
    assert tree(cohort.folder) == whole


def test_what_an_interruption_left_behind_is_dropped(simulated, tmp_path):
    folder = tmp_path / "cohort"
    simulate_cohort(Cohort(PRESET, 2, 5, folder))
    whole = tree(folder)
    (folder / ".partial-sim-0002").mkdir()
    (folder / ".partial-sim-0002" / "scan.dcm").write_text("half")
    (folder / ".partial-README.md").write_text("half")
    simulate_cohort(Cohort(PRESET, 2, 5, folder))
    assert tree(folder) == whole


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("No space left on device")])
def test_failure_leaves_no_broken_patient(simulated, tmp_path, monkeypatch, error):
    def fail(patient, origin, folder):
        (folder / "scan.dcm").write_text("half")
        if origin.number == 2:
            raise error

    cohort = Cohort(PRESET, 3, 5, tmp_path / "cohort")
    with monkeypatch.context() as patched:
        patched.setattr(cohort_module, "write_patient", fail)
        with pytest.raises(type(error) if isinstance(error, OSError) else error):
            simulate_cohort(cohort)
    assert {path.name for path in cohort.folder.iterdir()} == {"cohort.yaml", "sim-0001"}


def test_folder_of_another_cohort_is_refused(simulated, tmp_path):
    simulate_cohort(Cohort(PRESET, 2, 5, tmp_path / "cohort"))
    before = tree(tmp_path / "cohort")
    other = Preset(name="other", patients=2)
    for cohort, different in (
        (Cohort(PRESET, 2, 6, tmp_path / "cohort"), "seed"),
        (Cohort(PRESET, 3, 5, tmp_path / "cohort"), "patients"),
        (Cohort(other, 2, 6, tmp_path / "cohort"), "preset, seed"),
    ):
        with pytest.raises(ValueError, match=f"must hold a cohort of the same {different}, got"):
            simulate_cohort(cohort)
    assert tree(tmp_path / "cohort") == before


@pytest.mark.parametrize(
    ("name", "value", "different"),
    [
        ("bonescan.__version__", "99.0", "bundle_version"),
        ("bonescan.phantom.files.claim.SIMULATOR", 2, "simulator"),
    ],
)
def test_another_version_is_refused(simulated, tmp_path, monkeypatch, name, value, different):
    simulate_cohort(Cohort(PRESET, 2, 5, tmp_path / "cohort"))
    monkeypatch.setattr(name, value)
    with pytest.raises(ValueError, match=f"cohort of the same {different}, got one that was"):
        simulate_cohort(Cohort(PRESET, 2, 5, tmp_path / "cohort"))


def test_folder_with_other_files_is_refused(simulated, tmp_path):
    (tmp_path / "thesis.tex").write_text("dear to someone")
    with pytest.raises(ValueError, match="must be empty or hold a cohort that was begun before"):
        simulate_cohort(Cohort(PRESET, 2, 5, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_broken_configuration_is_refused(simulated, tmp_path):
    (tmp_path / "cohort.yaml").write_text("{[")
    with pytest.raises(ValueError, match="must be the configuration of a cohort, got broken YAML"):
        simulate_cohort(Cohort(PRESET, 2, 5, tmp_path))


@pytest.mark.parametrize(
    ("patients", "seed", "workers", "message"),
    [
        (0, 1, 1, "number of patients must be 1 or more, got 0"),
        (2, -1, 1, "seed must be 0 or more, got -1"),
        (2, 1, 0, "number of workers must be 1 or more, got 0"),
    ],
)
def test_impossible_numbers_are_refused(tmp_path, patients, seed, workers, message):
    with pytest.raises(ValueError, match=message):
        simulate_cohort(Cohort(PRESET, patients, seed, tmp_path / "new"), workers=workers)
    assert not (tmp_path / "new").exists()


def command(folder, *, patients, workers):
    """The command as a user runs it, from another folder."""
    return [
        sys.executable, "-m", "bonescan", "simulate", "--patients", str(patients),
        "--seed", "11", "--output", folder, "--workers", str(workers),
    ]  # fmt: skip


def group_exists(number):
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def interruptible():
    """Let children hear Ctrl-C: a shell starts what runs in its background deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_bytes_do_not_depend_on_workers_or_interruptions(tmp_path):
    folder = tmp_path / "broken"
    one, two = (
        command(path, patients=3, workers=workers)
        for path, workers in ((tmp_path / "one", 1), (folder, 2))
    )
    subprocess.run(one, check=True, cwd=tmp_path, capture_output=True)
    process = subprocess.Popen(
        two,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for("sim-*", folder, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    errors = process.communicate()[1].decode()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not list(folder.glob(".partial-*"))
    subprocess.run(two, check=True, cwd=tmp_path, capture_output=True)
    assert tree(folder) == tree(tmp_path / "one")


@pytest.mark.slow
def test_no_worker_outlives_a_killed_run(tmp_path):
    """Workers of a process pool otherwise wait for work for ever."""
    process = subprocess.Popen(
        command(tmp_path / "cohort", patients=4, workers=2),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(".partial-*", tmp_path / "cohort", process)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while group_exists(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not group_exists(process.pid)


def test_one_patient_appears_only_when_complete(simulated, tmp_path, monkeypatch):
    origin = Cohort(PRESET, 2, 5, tmp_path).origins[1]
    seen = []
    real = cohort_module.write_patient

    def look(patient, origin, folder):
        seen.extend(path.name for path in tmp_path.iterdir())
        real(patient, origin, folder)

    monkeypatch.setattr(cohort_module, "write_patient", look)
    assert simulate_one(origin, tmp_path) == "sim-0002"
    (partial,) = seen
    assert partial.startswith(".partial-sim-0002-")
    assert [path.name for path in tmp_path.iterdir()] == ["sim-0002"]


def test_a_patient_that_is_there_is_not_made_again(simulated, tmp_path):
    origin = Cohort(PRESET, 2, 5, tmp_path).origins[1]
    (tmp_path / "sim-0002").mkdir()
    assert simulate_one(origin, tmp_path) == "sim-0002"
    assert simulated == []
