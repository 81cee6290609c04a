from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bonescan.phantom.presets import PRESETS, PROSTATE
from bonescan.phantom.tracer import lesion_kinds
from bonescan.phantom.tracer.lesion_kinds import ALL_BONES, LESION_KINDS, LesionKind, draw_kind
from bonescan.phantom.tracer.lesions import draw_lesions
from bonescan.phantom.tracer.uptake import Uptake
from tests.phantom.bodies import block_body

LYTIC = replace(PROSTATE, lytic_share=0.2)
WITH = replace(PRESETS["default"], free_share=0.0, superscans=False)


def shares(region, primary=LYTIC, number=4000):
    rng = np.random.default_rng(1)
    drawn = Counter(draw_kind(region, primary, rng).name for _ in range(number))
    return {name: count / number for name, count in drawn.items()}


def in_every_bone(body):
    """Draw many lesions, evenly in all regions of a body."""
    uptake, rng = Uptake(dict.fromkeys(body.bones, 10.0), {}), np.random.default_rng(3)
    anywhere = replace(PROSTATE, site_factors={"femur": 8.0, "sternum": 8.0}, lytic_share=0.0)
    return [lesion for _ in range(80) for lesion in draw_lesions(body, uptake, WITH, anywhere, rng)]


OF_ANY_BONE = {"cold": 0.2, "expansile": 0.03, "merged": 0.12}


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("femur_left", OF_ANY_BONE | {"elongated": 0.325, "focal": 0.325}),
        (
            "ribs_right",
            {"expansile": 0.03, "merged": 0.12}
            | {"along a rib": 0.085, "elongated": 0.3825, "focal": 0.3825},
        ),
        (
            "l3",
            OF_ANY_BONE | {"whole vertebra": 0.078, "pedicle": 0.2, "vertebral body": 0.372},
        ),
        ("sacrum", OF_ANY_BONE | {"hemipelvis": 0.026, "confluent": 0.125, "focal": 0.499}),
        ("skull", OF_ANY_BONE | {"focal": 0.65}),
    ],
)
def test_kinds_have_their_shares_where_they_occur(region, expected):
    assert shares(region) == pytest.approx(expected, abs=0.025)


def test_a_kind_is_added_by_one_row_and_nothing_else(monkeypatch):
    """A large, mild, club-like lesion of the thigh: no other file knows of it."""
    club = LesionKind(
        "club",
        regions=frozenset({"femur"}),
        diameter_mm=(50.0, 51.0),
        contrast=(1.2, 1.3),
        elongation=(5.0, 5.0),
        outside_share=0.5,
    )
    body = block_body()
    before = {lesion.kind.name for lesion in in_every_bone(body)}
    monkeypatch.setattr(lesion_kinds, "LESION_KINDS", (club, *LESION_KINDS))
    lesions = in_every_bone(body)
    clubs = [lesion for lesion in lesions if lesion.kind is club]
    assert len(clubs) > 20
    assert {lesion.bone for lesion in clubs} == {"femur_left", "femur_right"}
    assert not [x for x in lesions if x.region.startswith("femur") and x.kind is not club]
    assert {lesion.kind.name for lesion in lesions} - before == {"club"}
    for lesion in clubs:
        assert 50 <= lesion.diameter_mm <= 51
        assert 1.2 <= lesion.contrast <= 1.3
        assert np.ptp(np.argwhere(lesion.added.fraction > 0), axis=0).max() > 20  # long


def test_a_rare_kind_of_any_bone_takes_its_share_beside_the_others(monkeypatch):
    rare = LesionKind("rare", share=0.1)
    monkeypatch.setattr(lesion_kinds, "LESION_KINDS", (rare, *LESION_KINDS))
    assert shares("skull") == pytest.approx(
        {"rare": 0.1, "cold": 0.2, "expansile": 0.03, "merged": 0.12, "focal": 0.55}, abs=0.025
    )


def test_kinds_have_names_of_their_own_and_known_regions():
    assert len({kind.name for kind in LESION_KINDS}) == len(LESION_KINDS)
    assert all(kind.regions <= ALL_BONES for kind in LESION_KINDS)
    assert LESION_KINDS[-1].regions == ALL_BONES  # every bone has a kind
