import pytest
import torch
from monai.data import DataLoader
from monai.transforms import Compose, RandLambdad

from bonescan.data import samplers
from bonescan.data.patches import PatchSampler
from bonescan.data.samplers import ProcessShare
from bonescan.data.samples import SampleDataset

LESIONS = (0, 1, 0, 0, 1, 0, 0)
"""Of each image, whether it shows one."""


def load(entry):
    label = torch.zeros(1, 3, 5)
    label[0, 1, 2] = LESIONS[entry["number"]]
    return {"image": torch.full((1, 3, 5), float(entry["number"])), "label": label}


@pytest.fixture
def dataset():
    chain = Compose([load, RandLambdad(keys="image", func=lambda image: image, prob=0.5)])
    entries = [{"number": number} for number in range(len(LESIONS))]
    return SampleDataset(entries, chain, progress=False, positive_value=1, patches=True)


def test_each_sample_is_there_twice(dataset):
    assert len(dataset) == 7
    assert dataset.positive == [bool(lesion) for lesion in LESIONS]
    for index, shows in ((4, False), (7 + 4, True)):
        assert dataset[index]["show_lesion"] is shows
        assert float(dataset[index]["image"].mean()) == 4


@pytest.mark.parametrize(
    ("batch_size", "showing"), [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2), (12, 4)]
)
def test_the_last_of_each_batch_show_a_lesion(dataset, batch_size, showing):
    torch.manual_seed(3)
    loader = DataLoader(dataset, batch_size=batch_size, sampler=PatchSampler(dataset, batch_size))
    batches = [list(batch["show_lesion"]) for _ in range(5) for batch in loader]
    assert {tuple(map(bool, batch)) for batch in batches} == {
        (False,) * (batch_size - showing) + (True,) * showing
    }
    assert len(batches) == 5 * -(-7 // batch_size)


def test_images_are_drawn_with_replacement_and_lesions_of_those_that_have_one(dataset):
    torch.manual_seed(3)
    drawn = [index for _ in range(60) for index in PatchSampler(dataset, 3)]
    anywhere, showing = ([i for i in drawn if (i >= 7) is part] for part in (False, True))
    assert set(anywhere) == set(range(7))
    assert set(showing) == {7 + 1, 7 + 4}
    assert len(showing) == len(drawn) / 3


def test_every_process_gets_both_kinds(dataset, monkeypatch):
    monkeypatch.setattr(samplers.idist, "get_world_size", lambda: 2)
    sampler = PatchSampler(dataset, 3)
    torch.manual_seed(1)
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == 12
    monkeypatch.setattr(samplers.idist, "broadcast", lambda tensor, src: torch.tensor(drawn))
    for rank in (0, 1):
        monkeypatch.setattr(samplers.idist, "get_rank", lambda rank=rank: rank)
        share = list(ProcessShare(sampler))
        assert [index >= 7 for index in share] == [False, False, True] * 2


def test_a_set_without_lesions_is_refused(dataset):
    dataset.positive = [False] * 7
    with pytest.raises(ValueError, match="must show a lesion to cut patches of, none of 7 does"):
        PatchSampler(dataset, 2)
