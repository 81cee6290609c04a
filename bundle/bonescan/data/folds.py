"""Splits of a cohort: always by patient, balanced over what the patients are like."""

from collections import defaultdict
from collections.abc import Hashable, Mapping

import numpy as np


def assign_folds(strata: Mapping[str, Hashable], *, folds: int, seed: int) -> dict[str, int]:
    """Deal patients to folds at random, each stratum as evenly as it goes.

    The result depends on the patients and the seed, not on the order in which they are given. Both
    the folds of the whole cohort and those within a stratum differ in size by at most one patient.

    Args:
        strata: what each patient is like, such as (has metastases, number of views).
        folds: number of folds.
        seed: of the shuffling.

    Returns:
        The fold 0..folds-1 of each patient.

    Raises:
        ValueError: if there are no folds, or fewer patients than folds.
    """
    if not 1 <= folds <= len(strata):
        raise ValueError(
            f"number of folds must be from 1 to the number of patients, {len(strata)}, got {folds}"
        )
    rng = np.random.default_rng(seed)
    members = defaultdict(list)
    for patient in sorted(strata):
        members[strata[patient]].append(patient)
    order = [
        group[index]
        for _, group in sorted(members.items(), key=lambda item: repr(item[0]))
        for index in rng.permutation(len(group))
    ]
    # Dealt in turn, each stratum going on where the one before it stopped.
    return {patient: position % folds for position, patient in enumerate(order)}
