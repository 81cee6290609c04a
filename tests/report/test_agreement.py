import numpy as np
import pytest
from PIL import Image

from bonescan.data.annotation.annotators import AnnotatedScan
from bonescan.data.nifti import ViewStack
from bonescan.dicom.scan import View
from bonescan.report.agreement import (
    PICTURES,
    Agreement,
    summarise,
    to_markdown,
    write_disagreements,
)
from tests.factories import COLUMNS, ROWS, SPACING_MM, make_scan_file

ANNOTATORS = ("ann", "bob", "cyd")


def make_scan(labels, key="p0_scan", image="scan.dcm"):
    entry = {"image": str(image), "patient": key}
    stacks = [ViewStack(label, SPACING_MM, tuple(View)) for label in labels]
    return AnnotatedScan(key, "training", entry, dict(zip(ANNOTATORS, stacks, strict=True)))


def make_labels():
    """Ann and Bob mark 12 pixels with 8 in common, Cyd nothing; all mark another lesion behind."""
    labels = np.zeros((3, 2, ROWS, COLUMNS), dtype=np.uint8)
    labels[0, 0, 10:13, 4:8] = 1
    labels[1, 0, 11:14, 4:8] = 1
    labels[:, 1, 40:42, 15:17] = 1
    labels[2, 0, 50:55, 5:9] = 2  # the bladder does not count
    return labels


def test_figures_of_pairs_worked_out_by_hand():
    agreement = Agreement(ANNOTATORS)
    agreement.add(make_scan(make_labels()))
    document = summarise(agreement, resamples=10)
    assert (document["views"], document["patients"]) == (2, 1)
    values = {
        tuple(pair["annotators"]): {name: pair[name]["value"] for name in ("dsc", "iou", "lesions")}
        for pair in document["pairs"]
    }
    assert values == {
        ("ann", "bob"): pytest.approx({"dsc": 24 / 32, "iou": 12 / 20, "lesions": 1.0}),
        ("ann", "cyd"): pytest.approx({"dsc": 8 / 20, "iou": 4 / 16, "lesions": 2 / 3}),
        ("bob", "cyd"): pytest.approx({"dsc": 8 / 20, "iou": 4 / 16, "lesions": 2 / 3}),
    }
    pixels = 2 * ROWS * COLUMNS
    observed, chance = 1 - 8 / pixels, (16 / pixels) ** 2 + (1 - 16 / pixels) ** 2
    kappa = document["pairs"][0]["kappa"]["value"]
    assert kappa == pytest.approx((observed - chance) / (1 - chance))
    assert document["lesions_seen_by"] == {"2": 1, "3": 1}


def test_without_lesions_the_lesion_figure_is_undefined():
    agreement = Agreement(ANNOTATORS)
    agreement.add(make_scan(np.zeros((3, 2, ROWS, COLUMNS), np.uint8)))
    document = summarise(agreement, resamples=5)
    first = document["pairs"][0]
    assert first["lesions"] == {"value": None, "lower": None, "upper": None}
    assert first["dsc"]["value"] == first["kappa"]["value"] == 1
    assert "| ann and bob | 1.000 | " in to_markdown(document)
    assert "n/a |" in to_markdown(document)
    with pytest.raises(ValueError, match="agreement must hold a disagreement to draw, got none"):
        write_disagreements("none.png", agreement)


def test_the_markdown_says_how_many_saw_a_lesion():
    agreement = Agreement(ANNOTATORS)
    agreement.add(make_scan(make_labels()))
    text = to_markdown(summarise(agreement, resamples=5))
    assert "- 1 by 2 of 3\n- 1 by 3 of 3" in text
    assert "in 2 views of 1 patients" in text


def test_nothing_gathered_is_an_error():
    with pytest.raises(ValueError, match="agreement must hold at least one view, got none"):
        summarise(Agreement(ANNOTATORS))


def test_the_largest_disagreements_are_drawn(tmp_path):
    scan = make_scan_file(tmp_path / "scan.dcm")
    agreement = Agreement(ANNOTATORS)
    for number in range(PICTURES + 2):
        labels = make_labels()
        labels[0, 0, 20 : 21 + number, 10:14] = 1
        agreement.add(make_scan(labels, f"p{number}_scan", scan))
    assert len(agreement.worst) == PICTURES
    first = agreement.worst[0]
    assert (first.scan.key, first.view, first.pixels) == ("p9_scan", View.ANTERIOR, 40)
    assert first.centre == (24, 12)
    write_disagreements(tmp_path / "worst.png", agreement)
    with Image.open(tmp_path / "worst.png") as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
        assert image.size == (1200, 640)
    assert {(0, 114, 178), (213, 94, 0), (0, 158, 115)} <= colours


def test_names_of_annotators_are_shown_as_typed():
    names = ("<b>x</b>", "b|c", "cyd")
    stacks = [ViewStack(label, SPACING_MM, tuple(View)) for label in make_labels()]
    entry = {"image": "scan.dcm", "patient": "p0"}
    agreement = Agreement(names)
    agreement.add(
        AnnotatedScan("p0_scan", "training", entry, dict(zip(names, stacks, strict=True)))
    )
    page = to_markdown(summarise(agreement, resamples=5))
    assert "| &lt;b&gt;x&lt;/b&gt; and b\\|c |" in page
