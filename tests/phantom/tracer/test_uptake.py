import numpy as np
import pytest

from bonescan.labels import REGIONS
from bonescan.phantom.tracer.uptake import (
    BONE_LEVELS,
    VERTEBRAE,
    base_region,
    draw_uptake,
    fade_soft_tissue,
    without_side,
)
from tests.phantom.bodies import block_body


@pytest.fixture(scope="module")
def body():
    return block_body()


def rng():
    return np.random.default_rng(4)


def test_every_region_has_a_level():
    assert {base_region(region) for region in REGIONS} == set(BONE_LEVELS)


@pytest.mark.parametrize(
    ("name", "stem"), [("ribs_left", "ribs"), ("pelvis_right", "pelvis"), ("t4", "t4")]
)
def test_sides_fall_from_region_names(name, stem):
    assert base_region(name) == stem


def test_sides_fall_from_organ_names():
    assert without_side("kidney_left") == "kidney"
    assert without_side("bladder") == "bladder"


def test_bone_to_soft_tissue_differs_between_patients_by_the_facts_factor(body):
    source = np.random.default_rng(0)
    levels = [draw_uptake(body, source).bones["vertebra_t6"] for _ in range(400)]
    low, high = np.percentile(levels, [2.5, 97.5])
    assert 2.0 < high / low < 6.0
    assert np.median(levels) == pytest.approx(BONE_LEVELS["t6"], rel=0.1)


def test_both_sides_of_a_patient_are_alike(body):
    source = np.random.default_rng(0)
    for _ in range(20):
        bones = draw_uptake(body, source).bones
        assert bones["rib_05_left"] == pytest.approx(bones["rib_05_right"], rel=0.4)


def test_neighbouring_vertebrae_are_alike_and_no_region_steps(body):
    source = np.random.default_rng(1)
    names = [name for name in VERTEBRAE if f"vertebra_{name}" in body.bones]
    drawn = [draw_uptake(body, source).bones for _ in range(300)]
    levels = np.array(
        [[bones[f"vertebra_{name}"] / BONE_LEVELS[name] for name in names] for bones in drawn]
    )
    far = np.log(levels[:, 1] / levels[:, -1]).std()  # T3 against L4
    near = np.log(levels[:, 1] / levels[:, 2]).std()
    assert near < 0.8 * far
    steps = np.abs(np.diff(np.log(levels), axis=1)).mean(axis=0)
    assert steps[1:].max() < 0.16
    assert steps[1:].min() > 0.06
    assert steps[1:].max() < 1.5 * steps[1:].min()  # T9 to L1 is no greater step than others


def test_superscan_takes_the_tracer_from_soft_tissue_and_kidneys(body):
    usual = draw_uptake(body, rng())
    faded = fade_soft_tissue(usual, rng())
    assert faded.soft_tissue < 0.7
    assert faded.organs["kidney_left"] < 0.4 * usual.organs["kidney_left"]
    assert faded.bones == usual.bones
