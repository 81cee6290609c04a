"""From probabilities to lesions."""

import pytest
import torch
from monai.data import MetaTensor

from bonescan.metrics.calibration import Calibration
from bonescan.metrics.operating_point import OperatingPoint
from bonescan.transforms import CalibrateProbd, LesionProbd, OperatingPointd
from bonescan.transforms.operating_point import lesion_prob

PROB = torch.tensor([[[0.9, 0.1, 0.7, 0.7, 0.6]], [[0.2, 0.1, 0.6, 0.2, 0.6]]])
LABEL = torch.tensor([[[1, 0, 1, 1, 2]], [[0, 0, 1, 0, 0]]])


@pytest.fixture
def sample(make_stack):
    """Pixels of 5 mm2; label 2 is the bladder."""
    image = make_stack(torch.rand(2, 1, 5), spacing_mm=(2.5, 2.0))
    return {"image": image, "pred": MetaTensor(LABEL), "prob": PROB}


def decide(sample, **settings):
    return OperatingPointd("pred", point=OperatingPoint(**settings))(sample)["pred"].tolist()


def test_likeliest_class_is_where_lesion_reaches_a_half():
    probs = torch.rand(3, 2, 50, 40).softmax(dim=0)
    assert torch.equal(lesion_prob(probs) > 0.5, probs.argmax(dim=0) == 2)
    assert torch.equal(lesion_prob(probs[:1]), probs[0])
    two = torch.rand(2, 1, 9, 9).softmax(dim=0)
    torch.testing.assert_close(lesion_prob(two), two[1])


def test_probability_stays_beside_the_prediction(make_stack):
    stack = make_stack()
    sample = LesionProbd("pred")({"pred": torch.stack([1 - stack / 100, stack / 100])})
    assert sample["prob"].meta["views"] == "anterior+posterior"
    assert sample["pred"].shape == (2, *sample["prob"].shape)


def test_the_systems_own_rule_leaves_everything(sample):
    assert decide(sample) == LABEL.tolist()


def test_threshold_decides_anew_and_keeps_other_labels(sample):
    assert decide(sample, threshold=0.65) == [[[1, 0, 1, 1, 2]], [[0, 0, 0, 0, 0]]]
    assert decide(sample, threshold=0.6) == [[[1, 0, 1, 1, 1]], [[0, 0, 1, 0, 1]]]


def test_small_lesions_are_dropped_by_their_area(sample):
    two_pixels = [[[0, 0, 1, 1, 2]], [[0, 0, 0, 0, 0]]]
    assert decide(sample, min_area_mm2=10) == two_pixels
    assert decide(sample, min_area_mm2=5) == LABEL.tolist()
    assert decide(sample, min_area_mm2=10.1) == [[[0, 0, 0, 0, 2]], [[0, 0, 0, 0, 0]]]


def test_area_is_that_of_an_instance_where_there_are_instances(sample):
    sample["pred_instances"] = torch.tensor([[[2, 0, 3, 1, 0]], [[0, 0, 1, 0, 0]]]).float()
    assert decide(sample, min_area_mm2=10) == [[[0, 0, 0, 0, 2]], [[0, 0, 0, 0, 0]]]
    sample["pred_instances"] = torch.tensor([[[2, 0, 3, 2, 0]], [[0, 0, 1, 0, 0]]]).float()
    assert decide(sample, min_area_mm2=10) == [[[1, 0, 0, 1, 2]], [[0, 0, 0, 0, 0]]]


def test_metadata_are_kept(sample):
    sample["pred"].meta["scan_id"] = "s"
    out = OperatingPointd("pred", point=OperatingPoint(0.5, 5.0))(sample)
    assert out["pred"].meta["scan_id"] == "s"
    assert out["pred"].dtype == LABEL.dtype


def test_probabilities_are_calibrated_after_the_decision(make_stack):
    stack = make_stack() / 100
    sample = CalibrateProbd("prob", calibration=Calibration(2.0))({"prob": stack, "pred": LABEL})
    plain = stack.as_tensor().double()
    odds = (plain / (1 - plain)).sqrt()
    torch.testing.assert_close(sample["prob"].as_tensor(), (odds / (1 + odds)).float())
    assert sample["prob"].meta["views"] == "anterior+posterior"
    assert sample["pred"] is LABEL
