"""The data sets of an experiment, from a cohort that is a list of names only."""

import json
import shutil
from dataclasses import replace

import pytest

from bonescan.studies.experiments.data import DataSet, count_images, prepare
from bonescan.studies.experiments.experiment import CohortPart, Experiment, ImageSet, Profile

PARTS = {
    "training": CohortPart("breast", metastases=True),
    "negative": CohortPart("breast", metastases=False),
}
PATIENTS = [("a", "breast", 3), ("b", "lung", 2), ("c", "breast", 0), ("d", "breast", 1)]
LITTLE = Profile(patients=7, protocol="little", folds=2)
EXPERIMENT = Experiment("tiny", "", "", "default", {"fast": LITTLE})
SETS = {"few": ImageSet(total=20, selected=4), "all": ImageSet()}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Replace the simulator by a datalist, and the writing of images by a note of what is asked."""
    asked = []

    def simulate(cohort, *, workers, cluster):
        cohort.folder.mkdir(parents=True, exist_ok=True)
        entries = [
            {"image": f"{name}.dcm", "patient": name, "primary": primary, "lesions": n, "fold": 4}
            for name, primary, n in PATIENTS
        ]
        content = {"training": entries[:3], "test": entries[3:]}
        (cohort.folder / "datalist.json").write_text(json.dumps(content))

    def augment(datalist, output, **how):
        asked.append((datalist, output, how))
        return 7

    monkeypatch.setattr("bonescan.studies.experiments.data.simulate_cohort", simulate)
    monkeypatch.setattr("bonescan.studies.experiments.data.make_image_set", augment)
    return asked


def test_scans_as_they_are_are_the_whole_cohort(made, tmp_path):
    scans = prepare(EXPERIMENT, LITTLE, tmp_path).find(None)
    assert scans == DataSet("default-7-seed0", tmp_path / "default-7-seed0" / "datalist.json")
    assert not scans.cropped


def test_parts_of_the_whole_cohort_make_a_datalist(made, tmp_path):
    data = prepare(replace(EXPERIMENT, datalists={"own": PARTS}), LITTLE, tmp_path)
    own = data.find("own")
    assert data.find(None) == own
    assert (own.name, own.cropped) == ("default-7-seed0", False)
    content = json.loads(own.datalist.read_text())
    assert {entry["patient"] for entry in content["training"]} == {"a", "d"}
    assert sorted(entry["fold"] for entry in content["training"]) == [0, 1]
    (negative,) = content["negative"]
    assert negative["patient"] == "c"
    assert "fold" not in negative
    assert own.datalist.parent == tmp_path / "default-7-seed0"  # names of files stay right


def test_image_sets_are_told_apart_by_their_folder(made, tmp_path):
    profile = replace(LITTLE, image_sets=SETS)
    for split in ("patient", "image"):
        data = prepare(EXPERIMENT, profile, tmp_path, split=split)
        assert data.find(None) == data.find("few")
        for name in SETS:
            images = data.find(name)
            assert (images.originals, images.cropped) == (7, True)
            assert images.datalist == tmp_path / images.name / "datalist.json"
    assert [output.name for _, output, _ in made] == [
        "default-7-seed0-4-20-by-patient", "default-7-seed0-all-originals-by-patient",
        "default-7-seed0-4-20-by-image", "default-7-seed0-all-originals-by-image",
    ]  # fmt: skip
    how = made[0][2]
    assert (how["total"], how["selected"], how["split"]) == (20, 4, "patient")


def test_another_test_share_makes_other_data_of_the_same_cohort(
    made, cohort, tmp_path, monkeypatch
):
    def simulate(wanted, *, workers, cluster):
        only_facts = shutil.ignore_patterns("*.dcm", "*.nii.gz", "labelme")
        shutil.copytree(cohort, wanted.folder, ignore=only_facts, dirs_exist_ok=True)

    monkeypatch.setattr("bonescan.studies.experiments.data.simulate_cohort", simulate)
    usual = prepare(EXPERIMENT, LITTLE, tmp_path).find(None)
    before = usual.datalist.read_bytes()
    assert before == (cohort / "datalist.json").read_bytes()
    half = replace(LITTLE, test_share=0.5)
    scans = prepare(EXPERIMENT, half, tmp_path).find(None)
    content = json.loads(scans.datalist.read_text())
    patients = {
        name: {entry["patient"] for entry in content[name]} for name in ("training", "test")
    }
    assert (len(patients["test"]), len(patients["training"])) == (4, 3)
    assert not patients["test"] & patients["training"]
    assert (scans.name, usual.name) == ("default-7-seed0-test-0.5", "default-7-seed0")
    assert usual.datalist.read_bytes() == before
    prepare(EXPERIMENT, replace(half, image_sets=SETS), tmp_path)
    assert [(datalist, output.name) for datalist, output, _ in made] == [
        (scans.datalist, "default-7-seed0-test-0.5-4-20-by-patient"),
        (scans.datalist, "default-7-seed0-test-0.5-all-originals-by-patient"),
    ]


def test_cohorts_of_other_seeds_are_told_apart(made, tmp_path):
    data = prepare(
        replace(EXPERIMENT, datalists={"own": PARTS}), replace(LITTLE, cohort_seed=3), tmp_path
    )
    assert data.find("own").datalist.parent == tmp_path / "default-7-seed3"
    prepare(EXPERIMENT, replace(LITTLE, cohort_seed=3, image_sets=SETS), tmp_path)
    assert {how["seed"] for _, _, how in made} == {3}


def test_whole_scans_are_split_by_patient(made, tmp_path):
    with pytest.raises(ValueError, match="tiny: split must be 'patient'"):
        prepare(EXPERIMENT, LITTLE, tmp_path, split="image")


def test_images_are_counted_by_the_patients_they_show(tmp_path):
    def entry(name: str, patient: str) -> dict[str, str]:
        return {"image": name, "patient": name, "patient_of_image": patient}

    content = {"training": [entry("1", "p"), entry("2", "q")], "test": [entry("3", "p")]}
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps(content))
    assert count_images(DataSet("images", path, originals=2), lesion_percent=0.4) == {
        "patients": 2, "originals": 2, "images": 3, "training": 2, "test": 1, "lesion_percent": 0.4,
    }  # fmt: skip
