"""How far probabilities of lesions and scans are true: cases, errors by hand, picture."""

import numpy as np
import pytest
from PIL import Image

from bonescan.image_form import ImageForm
from bonescan.metrics.calibration import Calibration, Recalibration
from bonescan.metrics.lesion import LesionScores
from bonescan.report.image_results import ImageResult, score_image
from bonescan.report.reliability import summarise_reliability, write_reliability_diagram

FRONT, BACK = ImageForm.ANTERIOR, ImageForm.POSTERIOR
HALVE = Recalibration(slope=1.0, intercept=0.0, number=4, true=2)


def result(patient: str, form: ImageForm, prob: list[float], truth: list[int]) -> ImageResult:
    """Score a row of pixels, predicted from 0.5 on."""
    probs = np.array([prob])
    return score_image(
        probs >= 0.5,
        np.array([truth]) > 0,
        scan_id=f"scan-{patient}",
        patient=patient,
        form=form,
        spacing_mm=(2.0, 3.0),
        lesion_scores=LesionScores(prob=probs),
    )


RESULTS = [
    result("a", FRONT, [0.9, 0.6, 0.0, 0.7], [1, 1, 0, 0]),  # one lesion of 0.9, a false one of 0.7
    result("a", BACK, [0.0, 0.4, 0.0, 0.0], [0, 1, 0, 0]),
    result("b", FRONT, [0.0, 0.0, 0.8, 0.0], [0, 0, 0, 0]),
]


def test_cases_and_errors_by_hand():
    found = summarise_reliability(RESULTS, Calibration(), resamples=20)
    lesions, scans = found["lesions"], found["scans"]
    assert (lesions["cases"], lesions["true"]) == (3, 1)
    assert lesions["uncalibrated"]["calibration_error"]["value"] == pytest.approx(0.8 - 1 / 3)
    assert lesions["uncalibrated"]["bins"] == {
        "cases": [3],
        "stated": [0.8],
        "true": [pytest.approx(1 / 3, abs=1e-6)],
    }
    assert (scans["cases"], scans["true"]) == (2, 1)
    assert scans["uncalibrated"]["bins"]["stated"] == [pytest.approx(0.85)]
    assert "calibrated" not in lesions


def test_calibrated_probabilities_are_those_of_the_most_probable_pixel():
    found = summarise_reliability(RESULTS, Calibration(2.0, lesion=HALVE), resamples=20)
    odds = np.sqrt(np.array([9.0, 7 / 3, 4.0]))
    stated = float((odds / (1 + odds)).mean())
    assert found["lesions"]["calibrated"]["bins"]["stated"] == [pytest.approx(stated, abs=1e-6)]
    assert "calibrated" not in found["scans"]


def test_nothing_predicted_has_no_error(tmp_path):
    found = summarise_reliability(RESULTS[1:2], Calibration(), resamples=20)
    assert found["lesions"] == {"cases": 0, "true": 0}
    write_reliability_diagram(tmp_path / "empty.png", found, simulated=False)
    assert (tmp_path / "empty.png").is_file()


def test_picture_has_its_size(tmp_path):
    found = summarise_reliability(RESULTS, Calibration(2.0, HALVE, HALVE), resamples=20)
    path = tmp_path / "reliability.png"
    write_reliability_diagram(path, found, simulated=True)
    with Image.open(path) as picture:
        assert picture.width < 1500
