"""Write the thorax images of a datalist as a set of its own, augmented to an exact number.

Lin et al. 2020 and 2022 turn 112 thorax images into 2 280 with mirroring, shifts and rotations, and
do not say how many of each. Here every image is taken as it is and mirrored, each with the same
number of random moves beside the unmoved one, and what is left over goes to images drawn at random:
112 x 2 x (1 + 9) = 2 240, and 40 more. All copies of a patient stay in the patient's fold, unless a
split by image is asked for, which is what a paper does that splits after augmentation.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Flipd, LoadImaged
from tqdm import tqdm

from bonescan.data.datalist import DATALIST_FILE, FILE_KEYS, data_hash, load_items, read_datalist
from bonescan.data.nifti import write_view_stack
from bonescan.data.samples import SampleDataset
from bonescan.dicom.scan import View
from bonescan.files import write_json, write_whole
from bonescan.keys import FOLD, IMAGE, LABEL, META_SIMULATED, PATIENT, SIMULATED
from bonescan.labels import Label
from bonescan.transforms.augment import RandShiftRotated
from bonescan.transforms.metadata import get_spacing_mm, get_views
from bonescan.transforms.mirror import MirrorPosteriord
from bonescan.transforms.thorax import ThoraxCropd
from bonescan.transforms.views import SplitViewsd

PAIR = (IMAGE, LABEL)
SETTINGS_FILE = "augmentation.json"
SPLITS = ("patient", "image")
"""What is dealt to sections and folds: patients with all that is made of them, or single images."""
PATIENT_OF_IMAGE = "patient_of_image"
"""Pseudonym of the patient in a set that is split by image, where each is a patient of its own."""
SELECT_STREAM = 1
SPLIT_STREAM = 2
"""Second word of the seeds of what is drawn here, apart from the plan's own."""

Original = tuple[str, dict[str, Any]]
"""Section of a view and its sample."""
Place = tuple[str, int | None]
"""Section and fold of an image; None outside of the folds."""


@dataclass(frozen=True)
class ImageVariant:
    """One image to write.

    Attributes:
        original: number of the view that it is made of, from 0.
        mirrored: left and right swapped.
        draw: number of the random move; 0 is unmoved.
    """

    original: int
    mirrored: bool
    draw: int

    @property
    def name(self) -> str:
        """Folder and start of the file name, relative to the datalist."""
        side = "mirrored" if self.mirrored else "straight"
        return f"{self.original:04d}/{side}-{self.draw:02d}"


def plan_variants(originals: int, total: int, *, seed: int) -> list[ImageVariant]:
    """Choose the images to write: an equal number of each original, straight and mirrored.

    Args:
        originals: number of views that there are.
        total: number of images wanted: that number, for each view as it is and no more, or at least
            twice that.
        seed: decides which of them get one more move where the total is no multiple.

    Returns:
        Exactly `total` variants, sorted by original.

    Raises:
        ValueError: if there are no originals, or the total is too small.
    """
    if originals > 0 and total == originals:
        return [ImageVariant(original, mirrored=False, draw=0) for original in range(originals)]
    if originals < 1 or total < 2 * originals:
        raise ValueError(
            f"total must be {originals}, or at least {2 * originals} to hold each of the "
            f"{originals} views straight and mirrored, got {total}"
        )
    each, extra = divmod(total, 2 * originals)
    chosen = np.random.default_rng(seed).choice(2 * originals, size=extra, replace=False)
    plan = []
    for position, (original, mirrored) in enumerate(product(range(originals), (False, True))):
        draws = each + int(position in chosen)
        plan += [ImageVariant(original, mirrored, draw) for draw in range(draws)]
    return plan


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


def augment_datalist(
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
    _claim(
        output,
        {
            "total": total,
            "seed": seed,
            "data": data_hash(datalist),
            "selected": selected,
            "split": split,
        },
    )
    loaded = _load_originals(datalist)
    originals = loaded if selected is None else select_originals(loaded, selected, seed=seed)
    plan = plan_variants(len(originals), len(originals) if total is None else total, seed=seed)
    places = [_place_of(original) for original in loaded]
    dealt = deal_images(places, len(plan), seed=seed) if split == "image" else None
    content = _describe(len(plan), len(originals), split)
    for position, variant in enumerate(tqdm(plan, unit="image", desc="Augment")):
        section, sample = originals[variant.original]
        _write_pair(sample, variant, output, seed=seed)
        entry = _make_entry(sample, variant)
        if dealt is not None:
            section, fold = dealt[position]
            entry = _detach(entry, variant, fold)
        content.setdefault(section, []).append(entry)
    write_json(output / DATALIST_FILE, content)
    return len(originals)


def select_originals(originals: Sequence[Original], selected: int, *, seed: int) -> list[Original]:
    """Choose views, those that show metastasis before the others, at random among equals.

    Args:
        originals: section and sample of each view.
        selected: number of views wanted, 1 or more.
        seed: 0 or more.

    Returns:
        Exactly `selected` of the originals in their order.

    Raises:
        ValueError: if there are fewer views than that.
    """
    if not 1 <= selected <= len(originals):
        raise ValueError(
            f"selected must be from 1 to the number of views, {len(originals)}, got {selected}"
        )
    order = np.random.default_rng([seed, SELECT_STREAM]).permutation(len(originals)).tolist()
    order.sort(key=lambda index: not _shows_metastasis(originals[index]))  # stable: stays random
    return [originals[index] for index in sorted(order[:selected])]


def _shows_metastasis(original: Original) -> bool:
    return bool((original[1][LABEL] == Label.METASTASIS).any())


def deal_images(places: Sequence[Place], images: int, *, seed: int) -> list[Place]:
    """Deal images to sections and folds at random, without regard of the patient.

    Args:
        places: section and fold of each view of the original datalist, whose proportions are kept.
        images: number of images.
        seed: 0 or more.

    Returns:
        A place per image; each place's share is within one image of its share among `places`.
    """
    together = sorted(places, key=repr)
    shares = [together[index * len(together) // images] for index in range(images)]
    order = np.random.default_rng([seed, SPLIT_STREAM]).permutation(images)
    return [shares[index] for index in order]


def _place_of(original: Original) -> Place:
    section, sample = original
    return section, sample.get(FOLD)


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


def _detach(entry: Mapping[str, Any], variant: ImageVariant, fold: int | None) -> dict[str, Any]:
    """Make an image a patient of its own, so that it may lie where its patient does not."""
    kept = {key: value for key, value in entry.items() if key not in (PATIENT, FOLD)}
    patient = {PATIENT_OF_IMAGE: entry[PATIENT]} if PATIENT in entry else {}
    place = {} if fold is None else {FOLD: fold}
    return {**kept, PATIENT: variant.name, **patient, **place}


def _load_originals(datalist: Path) -> list[Original]:
    """Load the thorax of every view, with the section that it belongs to."""
    chain = Compose(
        [
            LoadImaged(PAIR, reader="bonescan.data.reader.BoneScanReader", dtype=None),
            MirrorPosteriord(PAIR),
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
        originals += [(section, samples[index]) for index in range(len(samples))]
    return originals


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
