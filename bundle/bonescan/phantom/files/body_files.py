"""A projected body in a folder: arrays that are mapped into memory, and one JSON file.

Flat .npy files: NumPy maps them without copying or parsing, and every version of it reads them.
Images are float32, since every patient sums all of them and NumPy is slow with float16. What is
only looked up is smaller: transmission, outline and fat are float16 (relative error below 0.05 %),
the voxels of bones and organs bytes (share in 255ths).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate, pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.labels import SIDES
from bonescan.phantom.anatomy.person import LimbAngles, Person
from bonescan.phantom.anatomy.voxels import (
    Body,
    Bone,
    CoarseVolume,
    Implant,
    VoxelBlock,
    VoxelEllipsoid,
)
from bonescan.phantom.cameras import CameraPreset
from bonescan.phantom.imaging.bases import BaseKey, BaseKind, Bases
from bonescan.phantom.imaging.detectors import DetectorHead, Geometry
from bonescan.phantom.imaging.projection import Patch

FACTS_FILE = "body.json"
IMAGES_FILE = "images.npy"
VOXELS_FILE = "voxels.npy"
OUTLINE_FILE = "outline.npy"
FAT_FILE = "fat.npy"
TRANSMISSION_FILE = "transmission.npy"
SLAB_FILE = "slab.npy"
THICKNESS_FILE = "thickness.npy"
REGIONS_FILE = "regions.npy"

FULL = 255
"""The byte that means a whole voxel."""


def write_body(bases: Bases, folder: Path) -> None:
    """Write a projected body into an existing empty folder."""
    body, views = bases.body, tuple(View)
    blocks = [*(bone.block for bone in body.bones.values()), *body.organs.values()]
    shares = [block.fraction for block in blocks] + [bone.density for bone in body.bones.values()]
    patches = [patch for view in views for patch in bases.patches[view]]
    heads = [bases.detectors[view] for view in views]
    arrays = {
        IMAGES_FILE: _flat([patch.values for patch in patches]),
        VOXELS_FILE: np.rint(_flat(shares) * FULL).astype(np.uint8),
        OUTLINE_FILE: body.outline.values.astype(np.float16),
        FAT_FILE: body.fat.values.astype(np.float16),
        TRANSMISSION_FILE: np.stack([head.transmission for head in heads]).astype(np.float16),
        SLAB_FILE: np.stack([head.slab for head in heads]).astype(np.uint8),
        THICKNESS_FILE: bases.thickness,
        REGIONS_FILE: bases.regions,
    }
    for name, array in arrays.items():
        np.save(folder / name, array)
    facts = {
        "person": asdict(body.person),
        "shape": body.shape,
        "spacing_mm": body.spacing_mm,
        "bones": [[bone.name, bone.region, *_place(bone.block)] for bone in body.bones.values()],
        "densities": [bone.density.shape for bone in body.bones.values()],
        "organs": [[name, *_place(block)] for name, block in body.organs.items()],
        "points": body.points,
        "implants": [asdict(implant) for implant in body.implants],
        "camera": asdict(bases.camera),
        "geometry": asdict(bases.geometry),
        "sigmas_px": [head.sigma_px for head in heads],
        "keys": [[key.kind.value, key.structure, key.joint] for key in bases.keys],
        "patches": [[patch.row, patch.column, *patch.values.shape] for patch in patches],
    }
    (folder / FACTS_FILE).write_text(json.dumps(facts) + "\n")


def _flat(arrays: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
    return np.concatenate([array.ravel() for array in arrays])


def _place(block: VoxelBlock) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return block.start, block.fraction.shape


def read_body(folder: Path, body_of: str) -> Bases:
    """Return the projected body of a folder; large arrays stay on disk until they are used.

    Args:
        folder: that `write_body` wrote.
        body_of: bank and number of the body.

    Raises:
        ValueError: if the folder holds no body.
    """
    try:
        facts = json.loads((folder / FACTS_FILE).read_text())
        return _read(folder, facts, body_of)
    except (OSError, ValueError, KeyError) as err:
        raise ValueError(
            f"{folder} must hold a body of a bank ({err}); delete the folder and build the bank "
            "again"
        ) from err


def _read(folder: Path, facts: Mapping[str, Any], body_of: str) -> Bases:
    transmission, slab = _map(folder, TRANSMISSION_FILE), _map(folder, SLAB_FILE)
    heads = {
        view: DetectorHead(transmission[number], slab[number], tuple(sigmas))
        for number, (view, sigmas) in enumerate(zip(View, facts["sigmas_px"], strict=True))
    }
    windows = facts["patches"]
    images = _cut(_map(folder, IMAGES_FILE), [window[2:] for window in windows])
    patches = [
        Patch(row, column, values)
        for (row, column, *_), values in zip(windows, images, strict=True)
    ]
    keys = tuple(BaseKey(BaseKind(kind), *names) for kind, *names in facts["keys"])
    return Bases(
        body=_read_body(folder, facts),
        camera=CameraPreset(**_tuples(facts["camera"])),
        geometry=Geometry(**facts["geometry"]),
        detectors=heads,
        thickness=_map(folder, THICKNESS_FILE),
        regions=_map(folder, REGIONS_FILE),
        keys=keys,
        patches={
            view: patches[number * len(keys) : (number + 1) * len(keys)]
            for number, view in enumerate(View)
        },
        body_of=body_of,
    )


def _read_body(folder: Path, facts: Mapping[str, Any]) -> Body:
    bones, organs = facts["bones"], facts["organs"]
    sizes = [shape for *_, shape in bones] + [shape for *_, shape in organs] + facts["densities"]
    shares = _map(folder, VOXELS_FILE) * np.float32(1 / FULL)
    fractions = _cut(shares, sizes)
    densities = fractions[len(bones) + len(organs) :]
    limbs = {side: LimbAngles(**facts["person"][side]) for side in SIDES}
    return Body(
        person=Person(**_tuples(facts["person"] | limbs)),
        shape=tuple(facts["shape"]),
        spacing_mm=tuple(facts["spacing_mm"]),
        outline=CoarseVolume(_map(folder, OUTLINE_FILE)),
        fat=CoarseVolume(_map(folder, FAT_FILE)),
        bones={
            name: Bone(name, region, VoxelBlock(tuple(start), fraction), density)
            for (name, region, start, _), fraction, density in zip(
                bones, fractions[: len(bones)], densities, strict=True
            )
        },
        organs={
            name: VoxelBlock(tuple(start), fraction)
            for (name, start, _), fraction in zip(
                organs, fractions[len(bones) : len(bones) + len(organs)], strict=True
            )
        },
        points={name: tuple(point) for name, point in facts["points"].items()},
        implants=tuple(_implant(implant) for implant in facts["implants"]),
    )


def _implant(facts: Mapping[str, Any]) -> Implant:
    pieces = tuple(VoxelEllipsoid(**_tuples(piece)) for piece in facts["pieces"])
    return Implant(facts["name"], facts["side"], pieces)


def _tuples(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with tuples where JSON has lists."""
    return {name: _tuple(value) for name, value in facts.items()}


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _map(folder: Path, name: str) -> NDArray[Any]:
    # A plain array: slices of a memmap carry its overhead along.
    return np.asarray(np.load(folder / name, mmap_mode="r"))


def _cut(flat: NDArray[Any], shapes: Sequence[Sequence[int]]) -> list[NDArray[Any]]:
    """Return the arrays that were laid end to end."""
    ends = accumulate(map(prod, shapes), initial=0)
    return [
        flat[first:last].reshape(shape)
        for (first, last), shape in zip(pairwise(ends), shapes, strict=True)
    ]
