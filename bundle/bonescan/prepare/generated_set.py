"""Write images of a generator as an image set without labels, and the datalist of these."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bonescan.data.datalist import DATALIST_FILE, read_datalist, rename_files
from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from bonescan.files import write_json
from bonescan.keys import GENERATED, IMAGE, PATIENT, SIMULATED, UNSEEN_FOLDS

WHITE = 255
"""Value in a file of what a generator makes white. Whole numbers clear the air, where a generator
leaves traces above zero: a system scales an image by those of its pixels that are not zero. What is
white in 120 simulated thoraxes had 16 to 631 counts, 105 in the median; a default of ours."""
COMMENT = "made by a generator, of no patient; which view it shows is not known"


@dataclass(frozen=True, kw_only=True)
class Maker:
    """What made the images.

    Attributes:
        name: of this generator alone, such as the beginning of its weights' SHA-256.
        seed: of the latent vectors.
        spacing_mm: (row, column) pixel spacing of what it learnt from.
        simulated: whether it learnt from simulated scans.
        unseen_folds: folds of the training section that it was not trained on.
    """

    name: str
    seed: int
    spacing_mm: tuple[float, float]
    simulated: bool
    unseen_folds: Sequence[int]


def to_counts(images: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return what files hold of images in 0..1: whole numbers from 0 to WHITE in float32."""
    return np.rint(WHITE * images.clip(0, 1)).astype(np.float32)


def require_empty(folder: Path) -> None:
    """Make a folder, or see that there is nothing in it.

    Raises:
        ValueError: if it holds anything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(
            f"{folder} must be empty, got other files; choose another folder or delete this one"
        )


def write_generated_set(
    counts: NDArray[np.float32], folder: Path, maker: Maker, *, beside: Path | None = None
) -> Path:
    """Write images and their datalist.

    The files are one-view NIfTI, as those of an image set (bonescan.prepare.image_set). They are
    named anterior, since their columns run as in an anterior view: generators learn from views that
    lie on each other. Each image is a patient of its own.

    Args:
        counts: images (image, row, column), see `to_counts`.
        folder: to write to; empty.
        maker: what made them.
        beside: datalist of an image set whose sections the new one holds, too, so that a network
            can be trained on both.

    Returns:
        The datalist.

    Raises:
        ValueError: if the other datalist cannot be used, or has generated images already.
    """
    sections = {} if beside is None else _take_sections(beside, folder)
    entries = []
    for number, image in enumerate(tqdm(counts, unit="image", desc="Write")):
        name = f"{number:04d}"
        write_view_stack(
            folder / f"{name}.nii.gz", image[None], maker.spacing_mm, [View.ANTERIOR],
            comment=COMMENT,
        )  # fmt: skip
        entries.append(
            {
                IMAGE: f"{name}.nii.gz",
                PATIENT: f"generated-{maker.name}-{maker.seed}-{name}",
                GENERATED: True,
                SIMULATED: maker.simulated,
                UNSEEN_FOLDS: list(maker.unseen_folds),
            }
        )
    head = {
        "name": f"{len(entries)} generated thorax images",
        "description": f"Made by generator {maker.name} with seed {maker.seed}; of no patient",
    }
    write_json(folder / DATALIST_FILE, {**head, **sections, GENERATED: entries})
    return folder / DATALIST_FILE


def join_generated(generated: Path, beside: Path, name: str) -> Path:
    """Write a datalist of generated images and of the sections of another datalist.

    Args:
        generated: datalist of the images alone.
        beside: datalist of an image set.
        name: of the new datalist, in the folder of the images.

    Returns:
        The new datalist.

    Raises:
        ValueError: if one of the two cannot be used, or the second has generated images already.
    """
    images = {GENERATED: read_datalist(generated)[GENERATED]}
    joined = generated.with_name(name)
    write_json(joined, {**_take_sections(beside, joined.parent), **images})
    return joined


def _take_sections(datalist: Path, folder: Path) -> Mapping[str, list[dict[str, Any]]]:
    """Return the sections of a datalist, their files named from another folder."""
    sections = read_datalist(datalist)
    if GENERATED in sections:
        raise ValueError(f"{datalist}: must have no section {GENERATED!r} yet, has one")
    there = Path(os.path.relpath(datalist.resolve().parent, folder.resolve()))
    return {
        name: [rename_files(entry, lambda file: str(there / file)) for entry in entries]
        for name, entries in sections.items()
    }
