"""A training set without end: a new simulated patient for every place of every epoch."""

import copy
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import ignite.distributed as idist
import numpy as np
from monai.transforms import Compose, LoadImaged
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from bonescan.data.reader import make_meta
from bonescan.data.samples import check_fills_batch, is_random
from bonescan.dicom.scan import Acquisition, BoneScan, ContentCheck, Source, View, ViewSource
from bonescan.dicom.scan_id import make_scan_id
from bonescan.keys import BENIGN, IMAGE, INSTANCES, LABEL, PATIENT, REGIONS
from bonescan.phantom.patient import SimulatedPatient

logger = logging.getLogger(__name__)

MAPS = {LABEL: "label", INSTANCES: "instances", BENIGN: "benign", REGIONS: "regions"}
"""Attributes of a simulated view by the key of a sample."""
ATTEMPTS = 5
"""Patients to try where the chain cannot use one, such as one whose thorax is not found; a default
of ours: of thousands of simulated scans hardly one is refused."""


class PatientSource(Protocol):
    """Where simulated patients come from."""

    def draw(self, words: Sequence[int], *, number: int) -> SimulatedPatient:
        """Draw a patient; the same arguments give the same one.

        Args:
            words: what decides the patient, each 0 or more.
            number: from 1; presets with groups deal them out by it.
        """


class EndlessDataset(Dataset):
    """Draw a new patient for every place of an epoch, and pass it through the chain of a file.

    Seed, epoch and index decide a sample, and nothing else does: not how many processes draw, not
    what was drawn before. A training that is gone on with sees the patients that it would have
    seen, and no patient twice. Both views of a patient are there.

    Args:
        source: where patients come from.
        transform: the whole chain; it begins with LoadImaged, whose keys say what is drawn. A
            patient that is split into samples by views is drawn once for all of them.
        patients: patients of an epoch.
        seed: of the run.
        min_samples: least number of samples: the batch size where an incomplete batch is dropped.

    Attributes:
        epoch: which one is drawn; 0 before the first.
        samples_per_patient: how many samples the chain makes of a patient.

    Raises:
        ValueError: if a number is too small, the chain begins otherwise, or asks for what no
            simulated patient has; whatever the chain says of the first patient.
    """

    def __init__(
        self,
        source: PatientSource,
        transform: Compose,
        *,
        patients: int,
        seed: int,
        min_samples: int = 1,
    ) -> None:
        if patients < 1:
            raise ValueError(f"number of patients of an epoch must be 1 or more, got {patients}")
        self.source = source
        self.transform = transform
        self.load = _find_loader(transform)
        self.first_random = transform.get_index_of_first(is_random)
        self.patients = patients
        self.seed = seed
        self.epoch = 0
        self._last: tuple[tuple[int, int], list[dict[str, Any]]] | None = None
        self.samples_per_patient = len(self._draw(0))
        check_fills_batch(len(self), min_samples)

    def __len__(self) -> int:
        """Return the number of samples of an epoch."""
        return self.patients * self.samples_per_patient

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch is drawn from now on."""
        self.epoch = epoch

    def set_random_state(self, *, seed: int) -> None:
        """Do nothing: MONAI seeds its workers by their number, on which nothing hangs here."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a sample of the present epoch; an index beyond its end goes on in the same way."""
        patient, number = divmod(index, self.samples_per_patient)
        sample = copy.deepcopy(self._draw(patient)[number])
        if self.first_random is None:
            return sample
        words = np.random.SeedSequence([self.seed, self.epoch, index])
        self.transform.set_random_state(seed=int(words.generate_state(1)[0]))
        return self.transform(sample, start=self.first_random)

    def _draw(self, patient: int) -> list[dict[str, Any]]:
        """Return the samples of a patient up to the first random step; the last are kept."""
        place = (self.epoch, patient)
        if self._last is None or self._last[0] != place:
            self._last = (place, self._make(patient))
        return self._last[1]

    def _make(self, patient: int) -> list[dict[str, Any]]:
        """Draw a patient that the chain can use."""
        for attempt in range(ATTEMPTS):
            words = (self.seed, self.epoch, patient, attempt)
            drawn = self.source.draw(words, number=patient + 1)
            try:
                return self._prepare(drawn, name="-".join(map(str, words)))
            except (RuntimeError, ValueError):  # MONAI wraps what a transform raises
                if attempt == ATTEMPTS - 1:
                    raise
                logger.info("a simulated patient that the chain refuses is replaced", exc_info=True)
        raise AssertionError("the last attempt returns or raises")

    def _prepare(self, patient: SimulatedPatient, name: str) -> list[dict[str, Any]]:
        entry = {key: key for key in self.load.keys if key == IMAGE or key in MAPS}
        sample = self.load(entry, reader=_PatientReader(patient, name))
        sample[PATIENT] = name
        samples = self.transform(sample, start=1, end=self.first_random)
        return samples if isinstance(samples, list) else [samples]


def _find_loader(transform: Compose) -> LoadImaged:
    """Return the step of a chain that loads files.

    Raises:
        ValueError: if it is not the first, or loads what no simulated patient has.
    """
    first = transform.transforms[0] if transform.transforms else None
    if not isinstance(first, LoadImaged):
        raise ValueError(
            "chain of an endless training set must begin with LoadImaged, got "
            f"{type(first).__name__}"
        )
    unknown = sorted(set(first.keys) - {IMAGE, *MAPS})
    if unknown:
        raise ValueError(
            f"keys of an endless training set must be among {sorted({IMAGE, *MAPS})}, got "
            f"{unknown}, which only files have: train this system on a datalist"
        )
    return first


class _PatientReader:
    """Hand a simulated patient to LoadImaged as BoneScanReader hands over its files."""

    def __init__(self, patient: SimulatedPatient, name: str) -> None:
        self.views = {view: patient.views[view] for view in View if view in patient.views}
        counts = {view: image.counts.astype(np.float32) for view, image in self.views.items()}
        self.scan = BoneScan(
            spacing_mm=(patient.camera.pixel_mm, patient.camera.pixel_mm),
            scan_id=make_scan_id((), np.stack(list(counts.values()))),
            acquisition=Acquisition(simulated=True),
            sources={view: Source(Path(name), frame) for frame, view in enumerate(counts)},
            view_source=ViewSource.CODE,
            content_check=ContentCheck.UNSURE,
            counts=counts,
        )

    def read(self, data: Sequence[str]) -> str:
        """Return the key that is asked for, in place of a file's name."""
        return str(data[0])

    def get_data(self, img: str) -> tuple[NDArray, dict[str, Any]]:
        """Return what lies under a key, (view, row, column), and the metadata."""
        if img == IMAGE:
            return self.scan.stack(), make_meta(self.scan)
        maps = [getattr(image, MAPS[img]) for image in self.views.values()]
        return np.stack(maps), make_meta(self.scan)


class PatientOrder(Sampler[int]):
    """Draw the samples of an endless set patient by patient: what is random are the patients.

    Samples of one patient stand together in the share of each process (see
    `bonescan.data.samplers.ProcessShare`), so that one process draws it, once. A second pass within
    an epoch, which a training of more iterations makes, goes on with other patients.

    Args:
        dataset: the endless set.
    """

    def __init__(self, dataset: EndlessDataset) -> None:
        self.dataset = dataset
        self._next = (0, 0)  # epoch, and its first patient that is not drawn yet

    def __len__(self) -> int:
        """Return the number of samples: patients of the epoch, rounded up to equal shares."""
        return self._patients * self.dataset.samples_per_patient

    @property
    def _patients(self) -> int:
        processes = idist.get_world_size()
        return math.ceil(self.dataset.patients / processes) * processes

    def __iter__(self) -> Iterator[int]:
        """Draw a pass."""
        epoch, samples = self.dataset.epoch, self.dataset.samples_per_patient
        first = self._next[1] if self._next[0] == epoch else 0
        self._next = (epoch, first + self._patients)
        processes = idist.get_world_size()
        for group in range(first, first + self._patients, processes):
            for sample in range(samples):
                for patient in range(group, group + processes):
                    yield patient * samples + sample
