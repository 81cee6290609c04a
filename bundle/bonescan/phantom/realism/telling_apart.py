"""Can a small classifier tell real patches from simulated ones better than patients apart?

Each subject in turn stands against simulated patients: patches of three bands of the body train a
logistic regression, those of the fourth test it, so that no place is learnt by heart. A subject
that is simulated, too, gives the null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bonescan.phantom.realism.patches import BANDS, FAMILIES, Patches

PENALTY = 0.02
"""Inverse strength of the regression's penalty: some 100 overlapping patches for 70 features."""
ALL = "all"


@dataclass(frozen=True)
class SeparationTable:
    """How well subjects are told from simulated patients.

    Attributes:
        rows: by family of features the median area under the curve of the real scans, then the
            median and the 95th percentile of simulated patients in their place.
        real_scans: number of real scans.
        real_patches: number of their patches.
        simulated: number of simulated patients.
    """

    rows: Mapping[str, tuple[float, float, float]]
    real_scans: int
    real_patches: int
    simulated: int


def compare_patches(real: Sequence[Patches], simulated: Sequence[Patches]) -> SeparationTable:
    """Return how well each real scan, and each simulated patient, is told from the others.

    Args:
        real: patches of at least one real scan.
        simulated: patches of at least four patients.

    Raises:
        ValueError: if there are too few of either.
    """
    if not real or len(simulated) < 4:
        raise ValueError(
            "telling apart must have a real scan and at least 4 simulated patients, got "
            f"{len(real)} and {len(simulated)}"
        )
    rows = {}
    for family in (ALL, *FAMILIES):
        columns = np.concatenate(list(FAMILIES.values())) if family == ALL else FAMILIES[family]
        chosen = [patches.of(columns) for patches in simulated]
        aucs = [separate(patches.of(columns), chosen) for patches in real]
        null = [separate(one, [other for other in chosen if other is not one]) for one in chosen]
        rows[family] = (
            float(np.median(aucs)),
            float(np.median(null)),
            float(np.quantile(null, 0.95)),
        )
    return SeparationTable(rows, len(real), sum(len(one.place) for one in real), len(simulated))


def separate(subject: Patches, others: Sequence[Patches]) -> float:
    """Return the area under the curve of telling a subject's patches from others'.

    The first half of the others trains, the second half tests; a band of the body is tested by
    what was learnt on the other bands.
    """
    half = len(others) // 2
    aucs = []
    for band in range(BANDS):
        train = [patches.outside(band) for patches in (subject, *others[:half])]
        test = [patches.inside(band) for patches in (subject, *others[half:])]
        if not len(test[0]):
            continue
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=300)
        )
        model.fit(np.concatenate(train), _truth(train))
        aucs.append(roc_auc_score(_truth(test), model.decision_function(np.concatenate(test))))
    return float(np.mean(aucs))


def _truth(groups: Sequence[NDArray[np.float64]]) -> NDArray[np.bool]:
    """Return whether each patch is the subject's, who is the first."""
    return np.repeat(np.arange(len(groups)) == 0, [len(group) for group in groups])
