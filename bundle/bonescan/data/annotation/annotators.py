"""What several annotators marked on the same scans, and one label map made of it."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from bonescan.keys import IMAGE, LABEL
from bonescan.labels import Label, check_label_values

FOREGROUND = tuple(label for label in Label if label != Label.BACKGROUND)


class Method(StrEnum):
    """How label maps become one."""

    MAJORITY = "majority"
    AGREEMENT = "agreement"
    STAPLE = "staple"


@dataclass(frozen=True)
class AnnotatedScan:
    """The label maps of all annotators over one scan.

    Attributes:
        key: name of the scan in files.
        section: section of the datalist.
        entry: its entry, that of the first annotator.
        readers: names of the annotators.
        labels: (annotator, view, row, column).
        spacing_mm: (row, column) pixel spacing.
        views: the views.
    """

    key: str
    section: str
    entry: Mapping[str, Any]
    readers: tuple[str, ...]
    labels: NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    views: tuple[View, ...]


@dataclass(frozen=True)
class ViewDispute:
    """A dispute with its place.

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


def load_annotated_scans(
    datalists: Mapping[str, Path], failures: list[str]
) -> Iterator[AnnotatedScan]:
    """Load the scans that every annotator has labelled, one after the other.

    Args:
        datalists: the datalist of each annotator, with the same scans.
        failures: scans that an annotator lacks, or whose label maps do not fit, are added here.

    Yields:
        The readings, in the order of the first datalist.

    Raises:
        ValueError: if there are fewer than two annotators or a datalist cannot be read.
    """
    if len(datalists) < 2:
        raise ValueError(f"datalists must be those of 2 annotators or more, got {len(datalists)}")
    listed = {reader: _list_entries(path) for reader, path in datalists.items()}
    first = next(iter(listed.values()))
    root = common_folder([list(image) for image in first])
    for image in dict.fromkeys(image for entries in listed.values() for image in entries):
        lacking = [reader for reader, entries in listed.items() if image not in entries]
        if lacking:
            name = Path(image[0]).name
            failures.append(f"{name}: must be labelled by all, got no label of {lacking}")
            continue
        section, entry = first[image]
        key = scan_key(list(image), root)
        paths = [entries[image][1][LABEL] for entries in listed.values()]
        try:
            stacks = [read_view_stack(path) for path in paths]
            _require_alike(stacks, key)
        except ValueError as err:
            failures.append(str(err))
            continue
        labels = np.stack([stack.array for stack in stacks]).astype(np.uint8)
        readers = tuple(datalists)
        yield AnnotatedScan(
            key, section, entry, readers, labels, stacks[0].spacing_mm, stacks[0].views
        )


def combine(
    reading: AnnotatedScan,
    method: Method,
    *,
    votes: int = 2,
    max_difference: float = MAX_DIFFERENCE,
    seed: int = 0,
) -> tuple[ViewStack, list[ViewDispute]]:
    """Make one label map of a reading, label by label.

    Args:
        reading: what the annotators marked.
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
    annotators = len(reading.readers)
    if method is Method.MAJORITY and not annotators < 2 * votes <= 2 * annotators:
        raise ValueError(f"votes must be more than half of {annotators} annotators, got {votes}")
    rng = np.random.default_rng([seed, zlib.crc32(reading.key.encode())])
    label = np.zeros(reading.labels.shape[1:], dtype=np.uint8)
    disputes: list[ViewDispute] = []
    for value in sorted(FOREGROUND, reverse=True):
        masks = reading.labels == value
        if method is Method.MAJORITY:
            chosen = majority(masks, votes=votes)
        elif method is Method.STAPLE:
            chosen = staple(masks).prob > 0.5
        else:
            picked = [
                pick_agreed(plane, rng, max_difference=max_difference)
                for plane in masks.swapaxes(0, 1)
            ]
            chosen = np.stack([mask for mask, _ in picked])
            disputes += [
                ViewDispute(view, value, dispute)
                for view, (_, found) in zip(reading.views, picked, strict=True)
                for dispute in found
            ]
        label[chosen] = value
    return ViewStack(label, reading.spacing_mm, reading.views, tuple(range(len(label)))), disputes


def _list_entries(path: Path) -> dict[tuple[str, ...], tuple[str, dict[str, Any]]]:
    """Return section and entry by the absolute names of the scan's files."""
    listed = {}
    for section in read_datalist(path):
        for entry in load_items(path, section):
            if LABEL not in entry:
                raise ValueError(f"{path}: every entry must have {LABEL!r}, one has none")
            files = [parse_reference(name).path for name in file_names(entry[IMAGE])]
            listed[tuple(str(file.resolve()) for file in files)] = (section, entry)
    return listed


def _require_alike(stacks: list[ViewStack], key: str) -> None:
    """Check that the label maps of a scan have the same views, size and known values."""
    shapes = {(stack.array.shape, stack.views) for stack in stacks}
    if len(shapes) > 1:
        raise ValueError(f"scan {key}: label maps must have one shape, got {sorted(shapes)}")
    for stack in stacks:
        check_label_values(np.unique(stack.array).tolist(), f"scan {key}: label map")
