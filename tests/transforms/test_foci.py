"""Foci of several kinds: what is learnt, and what is taken of the answer."""

import torch

from bonescan.keys import BENIGN, PRED_REGIONS
from bonescan.labels import REGION_GROUPS, FocusLabel, Label, region_group_bits
from bonescan.transforms import JoinFocid, PartRegionsd
from bonescan.transforms.foci import join_foci

LABEL = torch.tensor([[[0, 1, 2, 0, 1]]])
BENIGN_MAP = torch.tensor([[[0, 3, 3, 7, 0]]])


def test_metastasis_comes_before_bladder_before_benign_focus():
    foci = join_foci(LABEL, BENIGN_MAP)
    wanted = [
        FocusLabel.BACKGROUND,
        FocusLabel.METASTASIS,
        FocusLabel.BLADDER,
        FocusLabel.BENIGN,
        FocusLabel.METASTASIS,
    ]
    assert foci.flatten().tolist() == wanted


def test_without_benign_foci_the_label_alone_counts():
    sample = JoinFocid("label")({"label": LABEL})
    assert sample["label"].flatten().tolist() == [0.0, 3.0, 1.0, 0.0, 3.0]
    sample = JoinFocid("label")({"label": LABEL, BENIGN: BENIGN_MAP})
    assert sample["label"].flatten().tolist() == [0.0, 3.0, 1.0, 2.0, 3.0]


def test_a_map_of_foci_is_no_label_map():
    assert FocusLabel.METASTASIS != Label.METASTASIS
    assert max(FocusLabel) == FocusLabel.METASTASIS  # the last channel, which LesionProbd takes


def test_bones_are_parted_from_the_foci():
    groups = list(REGION_GROUPS)
    logits = torch.full((len(FocusLabel) + len(groups), 2, 1, 2), -1.0)
    logits[:4] = torch.arange(16.0).reshape(4, 2, 1, 2)
    logits[4 + groups.index("sacrum"), 1, 0, 0] = 0.5
    logits[4 + groups.index("pelvis_left"), 1, 0, 0] = 2.0
    logits[4 + groups.index("skull"), 0, 0, 1] = 0.1
    sample = PartRegionsd("pred")({"pred": logits})
    torch.testing.assert_close(sample["pred"], logits[:4])
    assert sample[PRED_REGIONS].dtype == torch.int64
    both = region_group_bits("sacrum") | region_group_bits("pelvis_left")
    assert sample[PRED_REGIONS].tolist() == [[[0, region_group_bits("skull")]], [[both, 0]]]
