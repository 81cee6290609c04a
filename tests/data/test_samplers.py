"""The shares of processes that are played one after the other; test_multi_gpu runs real ones."""

import ignite.distributed as idist
import pytest
import torch
from torch.utils.data import RandomSampler, SequentialSampler, WeightedRandomSampler

from bonescan.data.samplers import ProcessShare


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
