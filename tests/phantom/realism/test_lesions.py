from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.labels import REGIONS
from bonescan.phantom.presets import TERRITORIES
from bonescan.phantom.realism.lesions import Focus, find_territory, intensity_auc, measure_lesions
from tests.phantom.fakes import BENIGN, LESIONS, fake_patient


def test_foci_are_measured_in_each_view():
    patient = fake_patient()
    measured = measure_lesions(patient)
    assert (measured.lesions, measured.seen, measured.benign_seen) == (2, 2, 1)
    assert measured.territories == {"spine"}
    assert len(measured.metastases) == 2 * len(LESIONS)
    pixel_mm = patient.camera.pixel_mm
    widths = sorted(focus.diameter_mm for focus in measured.metastases)
    assert widths[0] == pytest.approx(2 * LESIONS[0][2] * pixel_mm, rel=0.1)
    assert widths[-1] == pytest.approx(2 * LESIONS[1][2] * pixel_mm, rel=0.1)
    peaks = [focus.peak_over_ring for focus in measured.metastases]
    assert np.median(peaks) == pytest.approx(24 / 4, rel=0.25)


def test_what_lies_beside_bone_is_no_benign_focus_of_bone():
    patient = fake_patient()
    urine = tuple(replace(focus, finding="urine contamination") for focus in patient.benign_foci)
    measured = measure_lesions(replace(patient, benign_foci=urine))
    assert measured.benign_seen == 0
    assert not measured.benign
    assert patient.views[View.ANTERIOR].benign[BENIGN] == 1


def test_every_region_has_a_territory():
    assert {find_territory(region) for region in REGIONS} == set(TERRITORIES)
    with pytest.raises(ValueError, match="got 'tail'"):
        find_territory("tail")


def test_intensity_alone_tells_apart_what_it_can():
    measured = measure_lesions(fake_patient())
    faint = replace(
        measured, benign=tuple(Focus(1.1, focus.diameter_mm) for focus in measured.benign)
    )
    assert intensity_auc([faint]) == 1
    assert intensity_auc([replace(measured, benign=measured.metastases)]) == 0.5
    assert np.isnan(intensity_auc([replace(measured, benign=())]))
