import pytest

from bonescan.studies.benchmark.measurement import summarise, summarise_ratio, time_repeats_ms


def test_value_is_the_median_and_the_spread_the_extremes():
    found = summarise("crop", [4.0, 1.0, 2.0], unit="ms", how="by hand")
    assert (found.value, found.low, found.high, found.repeats) == (2.0, 1.0, 4.0, 3)
    assert found.met is None


@pytest.mark.parametrize(("target", "met"), [(2.0, True), (1.9, False)])
def test_target_is_met_up_to_its_value(target, met):
    assert summarise("crop", [2.0], unit="ms", how="by hand", target=target).met is met


def test_ratio_is_the_median_of_ratios_not_the_ratio_of_medians():
    pairs = [(10.0, 10.0), (3.0, 1.0), (40.0, 20.0)]  # ratios 1, 3, 2; medians 10 and 10
    assert summarise_ratio("step", pairs, how="by hand", target=1.1).value == 2.0


def test_no_number_is_an_error():
    with pytest.raises(ValueError, match="crop: numbers must hold at least one repeat"):
        summarise("crop", [], unit="ms", how="by hand")


def test_repeats_warm_up_first(clock):
    durations_s = iter([8.0, 0.5, 0.25, 2.0])
    assert time_repeats_ms(lambda: clock.advance(next(durations_s)), 3) == [500, 250, 2000]
