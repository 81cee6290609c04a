import copy

import pytest

from bonescan.studies.peers.page import row_title, to_markdown


def interval(value, lower, upper):
    return {"value": value, "lower": lower, "upper": upper}


EFFORT = {
    "epochs": 12,
    "images": 1224,
    "clock_s": 217.6,
    "memory_mb": 1588.0,
    "parameters": 1234567,
}
OURS = {
    "name": "U-Net-Res", "budget": None, "effort": EFFORT, "scan_s": 0.613,
    "pooled": interval(0.55, 0.4, 0.7), "per_image": interval(0.45, 0.3, 0.6),
    "sensitivity": interval(0.5, 0.25, 0.75), "most_false_positives": 9.5, "difference": None,
}  # fmt: skip
THEIRS = {
    "name": "nnU-Net v2.8.1", "budget": "time", "steps": 54, "share_of_default": 54 / 250_000,
    "mirrored": False, "effort": {**EFFORT, "epochs": 54, "images": 270, "clock_s": 210.2},
    "scan_s": 4.25, "pooled": interval(0.25, 0.125, 0.375), "per_image": interval(0.5, 0.4, 0.6),
    "sensitivity": interval(None, None, None), "most_false_positives": 0.75,
    "difference": {
        "pooled": interval(-0.3, -0.4, -0.125), "per_image": interval(0.05, -0.01, 0.11),
    },
}  # fmt: skip
DOCUMENT = {
    "peer": "nnU-Net v2.8.1", "simulated": True, "interval": "95 % somehow",
    "images": {"train": 102, "val": 26, "test": 32}, "test_patients": 16, "test_lesions": 99,
    "plan": {"batch_size": 5, "patch_size": [192, 160]}, "rows": [OURS, THEIRS],
    "command": "bonescan compare-nnunet runs/x -o runs/y", "revisions": ["abc"],
    "written_with": "def", "machine": {"cpu": "Some CPU", "cores": 2}, "picture": "p.png",
    "settings": {
        "nnunet": "2.8.1", "device": "cpu",
        "run": {"started": "2026-11-22T01:02", "revision": "abc", "threads": 1,
                "packages": {"torch": "2.15"}},
    },
}  # fmt: skip


@pytest.fixture
def page():
    return to_markdown(DOCUMENT).splitlines()


def cells(page, start):
    (line,) = (line for line in page if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_nnunet_is_named_with_its_bound():
    assert row_title(THEIRS) == (
        "nnU-Net v2.8.1, bounded to 54 steps (0.022 % of its default), equal time, without "
        "test-time mirroring"
    )
    own_length = {**THEIRS, "budget": "default", "mirrored": True, "steps": 250_000}
    assert row_title(own_length) == "nnU-Net v2.8.1, at its own length, with test-time mirroring"
    assert row_title(OURS) == "U-Net-Res, 12 epochs"


def test_figures_stand_with_their_intervals_and_differences(page):
    figures = page[: page.index(next(line for line in page if line.startswith("In parentheses")))]
    assert cells(figures, "U-Net-Res")[1:] == [
        "0.550 (0.400 to 0.700)", "-", "0.450 (0.300 to 0.600)", "-", "0.500 (0.250 to 0.750)",
    ]  # fmt: skip
    assert cells(figures, "nnU-Net")[1:] == [
        "0.250 (0.125 to 0.375)", "-0.300 (-0.400 to -0.125)",
        "0.500 (0.400 to 0.600)", "+0.050 (-0.010 to +0.110)",
        "not reached (at most 0.8 false positives)",
    ]  # fmt: skip


def test_costs_stand_with_their_units(page):
    costs = page[page.index(next(line for line in page if "images seen |" in line)) :]
    assert cells(costs, "system")[2] == "training, processor s"
    assert cells(costs, "nnU-Net")[1:] == ["270", "210", "4.25", "1588", "1 234 567"]
    on_gpu = copy.deepcopy(DOCUMENT)
    on_gpu["settings"]["device"] = "cuda"
    assert "| training, s | inference, s a scan |" in to_markdown(on_gpu)


def test_the_page_says_what_it_is_of(page):
    text = "\n".join(page)
    assert "test images of 16 **simulated** patients with 99 lesions" in text
    assert "**One training each:** differences hold for these trainings" in text
    assert "Research use only" in text
