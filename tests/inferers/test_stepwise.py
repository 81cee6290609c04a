"""Steps from a scan to its metastases, with networks that know pixels by their value."""

import dataclasses

import pytest
import torch
from monai.data import MetaTensor, list_data_collate
from monai.inferers import SimpleInferer
from monai.transforms import (
    Activationsd,
    AsDiscreted,
    Compose,
    ConcatItemsd,
    CopyItemsd,
    Lambdad,
    MapLabelValued,
    SqueezeDimd,
)

from bonescan.inferers import (
    PerViewInferer,
    StepwiseInferer,
    SubImageClassInferer,
    SubImageInferer,
)
from bonescan.inferers.stepwise import Part
from bonescan.transforms import LesionProbd, MirrorPosteriord, Panelsd

GEOMETRY = {"window": 8, "stride": (4, 8)}
LESION, BLADDER = 0.3, 0.5
"""Uptake of the pixels that are so; twice as much in the narrower window."""


class Finder(torch.nn.Module):
    """Finds pixels of an uptake in sub-images; it counts what it sees."""

    def __init__(self, uptake: float) -> None:
        super().__init__()
        self.uptake = uptake
        self.seen = 0

    def forward(self, sub_images: torch.Tensor) -> torch.Tensor:
        self.seen += len(sub_images)
        dark = 1 - sub_images
        is_found = ((dark - self.uptake).abs() < 0.01) | ((dark - 2 * self.uptake).abs() < 0.01)
        return 20.0 * is_found - 10


class Classifier(torch.nn.Module):
    def __init__(self, *, says_no: bool = False) -> None:
        super().__init__()
        self.finders = [Finder(9.0 if says_no else LESION), Finder(BLADDER)]

    def forward(self, sub_images: torch.Tensor) -> torch.Tensor:
        return torch.cat([finder(sub_images).amax((2, 3)) for finder in self.finders], dim=1)


class Locator(torch.nn.Module):
    """Tells the first site from the map in the second channel, the last from the picture."""

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        logits = torch.full((len(picture), 6), -10.0)
        logits[:, 0] += 20 * (picture[:, 1] == 1).any()
        logits[:, 5] += 20 * (picture[:, 0] < 1).any()
        return logits


class Pixels(torch.nn.Module):
    """A network of two classes that sees views, as other systems do."""

    def forward(self, views: torch.Tensor) -> torch.Tensor:
        is_found = (views - LESION).abs() < 0.01
        return torch.cat([10 - 20.0 * is_found, 20.0 * is_found - 10], dim=1)


ONES = Lambdad("field_mask", torch.ones_like)
KEEP = [LesionProbd("pred"), CopyItemsd("prob", names="field_mask"), ONES]
HALF = [AsDiscreted("pred", threshold=0.5), SqueezeDimd("pred", dim=0)]


def part_of(network, inferer, postprocess=(), preprocess=()) -> Part:
    return Part(
        field="whole body",
        network=network,
        preprocess=Compose(list(preprocess)),
        inferer=inferer,
        postprocess=Compose(list(postprocess)),
    )


def make_parts(*, says_no: bool = False) -> dict[str, Part]:
    decide_bladder = [*HALF, MapLabelValued("pred", [1], [2])]
    shown = [Panelsd(["image", "label"]), ConcatItemsd(["image", "label"], name="image")]
    segment = SubImageInferer(**GEOMETRY)
    return {
        "classifier": part_of(
            Classifier(says_no=says_no),
            SubImageClassInferer(**GEOMETRY),
            preprocess=[MirrorPosteriord("image")],  # each step looks in its own way
        ),
        "metastasis": part_of(Finder(LESION), segment, KEEP + HALF),
        "bladder": part_of(Finder(BLADDER), segment, KEEP + decide_bladder),
        "location": part_of(Locator(), SimpleInferer(), preprocess=shown),
    }


def infer(parts: dict[str, Part], views: str = "anterior+posterior", lesion: bool = True) -> tuple:
    """Infer a scan with a lesion in its last view and the bladder in all; return both."""
    number = len(views.split("+"))
    counts = torch.zeros(number, 16, 8)
    counts[:, 13, 2] = BLADDER
    if lesion:
        counts[-1, 1:3, 5] = LESION
    scan = MetaTensor(counts, meta={"views": views, "scan_id": "scan-7"})
    networks = {step: part.network for step, part in parts.items()}
    result = StepwiseInferer(parts)(list_data_collate([{"image": scan}])["image"], networks)
    return counts, result


@pytest.mark.parametrize("views", ["anterior+posterior", "posterior+anterior", "posterior"])
def test_metastases_bladder_and_sites_are_found(views):
    parts = make_parts()
    counts, result = infer(parts, views)
    expected = (counts == LESION) + 2.0 * (counts == BLADDER)
    assert result["pred"][0].equal(expected)
    torch.testing.assert_close(result["prob"][0].round(), (counts == LESION).float())
    assert result["site_probs"][0].round().tolist() == [1, 0, 0, 0, 0, 1]
    assert result["scan_prob"][0].item() > 0.99
    assert result["field_mask"][0].min() == 1
    assert parts["metastasis"].network.seen == 2  # one in each window of the view
    assert parts["bladder"].network.seen == 2 * len(counts)


def test_a_scan_without_metastases_has_none():
    parts = make_parts()
    _, result = infer(parts, lesion=False)
    assert set(result["pred"].unique().tolist()) == {0, 2}
    assert result["site_probs"][0, 0] < 0.01
    assert result["scan_prob"][0].item() < 0.01
    assert parts["metastasis"].network.seen == 0


def test_the_classifier_has_the_first_word():
    _, result = infer(make_parts(says_no=True))
    assert set(result["pred"].unique().tolist()) == {0, 2}
    assert result["prob"].max() == 0


@pytest.mark.parametrize("says_no", [False, True])
def test_another_system_can_find_the_metastases(says_no):
    parts = make_parts(says_no=says_no)
    decide = [AsDiscreted("pred", argmax=True), SqueezeDimd("pred", dim=0)]
    softmax = Activationsd("pred", softmax=True)
    parts["metastasis"] = part_of(Pixels(), PerViewInferer(), [softmax, *KEEP, *decide])
    counts, result = infer(parts)
    found = torch.zeros_like(counts) if says_no else (counts == LESION).float()
    assert (result["pred"][0] == 1).float().equal(found)
    torch.testing.assert_close(result["prob"][0], found, atol=1e-4, rtol=0)


def test_where_both_are_found_the_bladder_stands():
    parts = make_parts()
    parts["bladder"] = dataclasses.replace(parts["bladder"], network=Finder(LESION))
    parts["classifier"].network.finders[1] = Finder(LESION)
    counts, result = infer(parts)
    assert result["pred"][0].equal(2.0 * (counts == LESION))


def test_panels_of_an_absent_view_show_nothing():
    parts = make_parts()
    parts["classifier"].network.finders[0] = Finder(0.0)  # white is a metastasis
    infer(parts, "posterior")
    assert parts["metastasis"].network.seen == 6  # of 12


def test_steps_must_be_complete_and_of_their_kind():
    parts = make_parts()
    two = {step: parts[step] for step in ("classifier", "metastasis")}
    with pytest.raises(ValueError, match=r"location, got classifier, metastasis$"):
        StepwiseInferer(two)
    with pytest.raises(ValueError, match="such as liu2021_classifier, got one with SubImageInf"):
        StepwiseInferer({**parts, "classifier": parts["metastasis"]})
