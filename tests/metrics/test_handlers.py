"""Pooled Dice on an engine, and between processes."""

import pytest
import torch
from ignite import distributed as idist
from ignite.engine import Engine

from bonescan.keys import LABEL, PRED
from bonescan.metrics.handlers import BitsAuc, PooledDice

PREDS = [torch.tensor([[[1, 1, 0, 2]]]), torch.tensor([[[1, 0, 0, 0]]])]
LABELS = [torch.tensor([[[1, 0, 0, 1]]]), torch.tensor([[[0, 2, 2, 0]]])]


def engine_output(batch: int) -> list[dict[str, torch.Tensor]]:
    return [{PRED: PREDS[batch], LABEL: LABELS[batch]}]


def run_epoch(batches: list[int]) -> float:
    engine = Engine(lambda _, batch: engine_output(batch))
    PooledDice().attach(engine, "dsc")
    return engine.run(batches).metrics["dsc"]


def test_pooled_over_batches_and_blind_to_other_labels():
    # TP 1; predicted 2 + 1, true 2 + 0; the bladder (2) counts on neither side
    assert run_epoch([0, 1]) == pytest.approx(2 / 5)
    assert run_epoch([0]) == pytest.approx(2 / 4)
    assert run_epoch([1]) == 0


def test_several_label_values_are_averaged():
    # metastasis 2 / 5 as above; bladder: TP 0 of 1 predicted and 2 true, then 1 of 1 and 2
    metric = PooledDice([1, 2])
    metric.update((PREDS, LABELS))
    assert metric.compute() == pytest.approx((2 / 5 + 0) / 2)
    metric.reset()
    metric.update(([torch.tensor([[[1, 2, 0, 0]]])], LABELS[1:]))
    assert metric.compute() == pytest.approx((0 + 2 / 3) / 2)


def test_an_epoch_starts_anew_and_empty_sets_agree():
    metric = PooledDice()
    metric.update((PREDS[:1], LABELS[:1]))
    metric.reset()
    nothing = [torch.zeros(2, 3, 4)]
    metric.update((nothing, nothing))
    assert metric.compute() == 1


def test_reading_twice_gives_the_same():
    metric = PooledDice()
    metric.update((PREDS, LABELS))
    assert metric.compute() == metric.compute() == pytest.approx(2 / 5)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"label's shape \(1, 1, 4\), got \(2, 1, 1, 4\)"):
        PooledDice().update(([torch.zeros(2, 1, 1, 4)], LABELS[:1]))


def dice_of_rank(rank: int) -> None:
    dice = run_epoch([rank])
    if dice != pytest.approx(2 / 5):
        raise RuntimeError(f"rank {rank} got {dice}")


def test_sums_are_added_between_processes():
    idist.spawn("gloo", dice_of_rank, args=(), nproc_per_node=2, start_method="fork")


def test_area_under_the_curve_is_averaged_over_bits():
    metric = BitsAuc()
    # bit 0: 0.9 above 0.3 and 0.5, 0.4 above 0.3 alone: 3 of 4; bit 1: all wrong; bit 2: undefined
    scores = [torch.tensor([[0.9, 0.2, 0.1], [0.3, 0.6, 0.2]]), torch.tensor([0.4, 0.1, 0.9])]
    bits = [torch.tensor([[1.0, 1, 0], [0, 0, 0]]), torch.tensor([1.0, 1, 0])]
    metric.update((scores, bits))
    metric.update(([torch.tensor([0.5, 0.7, 0.2])], [torch.zeros(3)]))
    assert metric.compute() == metric.compute() == pytest.approx((3 / 4 + 0 + 1 / 2) / 3)
    metric.reset()
    metric.update(([torch.tensor([[0.4], [0.5]])], [torch.tensor([[0.0], [1.0]])]))
    assert metric.compute() == 1


def test_scores_and_bits_must_have_one_shape():
    with pytest.raises(ValueError, match=r"shape of the bits \(2,\), got \(3,\)"):
        BitsAuc().update(([torch.zeros(3)], [torch.zeros(2)]))
