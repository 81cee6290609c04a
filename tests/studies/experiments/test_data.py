"""The datalists and counts of an experiment, from a cohort that is a list of names only."""

import json

import pytest

from bonescan.studies.experiments.data import ExperimentData, count_images, prepare
from bonescan.studies.experiments.experiment import CohortPart, Experiment, Images, Profile

GROUPS = {
    "training": CohortPart("breast", metastases=True),
    "negative": CohortPart("breast", metastases=False),
}
PATIENTS = [("a", "breast", 3), ("b", "lung", 2), ("c", "breast", 0), ("d", "breast", 1)]


def make_experiment(images: Images | None = None) -> Experiment:
    profile = Profile(patients=5, what="little", folds=2, images=images)
    datalists = {} if images else {"own": GROUPS}
    return Experiment("tiny", "", "", "default", {"fast": profile}, datalists=datalists)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Replace the simulator by a datalist, and the writing of images by a note of what is asked."""
    asked = []

    def simulate(cohort, *, workers):
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


def test_groups_of_the_whole_cohort_make_a_datalist(made, tmp_path):
    experiment = make_experiment()
    material = prepare(experiment, experiment.profiles["fast"], tmp_path)
    assert not material.cropped
    content = json.loads(material.find("own").read_text())
    assert {entry["patient"] for entry in content["training"]} == {"a", "d"}
    assert sorted(entry["fold"] for entry in content["training"]) == [0, 1]
    (negative,) = content["negative"]
    assert negative["patient"] == "c"
    assert "fold" not in negative
    assert material.find("own").parent == material.find(None).parent  # names of files stay right


def test_sets_of_images_are_told_apart_by_their_folder(made, tmp_path):
    experiment = make_experiment(Images(total=20, selected=4))
    for split in ("patient", "image"):
        material = prepare(experiment, experiment.profiles["fast"], tmp_path, split=split)
        assert (material.originals, material.cropped) == (7, True)
        assert material.datalist == material.folder / "datalist.json"
    (_, first, how), (_, second, _) = made
    assert (first.name, second.name) == (
        "default-5-4-20-by-patient", "default-5-4-20-by-image",
    )  # fmt: skip
    assert (how["total"], how["selected"], how["split"]) == (20, 4, "patient")


def test_whole_scans_are_split_by_patient(made, tmp_path):
    experiment = make_experiment()
    with pytest.raises(ValueError, match="tiny: split must be 'patient'"):
        prepare(experiment, experiment.profiles["fast"], tmp_path, split="image")


def test_images_are_counted_by_the_patients_they_show(tmp_path):
    def entry(name: str, patient: str) -> dict[str, str]:
        return {"image": name, "patient": name, "patient_of_image": patient}

    content = {"training": [entry("1", "p"), entry("2", "q")], "test": [entry("3", "p")]}
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps(content))
    material = ExperimentData(tmp_path, path, {}, originals=2, cropped=True)
    assert count_images(material, lesion_percent=0.4) == {
        "patients": 2, "originals": 2, "images": 3, "training": 2, "test": 1, "lesion_percent": 0.4,
    }  # fmt: skip
