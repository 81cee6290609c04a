"""What the page of a benchmark says."""

from bonescan.studies.benchmark.measurement import Measurement
from bonescan.studies.benchmark.report import make_document, to_markdown

MACHINE = {
    "cpu": "abacus",
    "cores": 2,
    "memory_gb": 1.0,
    "load_at_start": 0.1,
    "threads": 2,
    "python": "3",
    "torch": "2",
}
MEASUREMENTS = [
    Measurement("crop", "ms", [2.0, 1.0, 8.0], "by hand", 1.5),
    Measurement("compiled", "ratio", None, "no compiler"),
    Measurement("weights", "million", [31.04], "counted", system="a"),
    Measurement("operations", "GMAC", [48.1], "counted too", system="a"),
    Measurement("weights", "million", [0.0], "counted", system="b"),
    Measurement("operations", "GMAC", None, "no network", system="b"),
]


def write_lines(measurements=MEASUREMENTS) -> list[str]:
    return to_markdown(make_document(measurements, machine=MACHINE, command="bench")).splitlines()


def test_quantity_has_its_median_its_range_and_its_target():
    lines = write_lines()
    assert "| measured quantity | median | unit | range | repeats | target |" in lines
    assert "| crop | 2 | ms | 1 to 8 | 3 | at most 1.5: **missed** |" in lines


def test_systems_have_one_row_each():
    lines = write_lines()
    assert "| file in configs/systems | weights (million) | operations (GMAC) |" in lines
    assert "| a | 31 | 48.1 |" in lines
    assert "| b | 0 | n/a |" in lines


def test_what_was_not_measured_says_why():
    lines = write_lines()
    assert "| compiled | n/a | ratio |  | 0 |  |" in lines
    assert "- compiled: no compiler." in lines
    assert "- operations of b: no network." in lines


def test_columns_are_explained_once():
    lines = write_lines()
    assert lines.count("- weights: counted.") == 1
    assert lines.count("- operations of a: counted too.") == 1


def test_document_without_systems_has_no_table_of_them():
    assert not any("systems" in line for line in write_lines(MEASUREMENTS[:1]))
