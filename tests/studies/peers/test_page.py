import copy

import pytest

from bonescan.report.tables import UNDEFINED
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
    "sensitivity": {
        "0.5": interval(0.1, 0.0, 0.2), "1.0": interval(0.5, 0.25, 0.75),
        "2.0": interval(0.6, 0.5, 0.7), "4.0": interval(0.75, 0.7, 0.8),
    },
    "most_false_positives": 9.5, "difference": None,
}  # fmt: skip
THEIRS = {
    "name": "nnU-Net v2.8.1", "budget": "time", "steps": 54, "share_of_default": 54 / 250_000,
    "mirrored": False, "effort": {**EFFORT, "epochs": 54, "images": 270, "clock_s": 210.2},
    "scan_s": 4.25, "pooled": interval(0.25, 0.125, 0.375), "per_image": interval(0.5, 0.4, 0.6),
    "sensitivity": {
        "0.5": interval(0.2, 0.1, 0.3), "1.0": interval(0.25, 0.2, 0.3),
        "2.0": interval(0.3, 0.25, 0.35), "4.0": interval(None, None, None),
    },
    "most_false_positives": 3.75,
    "difference": {
        "pooled": interval(-0.3, -0.4, -0.125), "per_image": interval(0.05, -0.01, 0.11),
        "sensitivity": {
            "0.5": interval(0.1, 0.0, 0.2), "1.0": interval(-0.25, -0.5, 0.125),
            "2.0": interval(-0.3, -0.4, -0.2), "4.0": interval(None, None, None),
        },
    },
}  # fmt: skip
DOCUMENT = {
    "peer": "nnU-Net v2.8.1", "simulated": True, "interval": "95 % somehow",
    "exported": {
        "images": {"train": 102, "val": 26, "test": 32}, "patients": 51, "labels": ["metastasis"],
    },
    "bank": None, "views_at_once": 1, "test_patients": 16, "test_lesions": 99,
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


def find(page, start):
    return next(number for number, line in enumerate(page) if line.startswith(start))


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
    first, last = find(page, "| system | lesion"), find(page, "In parentheses")
    assert cells(page[:first], "U-Net-Res")[1:] == [
        "0.550 (0.400 to 0.700)", "-", "0.450 (0.300 to 0.600)", "-",
    ]  # fmt: skip
    assert cells(page[:first], "nnU-Net")[1:] == [
        "0.250 (0.125 to 0.375)", "-0.300 (-0.400 to -0.125)",
        "0.500 (0.400 to 0.600)", "+0.050 (-0.010 to +0.110)",
    ]  # fmt: skip
    lesions = page[first:last]
    assert cells(lesions, "system")[1::2] == [
        f"lesion sensitivity at {rate} a scan"
        for rate in ("1 false positive", "2 false positives", "4 false positives")
    ]
    assert cells(lesions, "U-Net-Res")[1::2] == [
        "0.500 (0.250 to 0.750)", "0.600 (0.500 to 0.700)", "0.750 (0.700 to 0.800)",
    ]  # fmt: skip
    assert cells(lesions, "U-Net-Res")[2::2] == ["-", "-", "-"]
    assert cells(lesions, "nnU-Net")[1:] == [
        "0.250 (0.200 to 0.300)", "-0.250 (-0.500 to +0.125)",
        "0.300 (0.250 to 0.350)", "-0.300 (-0.400 to -0.200)",
        "not reached (at most 3.8 false positives)", UNDEFINED,
    ]  # fmt: skip


def test_costs_stand_with_their_units(page):
    costs = page[find(page, "| system | images seen") :]
    assert cells(costs, "system")[2] == "training, processor s"
    assert cells(costs, "nnU-Net")[1:] == ["270", "210", "4.25", "1588", "1 234 567"]
    on_gpu = copy.deepcopy(DOCUMENT)
    on_gpu["settings"]["device"] = "cuda"
    assert "| training, s | inference, s a scan |" in to_markdown(on_gpu)


def test_the_page_says_what_it_is_of(page):
    text = "\n".join(page)
    assert "Both were trained on the same 102 images and validated on the same 26" in text
    assert "test images of 16 **simulated** patients with 99 lesions" in text
    assert "nnU-Net got the images that U-Net-Res sees, in counts. It learns metastasis, " in text
    assert "**One training each:** differences hold for these trainings" in text
    assert "Research use only" in text


def test_the_page_says_that_ours_saw_patients_without_end_and_both_views():
    document = {
        **DOCUMENT,
        "bank": {"name": "ab", "bodies": 240, "preset": "default", "seed": 7, "part": "training"},
        "views_at_once": 2,
        "exported": {**DOCUMENT["exported"], "labels": ["metastasis", "bladder"]},
    }
    text = to_markdown(document)
    assert "bodies of the training part of a bank of 240; nnU-Net on 102 images of 51 pat" in text
    assert "both views of a scan at once, which count as two images; nnU-Net got each" in text
    assert "It learns metastasis and bladder," in text
    assert "Both were trained on the same" not in text
