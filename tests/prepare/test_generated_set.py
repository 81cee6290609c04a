"""Generated images on disk: unlabelled, of no patient, beside real ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from bonescan.data.datalist import load_items
from bonescan.data.nifti import read_view_stack
from bonescan.dicom.scan import View
from bonescan.prepare.generated_set import (
    Maker,
    join_generated,
    require_empty,
    to_counts,
    write_generated_set,
)
from tests.thorax_sets import write_thorax_set

MAKER = Maker(name="abc", seed=3, spacing_mm=(2.4, 2.2), simulated=True, unseen_folds=[0])
COUNTS = np.arange(2 * 4 * 6, dtype=np.float32).reshape(2, 4, 6)


def test_files_hold_whole_numbers_and_clear_air():
    assert to_counts(np.array([-0.2, 0.0019, 0.0021, 0.5, 1.1])).tolist() == [0, 0, 1, 128, 255]


def test_images_come_back_as_they_are(tmp_path):
    write_generated_set(COUNTS, tmp_path, MAKER)
    stack = read_view_stack(tmp_path / "0001.nii.gz")
    assert np.array_equal(stack.array, COUNTS[1:])
    assert (stack.views, stack.spacing_mm) == ((View.ANTERIOR,), pytest.approx((2.4, 2.2)))
    assert stack.comment.startswith("made by a generator, of no patient")


def test_entries_say_that_they_are_generated(tmp_path):
    entries = load_items(write_generated_set(COUNTS, tmp_path, MAKER), "generated")
    assert [entry["patient"] for entry in entries] == [
        "generated-abc-3-0000", "generated-abc-3-0001",
    ]  # fmt: skip
    for entry in entries:
        assert (entry["generated"], entry["simulated"], "label" in entry) == (True, True, False)


def test_a_training_can_take_them_beside_real_ones(tmp_path):
    real = write_thorax_set(tmp_path / "real")
    (tmp_path / "made" / "deep").mkdir(parents=True)
    made = write_generated_set(COUNTS, tmp_path / "made" / "deep", MAKER, beside=real)
    entries = load_items(made, exclude_folds=[0], added_section="generated")
    assert sum(entry.get("generated", False) for entry in entries) == 2
    assert len(entries) == 8 + 2
    assert load_items(made, "test")[0]["patient"] == load_items(real, "test")[0]["patient"]
    with pytest.raises(ValueError, match="must have no section 'generated' yet, has one"):
        write_generated_set(COUNTS, tmp_path, MAKER, beside=made)


def test_one_set_of_images_is_joined_with_several_others(tmp_path):
    reals = [write_thorax_set(tmp_path / name) for name in ("first", "second")]
    (tmp_path / "made").mkdir()
    made = write_generated_set(COUNTS, tmp_path / "made", MAKER)
    for number, real in enumerate(reals):
        joined = join_generated(made, real, f"with-{number}.json")
        assert joined.parent == made.parent
        entries = load_items(joined, exclude_folds=[0], added_section="generated")
        assert [Path(entry["image"]).resolve().parent for entry in entries] == [
            real.parent.resolve()
        ] * 8 + [made.parent.resolve()] * 2
    with pytest.raises(ValueError, match="must have no section 'generated' yet, has one"):
        join_generated(made, joined, "again.json")


def test_no_fold_that_the_generator_has_seen_may_be_left_out(tmp_path):
    real = write_thorax_set(tmp_path / "real")
    made = write_generated_set(COUNTS, tmp_path, MAKER, beside=real)
    for folds in ([1], [0, 1]):
        with pytest.raises(ValueError, match=r"must be unseen by the generator of the images that"):
            load_items(made, exclude_folds=folds, added_section="generated")
    assert len(load_items(made, added_section="generated")) == 12 + 2
    assert len(load_items(made, exclude_folds=[1])) == 4, "without its images"


def test_they_can_be_neither_validated_nor_tested_on(tmp_path):
    path = write_generated_set(COUNTS, tmp_path, MAKER)
    with pytest.raises(ValueError, match="no entries with 'label' left to use"):
        load_items(path, "generated", labelled=True)
    content = json.loads(path.read_text())
    content["generated"][1]["label"] = "0000.nii.gz"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"entry 2: an entry that is 'generated' must have no 'la"):
        load_items(path, "generated")


def test_a_folder_that_holds_something_is_refused(tmp_path):
    require_empty(tmp_path / "new")
    require_empty(tmp_path / "new")
    with pytest.raises(ValueError, match="must be empty, got other files; choose another folder"):
        require_empty(tmp_path)
