import json

import numpy as np
import pytest

from bonescan.data.annotation.annotators import (
    AnnotatedScan,
    ConsensusMethod,
    combine,
    load_annotated_scans,
)
from bonescan.data.label_set import LabelMapSet
from bonescan.data.nifti import ViewStack, read_view_stack, write_view_stack
from bonescan.dicom.scan import View
from tests.data.annotation.labelme_files import make_cohort, random_label
from tests.factories import SPACING_MM


def annotate(tmp_path, name, cohort, labels):
    """Write one annotator's labels of a cohort; return the datalist."""
    entries = json.loads(cohort.read_text())["training"]
    labelled = LabelMapSet(tmp_path / name)
    for number, label in labels.items():
        entry = {**entries[number], "image": str(cohort.parent / entries[number]["image"])}
        stack = ViewStack(label, SPACING_MM, tuple(View))
        labelled.add(f"p{number}_scan", "training", entry, stack)
    return labelled.write_datalist("test", folds=2, seed=0)


@pytest.fixture
def datalists(tmp_path):
    labels = [random_label(seed) for seed in (1, 2)]
    cohort = make_cohort(tmp_path / "scans", labels)
    larger = [np.maximum(label, np.roll(label, 1, axis=1)) for label in labels]
    smaller = [np.where(label == np.roll(label, 1, axis=2), label, 0) for label in labels]
    return {
        name: annotate(tmp_path, name, cohort, dict(enumerate(drawn)))
        for name, drawn in (("ann", labels), ("bob", larger), ("cyd", smaller))
    }


def test_a_scan_holds_every_annotators_label_map(datalists):
    first, second = load_annotated_scans(datalists)
    assert (first.key, first.annotators, first.views) == (
        "p0_scan", ("ann", "bob", "cyd"), tuple(View),
    )  # fmt: skip
    assert first.spacing_mm == pytest.approx(SPACING_MM)
    assert second.entry["age"] == 50
    np.testing.assert_array_equal(first.stack()[0], random_label(1))
    assert first.stack().shape[:2] == (3, 2)


@pytest.mark.parametrize("method", list(ConsensusMethod))
def test_annotators_of_one_mind_are_followed(datalists, method):
    same = dict.fromkeys(("a", "b", "c"), datalists["ann"])
    for scan, seed in zip(load_annotated_scans(same), (1, 2), strict=True):
        label, disputes = combine(scan, method)
        np.testing.assert_array_equal(label.array, random_label(seed))
        assert (label.views, label.spacing_mm, disputes) == (tuple(View), scan.spacing_mm, [])


def test_majority_is_taken_label_by_label(datalists):
    scan = next(load_annotated_scans(datalists))
    label, _ = combine(scan, ConsensusMethod.MAJORITY, votes=2)
    for value in (1, 2):
        wanted = (scan.stack() == value).sum(axis=0) >= 2
        np.testing.assert_array_equal(label.array == value, wanted)


@pytest.mark.parametrize("votes", [1, 4])
def test_a_majority_is_more_than_half(datalists, votes):
    scan = next(load_annotated_scans(datalists))
    with pytest.raises(ValueError, match=f"votes must be more than half of 3 .*, got {votes}"):
        combine(scan, ConsensusMethod.MAJORITY, votes=votes)


def test_disputes_say_view_and_label(datalists):
    scan = next(load_annotated_scans(datalists))
    label, disputes = combine(scan, ConsensusMethod.AGREEMENT)
    assert {(dispute.view, dispute.label) for dispute in disputes} == {
        (view, value) for view in View for value in (1, 2)
    }
    assert not label.array.any()
    assert combine(scan, ConsensusMethod.AGREEMENT, max_difference=1.0)[1] == []


def test_the_choice_depends_on_the_seed_alone(datalists):
    scan = next(load_annotated_scans(datalists))

    def choice(seed):
        return combine(scan, ConsensusMethod.AGREEMENT, max_difference=1, seed=seed)[
            0
        ].array.tobytes()

    assert choice(4) == choice(4)
    assert len({choice(seed) for seed in range(8)}) > 1


def test_scans_that_do_not_fit_are_left_out(tmp_path, datalists):
    cohort = tmp_path / "scans" / "datalist.json"
    short = annotate(tmp_path, "dee", cohort, {1: random_label(2)})
    both = {"ann": datalists["ann"], "dee": short}
    failure, scan = load_annotated_scans(both)
    assert scan.key == "p1_scan"
    assert str(failure) == "scan.dcm: must be labelled by all, got no label of ['dee']"
    path = tmp_path / "dee" / "labels" / "p1_scan.nii.gz"
    stack = read_view_stack(path)
    for array, message in (
        (stack.array[:, 1:], "scan p1_scan: label maps must have the same views and pixels, got"),
        (
            stack.array + 9,
            "scan p1_scan: label map: values must be 0 background, 1 metastasis, 2 ",
        ),
    ):
        write_view_stack(path, array, SPACING_MM, stack.views)
        _, failure = load_annotated_scans(both)
        assert not isinstance(failure, AnnotatedScan)
        assert message in str(failure)


def test_a_set_refuses_two_scans_of_one_name(tmp_path):
    labelled = LabelMapSet(tmp_path)
    stack = ViewStack(random_label(1), SPACING_MM, tuple(View))
    entry = {"image": str(tmp_path / "scan.dcm"), "patient": "P0"}
    labelled.add("a", "training", entry, stack)
    with pytest.raises(ValueError, match="scans must have keys of their own, got two named 'a'"):
        labelled.add("a", "test", entry, stack)


def test_one_annotator_is_no_consensus(datalists):
    with pytest.raises(ValueError, match="datalists must be those of 2 annotators or more, got 1"):
        next(load_annotated_scans({"ann": datalists["ann"]}))


@pytest.mark.parametrize("field", ["label", "patient"])
def test_an_entry_without_what_a_consensus_needs(tmp_path, field):
    cohort = make_cohort(tmp_path, [random_label(1), random_label(2)])
    content = json.loads(cohort.read_text())
    for entry in content["training"]:
        del entry[field]
    cohort.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"datalist.json: every entry must have '{field}', one"):
        list(load_annotated_scans({"ann": cohort, "bob": cohort}))
