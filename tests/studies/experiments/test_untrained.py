"""Networks that have learnt nothing and see as much as trained ones."""

import pytest
import torch
from monai.data import MetaTensor
from torch import nn

from bonescan.inferers.stepwise import Part
from bonescan.inferers.sub_images import SubImageClassInferer, SubImageInferer
from bonescan.keys import META_VIEWS, join_view_names
from bonescan.networks import LeakyUNetRes, ResNet34
from bonescan.studies.experiments.untrained import mark_nothing, tune_classifier

SIZE = (256, 64)


@pytest.fixture
def scans() -> list[dict[str, MetaTensor]]:
    torch.manual_seed(1)
    return [
        {
            "image": MetaTensor(
                torch.rand(2, *SIZE), meta={META_VIEWS: join_view_names(["anterior", "posterior"])}
            )
        }
        for _ in range(3)
    ]


def make_part(network: nn.Module, inferer: SubImageClassInferer) -> Part:
    return Part(
        field="whole body",
        network=network.eval(),
        preprocess=lambda sample: sample,
        inferer=inferer,
        postprocess=lambda sample: sample,
    )


def test_classifier_opens_the_shares_of_its_targets(scans):
    part = make_part(ResNet34(width=2), SubImageClassInferer(64, (32, 64)))
    tune_classifier(part, scans)
    with torch.no_grad():
        logits = torch.cat([part.inferer(scan["image"][None], part.network)[0] for scan in scans])
    assert (logits > 0).float().mean(dim=0).tolist() == pytest.approx([0.20, 0.28], abs=0.02)


def test_segmentation_marks_nothing(scans):
    part = make_part(LeakyUNetRes(width=2), SubImageInferer(64, (32, 64)))
    mark_nothing(part.network)
    with torch.no_grad():
        probs = part.inferer.infer_scan(scans[0]["image"], part.network)
    assert float(probs.max()) == 0
