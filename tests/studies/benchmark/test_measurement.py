import pytest

from bonescan.studies.benchmark.measurement import Measurement, compare_times, time_repeats_ms


def test_value_is_the_median_and_the_spread_the_extremes():
    crop = Measurement("crop", "ms", [4.0, 1.0, 2.0], "by hand")
    entry = crop.to_entry()
    assert crop.value == entry["value"] == 2.0
    assert (entry["low"], entry["high"], entry["repeats"]) == (1.0, 4.0, 3)
    assert crop.met is None


@pytest.mark.parametrize(("target", "met"), [(2.0, True), (1.9, False)])
def test_target_is_met_up_to_its_value(target, met):
    assert Measurement("crop", "ms", [2.0], "by hand", target).met is met


def test_ratio_is_the_median_of_ratios_not_the_ratio_of_medians():
    pairs = [(10.0, 10.0), (3.0, 1.0), (40.0, 20.0)]  # ratios 1, 3, 2; medians 10 and 10
    step = compare_times("step", pairs, how="by hand", target=1.1)
    assert (step.value, step.unit, step.how) == (2.0, "ratio", "by hand (10 s / 10 s)")


def test_what_was_not_measured_has_no_value_and_meets_no_target():
    compiled = Measurement("compiled", "ratio", None, "no compiler", 1.0)
    entry = compiled.to_entry()
    assert compiled.value is compiled.met is entry["low"] is None
    assert entry["repeats"] == 0


def test_no_number_is_an_error():
    with pytest.raises(ValueError, match="crop: repeats must hold at least one number, got none"):
        Measurement("crop", "ms", [], "by hand")


def test_repeats_warm_up_first(clock):
    durations_s = iter([8.0, 0.5, 0.25, 2.0])
    assert time_repeats_ms(lambda: clock.advance(next(durations_s)), 3) == [500, 250, 2000]
