from collections import Counter

import pytest

from bonescan.phantom.files.cohort_files import (
    make_datalist,
    make_follow_up_datalist,
    make_readme,
)

REGIONS = ("femur_left", "tibia_left", "sacrum", "c2")
"""Of the first lesions; no view shows the first one."""


def truth(number, *, views=("anterior", "posterior"), lesions=1, files=1):
    names = ["scan.dcm"] if files == 1 and len(views) == 2 else [f"{view}.dcm" for view in views]
    return {
        "folder": f"sim-{number:04d}",
        "images": names,
        "views": {view: {} for view in views},
        "clinical": {"patient": f"SIM{number:04d}", "age": 60 + number, "alp_u_l": 80.5},
        "lesions": [
            {"area_px": dict.fromkeys(views, index), "region": region}
            for index, region in enumerate(REGIONS[:lesions])
        ],
        "primary": "lung" if number % 3 else "breast",
        "camera": {"model": "Symbia"},
        "body_of": "",
    }


COHORT = [
    truth(number, views=("anterior",) if number % 4 == 0 else ("anterior", "posterior"),
          lesions=number % 5)
    for number in range(1, 61)
]  # fmt: skip


def test_one_patient_in_five_is_held_out_and_none_is_on_both_sides():
    datalist = make_datalist(COHORT, name="default", seed=3)
    training = [entry["patient"] for entry in datalist["training"]]
    test = [entry["patient"] for entry in datalist["test"]]
    assert (datalist["numTraining"], datalist["numTest"]) == (48, 12)
    assert sorted(training + test) == [patient["clinical"]["patient"] for patient in COHORT]
    assert all("fold" not in entry for entry in datalist["test"])


@pytest.mark.parametrize("share", [0.05, 0.2, 0.3, 0.45, 0.7])
def test_a_share_of_all_patients_and_of_each_kind_is_held_out(share):
    datalist = make_datalist(COHORT, name="default", seed=3, test_share=share)
    held_out = {entry["patient"] for entry in datalist["test"]}
    free = {patient["clinical"]["patient"] for patient in COHORT if not patient["lesions"]}
    assert abs(len(held_out) - share * len(COHORT)) < 1
    assert abs(len(held_out & free) - share * len(free)) < 2
    assert {entry["fold"] for entry in datalist["training"]} == set(range(5))


def test_share_is_given_as_a_fraction_of_the_patients():
    assert make_datalist(COHORT, name="a", seed=3) == make_datalist(
        COHORT, name="a", seed=3, test_share=1 / 5
    )
    for share in (0, 1, 30):
        with pytest.raises(ValueError, match=rf"must be above 0 and below 1, got {share}"):
            make_datalist(COHORT, name="a", seed=3, test_share=share)


def test_folds_are_of_one_size_and_balanced():
    datalist = make_datalist(COHORT, name="default", seed=3)
    sizes = Counter(entry["fold"] for entry in datalist["training"])
    assert sorted(sizes) == [0, 1, 2, 3, 4]
    assert max(sizes.values()) - min(sizes.values()) <= 1
    without = {patient["clinical"]["patient"] for patient in COHORT if not patient["lesions"]}
    free = Counter(entry["fold"] for entry in datalist["training"] if entry["patient"] in without)
    assert max(free.values()) - min(free[fold] for fold in sizes) <= 2


def test_entry_names_files_beside_the_datalist_and_the_facts():
    datalist = make_datalist(
        [truth(1), truth(2, files=2), truth(3, views=("posterior",))], name="default", seed=0
    )
    images = {entry["patient"]: entry["image"] for entry in datalist["training"]}
    assert images == {
        "SIM0001": "sim-0001/scan.dcm",
        "SIM0002": ["sim-0002/anterior.dcm", "sim-0002/posterior.dcm"],
        "SIM0003": "sim-0003/posterior.dcm",
    }
    entry = datalist["training"][0]
    assert entry["label"] == "sim-0001/label.nii.gz"
    assert entry["instances"] == "sim-0001/instances.nii.gz"
    assert entry["benign"] == "sim-0001/benign.nii.gz"
    assert entry["regions"] == "sim-0001/regions.nii.gz"
    assert (entry["age"], entry["alp_u_l"]) == (61, 80.5)
    assert entry["sites"] == []
    assert datalist["labels"] == {"0": "background", "1": "metastasis", "2": "bladder"}


def test_entry_names_the_sites_that_a_view_shows():
    patients = [truth(number, lesions=number) for number in range(1, 5)]
    entries = make_datalist(patients, name="default", seed=0)["training"]
    assert [entry["sites"] for entry in entries] == [
        [],
        ["other"],
        ["pelvis", "other"],
        ["spine", "pelvis", "other"],
    ]


@pytest.mark.parametrize(("patients", "held_out"), [(1, 0), (4, 0), (5, 1), (6, 2)])
def test_small_cohorts_have_fewer_folds(patients, held_out):
    datalist = make_datalist(COHORT[:patients], name="default", seed=0)
    assert datalist["numTest"] == held_out
    folds = {entry["fold"] for entry in datalist["training"]}
    assert folds == set(range(min(5, patients - held_out)))


def test_readme_says_simulated_and_counts():
    datalist = make_datalist(COHORT, name="default", seed=3)
    configuration = {
        "preset": {"name": "default"},
        "seed": 3,
        "bundle_version": "1.2",
        "simulator": 7,
        "bank": None,
        "python": "3.11",
        "libraries": {"numpy": "2.4"},
    }
    text = make_readme(configuration, COHORT, datalist)
    assert "**Everything here is simulated.**" in text
    assert "bonescan simulate --preset default --patients 60 --seed 3 -o" in text
    for row in (
        "| images | 105 |",
        "| patients with one view | 15 |",
        "| patients with metastases | 48, of whom 36 show one in a view |",
        "| metastases | 120, of which 48 show in no view |",
        "| primary tumours | lung 40, breast 20 |",
        "| held out for testing | 12 patients |",
        "numpy 2.4",
    ):
        assert row in text


def test_patients_of_one_body_are_on_the_same_side_and_in_the_same_fold():
    cohort = [patient | {"body_of": f"ab12/{number % 20}"} for number, patient in enumerate(COHORT)]
    datalist = make_datalist(cohort, name="default", seed=3)
    places = {}
    for entry in (*datalist["training"], *datalist["test"]):
        places.setdefault(entry["body_of"], set()).add(entry.get("fold"))
    assert len(places) == 20
    assert all(len(folds) == 1 for folds in places.values())
    assert (datalist["numTraining"], datalist["numTest"]) == (48, 12)
    assert "body_of" not in make_datalist(COHORT, name="default", seed=3)["training"][0]


def test_readme_names_the_bank_and_how_to_draw_from_it_again():
    bank = {"name": "ab12", "preset": "lin2020", "bodies": 300, "seed": 9, "part": "test"}
    configuration = {
        "preset": {"name": "default"}, "seed": 3, "bundle_version": "1.2", "simulator": 7,
        "bank": bank, "python": "3.11", "libraries": {},
    }  # fmt: skip
    text = make_readme(configuration, COHORT, make_datalist(COHORT, name="default", seed=3))
    assert "--seed 3 --from-bank BANK --part test -o DIR" in text
    assert "bodies of part test of the bank ab12: preset lin2020, 300 bodies, seed 9" in text


def test_second_scans_stand_where_their_patients_do():
    datalist = make_datalist(COHORT, name="default", seed=3)
    again = [truth(number) for number in (2, 7, 20, 31, 44)]
    for each in again:
        each["folder"] += "-visit2"
        each["study"] = {"visit": 2, "therapy_days": None}
    later = make_follow_up_datalist(again, datalist)
    assert later["numTraining"] + later["numTest"] == len(again)
    for section in ("training", "test"):
        firsts = {entry["patient"]: entry for entry in datalist[section]}
        for entry in later[section]:
            first = firsts[entry["patient"]]
            assert entry["earlier"] == first["image"]
            assert entry["image"] != first["image"]
            assert entry.get("fold") == first.get("fold")
            assert entry["visit"] == 2
            assert "therapy_days" not in entry  # what is not known is left out
