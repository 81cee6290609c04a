from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.anatomy.voxels import midway
from bonescan.phantom.tracer.benign import (
    BENIGN_FINDINGS,
    PASSING,
    BenignFinding,
    draw_benign_findings,
    draw_later_findings,
)
from bonescan.phantom.tracer.hot_spots import FindingContext, shifted
from bonescan.phantom.tracer.uptake import draw_uptake, without_side


@pytest.fixture(scope="module")
def body():
    person = replace(draw_person(np.random.default_rng(6), "F"), age=65.0)
    return build_body(person, pixel_mm=2.4)


@pytest.fixture
def uptake(body):
    return draw_uptake(body, np.random.default_rng(1))


@pytest.mark.parametrize("name", BENIGN_FINDINGS)
def test_every_finding_changes_the_uptake_and_repeats(body, uptake, name):
    first, second = (
        BENIGN_FINDINGS[name].add(FindingContext(body, uptake, np.random.default_rng(3)))
        for _ in range(2)
    )
    assert first == second
    assert first != uptake


@pytest.mark.parametrize("name", BENIGN_FINDINGS)
def test_every_hot_spot_lies_at_the_body(body, uptake, name):
    rows = 2 * np.flatnonzero(body.outline.values.any(axis=(1, 2)))
    for seed in range(5):
        added = BENIGN_FINDINGS[name].add(FindingContext(body, uptake, np.random.default_rng(seed)))
        for spot in added.hot_spots[len(uptake.hot_spots) :]:
            assert spot.level > 0
            assert (spot.bone in body.bones) != bool(spot.ellipsoids)
            for ellipsoid in spot.ellipsoids:
                row, depth, column = ellipsoid.centre
                assert rows[0] <= row <= rows[-1]
                assert -2 <= depth <= body.shape[1]
                assert -20 <= column <= body.shape[2] + 20


def test_findings_are_as_frequent_as_they_say(body, uptake):
    rng = np.random.default_rng(0)
    drawn = [set(draw_benign_findings(body, uptake, rng)[1]) for _ in range(400)]
    for name, finding in BENIGN_FINDINGS.items():
        share = np.mean([name in names for names in drawn])
        error = np.sqrt(finding.chance * (1 - finding.chance) / len(drawn))
        assert share > 0, name
        assert share == pytest.approx(finding.chance, abs=4 * error), name


def test_hot_spots_know_their_finding_and_normal_ones_have_none(body, uptake):
    drawn, names = draw_benign_findings(body, uptake, np.random.default_rng(3))
    assert drawn.hot_spots[: len(uptake.hot_spots)] == uptake.hot_spots
    new = drawn.hot_spots[len(uptake.hot_spots) :]
    assert new
    assert {spot.finding for spot in new} <= set(names)


def test_wear_grows_with_age_and_accidents_do_not(body):
    worn, accident = (
        BenignFinding(0.4, lambda context: context.uptake, grows=True),
        BENIGN_FINDINGS["injection site"],
    )
    young, middle, old = (replace(body.person, age=age) for age in (40.0, 65.0, 85.0))
    assert worn.chance_for(young) < worn.chance_for(middle) < worn.chance_for(old) < 1
    assert worn.chance_for(middle) == pytest.approx(0.4)
    assert worn.chance_for(replace(body.person, age=5.0)) > 0
    assert accident.chance_for(young) == accident.chance_for(old)


def test_a_finding_of_one_sex_spares_the_other(body):
    finding = BENIGN_FINDINGS["frontal hyperostosis"]
    assert finding.chance_for(replace(body.person, sex="F")) > 0
    assert finding.chance_for(replace(body.person, sex="M")) == 0


def test_a_catheter_is_one_focus_and_its_bag_another(body, uptake):
    context = FindingContext(body, uptake, np.random.default_rng(1))
    catheter, bag = BENIGN_FINDINGS["urine bag"].add(context).hot_spots
    assert len(catheter.ellipsoids) > 20
    assert len(bag.ellipsoids) == 1


def test_no_focus_overlies_another(body, uptake):
    for seed in range(20):
        drawn, _ = draw_benign_findings(body, uptake, np.random.default_rng(seed))
        for number, spot in enumerate(drawn.hot_spots):
            for other in drawn.hot_spots[:number]:
                for part in spot.ellipsoids:
                    for place in other.ellipsoids:
                        apart = np.subtract(part.centre, place.centre) * body.spacing_mm
                        assert np.hypot(apart[0], apart[2]) > 20


def test_early_imaging_lowers_bone_and_raises_blood(body, uptake):
    early = BENIGN_FINDINGS["early imaging"].add(
        FindingContext(body, uptake, np.random.default_rng(2))
    )
    assert all(early.bones[name] < uptake.bones[name] for name in uptake.bones)
    for name in ("heart", "vessels", "kidney_left", "renal_pelvis_left"):
        assert early.organs[name] > uptake.organs[name]


def test_a_changed_kidney_takes_its_collecting_system_and_ureter_along(body, uptake):
    changed = BENIGN_FINDINGS["kidney"].add(FindingContext(body, uptake, np.random.default_rng(3)))
    ratios = {name: changed.organs[name] / level for name, level in uptake.organs.items()}
    others = {name for name, ratio in ratios.items() if ratio == 1}
    moved = ratios.keys() - others
    assert {without_side(name) for name in moved} == {"kidney", "renal_pelvis", "ureter"}
    assert len(moved) == 3  # one side
    assert np.ptp([ratios[name] for name in moved]) == pytest.approx(0, abs=1e-9)


def test_free_pertechnetate_lights_thyroid_and_stomach(body, uptake):
    free = BENIGN_FINDINGS["free pertechnetate"].add(
        FindingContext(body, uptake, np.random.default_rng(2))
    )
    changed = {
        without_side(name) for name in free.organs if free.organs[name] != uptake.organs.get(name)
    }
    assert changed == {"thyroid", "stomach"}


def test_places_between_and_beside(body, uptake):
    context = FindingContext(body, uptake, np.random.default_rng(0))
    assert midway((0, 0, 0), (4, 8, 12), 0.25) == (1, 2, 3)
    moved = shifted(context, (10, 10, 10), (2.4, 5.0, -4.8))
    assert moved == pytest.approx((11, 11, 8))


def test_a_later_scan_keeps_what_stays_and_draws_the_rest_anew(body, uptake):
    rng = np.random.default_rng(1)
    earlier = ("knee prosthesis", "injection site", "osteophytes", "urine bag")
    drawn = [draw_later_findings(body, uptake, earlier, rng)[1] for _ in range(200)]
    assert {names[:2] for names in drawn} == {("knee prosthesis", "osteophytes")}
    for name in PASSING:
        chance = BENIGN_FINDINGS[name].chance
        share = np.mean([name in names[2:] for names in drawn])
        assert share == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / 200)), name
