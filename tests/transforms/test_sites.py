"""The sites of a patient's metastases as bits."""

import pytest
import torch

from bonescan.transforms import SiteBitsd

BITS = SiteBitsd("label")


@pytest.mark.parametrize(
    ("sites", "bits"),
    [([], [0] * 6), (["ribs", "spine"], [1, 0, 0, 1, 0, 0]), (["other"], [0] * 5 + [1])],
)
def test_bits_are_in_the_order_of_the_report(sites, bits):
    sample = BITS({"image": torch.zeros(1), "label": torch.ones(2, 3), "sites": sites})
    assert sample["label"].tolist() == bits


def test_nothing_is_needed_where_no_label_is():
    assert set(BITS({"image": torch.zeros(1)})) == {"image"}


@pytest.mark.parametrize("entry", [{}, {"sites": ["toe"]}])
def test_sites_must_be_known(entry):
    with pytest.raises(
        ValueError, match="'sites' of the datalist's entry must be a list of some of"
    ):
        BITS({"image": torch.zeros(1), "label": torch.ones(2, 3), **entry})
