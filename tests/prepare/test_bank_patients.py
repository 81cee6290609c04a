"""Patients of a bank: decided by words, and with bodies that nobody else has."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.bank import Bank
from bonescan.prepare.bank_patients import BankPatients

OF_FILES = {"added_section": None, "labelled_only": True, "labelled_fraction": 1.0}


def write(folder, *bodies):
    """Write a datalist of patients with these bodies, or with new ones."""
    entries = [
        {"image": f"{number}.dcm"} | ({} if body is None else {"body_of": body})
        for number, body in enumerate(bodies)
    ]
    path = folder / "datalist.json"
    path.write_text(json.dumps({"training": entries[:1], "test": entries[1:]}))
    return path


@pytest.fixture
def patients(lung_bank, tmp_path):
    return BankPatients(lung_bank, "he2024", write(tmp_path, None, None), of_files=OF_FILES)


def test_words_decide_a_patient(patients):
    one, again, other = (
        patients.draw(words, number=4) for words in ((7, 1, 3, 0), (7, 1, 3, 0), (7, 2, 3, 0))
    )
    assert one.body_of == again.body_of
    for view in one.views:
        for name in ("counts", "label", "instances", "benign", "regions"):
            assert np.array_equal(getattr(one.views[view], name), getattr(again.views[view], name))
    assert not np.array_equal(*(drawn.views["anterior"].counts for drawn in (one, other)))


def test_patients_have_both_views_and_bodies_of_the_bank(lung_bank, patients):
    name = Bank.open(lung_bank).name
    drawn = [patients.draw((0, 1, number, 0), number=number + 1) for number in range(6)]
    assert {patient.body_of for patient in drawn} == {f"{name}/1", f"{name}/2"}
    assert {len(patient.views) for patient in drawn} == {2}
    assert {patient.primary for patient in drawn} == {"lung"}


def test_a_device_changes_nothing_but_the_noise(lung_bank, patients, tmp_path):
    there = BankPatients(
        lung_bank, "he2024", write(tmp_path, None, None), of_files={}, device="cpu"
    )
    one, other = (source.draw((7, 1, 3, 0), number=4) for source in (patients, there))
    assert one.body_of == other.body_of
    for view in one.views:
        counts = [drawn.views[view].counts.astype(float) for drawn in (one, other)]
        assert not np.array_equal(*counts)
        assert abs(counts[0].sum() - counts[1].sum()) < 5 * np.sqrt(sum(map(np.sum, counts)))


def test_bodies_of_others_are_no_hindrance(lung_bank, tmp_path):
    own = Bank.open(lung_bank).name
    BankPatients(
        lung_bank,
        "he2024",
        write(tmp_path, f"{own}/9", f"{own}/10", "another bank/1", None),
        of_files={},
    )


def test_a_larger_bank_of_the_same_bodies_is_no_other_bank(lung_bank):
    own = Bank.open(lung_bank)
    larger = replace(own, settings={**own.settings, "bodies": 40})
    assert own.name == larger.name
    assert own.summary() != larger.summary()
    assert replace(own, settings={**own.settings, "seed": 40}).name != own.name


@pytest.mark.parametrize("place", [0, 1])
def test_a_patient_with_a_body_for_training_is_refused_in_any_section(lung_bank, tmp_path, place):
    bodies = [None, None, None]
    bodies[place] = f"{Bank.open(lung_bank).name}/2"
    message = "must have other bodies than those that are trained on, got 1 of 3 with bodies of the"
    with pytest.raises(ValueError, match=message):
        BankPatients(lung_bank, "he2024", write(tmp_path, *bodies), of_files={})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preset": "normal"}, "preset of an endless training set must have metastases, got 'nor"),
        ({"preset": "none"}, "got 'none'"),
        ({"preset": "chen2023"}, "must have the cameras of preset chen2023"),
        ({"of_files": {"added_section": "more"}}, "added_section must be None in .* got 'more'"),
        (
            {"of_files": {"labelled_fraction": 0.3}},
            r"labelled_fraction must be 1\.0 in .* got 0\.3",
        ),
        ({"of_files": {"patches": True}}, "patches must be False in an endless .* got True"),
        ({"of_files": {"labelled_only": False}}, "labelled_only must be True in .* got False"),
        ({"bank": "nowhere"}, "nowhere must be a bank of bodies, got a folder without"),
    ],
)
def test_impossible_sources_are_refused(lung_bank, tmp_path, settings, message):
    settings = {"bank": lung_bank, "preset": "he2024", "of_files": {}, **settings}
    with pytest.raises(ValueError, match=message):
        BankPatients(datalist=write(tmp_path, None, None), **settings)
