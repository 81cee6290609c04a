import pytest

from bonescan.studies.runs.differences import ABSENT, compare_evaluations, differing_keys
from tests.studies.runs.run_folders import PATIENTS, make_results


def test_a_difference_is_first_minus_reference():
    better, worse = make_results(0), make_results(1)
    found = compare_evaluations(worse, better, resamples=200)
    assert found["pooled"]["value"] == pytest.approx(2 / 3 - 1, abs=1e-6)  # two of three columns
    assert found["sensitivity"]["value"] == 0  # paired by an overlap of a half
    missed = compare_evaluations(make_results(4), better, resamples=200)
    assert (missed["sensitivity"]["value"], missed["false_positives"]["value"]) == (-1, 1)
    assert missed["pooled"]["lower"] <= missed["pooled"]["value"] <= missed["pooled"]["upper"]


def test_of_other_images_there_is_none():
    with pytest.raises(ValueError, match="same images"):
        compare_evaluations(make_results(0), make_results(0, PATIENTS[:2]))


def test_only_keys_that_differ_are_listed():
    first = {"a": 1, "b": {"c": 2, "d": [1, {"e": 3}]}, "output_dir": "x"}
    other = {"a": 1, "b": {"c": 2, "d": [1, {"e": 4}], "f": 5}, "output_dir": "y"}
    assert differing_keys([first, other]) == {"b#d#1#e": [3, 4], "b#f": [ABSENT, 5]}
    assert differing_keys([first, first]) == {}


def test_lists_of_other_lengths_differ_as_a_whole():
    assert differing_keys([{"a": [1, 2]}, {"a": [1]}, {"a": None}]) == {"a": [[1, 2], [1], None]}
