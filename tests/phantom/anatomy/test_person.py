"""Drawing persons: ranges, sexes, reproducibility."""

import numpy as np
import pytest

from bonescan.phantom.anatomy.person import BMI, HEIGHT_MM, draw_person


def test_persons_stay_in_their_ranges_and_vary() -> None:
    people = [draw_person(np.random.default_rng(seed)) for seed in range(300)]
    for person in people:
        low, high = HEIGHT_MM[person.sex]
        assert low <= person.height_mm <= high
        assert BMI[0] - 1e-9 <= person.bmi <= BMI[1] + 1e-9
        assert 40 <= person.age <= 85
    assert 0.4 < np.mean([person.sex == "F" for person in people]) < 0.6
    assert len({person.height_mm for person in people}) > 250
    old = [person.kyphosis_deg for person in people if person.age > 75]
    young = [person.kyphosis_deg for person in people if person.age < 60]
    assert np.mean(old) > np.mean(young)


def test_same_state_same_person() -> None:
    first, again, other = (draw_person(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize("sex", ["F", "M"])
def test_sex_and_age_may_be_given(sex: str) -> None:
    person = draw_person(np.random.default_rng(0), sex, age_range=(70.0, 71.0))
    assert person.sex == sex
    assert 70 <= person.age <= 71
    assert person.limb_angles("left") is person.left
    assert person.limb_angles("right") is person.right


def test_body_mass_index_is_that_of_a_clinic_today() -> None:
    """Median 28 kg/m2, and 15 % above 35."""
    bmi = np.array([draw_person(np.random.default_rng(seed)).bmi for seed in range(1500)])
    assert np.median(bmi) == pytest.approx(28.0, abs=0.6)
    assert np.mean(bmi > 35) == pytest.approx(0.15, abs=0.03)


def test_hands_lie_on_the_belly_of_some_and_of_most_of_the_heaviest() -> None:
    people = [draw_person(np.random.default_rng(seed)) for seed in range(1200)]
    hands = np.array([[person.right.on_belly, person.left.on_belly] for person in people])
    bmi = np.array([person.bmi for person in people])
    assert hands[bmi < 32].mean() == pytest.approx(0.12, abs=0.03)
    assert hands[bmi > 38].mean() > 0.25
    one_hand = hands[:, 0] != hands[:, 1]
    assert one_hand.mean() == pytest.approx(0.06, abs=0.02)
    assert 0.3 < hands[one_hand, 0].mean() < 0.7  # either side


def test_women_carry_fat_on_the_hips_and_men_on_the_belly() -> None:
    women, men = (
        [draw_person(np.random.default_rng(seed), sex).fat_on_hips for seed in range(200)]
        for sex in ("F", "M")
    )
    assert np.mean(women) > 0.2 > -0.3 > np.mean(men)
    assert max(men) > min(women)  # with overlap


def test_bladders_hold_little_under_a_catheter_and_anything_up_to_half_a_litre() -> None:
    volumes = np.array([draw_person(np.random.default_rng(s)).bladder_ml for s in range(800)])
    assert np.mean(volumes < 25) == pytest.approx(0.05, abs=0.02)
    assert np.median(volumes) == pytest.approx(110, rel=0.15)
    assert volumes.max() > 350
