"""A body's images on a device: patients are one product of matrices, and Poisson noise drawn there.

Bits differ from those of `bonescan.phantom`, and between devices; expectation and noise do not.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from bonescan.dicom.scan import View
from bonescan.phantom.body_source import BodySource
from bonescan.phantom.imaging.bases import Bases
from bonescan.phantom.presets import Preset, Primary

MAX_COUNTS = np.iinfo(np.uint16).max
"""What a pixel of a scan holds at most, as in `bonescan.phantom.imaging.camera.draw_counts`."""
KEPT_BODIES = 16
"""Bodies that stay on a device: 11 GB at 333 images of each view; a default of ours."""


@dataclass(frozen=True)
class DeviceBases(Bases):
    """The images of a body's structures as one matrix for each view.

    Attributes:
        matrices: by view (bases, rows * columns), float32 on the device.
    """

    matrices: Mapping[View, torch.Tensor]

    def sum_patients(self, weights: torch.Tensor) -> dict[View, torch.Tensor]:
        """Return the primary photons of several patients with this body.

        Args:
            weights: (patients, bases), on any device.

        Returns:
            By view (patients, rows, columns), float32 on the device.
        """
        return {
            view: (weights.to(matrix) @ matrix).reshape(-1, *self.thickness.shape)
            for view, matrix in self.matrices.items()
        }

    def photons(self, weights: Sequence[float]) -> dict[View, NDArray[np.float32]]:
        """Return the primary photons of both views of one patient, (row, column) each."""
        images = self.sum_patients(torch.tensor(weights, dtype=torch.float32)[None])
        return {view: image[0].cpu().numpy() for view, image in images.items()}

    def draw_counts(
        self, expected: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[np.uint16]:
        """Draw counts from what is expected of a view, on the device."""
        device = next(iter(self.matrices.values())).device
        generator = torch.Generator(device).manual_seed(int(rng.integers(2**63)))
        return draw_poisson(torch.from_numpy(expected).to(device), generator).cpu().numpy()


def move_bases(bases: Bases, device: str | torch.device) -> DeviceBases:
    """Lay the images of a body onto a device.

    Args:
        bases: of the body.
        device: where to, such as "cuda".
    """
    own = {field.name: getattr(bases, field.name) for field in fields(Bases)}
    matrices = {}
    for view, patches in bases.patches.items():
        matrix = torch.zeros((len(patches), *bases.thickness.shape), device=device)
        for image, patch in zip(matrix, patches, strict=True):
            image[patch.slices] = torch.tensor(np.asarray(patch.values, np.float32), device=device)
        matrices[view] = matrix.flatten(1)
    return DeviceBases(**own, matrices=matrices)


class DeviceBodies:
    """Lay bodies onto a device as they come from their source; the last ones stay there.

    Args:
        source: where bodies come from.
        device: where to, such as "cuda". A GPU can be used by the main process alone.
    """

    def __init__(self, source: BodySource, device: str) -> None:
        self.source = source
        self.device = device
        self._there: OrderedDict[str, DeviceBases] = OrderedDict()

    def __call__(self, preset: Preset, primary: Primary, rng: np.random.Generator) -> Bases:
        """Return a body for a patient of that preset with that primary tumour, on the device.

        Raises:
            ValueError: if a process that loads data asks for a GPU.
        """
        if get_worker_info() is not None and torch.device(self.device).type != "cpu":
            raise ValueError(
                f"num_workers must be 0 where patients are summed up on {self.device}: processes "
                "that load data cannot share it"
            )
        bases = self.source(preset, primary, rng)
        moved = self._there.pop(bases.body_of, None) or move_bases(bases, self.device)
        self._there[bases.body_of] = moved
        if len(self._there) > KEPT_BODIES:
            self._there.popitem(last=False)
        return moved


def draw_poisson(expected: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return Poisson counts as uint16, of the same shape and on the same device.

    Args:
        expected: 0 or more, any shape.
        generator: of that device.
    """
    drawn = torch.poisson(expected, generator=generator)
    return drawn.clamp_(max=MAX_COUNTS).to(torch.uint16)
