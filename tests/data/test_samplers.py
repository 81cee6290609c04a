"""The shares of processes that are played one after the other; test_multi_gpu runs real ones."""

import ignite.distributed as idist
import pytest
import torch
from monai.transforms import Compose
from torch.utils.data import RandomSampler, SequentialSampler, WeightedRandomSampler

from bonescan.data.samplers import ProcessShare, StreamSampler
from bonescan.data.samples import SampleDataset


@pytest.fixture
def shares(monkeypatch):
    """Return a function that draws an epoch in each of several processes of different seeds."""

    def draw(sampler, processes: int) -> list[list[int]]:
        told: list[torch.Tensor] = []

        def tell(drawn: torch.Tensor, src: int) -> torch.Tensor:
            told.append(drawn)
            return told[src]

        monkeypatch.setattr(idist, "get_world_size", lambda: processes)
        monkeypatch.setattr(
            idist, "broadcast", lambda tensor, src: (told.append(tensor), told[0])[1]
        )
        drawn = []
        for rank in range(processes):
            monkeypatch.setattr(idist, "get_rank", lambda rank=rank: rank)
            torch.manual_seed(rank)
            share = ProcessShare(sampler)
            drawn.append(list(share))
            assert len(drawn[-1]) == len(share)
        return drawn

    return draw


def test_one_process_draws_what_the_sampler_draws():
    for sampler in (RandomSampler(range(11)), WeightedRandomSampler([0.1, 0.2, 0.7], 20)):
        torch.manual_seed(3)
        alone = list(sampler)
        torch.manual_seed(3)
        assert list(ProcessShare(sampler)) == alone


@pytest.mark.parametrize(("number", "processes"), [(12, 3), (11, 3), (2, 4), (0, 2)])
def test_processes_share_one_epoch_evenly(number, processes, shares):
    drawn = shares(RandomSampler(range(number)) if number else SequentialSampler([]), processes)
    together = [index for share in drawn for index in share]
    assert set(together) == set(range(number))
    assert {len(share) for share in drawn} == {-(-number // processes)}


def test_shares_are_those_of_the_first_process(shares):
    torch.manual_seed(0)
    first = list(RandomSampler(range(10)))
    assert shares(RandomSampler(range(10)), 2) == [first[0::2], first[1::2]]


def test_an_index_drawn_often_is_shared_often(shares):
    drawn = shares(WeightedRandomSampler([0.0, 1.0], 7), 2)
    assert drawn == [[1] * 4, [1] * 4]


def make_dataset(labelled: int, unlabelled: int) -> SampleDataset:
    """Samples whose indices below `labelled` have labels."""
    entries = [{"labelled": number < labelled} for number in range(labelled + unlabelled)]
    return SampleDataset(entries, Compose([]), progress=False)


def batches_of(drawn: list[int], size: int) -> list[list[int]]:
    assert len(drawn) % size == 0
    return [drawn[start : start + size] for start in range(0, len(drawn), size)]


@pytest.mark.parametrize(("labelled", "unlabelled"), [(3, 17), (17, 3), (8, 8)])
def test_an_epoch_goes_through_both_streams_in_full_batches(labelled, unlabelled):
    sampler = StreamSampler(make_dataset(labelled, unlabelled), 5, labelled_share=0.4)
    drawn = list(sampler)
    assert len(drawn) == len(sampler)
    batches = batches_of(drawn, 5)
    assert [sum(index < labelled for index in batch) for batch in batches] == [2] * len(batches)
    assert set(drawn) == set(range(labelled + unlabelled))
    # the longer stream, by its part of a batch, is not begun again
    assert len(batches) == max(-(-labelled // 2), -(-unlabelled // 3))


def test_the_shorter_stream_comes_round_evenly_and_in_new_order():
    drawn = list(StreamSampler(make_dataset(5, 40), 2))
    rounds = batches_of([index for index in drawn if index < 5], 5)
    assert all(sorted(one) == list(range(5)) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1


def test_streams_hang_on_the_seed_alone():
    sampler = StreamSampler(make_dataset(4, 9), 4)
    epochs = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        epochs.append(list(sampler))
    assert epochs[0] == epochs[2] != epochs[1]


def test_each_process_takes_its_part_of_both_streams(shares):
    drawn = shares(StreamSampler(make_dataset(7, 30), 4, labelled_share=0.25), 2)
    for share in drawn:
        assert {sum(index < 7 for index in batch) for batch in batches_of(share, 4)} == {1}
    together = [index for share in drawn for index in share]
    assert set(together) == set(range(37))
    assert len(drawn[0]) == 4 * 5  # 30 images, 3 in each of two batches at once


@pytest.mark.parametrize(("share", "expected"), [(0, {4, 5, 6}), (1, {0, 1, 2, 3})])
def test_one_stream_alone(share, expected):
    drawn = list(StreamSampler(make_dataset(4, 3), 2, labelled_share=share))
    assert set(drawn) == expected
    assert len(drawn) == 4


@pytest.mark.parametrize(
    ("labelled", "unlabelled", "settings", "told"),
    [
        (0, 3, {}, "must have a label, none of 3 has: choose another fold"),
        (3, 0, {}, "must have no label, none of 3 has: give a --labelled_fraction below 1"),
        (0, 3, {"labelled_share": 1}, "must have a label"),
        (3, 0, {"labelled_share": 0}, "must have no label"),
        (3, 3, {"labelled_share": 1.5}, "labelled_share must be within 0 and 1, got 1.5"),
        (3, 3, {"batch_size": 1}, "batch_size must leave room for both streams .* got 1"),
        (3, 3, {"labelled_share": 0.9}, "batch_size must leave room for both streams"),
    ],
)
def test_streams_that_cannot_be_drawn_are_refused(labelled, unlabelled, settings, told):
    dataset = make_dataset(labelled, unlabelled)
    with pytest.raises(ValueError, match=told):
        StreamSampler(dataset, **{"batch_size": 4, **settings})
