"""Whose labels are kept: nested shares of patients, by seed."""

import pytest

from bonescan.data.label_choice import drop_label, keep_labels


def make_entries(patients: int, unlabelled: int = 0) -> list[dict]:
    """Two scans of each patient; the last patients have no label."""
    return [
        {"patient": patient, "scan": scan}
        | ({"label": "x"} if patient < patients - unlabelled else {})
        for patient in range(patients)
        for scan in range(2)
    ]


def labelled_patients(entries: list[dict], **settings) -> list[int]:
    kept = keep_labels(entries, "list", **{"seed": 0, **settings})
    assert [{**entry, "label": "x"} for entry in kept] == [
        {**entry, "label": "x"} for entry in entries
    ]
    labelled = [entry["patient"] for entry in kept if "label" in entry]
    assert labelled[::2] == labelled[1::2]  # all scans of a patient or none
    return labelled[::2]


@pytest.mark.parametrize(
    ("fraction", "unlabelled", "number"),
    [(0, 0, 0), (0.01, 0, 1), (0.25, 0, 5), (0.526, 0, 11), (1, 0, 20), (0.5, 8, 10), (0.9, 8, 12)],
)
def test_share_is_one_of_all_patients(fraction, unlabelled, number):
    assert len(labelled_patients(make_entries(20, unlabelled), fraction=fraction)) == number


def test_generated_images_are_of_no_patient():
    generated = [{"patient": f"made-{number}", "generated": True} for number in range(30)]
    entries = [*make_entries(20), *generated]
    kept = keep_labels(entries, "list", fraction=0.25, seed=0)
    assert len({entry["patient"] for entry in kept if "label" in entry}) == 5


def test_smaller_shares_lie_in_larger_ones():
    entries = make_entries(20, 3)
    chosen = [set(labelled_patients(entries, fraction=share)) for share in (0.05, 0.1, 0.5, 0.8)]
    assert chosen[0] < chosen[1] < chosen[2] < chosen[3]


def test_choice_hangs_on_the_seed_and_not_on_the_order_of_entries():
    entries = make_entries(20)
    first, again, other = (
        set(labelled_patients(given, fraction=0.3, seed=seed))
        for given, seed in ((entries, 1), (entries[::-1], 1), (entries, 2))
    )
    assert first == again != other


@pytest.mark.parametrize("fraction", [-0.1, 1.1])
def test_shares_out_of_range_are_refused(fraction):
    with pytest.raises(ValueError, match="labelled_fraction must be within 0 and 1, got"):
        keep_labels(make_entries(2), "list", fraction=fraction, seed=0)


def test_entries_without_patient_are_refused():
    entries = [*make_entries(2), {"label": "x"}]
    with pytest.raises(ValueError, match=r"list: every entry must have 'patient' .* 1 of 5 have"):
        keep_labels(entries, "list", fraction=0.5, seed=0)
    assert keep_labels(entries, "list", fraction=1, seed=0) == entries


@pytest.mark.parametrize(
    ("fields", "kept"), [({}, True), ({"labelled": True}, True), ({"labelled": False}, False)]
)
def test_an_entry_can_leave_its_label_aside(fields, kept):
    entry = {"image": "i", "label": "l", **fields}
    assert drop_label(entry) == {key: entry[key] for key in entry if kept or key != "label"}
