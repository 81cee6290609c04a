"""Datalists in the form of the Medical Segmentation Decathlon, checked before they are used.

The form is the one that MONAI's `load_decathlon_datalist` reads. That function is not used here: it
makes a path of any field that happens to name something beside the datalist, such as `patient` when
each patient has a folder, and it checks nothing.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bonescan.data.entry import FILE_KEYS, SPACING_FIELD, VIEW_FIELD, check_entry
from bonescan.data.label_choice import drop_label, keep_labels
from bonescan.data.scan_reference import file_names, make_reference, parse_reference
from bonescan.keys import FOLD, GENERATED, IMAGE, LABEL, PATIENT, UNSEEN_FOLDS

logger = logging.getLogger(__name__)

DATALIST_FILE = "datalist.json"
"""Name of the datalist in a folder that this bundle writes."""
TRAINING = "training"
TEST = "test"
"""Sections that a datalist has by custom."""


class Entries(list[dict[str, Any]]):
    """Entries of a datalist, which they name; MONAI Label hands over others.

    Args:
        entries: what is listed.
        datalist: the file.
    """

    def __init__(self, entries: Iterable[dict[str, Any]], datalist: Path) -> None:
        super().__init__(entries)
        self.datalist = datalist


def find_datalist(entries: Sequence[Mapping[str, Any]]) -> Path | None:
    """Return the datalist that entries are of; None where they come from elsewhere."""
    return entries.datalist if isinstance(entries, Entries) else None


def load_items(
    path: str | Path,
    section: str = TRAINING,
    *,
    exclude_folds: Iterable[int | None] = (),
    only_fold: int | None = None,
    added_section: str | None = None,
    labelled: bool | None = None,
    labelled_fraction: float = 1.0,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Load the entries of one section, after checking the whole datalist.

    Args:
        path: a JSON file with lists of entries, `training` and `test` by custom; an entry has
            `image`, mostly `label` and `patient`, in training `fold`. The label of an entry that
            says `"labelled": false` is left aside and need not exist.
        section: name of the list.
        exclude_folds: leave these folds out (training); None stands for no fold.
        only_fold: take this fold alone (validation).
        added_section: name of a list whose entries are all added, whatever the folds.
        labelled: take only entries with `label` (True) or only those without (False).
        labelled_fraction: share of the patients of the chosen folds whose labels are kept at most
            (see bonescan.data.label_choice.keep_labels).
        seed: of the choice of these patients.

    Returns:
        Entries with the paths joined to the datalist's folder, other fields as they stand.

    Raises:
        ValueError: if the datalist does not exist, is no JSON, lacks the section, names a missing
            file, puts one patient on two sides, or nothing is left; if a fold is left out that the
            generator of an entry has seen.
    """
    path = Path(path)
    content = read_datalist(path)
    added = [] if added_section is None else [added_section]
    for name in (section, *added):
        if name not in content:
            raise ValueError(f"{path}: section must be one of {sorted(content)}, got {name!r}")
    content = {name: list(map(drop_label, entries)) for name, entries in content.items()}
    excluded = set(exclude_folds) - {None}
    _require_files(content, path)
    _require_disjoint(content, path)
    wanted = [entry for entry in content[section] if labelled in {None, LABEL in entry}]
    _require_folds(wanted, path, (excluded | {only_fold}) - {None})
    in_folds = [
        entry
        for entry in content[section]
        if entry.get(FOLD) not in excluded and only_fold in {None, entry.get(FOLD)}
    ]
    in_folds += [entry for name in added for entry in content[name]]
    _require_unseen(in_folds, path, excluded)
    where = f"{path}: section {section!r}"
    kept = keep_labels(in_folds, where, fraction=labelled_fraction, seed=seed)
    chosen = _choose_labelled(kept, where, labelled=labelled)
    located = (rename_files(entry, lambda name: str(path.parent / name)) for entry in chosen)
    return Entries(map(_with_hints, located), path)


def _choose_labelled(
    entries: list[dict[str, Any]], where: str, *, labelled: bool | None
) -> list[dict[str, Any]]:
    """Take the entries with a label or those without, and say how many others there are."""
    chosen = [entry for entry in entries if labelled in {None, LABEL in entry}]
    if not chosen:
        kind = {None: "", True: f"with {LABEL!r} ", False: f"without {LABEL!r} "}[labelled]
        raise ValueError(f"{where} has no entries {kind}left to use")
    if len(chosen) < len(entries):
        other = "without" if labelled else "with"
        left_out = len(entries) - len(chosen)
        logger.info(
            "%s: %d entries %s %r left out of %d", where, left_out, other, LABEL, len(entries)
        )
    return chosen


def rename_files(entry: Mapping[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    """Return an entry with other names of its files, one or several in a field as before."""
    renamed = {
        key: rename(names) if isinstance(names, str) else [rename(name) for name in names]
        for key, names in entry.items()
        if key in FILE_KEYS
    }
    return {**entry, **renamed}


def read_datalist(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the sections of a datalist, as they stand; a plain file name is an entry of its own.

    Raises:
        ValueError: if the file does not exist, is no JSON object, or holds no entries; if a field
            of an entry holds what it cannot (see bonescan.data.entry).
    """
    if not path.is_file():
        raise ValueError(
            f"{path}: no such datalist; name a file such as data/cohort/datalist.json, or "
            "simulate a cohort"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as err:
        raise ValueError(f"{path}: a datalist must be JSON, got an error: {err}") from err
    sections = content if isinstance(content, dict) else {}
    _require_images(sections, path)
    entries = {
        name: [item if isinstance(item, dict) else {IMAGE: item} for item in items]
        for name, items in sections.items()
        if isinstance(items, list) and items and _are_entries(items)
    }
    if not entries:
        raise ValueError(f"{path}: the datalist is empty: no list of entries with {IMAGE!r} in it")
    for name, items in entries.items():
        for number, entry in enumerate(items, start=1):
            check_entry(entry, f"{path}: {name}, entry {number}")
    return entries


def _require_images(sections: Mapping[str, Any], path: Path) -> None:
    """Check that where one item of a list is an entry, all are; other lists mean something else."""
    for name, items in sections.items():
        if not isinstance(items, list) or not any(_are_entries([item]) for item in items):
            continue
        for number, item in enumerate(items, start=1):
            if not _are_entries([item]):
                raise ValueError(f"{path}: {name}, entry {number}: must have {IMAGE!r}")


def data_hash(path: str | Path) -> str:
    """Hash a datalist with the names and sizes of its files, for the record of a run.

    Cheap: no file is read but the datalist. A file replaced by one of the same size goes unseen.

    Returns:
        SHA-256 in hexadecimal digits.

    Raises:
        ValueError: if the datalist cannot be read or a file is missing.
    """
    path = Path(path)
    content = read_datalist(path)
    _require_files(content, path)
    names = {name for entries in content.values() for name in _file_names(entries)}
    digest = hashlib.sha256(path.read_bytes())
    for name in sorted(names):
        digest.update(f"\n{name} {_size(path.parent / name)}".encode())
    return digest.hexdigest()


def _are_entries(items: Sequence[Any]) -> bool:
    return all(
        isinstance(item, str) or (isinstance(item, dict) and IMAGE in item) for item in items
    )


def _file_names(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Name the files of entries as they stand in the datalist, without hints."""
    for entry in entries:
        for key in FILE_KEYS:
            for name in file_names(drop_label(entry).get(key, [])):
                yield str(parse_reference(name).path)


def _size(path: Path) -> int:
    """Return the bytes of a file, or of the files in a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    return path.stat().st_size


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # no file can have that name: it is too long
        return False


def _require_files(content: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    missing = [
        name
        for entries in content.values()
        for name in _file_names(entries)
        if not _exists(path.parent / name)
    ]
    if missing:
        raise ValueError(
            f"{path}: {len(missing)} file(s) that the datalist names do not exist, "
            f"the first is {missing[0]!r}"
        )


def _require_disjoint(content: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Check that each patient is in one section and one fold."""
    part_of: dict[str, str] = {}
    for section, entries in content.items():
        for entry in entries:
            if PATIENT not in entry:
                continue
            fold = entry.get(FOLD)
            part = section if fold is None else f"{section}, fold {fold}"
            first = part_of.setdefault(entry[PATIENT], part)
            if first != part:
                raise ValueError(
                    f"{path}: a patient must be in one section and one fold, got patient "
                    f"{entry[PATIENT]!r} in ({first}) and ({part})"
                )


def _require_folds(entries: Sequence[Mapping[str, Any]], path: Path, asked: set[Any]) -> None:
    """Check that the folds asked for exist, and that the split can be by patient."""
    if not asked or not entries:
        return
    for field in (FOLD, PATIENT):
        missing = sum(field not in entry for entry in entries)
        if missing:
            raise ValueError(f"{path}: every entry must have {field!r}, {missing} have none")
    folds = {entry[FOLD] for entry in entries}
    if not asked <= folds:
        raise ValueError(f"{path}: fold must be one of {sorted(folds)}, got {sorted(asked)}")


def _require_unseen(entries: Sequence[Mapping[str, Any]], path: Path, excluded: set[Any]) -> None:
    """Check that generated images show nothing of the folds that are left out."""
    for entry in entries:
        unseen = set(entry.get(UNSEEN_FOLDS, ()))
        if entry.get(GENERATED) and not excluded <= unseen:
            raise ValueError(
                f"{path}: folds that are left out must be unseen by the generator of the images "
                f"that are trained on, {sorted(unseen)}, got {sorted(excluded)}; train with the "
                "fold and test_fold of the generator"
            )


def _with_hints(entry: dict[str, Any]) -> dict[str, Any]:
    """Move what was said by hand of a scan into the name of its (first) file."""
    view, spacing_mm = entry.pop(VIEW_FIELD, None), entry.pop(SPACING_FIELD, None)
    if view is None and spacing_mm is None:
        return entry
    first, *others = file_names(entry[IMAGE])
    hinted = str(make_reference(first, view=view, spacing_mm=spacing_mm))
    return {**entry, IMAGE: [hinted, *others] if others else hinted}
