"""Maps over the views as the volume that MONAI Label shows over the scan's file."""

import json
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import ImageReader, MetaTensor
from monai.transforms import LoadImaged, MapTransform
from monai.utils import MetaKeys, TransformBackends

from bonescan.data.load import load_volume
from bonescan.data.scan_reference import file_names
from bonescan.keys import IMAGE, META_SOURCES

_RESULT_EXTENSION = "result_extension"
"""Key of MONAI Label's request: the kind of file that it writes. Else it is that of the scan, and
a label map cannot be written as a DICOM image."""
_NIFTI = ".nii.gz"


class LoadDrawnd(LoadImaged):
    """Load a scan, and maps that MONAI Label keeps of it, whose headers name no views.

    The reader is told the file of the scan beside that of a map, and takes the frames of such a map
    for those of the scan's file (bonescan.data.load.load_scan_or_map).
    """

    def __call__(
        self, data: Mapping[Hashable, Any], reader: ImageReader | None = None
    ) -> dict[Hashable, Any]:
        """Return the sample, loaded; of a scan in two files, maps must name their views."""
        sample = dict(data)
        scan = file_names(sample[IMAGE])
        for key in self.key_iterator(sample):
            if key != IMAGE and len(scan) == 1:
                sample[key] = [*file_names(sample[key]), *scan]
        loaded: dict[Hashable, Any] = super().__call__(sample, reader)
        return loaded


class FileVolumed(MapTransform):
    """Lay label maps out as the voxels of the scan's file: the last step for MONAI Label.

    It writes a map with the geometry that the metadata of the image have; they become those of the
    file, too.

    Args:
        keys: label maps (view, row, column) in the geometry of the acquisition, up to 255. They
            become (1, column, row, frame), uint8, 0 in frames that are no view.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str) -> None:
        super().__init__(keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, Any]:
        """Return the sample with the maps, and an image that has the metadata of the file.

        Raises:
            ValueError: if the views of the scan are in two files.
        """
        sample: dict[Hashable, Any] = {_RESULT_EXTENSION: _NIFTI, **data}
        image = sample[IMAGE]
        sources = json.loads(image.meta[META_SOURCES]).values()
        paths = {source["path"] for source in sources}
        if len(paths) != 1:
            raise ValueError(f"views must be in one file to be laid out as such, got {len(paths)}")
        volume = load_volume(Path(*paths))
        frames = [source["frame"] for source in sources]
        for key in self.key_iterator(sample):
            stack = np.asarray(sample[key].cpu()).astype(np.uint8)
            sample[key] = torch.from_numpy(volume.lay_out(stack, frames))[None]
        sample[IMAGE] = MetaTensor(torch.as_tensor(image)).copy_meta_from(image)
        sample[IMAGE].meta[MetaKeys.SPATIAL_SHAPE] = np.array(volume.size)
        sample[IMAGE].meta[MetaKeys.ORIGINAL_AFFINE] = volume.affine
        return sample
