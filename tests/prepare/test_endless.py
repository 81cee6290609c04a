"""Patients without end: what decides a sample, in which order, and that it is what a file gives."""

from dataclasses import replace

import ignite.distributed as idist
import numpy as np
import pytest
import torch
import yaml
from ignite.engine import Engine
from monai.data import DataLoader
from monai.transforms import Compose, LoadImaged, RandScaleIntensityd, SelectItemsd, Transform

from bonescan.data.reader import BoneScanReader
from bonescan.data.samplers import ProcessShare
from bonescan.dicom.scan import View
from bonescan.handlers.seeding import EpochSeed
from bonescan.phantom.cohort import CONFIGURATION_FILE
from bonescan.phantom.patient import simulate_patient
from bonescan.phantom.presets import PRESETS
from bonescan.prepare.endless import EndlessDataset, PatientOrder
from bonescan.transforms import MirrorPosteriord, SplitViewsd
from tests.phantom.fakes import fake_patient

KEYS = ("image", "label")


class Source:
    """Draws a small patient from a number that the words give, and remembers the words."""

    def __init__(self):
        self.asked = []

    def draw(self, words, *, number):
        self.asked.append((*words, number))
        return fake_patient(seed=int(np.random.SeedSequence(words).generate_state(1)[0]))


def chain(*steps, keys=KEYS):
    return Compose([LoadImaged(keys, reader=BoneScanReader, dtype=None), *steps])


def split_chain():
    return chain(
        MirrorPosteriord(KEYS),
        SplitViewsd(KEYS),
        SelectItemsd(KEYS),
        RandScaleIntensityd("image", factors=0.5, prob=1.0),
    )


def make(source=None, transform=None, **settings):
    settings = {"patients": 3, "seed": 7, **settings}
    return EndlessDataset(source or Source(), transform or split_chain(), **settings)


def test_a_sample_is_what_the_files_of_the_patient_give(cohort):
    keys = ("image", "label", "instances", "benign", "regions")
    seed = yaml.safe_load((cohort / CONFIGURATION_FILE).read_text())["seed"]
    patient = simulate_patient(PRESETS["default"], seed=seed, number=1)
    folder = cohort / "sim-0001"
    files = {key: str(folder / f"{key}.nii.gz") for key in keys}
    files["image"] = [str(path) for path in sorted(folder.glob("*.dcm"))]
    whole = chain(MirrorPosteriord(keys), keys=keys)
    source = Source()
    source.draw = lambda words, *, number: patient
    drawn, loaded = make(source, whole)[0], whole(files)
    for key in keys:
        assert drawn[key].dtype == loaded[key].dtype
        assert torch.equal(drawn[key].as_tensor(), loaded[key].as_tensor())
        # NIfTI keeps the spacing of a map as float32
        assert torch.allclose(drawn[key].affine, loaded[key].affine, rtol=1e-6)
        assert set(drawn[key].meta) == set(loaded[key].meta)
        assert drawn[key].meta["views"] == loaded[key].meta["views"]
        assert [step["class"] for step in drawn[key].applied_operations] == ["MirrorPosterior"]
    assert drawn["image"].meta["simulated"] is loaded["image"].meta["simulated"] is True
    assert drawn["image"].meta["spacing_mm"] == loaded["image"].meta["spacing_mm"]


def test_seed_epoch_and_index_decide_a_sample():
    one, other = make(), make()
    for dataset in (one, other):
        dataset.set_epoch(2)
    in_order = [one[index]["image"] for index in range(6)]
    for index in (4, 1, 5, 1, 0):
        assert torch.equal(other[index]["image"], in_order[index])
    other.set_epoch(3)
    assert not torch.equal(other[1]["image"], in_order[1])
    another_seed = make(seed=8)
    another_seed.set_epoch(2)
    assert not torch.equal(another_seed[1]["image"], in_order[1])


def test_no_patient_comes_twice():
    source = Source()
    dataset = make(source)
    for epoch in (1, 2):
        dataset.set_epoch(epoch)
        for index in PatientOrder(dataset):
            dataset[index]
    assert source.asked == [
        (7, 0, 0, 0, 1),  # the first, which tells how many samples there are
        (7, 1, 0, 0, 1), (7, 1, 1, 0, 2), (7, 1, 2, 0, 3),
        (7, 2, 0, 0, 1), (7, 2, 1, 0, 2), (7, 2, 2, 0, 3),
    ]  # fmt: skip


def test_views_of_a_patient_are_samples_of_one_drawing():
    dataset = make()
    assert (len(dataset), dataset.samples_per_patient) == (6, 2)
    assert [dataset[index]["image"].meta["views"] for index in range(4)] == [
        *("anterior", "posterior"),
        *("anterior", "posterior"),
    ]


def test_a_chain_that_joins_the_views_gives_one_sample():
    dataset = make(transform=chain(MirrorPosteriord(KEYS)))
    assert (len(dataset), dataset.samples_per_patient) == (3, 1)
    assert dataset[2]["image"].shape == (2, 90, 70)
    assert torch.equal(dataset[2]["image"], dataset[2]["image"])


def test_a_sample_may_be_changed():
    dataset = make(transform=chain(SplitViewsd(KEYS)))
    before = dataset[1]["image"].clone()
    dataset[1]["image"].zero_()
    assert torch.equal(dataset[1]["image"], before)


def test_a_second_pass_of_an_epoch_goes_on():
    dataset = make(patients=2)
    order = PatientOrder(dataset)
    dataset.set_epoch(1)
    assert [list(order) for _ in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    dataset.set_epoch(2)
    assert list(order) == [0, 1, 2, 3]


@pytest.mark.parametrize(("patients", "expected"), [(4, 4), (3, 4)])
def test_processes_share_patients_not_views(patients, expected, monkeypatch):
    monkeypatch.setattr(idist, "get_world_size", lambda: 2)
    shares = []
    for rank in (0, 1):
        order = PatientOrder(make(patients=patients))
        drawn = torch.tensor(list(order))
        assert len(drawn) == len(order) == 2 * expected
        monkeypatch.setattr(idist, "get_rank", lambda rank=rank: rank)
        monkeypatch.setattr(idist, "broadcast", lambda *_, told=drawn, **__: told)
        shares.append(list(ProcessShare(order)))
    assert shares == [[0, 1, 4, 5], [2, 3, 6, 7]]


@pytest.mark.parametrize("num_workers", [0, 1, 2])
def test_the_number_of_loading_processes_does_not_matter(num_workers):
    """The trainer's own loop: the set is told the epoch before the loader begins."""
    seen = {}

    def run(workers: int, first_epoch: int) -> list[float]:
        dataset = make()
        loader = DataLoader(
            dataset, batch_size=4, sampler=PatientOrder(dataset), num_workers=workers
        )
        values: list[float] = []
        engine = Engine(lambda _, batch: values.append(float(batch["image"].sum())))
        EpochSeed(dataset, seed=1).attach(engine)
        engine.state.rank = 0
        engine.load_state_dict({"epoch": first_epoch, "max_epochs": 3, "epoch_length": 2})
        engine.run(loader)
        return values

    seen = run(num_workers, 0)
    assert len(seen) == len(set(seen)) == 6
    assert seen == run(0, 0)
    assert run(num_workers, 1) == seen[2:]


class Refuse(Transform):
    """Refuses the first patients that it sees."""

    def __init__(self, patients):
        self.left = patients

    def __call__(self, sample):
        self.left -= 1
        if self.left >= 0:
            raise ValueError("thorax must be found in the scan, got none")
        return sample


def test_a_patient_that_the_chain_refuses_is_replaced():
    source = Source()
    make(source, chain(Refuse(2)))
    assert source.asked == [(7, 0, 0, attempt, 1) for attempt in (0, 1, 2)]


def test_a_chain_that_refuses_everybody_is_told():
    with pytest.raises(RuntimeError) as caught:
        make(transform=chain(Refuse(100)))
    assert "thorax must be found" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patients": 0}, "number of patients of an epoch must be 1 or more, got 0"),
        ({"min_samples": 7}, "must have at least 7 samples to fill a batch, got 6"),
        ({"transform": Compose([SplitViewsd(KEYS)])}, "begin with LoadImaged, got SplitViewsd"),
        (
            {"transform": chain(keys=("image", "label", "body"))},
            r"got \['body'\], which only files have",
        ),
    ],
)
def test_impossible_sets_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


def test_a_patient_of_one_view_is_one(monkeypatch):
    patient = fake_patient(views=(View.POSTERIOR,))
    source = Source()
    source.draw = lambda words, *, number: replace(patient, primary="lung")
    dataset = make(source)
    assert (len(dataset), dataset[0]["image"].meta["views"]) == (3, "posterior")
