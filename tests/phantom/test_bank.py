import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import yaml

from bonescan.phantom import bank as bank_module
from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.anatomy.voxels import Implant
from bonescan.phantom.bank import Bank, BankPlan, build_bank, part_of
from bonescan.phantom.imaging.bases import build_bases
from bonescan.phantom.imaging.detectors import Geometry
from bonescan.phantom.presets import BREAST, LUNG, PRESETS, PROSTATE
from tests.phantom.bodies import block_body
from tests.phantom.folders import tree, wait_for

PRESET = PRESETS["default"]
GEOMETRY = Geometry(front_gap_mm=30.0, follows_contour=False, first_row=10, last_row=190)


@pytest.fixture(scope="module")
def projected():
    return build_bases(block_body(), PRESET.cameras[0], GEOMETRY, np.random.default_rng(1))


@pytest.fixture(scope="module")
def built(projected):
    """Primaries of the bodies that were built, by a fake that only draws the person."""
    primaries = []

    def draw(preset, primary, rng):
        primaries.append(primary.name)
        camera = preset.cameras[rng.integers(len(preset.cameras))]
        sex = "F" if rng.random() < primary.female_share else "M"
        person = draw_person(rng, sex, age_range=primary.age_range)
        implants = (Implant("buckle", "", ()),) if rng.random() < 0.5 else ()
        body = replace(projected.body, person=person, implants=implants)
        return replace(projected, body=body, camera=camera)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bank_module, "draw_new_body", draw)
        yield primaries


def test_a_bank_is_complete_and_goes_on_where_it_was_stopped(built, tmp_path, monkeypatch):
    plan = BankPlan(PRESET, 4, 5, tmp_path / "bank")
    built.clear()
    real = bank_module.write_body

    def fail(bases, folder):
        (folder / "images.npy").write_text("half")
        if len(built) == 3:
            raise KeyboardInterrupt
        real(bases, folder)

    with monkeypatch.context() as patched:
        patched.setattr(bank_module, "write_body", fail)
        with pytest.raises(KeyboardInterrupt):
            build_bank(plan)
    assert {path.name for path in plan.folder.iterdir()} == {
        "bank.yaml", "body-00001", "body-00002",
    }  # fmt: skip
    with pytest.raises(ValueError, match="complete bank, got one whose making was interrupted"):
        Bank.open(plan.folder)
    (plan.folder / ".partial-body-00003-elsewhere-1").mkdir()  # of a machine that lost its power
    built.clear()
    build_bank(plan)
    assert len(built) == 2
    build_bank(BankPlan(PRESET, 4, 5, tmp_path / "at-once"))
    assert tree(plan.folder) == tree(tmp_path / "at-once")
    assert [body.number for body in Bank.open(plan.folder).bodies] == [1, 2, 3, 4]


def test_the_seed_and_the_number_decide_a_body_and_not_how_many_there_are(built, tmp_path):
    for name, bodies, seed in (("few", 2, 5), ("many", 3, 5), ("other", 2, 6)):
        build_bank(BankPlan(PRESET, bodies, seed, tmp_path / name))
    few, many, other = (tree(tmp_path / name / "body-00002") for name in ("few", "many", "other"))
    assert few == many != other


@pytest.mark.parametrize(
    ("change", "different"),
    [
        ({"seed": 6}, "seed"),
        ({"bodies": 3}, "bodies"),
        ({"preset": PRESETS["he2024"]}, "preset, cameras, people"),
    ],
)
def test_the_folder_of_another_bank_is_refused(built, tmp_path, change, different):
    plan = BankPlan(PRESET, 2, 5, tmp_path / "bank")
    build_bank(plan)
    with pytest.raises(ValueError, match=f"must hold a bank of the same {different}, got"):
        build_bank(replace(plan, **change))


@pytest.mark.parametrize(
    ("name", "value", "different"),
    [
        ("bonescan.__version__", "99.0", "bundle_version"),
        ("bonescan.phantom.files.claim.SIMULATOR", 2, "simulator"),
    ],
)
def test_another_version_is_refused(built, tmp_path, monkeypatch, name, value, different):
    build_bank(BankPlan(PRESET, 1, 5, tmp_path))
    monkeypatch.setattr(name, value)
    with pytest.raises(ValueError, match=f"a bank of the same {different} as this one"):
        Bank.open(tmp_path)
    with pytest.raises(ValueError, match=f"a bank of the same {different}, got"):
        build_bank(BankPlan(PRESET, 1, 5, tmp_path))


def test_a_folder_without_a_bank_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be a bank of bodies, got a folder without bank\."):
        Bank.open(tmp_path)


@pytest.mark.parametrize(
    ("bodies", "seed", "workers", "message"),
    [
        (0, 1, 1, "number of bodies must be 1 or more, got 0"),
        (2, -1, 1, "seed must be 0 or more, got -1"),
        (2, 1, 0, "number of workers must be 1 or more, got 0"),
    ],
)
def test_impossible_numbers_are_refused(tmp_path, bodies, seed, workers, message):
    with pytest.raises(ValueError, match=message):
        build_bank(BankPlan(PRESET, bodies, seed, tmp_path / "new"), workers=workers)
    assert not (tmp_path / "new").exists()


def test_training_validation_and_test_share_no_body(built, tmp_path):
    build_bank(BankPlan(PRESET, 20, 5, tmp_path))
    parts = {
        part: {body.number for body in Bank.open(tmp_path, part).bodies}
        for part in ("training", "validation", "test")
    }
    assert parts["validation"] == {9, 19}
    assert parts["test"] == {10, 20}
    assert sorted(set().union(*parts.values())) == list(range(1, 21))
    assert sum(map(len, parts.values())) == len(Bank.open(tmp_path).bodies) == 20
    assert part_of(109) == "validation"


def test_a_part_without_a_body_is_refused(built, tmp_path):
    build_bank(BankPlan(PRESET, 8, 5, tmp_path))
    with pytest.raises(ValueError, match="must hold a body, got 'test' with none of 8 bodies"):
        Bank.open(tmp_path, "test")


@pytest.fixture(scope="module")
def bank(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    build_bank(BankPlan(PRESET, 100, 5, folder))
    return Bank.open(folder)


def test_patients_get_bodies_of_their_sex_age_and_camera(bank):
    rng, siemens = np.random.default_rng(0), PRESETS["he2024"]
    for primary, sexes in ((PROSTATE, {"M"}), (LUNG, {"F", "M"})):
        drawn = [bank.draw(siemens, primary, rng) for _ in range(15)]
        low, high = primary.age_range
        assert {bases.body.person.sex for bases in drawn} == sexes
        assert all(low <= bases.body.person.age <= high for bases in drawn)
        assert {bases.camera for bases in drawn} == set(siemens.cameras)
        assert len({bases.body_of for bases in drawn}) > 5


def test_bodies_have_their_number_and_the_bank_s_name(bank):
    bases = bank.load(17)
    assert bases.body_of == f"{bank.name}/17"
    entry = bank.bodies[16]
    assert (entry.sex, entry.age) == (bases.body.person.sex, bases.body.person.age)
    assert PRESET.cameras[entry.camera] == bases.camera
    assert entry.implants == len(bases.body.implants)


def test_women_are_as_frequent_as_among_patients_of_new_bodies(bank, monkeypatch):
    """Whatever their share in the bank is."""
    monkeypatch.setattr(bank_module, "read_body", lambda folder, body_of: body_of)
    rng = np.random.default_rng(0)
    for share in (0.1, 0.7):
        primary = replace(LUNG, female_share=share)
        numbers = [int(bank.draw(PRESET, primary, rng).split("/")[1]) for _ in range(300)]
        women = np.mean([bank.bodies[number - 1].sex == "F" for number in numbers])
        assert women == pytest.approx(share, abs=0.12)


def test_patients_without_benign_findings_get_no_body_with_an_implant(bank):
    rng, plain = np.random.default_rng(0), replace(PRESET, benign=False)
    assert not any(bank.draw(plain, BREAST, rng).body.implants for _ in range(15))
    assert any(bank.draw(PRESET, BREAST, rng).body.implants for _ in range(15))


def test_a_preset_that_the_bank_does_not_fit_is_refused(built, tmp_path, bank):
    for preset in PRESETS.values():
        bank.check_fits(preset)
    build_bank(BankPlan(PRESETS["he2024"], 12, 1, tmp_path / "lung"))
    lung = Bank.open(tmp_path / "lung")
    lung.check_fits(PRESETS["he2024"])
    with pytest.raises(ValueError, match="cameras of preset default, got Encore2, Symbia; make a"):
        lung.check_fits(PRESET)
    women = replace(LUNG, female_share=1.0)
    build_bank(BankPlan(replace(PRESET, primaries=(women,)), 20, 1, tmp_path / "women"))
    with pytest.raises(ValueError, match=r"a body for prostate cancer \(age 52 to 88\)"):
        Bank.open(tmp_path / "women").check_fits(PRESET)


def test_groups_decide_whose_bodies_they_are(built, tmp_path):
    built.clear()
    build_bank(BankPlan(PRESETS["chen2023"], 12, 1, tmp_path))
    assert set(built) == {"breast", "prostate"}
    people = yaml.safe_load((tmp_path / "bank.yaml").read_text())["people"]
    assert [(person["primary"], person["share"]) for person in people] == [
        ("breast", 90), ("breast", 10), ("prostate", 50), ("prostate", 50),
    ]  # fmt: skip


@pytest.mark.slow
def test_bytes_do_not_depend_on_workers_or_on_a_kill(tmp_path):
    def command(name, workers):
        return [
            sys.executable, "-m", "bonescan", "simulate", "--bodies", "3", "--seed", "11",
            "--output", tmp_path / name, "--workers", str(workers),
        ]  # fmt: skip

    subprocess.run(command("one", 1), check=True, cwd=tmp_path, capture_output=True)
    process = subprocess.Popen(
        command("broken", 2), cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True
    )
    wait_for("body-*", tmp_path / "broken", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.2)
    subprocess.run(command("broken", 2), check=True, cwd=tmp_path, capture_output=True)
    assert tree(tmp_path / "broken") == tree(tmp_path / "one")
