import re
from collections import Counter

import pytest

from bonescan.data.folds import assign_folds

STRATA = {f"p{i}": ("sick" if i % 3 else "well", 1 + i % 2) for i in range(47)}


def test_every_patient_gets_one_fold():
    assert assign_folds(STRATA, folds=5, seed=3).keys() == STRATA.keys()


@pytest.mark.parametrize("folds", [1, 2, 5, 7])
def test_folds_and_strata_are_balanced(folds):
    assigned = assign_folds(STRATA, folds=folds, seed=3)
    assert set(assigned.values()) == set(range(folds))
    groups = [list(STRATA)] + [
        [patient for patient in STRATA if STRATA[patient] == stratum]
        for stratum in set(STRATA.values())
    ]
    for group in groups:
        sizes = Counter(assigned[patient] for patient in group)
        counts = [sizes[fold] for fold in range(folds)]
        assert max(counts) - min(counts) <= 1


def test_order_of_patients_does_not_matter():
    reverse = dict(reversed(STRATA.items()))
    assert assign_folds(reverse, folds=5, seed=3) == assign_folds(STRATA, folds=5, seed=3)


def test_seed_decides():
    assert assign_folds(STRATA, folds=5, seed=3) != assign_folds(STRATA, folds=5, seed=4)


@pytest.mark.parametrize("folds", [0, 3])
def test_too_few_patients_are_refused(folds):
    expected = f"number of folds must be from 1 to the number of patients, 2, got {folds}"
    with pytest.raises(ValueError, match=re.escape(expected)):
        assign_folds({"a": 0, "b": 0}, folds=folds, seed=0)
