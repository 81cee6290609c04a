"""The images that a patient is a weighted sum of: one for each structure of a body under a camera.

Before the Poisson draw everything is linear in activity. Each structure is projected once, per unit
of its level; a patient with any uptake is then the sum of these images, each times a weight.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.phantom.anatomy.voxels import Body, VoxelBlock
from bonescan.phantom.cameras import CameraPreset
from bonescan.phantom.imaging.camera import draw_counts, thickness_mm
from bonescan.phantom.imaging.detectors import DetectorHead, Geometry, place_detectors
from bonescan.phantom.imaging.projection import Patch, Voxels, occupied, project, project_coarse
from bonescan.phantom.imaging.truth import region_map
from bonescan.phantom.tracer.paint import (
    bone_uptake,
    cut_texture,
    draw_texture,
    joint_blocks,
    organ_uptake,
    soft_tissues,
)
from bonescan.phantom.tracer.uptake import Uptake


class BaseKind(Enum):
    """What an image shows of a structure of level 1."""

    SOFT_TISSUE = "soft tissue"
    """Muscle, and what is not drawn as an organ."""
    FAT = "fat"
    ORGAN = "organ"
    BONE = "bone"
    """An even bone."""
    UNEVEN_COSINE = "uneven cosine"
    UNEVEN_SINE = "uneven sine"
    """The bone times the first and the second of its random fields."""
    JOINT = "joint"
    """The bone times the Gaussian of a joint."""


class BaseKey(NamedTuple):
    """Which image it is.

    Attributes:
        kind: what it shows.
        structure: name of the bone or organ; empty for soft tissue and fat.
        joint: name of the joint's point; empty for other kinds.
    """

    kind: BaseKind
    structure: str = ""
    joint: str = ""


@dataclass(frozen=True)
class Bases:
    """A body under a camera, with the images of its structures.

    Attributes:
        body: who lies there.
        camera: what the scan is made with.
        geometry: how the body lies.
        detectors: by view.
        thickness: mm of body along each ray, (row, column).
        regions: bone regions, one bit each, (row, column).
        keys: which images there are.
        patches: by view the primary photons of each, in the order of `keys`, of any float type.
        body_of: bank and number of the body in it, empty for a new body.
    """

    body: Body
    camera: CameraPreset
    geometry: Geometry
    detectors: Mapping[View, DetectorHead]
    thickness: NDArray[np.float32]
    regions: NDArray[np.int64]
    keys: tuple[BaseKey, ...]
    patches: Mapping[View, Sequence[Patch]]
    body_of: str

    def photons(self, weights: Sequence[float]) -> dict[View, NDArray[np.float32]]:
        """Return the primary photons of both views, (row, column) each.

        Args:
            weights: of the images, in the order of `keys`.
        """
        images = {}
        for view, patches in self.patches.items():
            image = images[view] = np.zeros(self.thickness.shape, np.float32)
            for weight, patch in zip(weights, patches, strict=True):
                image[patch.slices] += np.multiply(patch.values, weight, dtype=np.float32)
        return images

    def draw_counts(
        self, expected: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[np.uint16]:
        """Draw counts from what is expected of a view."""
        return draw_counts(expected, rng)

    def project(self, block: VoxelBlock) -> dict[View, Patch]:
        """Return the primary photons of one more structure in both views, empty for none."""
        voxels = occupied(block)
        if not voxels.values.size:
            nothing = Patch(block.start[0], block.start[2], np.zeros((1, 1), np.float32))
            return dict.fromkeys(self.detectors, nothing)
        return {
            view: project(detector, voxels, self.body.shape)[0]
            for view, detector in self.detectors.items()
        }

    def patch(self, key: BaseKey, weight: float) -> dict[View, Patch] | None:
        """Return one of the images times its weight in both views, None where there is none."""
        if key not in self.keys:
            return None
        number = self.keys.index(key)
        return {view: patches[number].times(weight) for view, patches in self.patches.items()}


def build_bases(
    body: Body, camera: CameraPreset, geometry: Geometry, rng: np.random.Generator
) -> Bases:
    """Project every structure of a body; `rng` draws how bones are uneven."""
    detectors = place_detectors(body, camera, geometry)
    keys: list[BaseKey] = []
    patches: dict[View, list[Patch]] = {view: [] for view in detectors}
    for group, voxels in _structures(body, rng):
        keys += group
        for view, detector in detectors.items():
            patches[view] += project(detector, voxels, body.shape)
    for kind, tissue in zip((BaseKind.SOFT_TISSUE, BaseKind.FAT), soft_tissues(body), strict=True):
        keys.append(BaseKey(kind))
        for view, detector in detectors.items():
            patches[view].append(project_coarse(detector, tissue, body.shape))
    return Bases(
        body=body,
        camera=camera,
        geometry=geometry,
        detectors=detectors,
        thickness=thickness_mm(body),
        regions=region_map(body),
        keys=tuple(keys),
        patches=patches,
        body_of="",
    )


def _structures(body: Body, rng: np.random.Generator) -> Iterator[tuple[Sequence[BaseKey], Voxels]]:
    """Yield the voxels of organs, bones and joints, with the activities of one or more keys."""
    for name, organ in body.organs.items():
        voxels = occupied(organ_uptake(body, organ))
        if voxels.values.size:
            yield (BaseKey(BaseKind.ORGAN, name),), voxels
    texture, joints = draw_texture(body, rng), tuple(joint_blocks(body))
    kinds = (BaseKind.BONE, BaseKind.UNEVEN_COSINE, BaseKind.UNEVEN_SINE)
    for name, bone in body.bones.items():
        block = bone_uptake(body, bone)
        even = occupied(block)
        if not even.values.size:
            continue
        start = np.array(block.start)[:, None]
        fields = even.values * cut_texture(texture, bone, even.places - start, rng)
        values = np.concatenate([even.values, fields])
        yield tuple(BaseKey(kind, name) for kind in kinds), Voxels(even.places, values)
        for joint, gaussian in joints:
            if gaussian.meets(block):
                near = occupied(
                    VoxelBlock(gaussian.start, gaussian.fraction * block.within(gaussian))
                )
                if near.values.size:
                    yield (BaseKey(BaseKind.JOINT, name, joint),), near


def base_weights(
    keys: Sequence[BaseKey], uptake: Uptake, unevenness: float, rng: np.random.Generator
) -> list[float]:
    """Return the weight of each image for one patient.

    Args:
        keys: of the images.
        uptake: levels of the patient.
        unevenness: standard deviation of the tracer inside a bone over its mean.
        rng: draws an angle for each bone, which makes its uneven field one of this patient.
    """
    angles = {name: rng.uniform(0, 2 * np.pi) for name in uptake.bones}
    weights = []
    for kind, structure, joint in keys:
        if kind is BaseKind.SOFT_TISSUE:
            weight = uptake.soft_tissue
        elif kind is BaseKind.FAT:
            weight = uptake.fat
        elif kind is BaseKind.ORGAN:
            weight = uptake.organs.get(structure, uptake.soft_tissue)
        else:
            weight = uptake.bones[structure]
        if kind is BaseKind.UNEVEN_COSINE:
            weight *= unevenness * np.cos(angles[structure])
        elif kind is BaseKind.UNEVEN_SINE:
            weight *= unevenness * np.sin(angles[structure])
        elif kind is BaseKind.JOINT:
            weight *= uptake.joints.get(joint, 0.0)
        weights.append(float(weight))
    return weights
