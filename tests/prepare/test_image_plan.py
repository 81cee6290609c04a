"""Which images an image set holds."""

from collections import Counter
from itertools import product

import pytest

from bonescan.prepare.image_plan import (
    ImageVariant,
    deal_images,
    plan_variants,
    select_originals,
)


def test_the_published_protocol_gives_2280_images_of_112():
    plan = plan_variants(112, 2280, seed=0)
    assert len(set(plan)) == len(plan) == 2280
    per_image = Counter((variant.original, variant.mirrored) for variant in plan)
    assert Counter(per_image.values()) == {10: 184, 11: 40}


@pytest.mark.parametrize(("originals", "total"), [(5, 10), (5, 11), (3, 100), (1, 2)])
def test_a_plan_has_exactly_the_total_and_every_image_both_ways(originals, total):
    plan = plan_variants(originals, total, seed=3)
    assert len(set(plan)) == total
    unmoved = {(v.original, v.mirrored) for v in plan if v.draw == 0}
    assert unmoved == set(product(range(originals), (False, True)))
    counts = Counter((v.original, v.mirrored) for v in plan).values()
    assert max(counts) - min(counts) <= 1


def test_the_seed_decides_where_the_rest_goes():
    assert plan_variants(9, 25, seed=1) == plan_variants(9, 25, seed=1)
    assert plan_variants(9, 25, seed=1) != plan_variants(9, 25, seed=2)


def test_a_plan_of_as_many_images_as_views_holds_the_views_as_they_are():
    assert plan_variants(3, 3, seed=1) == [
        ImageVariant(n, mirrored=False, draw=0) for n in range(3)
    ]


@pytest.mark.parametrize(("originals", "total"), [(5, 9), (5, 4), (0, 9), (0, 0)])
def test_a_plan_refuses_too_small_a_total(originals, total):
    wanted = f"total must be {originals}, or at least {2 * originals} to hold .* got {total}"
    with pytest.raises(ValueError, match=wanted):
        plan_variants(originals, total, seed=0)


def test_views_that_show_metastasis_are_selected_first_and_stay_in_order():
    shown = [False, True, False, True, True, False]
    assert select_originals(shown, 3, seed=4) == [1, 3, 4]
    five = select_originals(shown, 5, seed=4)
    assert five == sorted(five)
    assert {1, 3, 4} < set(five)


def test_the_seed_decides_which_of_many_views_are_selected():
    shown = [number % 3 > 0 for number in range(30)]
    eight = select_originals(shown, 8, seed=4)
    assert eight == select_originals(shown, 8, seed=4)
    assert eight != select_originals(shown, 8, seed=5)
    assert [shown[number] for number in eight] == [True] * 8
    assert eight != [number for number in range(30) if shown[number]][:8]


@pytest.mark.parametrize("selected", [0, 4])
def test_more_views_than_there_are_cannot_be_selected(selected):
    wanted = f"selected must be from 1 to the number of views, 3, got {selected}"
    with pytest.raises(ValueError, match=wanted):
        select_originals([True] * 3, selected, seed=4)


VIEWS = [("training", 0)] * 5 + [("test", None)] * 3 + [("training", 1)] * 2


@pytest.mark.parametrize("images", [7, 10, 41, 200])
def test_images_are_dealt_in_the_proportions_of_the_views(images):
    dealt = Counter(deal_images(VIEWS, images, seed=2))
    assert sum(dealt.values()) == images
    for part, views in Counter(VIEWS).items():
        assert abs(dealt[part] - images * views / len(VIEWS)) < 1


def test_images_are_dealt_at_random_by_the_seed():
    assert deal_images(VIEWS, 10, seed=2) == deal_images(VIEWS, 10, seed=2)
    assert deal_images(VIEWS, 10, seed=2) != deal_images(VIEWS, 10, seed=3)
    assert deal_images(VIEWS, 10, seed=2) != sorted(VIEWS, key=repr)
