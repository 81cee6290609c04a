from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.files.study import (
    describe_first_visit,
    draw_alp,
    draw_readings,
    stretch,
)
from bonescan.phantom.groups import find_group
from bonescan.phantom.presets import LIU_STUDY, PRESETS, Reader
from tests.phantom.fakes import fake_patient

LIU = PRESETS["liu2021"]
BURDEN = (-5.08, 1.42)
"""Mean and spread of the logarithm of the share of the skeleton that 64 patients of the preset with
metastases have (seed 77)."""


def somebody(sex, age):
    return replace(draw_person(np.random.default_rng(1), sex), age=age)


@pytest.mark.parametrize(
    ("sex", "age", "low", "high"), [("M", 70, 45, 125), ("F", 49, 35, 100), ("F", 50, 50, 135)]
)
def test_without_burden_alp_lies_in_the_reference_range_of_sex_and_age(sex, age, low, high):
    rng, person = np.random.default_rng(5), somebody(sex, age)
    values = np.array([draw_alp(0.0, person, rng) for _ in range(4000)])
    assert np.quantile(values, [0.025, 0.975]) == pytest.approx([low, high], rel=0.05)


def test_alp_correlates_with_the_stretched_burden_as_published():
    rng, people = np.random.default_rng(7), (somebody("M", 66), somebody("F", 66))
    burdens = np.clip(rng.lognormal(*BURDEN, 20000), 0, 0.5)
    values = [draw_alp(burden, people[index % 2], rng) for index, burden in enumerate(burdens)]
    r = np.corrcoef([stretch(burden) for burden in burdens], values)[0, 1]
    assert r == pytest.approx(0.72, abs=0.04)


def test_stretching_is_the_published_index():
    assert [stretch(share) for share in (0.0, 1.0)] == [0.0, 1.0]
    assert stretch(0.027) == pytest.approx(0.12, abs=0.003)


def draw_many(*, metastases, readers=LIU_STUDY.readers):
    rng = np.random.default_rng(11)
    drawn = [draw_readings(readers, rng, metastases=metastases) for _ in range(6000)]
    return {reader.name: np.array([each[reader.name] for each in drawn]) for reader in readers}


def test_readers_are_right_as_often_as_published():
    says = draw_many(metastases=True)
    assert [says[name].mean() for name in ("2y", "5y", "10y")] == pytest.approx(
        [30 / 54, 47 / 54, 47 / 54], abs=0.02
    )
    says = draw_many(metastases=False)
    assert [1 - says[name].mean() for name in ("2y", "5y", "10y")] == pytest.approx(
        [44 / 69, 60 / 69, 1.0], abs=0.02
    )
    assert not says["10y"].any()


@pytest.mark.parametrize("metastases", [True, False])
def test_readings_are_paired(metastases):
    says = draw_many(metastases=metastases)
    assert np.corrcoef(says["2y"], says["5y"])[0, 1] > 0.15


def test_one_more_reader_changes_nothing_of_the_others():
    more = (*LIU_STUDY.readers, Reader("other", 0.9, 0.9))
    for number in range(50):
        first, second = (
            draw_readings(readers, np.random.default_rng(number), metastases=True)
            for readers in (LIU_STUDY.readers, more)
        )
        assert {name: second[name] for name in first} == first


def test_first_visit_of_a_study():
    numbers = range(1, 20)
    first = next(number for number in numbers if find_group(LIU, number).metastases)
    facts = describe_first_visit(fake_patient(), LIU, first, np.random.default_rng(0))
    assert (facts["metastases"], facts["visit"], facts["days"]) == (1, 1, 0)
    assert facts["alp_u_l"] > 20
    assert {facts[f"reading_{name}"] for name in ("2y", "5y", "10y")} <= {0, 1}
    other = next(number for number in numbers if not find_group(LIU, number).metastases)
    facts = describe_first_visit(fake_patient(), LIU, other, np.random.default_rng(0))
    assert facts["alp_u_l"] is None


def test_a_preset_without_a_study_has_no_facts():
    with pytest.raises(ValueError, match="preset must plan a study, got default"):
        describe_first_visit(fake_patient(), PRESETS["default"], 1, np.random.default_rng(0))
