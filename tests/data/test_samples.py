import contextlib
import tempfile
from pathlib import Path

import pytest
import torch
from monai.data import DataLoader, MetaTensor
from monai.data.utils import set_rnd
from monai.transforms import Compose, Lambda, Lambdad, RandScaleIntensityd, Transform

from bonescan.data.samples import SampleDataset, SampleStore
from bonescan.errors import StorageError


class Load(Transform):
    """Stands for loading: counts how often it is called."""

    def __init__(self):
        self.calls = 0

    def __call__(self, entry):
        self.calls += 1
        return {"image": torch.full((entry["views"], 2, 3), float(entry["number"]))}


class Split(Transform):
    def __call__(self, sample):
        return [{"image": view[None]} for view in sample["image"]]


ENTRIES = [{"number": 1, "views": 2}, {"number": 2, "views": 1}, {"number": 3, "views": 2}]


def values(dataset):
    return [float(dataset[index]["image"].mean()) for index in range(len(dataset))]


def test_each_view_is_an_item():
    dataset = SampleDataset(ENTRIES, Compose([Load(), Split()]), progress=False)
    assert len(dataset) == 5
    assert values(dataset) == [1, 1, 2, 3, 3]


def test_scans_are_items_where_nothing_splits_them():
    dataset = SampleDataset(ENTRIES, Compose([Load()]), progress=False)
    assert [tuple(dataset[i]["image"].shape) for i in range(3)] == [(2, 2, 3), (1, 2, 3), (2, 2, 3)]


def test_deterministic_part_runs_once():
    load = Load()
    dataset = SampleDataset(ENTRIES, Compose([load, Split()]), progress=False)
    values(dataset)
    values(dataset)
    assert load.calls == len(ENTRIES)


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_order_does_not_depend_on_workers(num_workers):
    chain = Compose([Load(), Split()])
    dataset = SampleDataset(ENTRIES, chain, num_workers=num_workers, progress=False)
    assert values(dataset) == [1, 1, 2, 3, 3]


def test_random_part_is_drawn_anew_and_leaves_the_samples_alone():
    chain = Compose([Load(), Split(), RandScaleIntensityd("image", factors=0.5, prob=1.0)])
    dataset = SampleDataset(ENTRIES, chain, progress=False)
    set_rnd(dataset, 0)
    first, second = values(dataset), values(dataset)
    assert first != second
    assert [float(sample["image"].mean()) for sample in dataset.samples] == [1, 1, 2, 3, 3]
    set_rnd(dataset, 0)
    assert values(dataset) == first


def test_what_follows_the_first_random_transform_runs_each_time():
    chain = Compose(
        [
            Load(),
            Split(),
            RandScaleIntensityd("image", factors=0.0, prob=1.0),
            Lambdad("image", lambda image: image + 10),
        ]
    )
    dataset = SampleDataset(ENTRIES, chain, progress=False)
    assert values(dataset) == values(dataset) == [11, 11, 12, 13, 13]


def test_error_of_a_scan_reaches_the_caller():
    with pytest.raises(RuntimeError, match="applying transform"):
        SampleDataset([{"views": 1}], Compose([Load()]), progress=False)


def test_store_gives_back_copies_with_metadata():
    image = MetaTensor(torch.arange(6.0).reshape(1, 2, 3), meta={"views": "anterior"})
    store = SampleStore()
    store.extend([{"image": image, "patient": "first"}, {"image": image + 1, "patient": "second"}])
    store[1]["image"].zero_()  # a copy: the stored sample stays
    assert [sample["patient"] for sample in store] == ["first", "second"]
    assert torch.equal(store[1]["image"].as_tensor(), image.as_tensor() + 1)
    assert store[0]["image"].meta["views"] == "anterior"


def test_processes_read_samples_that_their_parent_stored():
    dataset = SampleDataset(ENTRIES, Compose([Load(), Split()]), progress=False)
    loader = DataLoader(dataset, batch_size=1, num_workers=2)
    assert [float(batch["image"].mean()) for batch in loader] == [1, 1, 2, 3, 3]


def test_training_set_without_a_lesion_is_refused():
    chain = Compose([lambda entry: {"label": torch.full((1, 2, 3), entry["value"])}])
    entries = [{"value": 0}, {"value": 2}]
    assert len(SampleDataset(entries, chain, progress=False, positive_value=2)) == 2
    with pytest.raises(ValueError, match=r"at least one of 2 samples must show a lesion \(value 1"):
        SampleDataset(entries, chain, progress=False, positive_value=1)


def test_only_labelled_samples_show_a_lesion():
    label = torch.full((1, 2, 3), 2)
    chain = Compose([lambda entry: {"label": label, **entry}])
    entries = [{"labelled": False}, {"labelled": True}]
    assert len(SampleDataset(entries, chain, progress=False, positive_value=2)) == 2
    with pytest.raises(ValueError, match="at least one of 1 samples must show a lesion"):
        SampleDataset(entries[:1], chain, progress=False, positive_value=2)


def test_samples_without_label_show_no_lesion():
    chain = Compose([Load(), Split()])
    with pytest.raises(ValueError, match="at least one of 5 samples must show a lesion"):
        SampleDataset(ENTRIES, chain, progress=False, positive_value=1)


def test_training_set_that_fills_no_batch_is_refused():
    chain = Compose([Load(), Split()])
    assert len(SampleDataset(ENTRIES, chain, progress=False, min_samples=5)) == 5
    with pytest.raises(ValueError, match="at least 6 samples to fill a batch, got 5: give a small"):
        SampleDataset(ENTRIES, chain, progress=False, min_samples=6)


def test_images_of_several_sizes_are_refused_where_they_share_batches():
    chain = Compose([Load(), Split()])
    assert len(SampleDataset(ENTRIES, chain, progress=False, same_size=True)) == 5
    with pytest.raises(ValueError, match=r"got \(2, 2, 3\) of scan 1 and \(1, 2, 3\) of scan 2"):
        SampleDataset(ENTRIES, Compose([Load()]), progress=False, same_size=True)


def test_a_scan_may_give_no_sample():
    keep_high = Lambda(lambda samples: [s for s in samples if s["image"].mean() > 1])
    chain = Compose([Load(), Split(), keep_high], map_items=False)
    dataset = SampleDataset(ENTRIES, chain, progress=False, same_size=True)
    assert values(dataset) == [2, 3, 3]


def test_dataset_says_which_samples_are_labelled():
    chain = Compose([lambda entry: [dict(entry)] * entry["views"]])
    entries = [
        {"views": 2, "labelled": False, "label": 0},
        {"views": 1, "labelled": True, "label": 0},
        {"views": 1, "label": 0},
        {"views": 1},
    ]
    dataset = SampleDataset(entries, chain, progress=False)
    assert dataset.labelled == [False, False, True, True, False]


def test_samples_tell_their_numbers():
    dataset = SampleDataset(ENTRIES, Compose([Load(), Split()]), progress=False, patches=True)
    assert [dataset[index]["sample"] for index in (0, 3, 4, 5, 9)] == [0, 3, 4, 0, 4]


def test_a_full_temporary_disk_is_told_with_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store = SampleStore()
    with contextlib.suppress(OSError), Path("/dev/full").open("wb") as store.file:
        expected = rf"samples cannot be kept in {tmp_path} \(No space left.*TMPDIR"
        with pytest.raises(StorageError, match=expected):
            store.extend([{"image": torch.zeros(1000)}])
