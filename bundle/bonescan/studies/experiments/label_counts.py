"""How many labels each training of a row was given: a page states them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bonescan.data.datalist import load_items
from bonescan.keys import GENERATED, LABEL, PATIENT
from bonescan.run_folder import CONFIGURATION
from bonescan.studies.experiments.grid import Run


class LabelCount(NamedTuple):
    """What a training was given.

    Attributes:
        labelled_patients: patients whose labels it had.
        patients: all patients that it trained on.
        labelled_entries: entries of the datalist, images of a set or scans, whose labels it had.
        entries: all of these, without generated ones.
        generated: generated images.
    """

    labelled_patients: int
    patients: int
    labelled_entries: int
    entries: int
    generated: int


def count_labels(run: Run) -> LabelCount:
    """Count the labels of a training from the configuration that it left, and its datalist."""
    config = json.loads((run.folder / CONFIGURATION).read_text(encoding="utf-8"))
    entries = load_items(
        run.training["datalist"],
        exclude_folds=[config["fold"], config["test_fold"]],
        added_section=config["added_section"],
        labelled=True if config["labelled_only"] else None,
        labelled_fraction=config["labelled_fraction"],
        seed=run.seed,
    )
    real = [entry for entry in entries if not entry.get(GENERATED)]
    labelled = [entry for entry in real if LABEL in entry]
    return LabelCount(
        labelled_patients=len({entry[PATIENT] for entry in labelled}),
        patients=len({entry[PATIENT] for entry in real}),
        labelled_entries=len(labelled),
        entries=len(real),
        generated=len(entries) - len(real),
    )


def to_ranges(counts: Sequence[LabelCount]) -> Mapping[str, Any]:
    """Return the least and the greatest number over the trainings of a row, for JSON."""
    return {
        name: [min(numbers), max(numbers)]
        for name, numbers in zip(LabelCount._fields, zip(*counts, strict=True), strict=True)
    }
