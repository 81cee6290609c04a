import pytest
import torch

from bonescan.keys import META_VIEWS
from bonescan.transforms import OracleThresholdd
from bonescan.transforms.oracle_threshold import threshold_by_truth

SCORE = torch.tensor([[0.9, 0.7, 0.7], [0.3, 0.7, 0.1]])


@pytest.mark.parametrize(
    ("truth", "lowest"),
    [
        ([[1, 0, 0], [0, 0, 0]], 0.9),  # 1 of 1
        ([[1, 1, 1], [0, 0, 0]], 0.7),  # 3 of 4; from 0.9 on 1 of 3
        ([[1, 1, 0], [0, 0, 0]], 0.7),  # 2 of 4; from 0.9 on 1 of 2: the lower of equals
        ([[0, 0, 0], [1, 1, 0]], 0.3),  # 2 of 5; from 0.7 on 1 of 5
        ([[0, 0, 0], [0, 0, 1]], 0.1),  # 1 of 6
    ],
)
def test_threshold_has_the_highest_iou(truth, lowest):
    kept = threshold_by_truth(SCORE, torch.tensor(truth) == 1)
    assert torch.equal(kept, lowest <= SCORE)


def test_nothing_is_kept_where_there_is_no_truth():
    assert not threshold_by_truth(SCORE, torch.zeros(2, 3, dtype=torch.bool)).any()


def sample(make_stack) -> dict:
    """Two views, of which the second has its lesion where the score is low; and a bladder."""
    score = make_stack(torch.stack([SCORE, SCORE]))[None]
    label = torch.tensor([[[1, 1, 1], [0, 1, 2]], [[2, 0, 0], [1, 0, 0]]])
    return {"pred": score, "label": make_stack(label), "patient": "p1"}


def test_each_view_has_its_own_threshold(make_stack):
    before = sample(make_stack)
    after = OracleThresholdd("pred")(before)
    assert after["pred"].dtype == torch.float32
    assert after["pred"].tolist() == [
        [[[1.0, 1, 1], [0, 1, 0]], [[1, 1, 1], [1, 1, 0]]],
    ]
    assert after["pred"].meta[META_VIEWS] == "anterior+posterior"
    assert before["pred"].max() == pytest.approx(0.9)
    assert after["patient"] == "p1"


def test_label_may_stand_under_another_key(make_stack):
    data = sample(make_stack)
    expected = OracleThresholdd("pred")(data)["pred"]
    data["truth"] = data.pop("label")
    assert torch.equal(OracleThresholdd("pred", "truth")(data)["pred"], expected)


@pytest.mark.parametrize("absent", [{}, {"label": None}])
def test_needs_the_truth(make_stack, absent):
    data = sample(make_stack)
    del data["label"]
    message = r"label must be a label map, got None: .* an upper bound that needs the truth"
    with pytest.raises(ValueError, match=message):
        OracleThresholdd("pred")({**data, **absent})


def test_label_of_another_shape_is_refused(make_stack):
    data = sample(make_stack)
    data["label"] = data["label"][:1]
    message = (
        r"pred must be \(1, view, row, column\) with the label's \(1, 2, 3\), got \(1, 2, 2, 3\)"
    )
    with pytest.raises(ValueError, match=message):
        OracleThresholdd("pred")(data)
