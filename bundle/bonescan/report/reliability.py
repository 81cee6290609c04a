"""How far the probabilities of lesions and of scans can be believed: numbers and picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.metrics.bootstrap import RESAMPLES
from bonescan.metrics.calibration import Calibration, assign_bins, calibration_error, reliability
from bonescan.report.curves import tidy
from bonescan.report.drawing import COLOURS, new_figure, save_png
from bonescan.report.image_results import ImageResult, with_interval

ERROR = "calibration_error"
LEVELS = {"lesions": "predicted lesions", "scans": "scans"}
"""What probabilities are of, and what the picture calls it."""
FORMS = ("uncalibrated", "calibrated")


def summarise_reliability(
    results: Sequence[ImageResult], calibration: Calibration, *, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Compare probabilities with what was true, as the network states them and calibrated.

    A predicted lesion is true if it is paired with a true one; a scan, if it shows a metastasis.
    The probability of either is that of its most probable pixel.

    Args:
        results: records of all images for metastasis, with their probabilities.
        calibration: of the system.
        resamples: draws of the bootstrap over patients.

    Returns:
        By level ("lesions", "scans"): number of cases and of true ones; by form ("uncalibrated",
        and "calibrated" where something was fitted), where there are cases, the expected
        calibration error with its interval over patients, and the reliability diagram in bins of
        equal numbers of cases.
    """
    levels = {
        "lesions": (*_rate_lesions(results), calibration.lesion),
        "scans": (*_rate_scans(results), calibration.scan),
    }
    document: dict[str, Any] = {}
    for level, (rated, patients, recalibrate) in levels.items():
        highest, truth = rated.T[0], rated.T[1] > 0
        document[level] = {"cases": len(truth), "true": int(truth.sum())}
        if not len(truth):
            continue
        probs = {"uncalibrated": highest}
        if recalibrate is not None:
            probs["calibrated"] = recalibrate(calibration.of_pixels(highest))
        for form, prob in probs.items():
            document[level][form] = _describe(prob, truth, patients, resamples=resamples)
    return document


def _rate_lesions(results: Sequence[ImageResult]) -> tuple[NDArray[np.float64], list[str]]:
    """Return highest probability and truth of each predicted lesion (lesion, 2), and patients."""
    rated = [
        (result.patient, result.rated_lesions)
        for result in results
        if result.rated_lesions is not None
    ]
    patients = [patient for patient, lesions in rated for _ in lesions]
    return np.concatenate([np.empty((0, 2)), *(lesions for _, lesions in rated)]), patients


def _rate_scans(results: Sequence[ImageResult]) -> tuple[NDArray[np.float64], list[str]]:
    """Return highest probability and truth of each scan (scan, 2), and their patients."""
    scans: dict[str, tuple[float, bool, str]] = {}
    for result in results:
        if result.highest_prob is None:
            continue
        highest, shows, _ = scans.get(result.scan_id, (0.0, False, ""))
        scans[result.scan_id] = (
            max(highest, result.highest_prob),
            shows or result.n_lesions > 0,
            result.patient,
        )
    rated = np.array([case[:2] for case in scans.values()], np.float64).reshape(-1, 2)
    return rated, [patient for *_, patient in scans.values()]


def _describe(
    prob: NDArray[np.float64],
    truth: NDArray[np.bool_],
    patients: Sequence[str],
    *,
    resamples: int,
) -> dict[str, Any]:
    bin_of = assign_bins(prob)

    def error(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return calibration_error(prob, truth, bin_of, weights)[..., None]

    cases, stated, true = reliability(prob, truth, bin_of)
    return {
        **with_interval(error, patients, names=[ERROR], resamples=resamples),
        "bins": {
            "cases": cases.astype(int).tolist(),
            "stated": stated.round(6).tolist(),
            "true": true.round(6).tolist(),
        },
    }


def write_reliability_diagram(
    path: str | Path, document: Mapping[str, Any], *, simulated: bool
) -> None:
    """Draw the share that is true over the stated probability as PNG, lesions beside scans.

    Args:
        path: file to write.
        document: of summarise_reliability.
        simulated: whether the scans are simulated.
    """
    figure = new_figure(900, 480)
    for axes, (level, title) in zip(figure.subplots(1, len(LEVELS)), LEVELS.items(), strict=True):
        found = document[level]
        axes.plot([0, 1], [0, 1], color="0.7", lw=1)
        for colour, form in zip((COLOURS[1], COLOURS[0]), FORMS, strict=True):
            if form in found:
                bins, error = found[form]["bins"], found[form][ERROR]["value"]
                label = f"{form}, expected error {error:.3f}"
                axes.plot(bins["stated"], bins["true"], "o-", color=colour, label=label)
        axes.set_xlabel("stated probability")
        axes.set_ylabel("share that is true")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        tidy(axes)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, loc="upper left", fontsize=8)
        axes.set_title(f"{found['cases']} {title}, {found['true']} true", size=10)
    figure.suptitle("Reliability, simulated scans" if simulated else "Reliability", size=11)
    figure.tight_layout()
    save_png(figure, path)
