"""A dataset whose items are the samples of a network, not the files they come from."""

import io
import logging
import os
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from monai.data import Dataset
from monai.transforms import Compose, RandomizableTrait
from tqdm import tqdm

from bonescan.errors import StorageError
from bonescan.keys import IMAGE, LABEL, LABELLED, META_SCAN_ID, SAMPLE, SHOW_LESION

logger = logging.getLogger(__name__)


def is_random(transform: object) -> bool:
    """Tell whether a step of a chain is random: what stands before can be done once for all."""
    return isinstance(transform, RandomizableTrait)


def check_fills_batch(n_samples: int, min_samples: int) -> None:
    """Check that a training set has enough samples, where an incomplete batch is dropped.

    Raises:
        ValueError: if there are fewer.
    """
    if n_samples < min_samples:
        raise ValueError(
            f"training set must have at least {min_samples} samples to fill a batch, got "
            f"{n_samples}: give a smaller --batch_size, or more scans"
        )


def _shows(sample: Mapping[str, Any], value: int) -> bool:
    """Tell whether a sample has a label map of its own that shows a value."""
    is_labelled = LABEL in sample and sample.get(LABELLED, True)
    return bool(is_labelled and (sample[LABEL] == value).any())


class SampleStore:
    """Samples in one unnamed temporary file: memory does not grow with their number.

    The file lies where `tempfile` puts it (environment variable TMPDIR) and vanishes with the
    process, however that ends. The system keeps in its cache what there is room for. Processes may
    read at the same time; those that load data must be forked, as they are by default on Linux.
    """

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the store lives
        weakref.finalize(self, self.file.close)
        self.spans: list[tuple[int, int]] = []  # first byte and length of each sample

    def extend(self, samples: Iterable[Mapping[str, Any]]) -> None:
        """Add samples.

        Raises:
            StorageError: if the disk of the temporary file is full.
        """
        try:
            for sample in samples:
                content = io.BytesIO()
                torch.save(dict(sample), content)
                self.spans.append((self.file.tell(), content.tell()))
                self.file.write(content.getbuffer())
            self.file.flush()
        except OSError as err:
            raise StorageError(
                f"samples cannot be kept in {tempfile.gettempdir()} ({err.strerror}); make room "
                "there, or set the environment variable TMPDIR to another folder"
            ) from err

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.spans)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a new copy of a sample."""
        start, length = self.spans[index]
        content = os.pread(self.file.fileno(), length, start)
        # Our own file, which no one else can write: metadata of any type may be read from it.
        return torch.load(io.BytesIO(content), weights_only=False)


class SampleDataset(Dataset):
    """Run the deterministic part of the chain once on every scan, keep the results, flatten lists.

    MONAI's CacheDataset gives one item per file; a scan of two views that a transform splits would
    be an item of two samples, and a batch would hold a varying number of images. Here each view is
    an item of its own, so the batch size counts images as the papers do.

    Each sample has its number (bonescan.keys.SAMPLE), so that a batch can tell whose it is.

    The results lie in a temporary file: a 256 x 256 sample of image and label takes 0.5 MB there,
    a whole-body one 2 MB.

    Args:
        data: entries of a datalist.
        transform: the whole chain; what stands before its first random transform is run once.
        num_workers: threads that load scans.
        progress: show a progress bar while loading.
        positive_value: value that the label map of at least one labelled sample must show; None
            asks nothing of them.
        min_samples: least number of samples: the batch size where an incomplete batch is dropped.
        same_size: refuse images of different sizes, which make no batch.
        patches: have each sample twice for a transform that cuts patches
            (bonescan.transforms.RandPatchd): with n samples, item i is for a patch from anywhere in
            sample i, item n + i for one that shows a lesion of it. The length is n all the same.

    Attributes:
        labelled: of each sample, whether it has a label map of its own.
        positive: of each sample, whether that shows the positive value; empty where none is given.

    Raises:
        ValueError: if no label map shows it, or there are fewer samples: nothing would be learnt.
            Also if images that must have one size have two.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        transform: Compose,
        *,
        num_workers: int = 2,
        progress: bool = True,
        positive_value: int | None = None,
        min_samples: int = 1,
        same_size: bool = False,
        patches: bool = False,
    ) -> None:
        super().__init__(data=data, transform=transform)
        self.patches = patches
        self.scans: list[int] = []  # of each sample, the number of its entry in data
        self.labelled: list[bool] = []
        self.positive: list[bool] = []
        self.first_random = transform.get_index_of_first(is_random)
        self.samples = SampleStore()
        with ThreadPoolExecutor(max(1, num_workers)) as pool:
            loaded = tqdm(
                pool.map(self._load, data),
                total=len(data),
                desc="Loading scans",
                disable=not progress,
            )
            for number, samples in enumerate(loaded, start=1):
                if same_size:
                    self._require_size(samples, number)
                self.samples.extend(samples)
                self.scans += [number - 1] * len(samples)
                self.labelled += [bool(sample.get(LABELLED, LABEL in sample)) for sample in samples]
                if positive_value is not None:
                    self.positive += [_shows(sample, positive_value) for sample in samples]
        if positive_value is not None and not any(self.positive):
            raise ValueError(
                f"at least one of {len(self.samples)} samples must show a lesion (value "
                f"{positive_value} of the label map), got none: choose another fold, "
                "keep more labels by --labelled_fraction, or look whether the labels have the "
                "values of bonescan.labels"
            )
        check_fills_batch(len(self.samples), min_samples)
        logger.info("%d scans give %d samples", len(data), len(self.samples))

    def _load(self, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
        samples = self.transform(dict(entry), end=self.first_random, threading=True)
        return samples if isinstance(samples, list) else [samples]

    def _require_size(self, samples: Sequence[Mapping[str, Any]], number: int) -> None:
        """Check that the images of a scan have the size of the first sample there is."""
        if not samples:
            return
        first = self.samples[0] if len(self.samples) else samples[0]
        expected = tuple(first[IMAGE].shape)
        for sample in samples:
            if (shape := tuple(sample[IMAGE].shape)) != expected:
                raise ValueError(
                    "images of one batch must be of one size (channel, row, column), got "
                    f"{expected} of scan 1 and {shape} of scan {number}, in the order of the "
                    "datalist: crop or pad them in preprocess, or give --batch_size 1"
                )

    def __len__(self) -> int:
        """Return the number of samples (not of scans)."""
        return len(self.samples)

    def find_scan_id(self, number: int) -> str:
        """Return the scan id of a sample, whose scan is loaded once more."""
        entry = self.data[self.scans[number]]
        return str(self.transform(dict(entry), end=1)[IMAGE].meta[META_SCAN_ID])

    def _transform(self, index: int) -> Any:
        must_show = self.patches and index >= len(self)
        number = index - len(self) if must_show else index
        sample = self.samples[number]
        if self.patches:
            sample[SHOW_LESION] = must_show
        if self.first_random is not None:
            sample = self.transform(sample, start=self.first_random)
        return {**sample, SAMPLE: number}
