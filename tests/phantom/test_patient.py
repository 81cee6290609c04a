from dataclasses import replace

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.labels import Label, region_bit
from bonescan.phantom import patient as patient_module
from bonescan.phantom import scene
from bonescan.phantom.anatomy.voxels import VoxelEllipsoid
from bonescan.phantom.groups import find_group
from bonescan.phantom.imaging import motion, uniformity
from bonescan.phantom.imaging.contrast import peak_over_ring
from bonescan.phantom.patient import kept_views, simulate_patient
from bonescan.phantom.presets import PRESETS, find_preset
from bonescan.phantom.tracer.benign import BENIGN_FINDINGS
from bonescan.phantom.tracer.uptake import HotSpot
from tests.phantom.fakes import fake_patient

SICK = replace(PRESETS["default"], free_share=0.0)


@pytest.fixture(scope="module")
def patient():
    return simulate_patient(SICK, seed=3, number=2)


def test_views_have_the_detector_s_grid_and_types(patient):
    assert set(patient.views) == set(View)
    for image in patient.views.values():
        kinds = {"counts": "uint16", "label": "uint8", "regions": "int64"}
        kinds |= dict.fromkeys(("instances", "benign"), "uint16")
        for name, kind in kinds.items():
            assert getattr(image, name).shape == (1024, 256)
            assert getattr(image, name).dtype == kind


def test_counts_lie_in_the_preset_s_range_and_the_scanned_columns(patient):
    camera = patient.camera
    for image in patient.views.values():
        assert 0.25e6 < image.counts.sum(dtype=float) < 5.5e6
    front = patient.views[View.ANTERIOR].counts
    assert not front[:, : camera.first_column].any()
    assert not front[:, camera.last_column + 1 :].any()
    assert front[:, camera.first_column].any()


def test_truth_agrees_with_itself(patient):
    for view, image in patient.views.items():
        np.testing.assert_array_equal(image.label == Label.METASTASIS, image.instances > 0)
        assert image.label.max() <= Label.BLADDER
        for lesion in patient.lesions:
            assert np.count_nonzero(image.instances == lesion.number) == lesion.area_px[view]
    assert [lesion.number for lesion in patient.lesions] == list(range(1, len(patient.lesions) + 1))
    for view, image in patient.views.items():
        for focus in patient.benign_foci:
            assert np.count_nonzero(image.benign == focus.number) == focus.area_px[view]
    assert 0 < patient.tumour_burden <= 1


def test_the_posterior_view_is_seen_from_behind(patient):
    """Femurs: the patient's right lies left in the anterior, right in the posterior image."""
    bit = region_bit("femur_right")
    front, back = (np.argwhere(patient.views[view].regions & bit)[:, 1].mean() for view in View)
    assert front < 128 < back


def test_the_bladder_is_marked_where_it_is_hot(patient):
    seen = 0
    for each in (patient, simulate_patient(SICK, seed=3, number=4)):
        for image in each.views.values():
            bladder = image.counts[image.label == Label.BLADDER]
            if len(bladder) > 50:
                seen += 1
                assert bladder.mean() > image.counts[image.counts > 0].mean()
    assert seen >= 3


def test_same_seed_and_number_give_the_same_bytes(patient):
    again = simulate_patient(SICK, seed=3, number=2)
    assert again.lesions == patient.lesions
    for view in View:
        np.testing.assert_array_equal(again.views[view].counts, patient.views[view].counts)


def test_lin2020_keeps_112_images_of_76_patients():
    preset = find_preset("lin2020")
    assert preset.patients == 76
    kept = [kept_views(preset, seed=9, number=number) for number in range(1, 77)]
    assert sum(len(views) for views in kept) == 112
    assert sum(views == (View.ANTERIOR,) for views in kept) == 20
    assert kept != [kept_views(preset, seed=10, number=number) for number in range(1, 77)]


def test_every_kept_view_of_lin2020_shows_a_metastasis():
    preset = replace(PRESETS["lin2020"], extent=0.2)  # few lesions: some patients show none
    anyhow = replace(preset, lesion_in_each_view=False)
    before, patient = (simulate_patient(each, seed=0, number=3) for each in (anyhow, preset))
    assert not before.shows_metastasis_in_each_view, "or another number is to be taken"
    assert before.lesions
    assert set(patient.views) == set(before.views)
    assert all((image.label == Label.METASTASIS).any() for image in patient.views.values())


def test_default_keeps_both_views():
    assert kept_views(PRESETS["default"], seed=0, number=61) == tuple(View)


def test_he2024_is_lung_cancer_seen_by_siemens_cameras_from_both_sides():
    patient = simulate_patient(PRESETS["he2024"], seed=3, number=2)
    assert patient.primary == "lung"
    assert patient.camera.manufacturer == "SIEMENS NM"
    assert set(patient.views) == set(View)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_group_decides_primary_and_metastases(number):
    preset = PRESETS["chen2023"]
    group = find_group(preset, number)
    patient = simulate_patient(preset, seed=3, number=number)
    assert patient.primary == group.primary.name
    assert patient.camera.manufacturer == "GE MEDICAL SYSTEMS"
    assert bool(patient.lesions) is patient.shows_metastasis is group.metastases
    for image in patient.views.values():
        assert group.metastases or Label.METASTASIS not in image.label


@pytest.mark.parametrize("number", [2, 3])
def test_a_group_decides_on_benign_findings(number):
    group = find_group(PRESETS["liu2021"], number)
    patient = simulate_patient(PRESETS["liu2021"], seed=3, number=number)
    assert not patient.lesions
    assert patient.shows_benign_focus is group.benign
    assert bool(patient.benign_foci) is group.benign


def test_a_patient_whose_metastases_do_not_show_is_drawn_again(monkeypatch):
    drawn = []

    def draw(bases, preset, primary, rng):
        drawn.append((preset.free_share, primary.name, bases))

    def scan(case, preset, kept, rng, **_):
        patient = fake_patient(views=kept)
        nowhere = dict.fromkeys(kept, 0)
        hidden = tuple(replace(lesion, area_px=nowhere) for lesion in patient.lesions)
        return replace(patient, lesions=hidden) if len(drawn) < 3 else patient

    def bodies(preset, primary, rng):
        return rng.integers(1000)

    monkeypatch.setattr(patient_module, "draw_case", draw)
    monkeypatch.setattr(patient_module, "scan_case", scan)
    preset = PRESETS["chen2023"]
    assert simulate_patient(preset, seed=3, number=1, bodies=bodies).shows_metastasis
    assert [settings[:2] for settings in drawn] == [(0.0, "breast")] * 3
    assert len({body for *_, body in drawn}) == 3  # another body each time


def test_a_benign_focus_stands_out_in_the_image_as_drawn_where_it_lies(monkeypatch):
    wanted, places = 4.0, {}

    def one_focus(body, uptake, rng):
        row, depth, column = body.points["rib_07_left_3"]
        places["rib"] = (row, column)
        spot = HotSpot(
            (VoxelEllipsoid((row, depth, column), (6.0, 6.0, 6.0)),),
            1.0,
            finding="rib fracture",
            peak_over_ring=wanted,
        )
        return replace(uptake, hot_spots=(spot,)), ("rib fracture",)

    monkeypatch.setattr(patient_module, "draw_benign_findings", one_focus)
    preset = replace(SICK, free_share=1.0, total_counts=(50e6, 60e6))
    patient = simulate_patient(preset, seed=3, number=2)
    (focus,) = patient.benign_foci
    assert focus.finding == "rib fracture"
    assert focus.centre == pytest.approx(places["rib"], abs=2)
    peaks = {
        view: peak_over_ring(image.counts, image.benign == 1, patient.camera.pixel_mm)
        for view, image in patient.views.items()
        if focus.area_px[view]
    }
    # The outline in the image is a little smaller than that of the focus alone.
    assert max(peaks.values()) == pytest.approx(wanted, rel=0.15)
    back = np.argwhere(patient.views[View.POSTERIOR].benign == 1)[:, 1].mean()
    assert back == pytest.approx(255 - places["rib"][1], abs=3)


def test_patients_of_the_preset_normal_have_no_findings():
    patient = simulate_patient(find_preset("normal"), seed=4, number=2)
    assert not patient.lesions
    assert not patient.benign_foci
    assert not set(patient.benign_findings) & set(BENIGN_FINDINGS)


def test_faults_are_named_and_the_scatter_window_is_counted_by_the_same_detectors(monkeypatch):
    monkeypatch.setattr(uniformity, "FAULT_SHARE", {"dead strip": 1.0})
    monkeypatch.setattr(uniformity, "DEAD_STRIP_GAIN", (0.0, 0.0))
    monkeypatch.setattr(motion, "PART_SHARE", {"head": 1.0, "arm": 0.0, "leg": 0.0})
    monkeypatch.setattr(scene, "SCATTER_WINDOW_SHARE", 1.0)
    patient = simulate_patient(find_preset("normal"), seed=4, number=1)
    assert set(patient.benign_findings) == {"dead strip", "head movement"}
    camera, dead = patient.camera, {}
    for view, image in patient.views.items():
        assert image.scatter.dtype == image.counts.dtype
        share = image.scatter.sum(dtype=float) / image.counts.sum(dtype=float)
        assert 0.1 < share < 0.8
        for counts in (image.counts, image.scatter):
            columns = np.flatnonzero(~counts.any(axis=0))
            inside = (columns >= 255 - camera.last_column) & (columns <= camera.last_column)
            dead.setdefault(view, []).append(set(columns[inside].tolist()))
    assert sorted(bool(strips[0]) for strips in dead.values()) == [False, True]
    # The scatter window may be empty at the edge, too, where it counts hardly anything.
    assert all(counts <= scatter for counts, scatter in dead.values())
