"""What several annotators marked on the same scans, and one label map made of it."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bonescan.data.annotation.consensus import (
    MAX_DIFFERENCE,
    Dispute,
    majority,
    pick_agreed,
    staple,
)
from bonescan.data.datalist import load_items, read_datalist
from bonescan.data.listing import common_folder, scan_key
from bonescan.data.nifti import ViewStack, read_view_stack
from bonescan.data.scan_reference import file_names, parse_reference
from bonescan.dicom.scan import View
from bonescan.keys import IMAGE, LABEL, PATIENT
from bonescan.labels import Label, check_label_values

FOREGROUND = tuple(label for label in Label if label != Label.BACKGROUND)


class ConsensusMethod(StrEnum):
    """How label maps become one."""

    MAJORITY = "majority"
    AGREEMENT = "agreement"
    STAPLE = "staple"


@dataclass(frozen=True)
class AnnotatedScan:
    """A scan with the label maps of several annotators.

    Attributes:
        key: name of the scan in files.
        section: section of the datalist.
        entry: its entry, that of the first annotator.
        label_maps: the label map by each annotator's name, alike in views and size.
    """

    key: str
    section: str
    entry: Mapping[str, Any]
    label_maps: Mapping[str, ViewStack]

    @property
    def annotators(self) -> tuple[str, ...]:
        """Names of the annotators."""
        return tuple(self.label_maps)

    @property
    def views(self) -> tuple[View, ...]:
        """Views that are labelled, anterior first."""
        return next(iter(self.label_maps.values())).views

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """(row, column) pixel spacing in mm."""
        return next(iter(self.label_maps.values())).spacing_mm

    def stack(self) -> NDArray[np.uint8]:
        """Return the label maps as (annotator, view, row, column)."""
        arrays = [label_map.array for label_map in self.label_maps.values()]
        return np.stack(arrays).astype(np.uint8)


@dataclass(frozen=True)
class ViewDispute:
    """A dispute, and where it is.

    Attributes:
        view: the view.
        label: the label that is disputed.
        dispute: the rest.
    """

    view: View
    label: Label
    dispute: Dispute


def parse_annotators(texts: Sequence[str]) -> dict[str, Path]:
    """Return the datalist of each annotator from texts such as "ann=ann/datalist.json".

    Raises:
        ValueError: if a text is of another form, or a name comes twice.
    """
    datalists: dict[str, Path] = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not (name and path):
            raise ValueError(f"annotator must be NAME=DATALIST, got {text!r}")
        if name in datalists:
            raise ValueError(f"annotators must have different names, got {name!r} twice")
        datalists[name] = Path(path)
    return datalists


def load_annotated_scans(datalists: Mapping[str, Path]) -> Iterator[AnnotatedScan | ValueError]:
    """Load the scans that every annotator has labelled, one after the other.

    Args:
        datalists: the datalist of each annotator, with the same scans.

    Yields:
        In the order of the first datalist the scans; in place of one that an annotator lacks, or
        whose label maps do not fit, the error that says so.

    Raises:
        ValueError: if there are fewer than two annotators or a datalist cannot be read.
    """
    if len(datalists) < 2:
        raise ValueError(f"datalists must be those of 2 annotators or more, got {len(datalists)}")
    listed = {annotator: _list_entries(path) for annotator, path in datalists.items()}
    first = next(iter(listed.values()))
    root = common_folder([list(files) for files in first])
    all_files = dict.fromkeys(files for entries in listed.values() for files in entries)
    for files in tqdm(all_files, unit="scan", desc="Compare"):
        missing = [annotator for annotator, entries in listed.items() if files not in entries]
        if missing:
            name = Path(files[0]).name
            yield ValueError(f"{name}: must be labelled by all, got no label of {missing}")
            continue
        key, (section, entry) = scan_key(list(files), root), first[files]
        paths = {annotator: entries[files][1][LABEL] for annotator, entries in listed.items()}
        try:
            label_maps = _read_label_maps(paths, key)
        except ValueError as err:
            yield err
        else:
            yield AnnotatedScan(key, section, entry, label_maps)


def combine(
    scan: AnnotatedScan,
    method: ConsensusMethod,
    *,
    votes: int = 2,
    max_difference: float = MAX_DIFFERENCE,
    seed: int = 0,
) -> tuple[ViewStack, list[ViewDispute]]:
    """Make one label map of all annotators', label by label.

    Args:
        scan: what the annotators marked.
        method: how. STAPLE takes what is foreground with a probability above 1/2, and estimates
            the annotators anew for each scan.
        votes: number of annotators that a majority needs, more than half of them.
        max_difference: greatest 1 - IoU of two annotators that agree on a lesion.
        seed: of the choice among annotators that agree; a scan's choice depends on it and on the
            scan's key only.

    Returns:
        The map, and the disputes that leave it incomplete (method `agreement` only). A pixel that
        two labels claim is the metastasis's.

    Raises:
        ValueError: if the votes are no majority.
    """
    annotators = len(scan.annotators)
    if method is ConsensusMethod.MAJORITY and not annotators < 2 * votes <= 2 * annotators:
        raise ValueError(f"votes must be more than half of {annotators} annotators, got {votes}")
    rng = np.random.default_rng([seed, zlib.crc32(scan.key.encode())])
    labels = scan.stack()
    consensus = np.zeros(labels.shape[1:], dtype=np.uint8)
    disputes: list[ViewDispute] = []
    for value in sorted(FOREGROUND, reverse=True):
        masks = labels == value
        if method is ConsensusMethod.MAJORITY:
            chosen = majority(masks, votes=votes)
        elif method is ConsensusMethod.STAPLE:
            chosen = staple(masks).prob > 0.5
        else:
            picked = [
                pick_agreed(plane, rng, max_difference=max_difference)
                for plane in masks.swapaxes(0, 1)
            ]
            chosen = np.stack([mask for mask, _ in picked])
            disputes += [
                ViewDispute(view, value, dispute)
                for view, (_, disputed) in zip(scan.views, picked, strict=True)
                for dispute in disputed
            ]
        consensus[chosen] = value
    return ViewStack(consensus, scan.spacing_mm, scan.views), disputes


def _list_entries(path: Path) -> dict[tuple[str, ...], tuple[str, dict[str, Any]]]:
    """Return section and entry by the absolute names of the scan's files."""
    listed = {}
    for section in read_datalist(path):
        for entry in load_items(path, section):
            for field in (LABEL, PATIENT):
                if field not in entry:
                    raise ValueError(f"{path}: every entry must have {field!r}, one has none")
            files = [parse_reference(name).path for name in file_names(entry[IMAGE])]
            listed[tuple(str(file.resolve()) for file in files)] = (section, entry)
    return listed


def _read_label_maps(paths: Mapping[str, str], key: str) -> dict[str, ViewStack]:
    """Read the label map of each annotator over one scan.

    Raises:
        ValueError: if one cannot be read, they differ in views or size, or hold unknown values.
    """
    stacks = {annotator: read_view_stack(path) for annotator, path in paths.items()}
    first = next(iter(stacks.values())).grid
    for stack in stacks.values():
        if not stack.grid.fits(first):
            raise ValueError(
                f"scan {key}: label maps must have the same views and pixels, got {first}; and "
                f"{stack.grid}"
            )
    for stack in stacks.values():
        check_label_values(np.unique(stack.array).tolist(), f"scan {key}: label map")
    return stacks
