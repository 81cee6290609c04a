"""Cross-validation folds by patient."""

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np


def assign_folds(
    patients: Sequence[str], strata: Sequence[Hashable], n_folds: int, seed: int
) -> list[int]:
    """Deal patients into folds, equally within each stratum.

    Patients of a stratum are shuffled and dealt one by one, each stratum going on where the last
    one stopped: folds differ by at most one patient, as a whole and within every stratum, which
    scikit-learn's StratifiedGroupKFold does not promise; and the result depends on no library's
    version but NumPy's.

    Args:
        patients: one entry per image; a patient may have several.
        strata: what to balance, one value per entry; that of a patient's first entry counts.
        n_folds: number of folds, at least 2.
        seed: same seed, same folds.

    Returns:
        One fold per entry, 0 to n_folds - 1; all entries of a patient share one.

    Raises:
        ValueError: if the lengths differ or there are fewer patients than folds.
    """
    if len(patients) != len(strata):
        raise ValueError(
            f"strata must have one value per entry, got {len(strata)} for {len(patients)} entries"
        )
    stratum_of = dict(reversed(list(zip(patients, strata, strict=True))))
    if not 2 <= n_folds <= len(stratum_of):
        raise ValueError(
            f"n_folds must be 2 to the number of patients ({len(stratum_of)}), got {n_folds}"
        )
    members: dict[Hashable, list[str]] = defaultdict(list)
    for patient in sorted(stratum_of):
        members[stratum_of[patient]].append(patient)
    random = np.random.default_rng(seed)
    order = [
        patient
        for stratum in sorted(members, key=str)
        for patient in random.permutation(np.array(members[stratum], dtype=object))
    ]
    fold_of = {patient: position % n_folds for position, patient in enumerate(order)}
    return [fold_of[patient] for patient in patients]
