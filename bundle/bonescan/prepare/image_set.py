"""Write the thorax images of a datalist as an image set: mirrored, shifted and turned copies.

All copies of a patient stay in the patient's fold, unless a split by image is asked for, which is
what a paper does that splits after augmentation. See bonescan.prepare.image_plan for which images
there are.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Flipd, LoadImaged
from tqdm import tqdm

from bonescan.data.datalist import DATALIST_FILE, data_hash, load_items, read_datalist
from bonescan.data.entry import FILE_KEYS
from bonescan.data.nifti import write_view_stack
from bonescan.data.samples import SampleDataset
from bonescan.dicom.scan import View
from bonescan.files import write_json, write_whole
from bonescan.keys import (
    FOLD,
    IMAGE,
    LABEL,
    META_SIMULATED,
    PATIENT,
    PATIENT_OF_IMAGE,
    SIMULATED,
)
from bonescan.labels import Label
from bonescan.prepare.image_plan import (
    ImageVariant,
    SectionFold,
    deal_images,
    plan_variants,
    select_originals,
)
from bonescan.transforms.augment import RandShiftRotated
from bonescan.transforms.label_values import CheckLabelGridd
from bonescan.transforms.metadata import get_spacing_mm, get_views
from bonescan.transforms.mirror import MirrorPosteriord
from bonescan.transforms.pixel_size import JoinPixelsd
from bonescan.transforms.thorax import ThoraxCropd
from bonescan.transforms.views import SplitViewsd

PAIR = (IMAGE, LABEL)
SETTINGS_FILE = "augmentation.json"
SPLITS = ("patient", "image")
"""What is dealt to sections and folds: patients with all that is made of them, or single images."""


class Original(NamedTuple):
    """A view of the datalist: its section and its sample."""

    section: str
    sample: dict[str, Any]

    @property
    def part(self) -> SectionFold:
        """Section and fold."""
        return self.section, self.sample.get(FOLD)


def make_variant(
    sample: Mapping[str, MetaTensor], variant: ImageVariant, *, seed: int
) -> dict[Hashable, torch.Tensor]:
    """Mirror and move a sample; image bilinear, label nearest.

    Args:
        sample: image and label (1, row, column) on the same, square pixels.
        variant: what to do.
        seed: of the whole set; the move depends on it and the variant only.

    Returns:
        Image in float32 and label in uint8.
    """
    pair: Mapping[Any, Any] = {key: sample[key] for key in PAIR}
    if variant.mirrored:
        pair = Flipd(PAIR, spatial_axis=1)(pair)
    if variant.draw:
        key = [seed, variant.original, int(variant.mirrored), variant.draw]
        move = RandShiftRotated(PAIR, ["bilinear", "nearest"])
        move.set_random_state(int(np.random.SeedSequence(key).generate_state(1)[0]))
        pair = move(pair)
    return {IMAGE: pair[IMAGE].to(torch.float32), LABEL: pair[LABEL].to(torch.uint8)}


def make_image_set(
    datalist: Path,
    output: Path,
    *,
    seed: int,
    total: int | None = None,
    selected: int | None = None,
    split: str = "patient",
) -> int:
    """Write the thorax of the views of a datalist, augmented, and the datalist of these images.

    The files are one-view NIfTI in the geometry of the acquisition (bonescan.data.nifti): images
    are counts in float32, labels uint8. An interrupted run goes on where it stopped.

    Args:
        datalist: with `image` and `label` in every entry, in one or more sections.
        output: folder to write; empty, or that of an interrupted run with the same arguments.
        seed: 0 or more.
        total: number of images, all sections together; None for the views as they are.
        selected: number of views to use, see `select_originals`; None for all.
        split: one of SPLITS; "image" deals the images anew, see `deal_images`.

    Returns:
        The number of views that the images are made of.

    Raises:
        ValueError: if the datalist, a number, the split or the folder cannot be used, or no thorax
            is found on a scan (ScanError).
        OSError: if the folder cannot be written.
    """
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    data = data_hash(datalist)
    settings = {"total": total, "seed": seed, "data": data, "selected": selected, "split": split}
    _claim(output, settings)
    views = _load_originals(datalist)
    originals = views if selected is None else _select(views, selected, seed=seed)
    plan = plan_variants(len(originals), len(originals) if total is None else total, seed=seed)
    if split == "image":
        parts = deal_images([view.part for view in views], len(plan), seed=seed)
    else:
        parts = [originals[variant.original].part for variant in plan]
    content = _describe(len(plan), len(originals), split)
    for variant, part in zip(tqdm(plan, unit="image", desc="Augment"), parts, strict=True):
        sample = originals[variant.original].sample
        _write_pair(sample, variant, output, seed=seed)
        entry = _make_entry(sample, variant)
        if split == "image":
            entry = _detach(entry, variant, part)
        content.setdefault(part[0], []).append(entry)
    write_json(output / DATALIST_FILE, content)
    return len(originals)


def _describe(images: int, views: int, split: str) -> dict[str, Any]:
    """Return the head of the set's datalist."""
    made = "Each view as it is" if images == views else "Mirrored, shifted and turned copies"
    dealt = {
        "patient": "all images of a patient in one fold",
        "image": "split by image: optimistic, copies of one patient lie on both sides",
    }
    return {
        "name": f"{images} thorax images made of {views} views",
        "description": f"{made}; {dealt[split]}",
    }


def _detach(entry: Mapping[str, Any], variant: ImageVariant, part: SectionFold) -> dict[str, Any]:
    """Make an image a patient of its own, so that it may lie where its patient does not."""
    kept = {key: value for key, value in entry.items() if key not in (PATIENT, FOLD)}
    patient = {PATIENT_OF_IMAGE: entry[PATIENT]} if PATIENT in entry else {}
    fold = {} if part[1] is None else {FOLD: part[1]}
    return {**kept, PATIENT: variant.name, **patient, **fold}


def _load_originals(datalist: Path) -> list[Original]:
    """Load the thorax of every view."""
    chain = Compose(
        [
            LoadImaged(PAIR, reader="bonescan.data.reader.BoneScanReader", dtype=None),
            CheckLabelGridd(PAIR),
            MirrorPosteriord(PAIR),
            JoinPixelsd(PAIR),
            ThoraxCropd(PAIR),
            SplitViewsd(PAIR),
        ]
    )
    originals = []
    for section in read_datalist(datalist):
        entries = load_items(datalist, section)
        unlabelled = sum(LABEL not in entry for entry in entries)
        if unlabelled:
            raise ValueError(
                f"{datalist}: every entry must have {LABEL!r}, {unlabelled} of {section!r} "
                "have none"
            )
        samples = SampleDataset(entries, chain)
        originals += [Original(section, samples[index]) for index in range(len(samples))]
    return originals


def _select(views: Sequence[Original], selected: int, *, seed: int) -> list[Original]:
    shows_lesion = [bool((view.sample[LABEL] == Label.METASTASIS).any()) for view in views]
    return [views[index] for index in select_originals(shows_lesion, selected, seed=seed)]


def _claim(output: Path, settings: Mapping[str, Any]) -> None:
    """Make the folder this set's, or refuse it."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / SETTINGS_FILE
    if not path.exists():
        if any(output.iterdir()):
            raise ValueError(f"{output} must be empty, got other files; choose another folder")
        write_json(path, settings)
    elif json.loads(path.read_text(encoding="utf-8")) != settings:
        raise ValueError(
            f"{output} must hold a set of the same data, total, seed, selection and split, got one "
            "that was made otherwise; choose another folder or delete this one"
        )


def _paths(variant: ImageVariant) -> dict[str, str]:
    return {IMAGE: f"{variant.name}.nii.gz", LABEL: f"{variant.name}-label.nii.gz"}


def _write_pair(
    sample: Mapping[str, MetaTensor], variant: ImageVariant, output: Path, *, seed: int
) -> None:
    """Write image and label unless both are there already."""
    paths = {key: output / name for key, name in _paths(variant).items()}
    if all(path.exists() for path in paths.values()):
        return
    # The files are as the camera sees the patient: the posterior view is mirrored back.
    pair = MirrorPosteriord(PAIR)(make_variant(sample, variant, seed=seed))
    for key, path in paths.items():
        path.parent.mkdir(exist_ok=True)
        _write_plane(path, pair[key])


def _write_plane(path: Path, plane: MetaTensor) -> None:
    """Write one view as it is."""
    views = [View(name) for name in get_views(plane)]
    spacing_mm = get_spacing_mm(plane)
    write_whole(path, lambda part: write_view_stack(part, plane.numpy(), spacing_mm, views))


def _make_entry(sample: Mapping[str, Any], variant: ImageVariant) -> dict[str, Any]:
    """Return the entry of a variant: its files, what was done, and the facts of the patient."""
    facts = {
        name: value
        for name, value in sample.items()
        if name not in FILE_KEYS and isinstance(value, str | int | float | bool | None)
    }
    # the files are NIfTI and cannot say it themselves
    simulated = bool(facts.get(SIMULATED)) or bool(sample[IMAGE].meta.get(META_SIMULATED))
    return {**facts, SIMULATED: simulated, **_paths(variant), **asdict(variant)}
