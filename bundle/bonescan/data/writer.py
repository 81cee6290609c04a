"""The MONAI writer of maps over a scan."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import ImageWriter
from monai.transforms import Transform
from numpy.typing import DTypeLike, NDArray

from bonescan.data.nifti import write_view_stack
from bonescan.dicom.scan import View
from bonescan.keys import META_SCAN_ID, META_SPACING, META_VIEWS, split_view_names

logger = logging.getLogger(__name__)


class ViewStackWriter(ImageWriter):
    """Write a map (view, row, column) in the geometry of the acquisition as NIfTI.

    Used as `SaveImaged(keys, writer="bonescan.data.writer.ViewStackWriter", output_dtype="uint8",
    output_ext=".nii.gz", separate_folder=False)`, with `output_name_formatter` name_by_scan_id.
    Nothing is resampled: what the chain did to the pixels must have been inverted before.

    Args:
        output_dtype: dtype on disk; floats are rounded on the way to an integer dtype.
        scale: must be None: labels are not scaled.
    """

    def __init__(self, output_dtype: DTypeLike = np.uint8, scale: int | None = None) -> None:
        if scale is not None:
            raise ValueError(f"scale must be None for maps of labels, got {scale!r}")
        self.output_dtype = np.dtype(output_dtype)
        self.meta: Mapping[str, Any] = {}
        super().__init__()

    def set_data_array(
        self,
        data_array: NDArray | torch.Tensor,
        **_options: Any,
    ) -> None:
        """Take the map.

        Args:
            data_array: (view, row, column) or (1, view, row, column).

        Raises:
            ValueError: if it has another number of axes.
        """
        array = np.asarray(
            data_array.detach().cpu() if isinstance(data_array, torch.Tensor) else data_array
        )
        if array.ndim == 4 and len(array) == 1:
            array = array[0]
        if array.ndim != 3:
            raise ValueError(f"map must be (view, row, column), got shape {array.shape}")
        if np.issubdtype(self.output_dtype, np.integer) and array.dtype.kind == "f":
            array = np.rint(array)
        self.data_obj = array.astype(self.output_dtype)

    def set_metadata(self, meta_dict: Mapping[str, Any] | None, **_options: Any) -> None:
        """Take the metadata that BoneScanReader made.

        Raises:
            ValueError: if views, spacing or size are missing or do not fit the map.
        """
        meta = meta_dict or {}
        missing = [key for key in (META_VIEWS, META_SPACING) if key not in meta]
        if missing:
            raise ValueError(f"metadata of a map must hold {missing}; load with BoneScanReader")
        loaded = tuple(map(int, meta.get("spatial_shape", self.data_obj.shape[1:])))
        if loaded != self.data_obj.shape[1:]:
            raise ValueError(
                f"map must have the {loaded} rows and columns of the acquisition, got "
                f"{self.data_obj.shape[1:]}; invert the transforms before saving"
            )
        self.meta = meta

    def write(self, filename: str | Path, verbose: bool = True, **_options: Any) -> None:  # noqa: FBT001, FBT002
        """Write the file.

        Args:
            filename: ends in `.nii` or `.nii.gz`.
            verbose: log the name.
        """
        row_mm, column_mm = map(float, self.meta[META_SPACING])
        views = [View(name) for name in split_view_names(self.meta[META_VIEWS])]
        write_view_stack(filename, self.data_obj, (row_mm, column_mm), views)
        if verbose:
            logger.info("wrote %s", filename)


def name_by_scan_id(metadict: Mapping[str, Any] | None, saver: Transform) -> dict[str, Any]:  # noqa: ARG001
    """Name a file by the scan's hash rather than by its input file, which may name the patient.

    For `output_name_formatter` of MONAI's SaveImage.

    Raises:
        ValueError: if the metadata hold no scan identifier.
    """
    if not metadict or META_SCAN_ID not in metadict:
        raise ValueError(f"metadata must hold {META_SCAN_ID!r}; load the scan with BoneScanReader")
    return {"subject": str(metadict[META_SCAN_ID]), "idx": None}
