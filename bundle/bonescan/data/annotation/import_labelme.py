"""Turn the LabelMe files of a collection of scans into label maps and a datalist."""

import glob
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from bonescan.data.annotation.labelme import Annotation, LabelMeError, is_labelme, read_labelme
from bonescan.data.annotation.owner import find_owner
from bonescan.data.annotation.rasterise import Drawing, rasterise
from bonescan.data.label_set import LabelMapSet
from bonescan.data.listing import ListedScan, folder_of_scans, list_scans
from bonescan.data.nifti import ViewStack
from bonescan.dicom.scan import View

Drawn = dict[str, dict[View, list[Annotation]]]
"""Annotations by key of the scan and by view."""


@dataclass(frozen=True)
class ImportSettings:
    """What to import and how.

    Attributes:
        scans: folder or datalist of scans.
        annotations: folder that is searched for LabelMe files, with all folders beneath; None
            searches that of the scans.
        output: folder to write.
        values: value of each label name; None leaves its shapes out.
        annotator: take only files whose name ends in `_` and this; None takes all.
        drawing: how the annotators' images differ from the views as acquired.
        mirrored_posterior: posterior images were mirrored (on top of `drawing`).
        empty_views: a view without file holds no lesion; otherwise it is a failure.
        folds: number of folds that patients are dealt to, where the scans come without.
        seed: of dealing.
    """

    scans: Path
    annotations: Path | None
    output: Path
    values: Mapping[str, int | None]
    annotator: str | None = None
    drawing: Drawing = field(default_factory=Drawing)
    mirrored_posterior: bool = False
    empty_views: bool = False
    folds: int = 5
    seed: int = 0


@dataclass(frozen=True)
class ImportOutcome:
    """What became of an import.

    Attributes:
        labelled: number of scans with a label map.
        unannotated: number of scans that no file belongs to.
        failures: one line per file or scan that was left out, which says why.
    """

    labelled: int
    unannotated: int
    failures: tuple[str, ...]


def import_annotations(settings: ImportSettings) -> ImportOutcome:
    """Write a label map for every annotated scan, and the datalist of these scans.

    A scan or file that cannot be used is left out, and the others go on.

    Raises:
        ValueError: if there are no scans, or no LabelMe files.
        OSError: if the output cannot be written.
    """
    files = _find_files(settings)  # before the scans, which take much longer to read
    scans, failures = list_scans(settings.scans)
    drawn, unread = _read_files(files, scans)
    failures += unread
    empty_views = settings.empty_views and not unread  # an unread file may be the missing view's
    labelled = LabelMapSet(settings.output)
    annotated = [scan for scan in scans if scan.key in drawn]
    for scan in tqdm(annotated, unit="scan", desc="Import"):
        try:
            _require_files(scan, drawn[scan.key], empty_views=empty_views)
            label = _paint(scan, drawn[scan.key], settings)
        except LabelMeError as err:
            failures.append(str(err))
        else:
            labelled.add(scan.key, scan.section, scan.entry, label)
    if len(labelled):
        name = settings.annotator
        whose = "all annotators" if name is None else f"annotator {name}"
        description = f"Labels imported from LabelMe files of {whose}"
        labelled.write_datalist(description, folds=settings.folds, seed=settings.seed)
    return ImportOutcome(len(labelled), len(scans) - len(drawn), tuple(failures))


def _find_files(settings: ImportSettings) -> list[Path]:
    name = settings.annotator
    suffix = "" if name is None else f"_{name}"
    folder = settings.annotations or folder_of_scans(settings.scans)
    paths = sorted(folder.rglob(f"*{glob.escape(suffix)}.json"))
    files = [path for path in paths if is_labelme(path)]
    if not files:
        whose = "" if name is None else f" of annotator {name!r}"
        raise LabelMeError(
            f"{folder}: must hold LabelMe files{whose}, got none; "
            "give their folder by --annotations"
        )
    return files


def _read_files(files: Sequence[Path], scans: Sequence[ListedScan]) -> tuple[Drawn, list[str]]:
    """Read the files and find their owners; return them, and why others cannot be used."""
    drawn: Drawn = defaultdict(lambda: defaultdict(list))
    unread: list[str] = []
    for path in files:
        try:
            annotation = read_labelme(path)
            scan, view = find_owner(annotation, scans)
        except LabelMeError as err:
            unread.append(str(err))
        else:
            drawn[scan.key][view].append(annotation)
    return drawn, unread


def _require_files(
    scan: ListedScan, drawn: Mapping[View, Sequence[Annotation]], *, empty_views: bool
) -> None:
    """Check that each view of a scan has one file."""
    for view in scan.facts.views:
        annotations = drawn.get(view, [])
        if len(annotations) > 1:
            names = ", ".join(annotation.path.name for annotation in annotations)
            raise LabelMeError(
                f"scan {scan.key}: must have one file for the {view} view, got {names}; "
                "choose one annotator"
            )
        if not annotations and not empty_views:
            raise LabelMeError(
                f"scan {scan.key}: must have a file for the {view} view, got none that can be "
                "used; annotate it, or say that views without file are empty"
            )


def _paint(
    scan: ListedScan, drawn: Mapping[View, Sequence[Annotation]], settings: ImportSettings
) -> ViewStack:
    """Paint the views of one scan."""
    views = scan.facts.views
    label = np.zeros((len(views), *scan.size), dtype=np.uint8)
    for plane, view in zip(label, views, strict=True):
        drawing = settings.drawing
        if settings.mirrored_posterior and view is View.POSTERIOR:
            drawing = replace(drawing, mirrored=not drawing.mirrored)
        for annotation in drawn.get(view, []):
            plane[:] = rasterise(annotation, scan.size, settings.values, drawing)
    return ViewStack(label, scan.facts.spacing_mm, views)
