"""Crop the thorax out of a whole-body scan, and put masks of it back."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.transforms.utils import create_translate
from monai.utils import TraceKeys, TransformBackends, convert_to_tensor

from bonescan.errors import ScanError
from bonescan.keys import IMAGE, META_CROP
from bonescan.transforms.body import Mask, find_air, find_noise_level, measure_body
from bonescan.transforms.landmarks import ThoraxLandmarks, locate_thorax
from bonescan.transforms.metadata import (
    get_scan_name,
    get_spacing_mm,
    replace_values,
    require_same_size,
)


def clear_air(
    stack: torch.Tensor, body_mask: Mask, spacing_mm: tuple[float, float]
) -> torch.Tensor:
    """Set counts outside the body that do not rise above the air's to zero.

    Lin et al. 2020 did so inside the body, too; here tissue of low uptake keeps its counts.

    Args:
        stack: (view, row, column) counts, posterior mirrored; each has its own noise level.
        body_mask: (row, column) body, on the sum of the views.
        spacing_mm: (row, column) pixel spacing.

    Returns:
        A new tensor of the same shape.
    """
    counts = _to_counts(stack)
    air_mask = find_air(body_mask, spacing_mm)
    levels = [find_noise_level(view, air_mask) for view in counts]
    air = (counts <= np.asarray(levels)[:, None, None]) & ~body_mask
    return torch.where(torch.from_numpy(air).to(stack.device), torch.zeros_like(stack), stack)


def _to_counts(stack: torch.Tensor) -> np.ndarray:
    return stack.detach().cpu().to(torch.float64).numpy()


def paste_centred(
    stack: torch.Tensor, landmarks: ThoraxLandmarks, size: tuple[int, int]
) -> torch.Tensor:
    """Paste the box of the thorax into the centre of an image of zeros.

    Args:
        stack: (..., row, column), any dtype.
        landmarks: of the whole-body scan.
        size: (rows, columns) of the result.

    Returns:
        (..., *size), same dtype.
    """
    box, place = _box_and_place(landmarks.as_meta(), size)
    out = stack.new_zeros((*stack.shape[:-2], *size))
    out[(..., *place)] = stack[(..., *box)]
    return out


def put_back(
    crop: torch.Tensor, landmarks: Mapping[str, int], size: tuple[int, int]
) -> torch.Tensor:
    """Undo paste_centred: zeros outside the box.

    Args:
        crop: (..., row, column), any dtype: a mask or a prediction on the crop.
        landmarks: ThoraxLandmarks.as_meta() of the crop.
        size: (rows, columns) of the whole-body scan.

    Returns:
        (..., *size), same dtype.
    """
    box, place = _box_and_place(landmarks, (crop.shape[-2], crop.shape[-1]))
    out = crop.new_zeros((*crop.shape[:-2], *size))
    out[(..., *box)] = crop[(..., *place)]
    return out


def _box_and_place(
    landmarks: Mapping[str, int], size: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the box in the scan and its place in an image of a size, as (rows, columns)."""
    box = (
        slice(int(landmarks["row_start"]), int(landmarks["row_stop"])),
        slice(int(landmarks["column_start"]), int(landmarks["column_stop"])),
    )
    lengths = [part.stop - part.start for part in box]
    offsets = [(full - length) // 2 for full, length in zip(size, lengths, strict=True)]
    place = tuple(
        slice(offset, offset + length) for offset, length in zip(offsets, lengths, strict=True)
    )
    return box, (place[0], place[1])


class ThoraxCrop(InvertibleTransform):
    """Crop the thorax of a whole-body scan into the centre of a fixed size, without resampling.

    Lin et al. 2020, "Thorax cropping"; the search is bonescan.transforms.landmarks.locate_thorax,
    on the sum of the views: put MirrorPosterior before. Pixels outside the box are zero. The
    landmarks stand in the metadata (bonescan.keys.META_CROP); the affine follows the crop. The
    inverse puts a mask or a prediction (..., row, column) back into the full size, zero elsewhere.

    Args:
        size: (rows, columns) of the crop.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, size: Sequence[int] = (256, 256)) -> None:
        rows, columns = size
        self.size = (int(rows), int(columns))

    def find(self, img: torch.Tensor) -> tuple[ThoraxLandmarks, Mask]:
        """Return the landmarks of a scan and its body mask (row, column).

        Args:
            img: MetaTensor (view, row, column) of counts, posterior mirrored.

        Raises:
            ScanError: if the scan is not one of a whole body, or its thorax exceeds the size.
        """
        counts = _to_counts(img).sum(axis=0)
        try:
            body = measure_body(counts, get_spacing_mm(img))
        except ScanError as err:
            raise ScanError(f"{get_scan_name(img)}: {err}") from None
        landmarks = locate_thorax(counts, body)
        rows = landmarks.row_stop - landmarks.row_start
        columns = landmarks.column_stop - landmarks.column_start
        if rows > self.size[0] or columns > self.size[1]:
            raise ScanError(
                f"{get_scan_name(img)}: thorax must be {self.size} (rows, columns) at most, "
                f"got {(rows, columns)}: give ThoraxCrop a larger size"
            )
        return landmarks, body.mask

    def clear(self, img: torch.Tensor, body_mask: Mask) -> torch.Tensor:
        """Return a scan (view, row, column) of counts with its air cleared (clear_air)."""
        stack = convert_to_tensor(img, track_meta=False)
        return replace_values(img, clear_air(stack, body_mask, get_spacing_mm(img)))

    def cut(self, img: torch.Tensor, landmarks: ThoraxLandmarks) -> torch.Tensor:
        """Return the thorax of any MetaTensor (view, row, column) on the scan's pixels."""
        stack = convert_to_tensor(img, track_meta=False)
        crop = replace_values(img, paste_centred(stack, landmarks, self.size))
        self.push_transform(
            crop,
            affine=self._shift(landmarks.as_meta()),
            orig_size=tuple(img.shape[-2:]),
            extra_info={"landmarks": landmarks.as_meta()},
        )
        if isinstance(crop, MetaTensor):
            crop.meta[META_CROP] = landmarks.as_meta()
        return crop

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Return the thorax of a scan.

        Args:
            img: MetaTensor (view, row, column) of counts, posterior mirrored.

        Returns:
            MetaTensor (view, *size), same dtype.

        Raises:
            ScanError: as find does.
        """
        landmarks, body_mask = self.find(img)
        return self.cut(self.clear(img, body_mask), landmarks)

    def _shift(self, landmarks: Mapping[str, int]) -> torch.Tensor:
        """Return the affine from pixels of the crop to pixels of the scan."""
        box, place = _box_and_place(landmarks, self.size)
        shift = [scan.start - crop.start for scan, crop in zip(box, place, strict=True)]
        return create_translate(3, shift)

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Return a mask or a prediction (..., *size) in the full size, zero outside the thorax."""
        applied = self.pop_transform(data)
        landmarks = applied[TraceKeys.EXTRA_INFO]["landmarks"]
        rows, columns = applied[TraceKeys.ORIG_SIZE]
        crop = convert_to_tensor(data, track_meta=False)
        full = replace_values(data, put_back(crop, landmarks, (int(rows), int(columns))))
        if isinstance(full, MetaTensor):
            shift = torch.as_tensor(self._shift(landmarks))
            full.affine = full.affine @ torch.linalg.inv(shift).to(full.affine)
            full.meta.pop(META_CROP, None)
        return full


class ThoraxCropd(MapTransform, InvertibleTransform):
    """Dictionary form of ThoraxCrop: one crop, found on the image, for all entries.

    Args:
        keys: entries to crop; they must have the same rows and columns.
        landmark_key: entry with the counts that the thorax is searched on; air is cleared there.
        size: as in ThoraxCrop.
        allow_missing_keys: as in MONAI.
    """

    backend = ThoraxCrop.backend

    def __init__(
        self,
        keys: Sequence[str] | str,
        landmark_key: str = IMAGE,
        size: Sequence[int] = (256, 256),
        *,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.landmark_key = landmark_key
        self.crop = ThoraxCrop(size)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the sample with each entry cropped to the thorax.

        Raises:
            ScanError: as ThoraxCrop does.
            ValueError: if the entries differ in rows and columns.
        """
        sample = dict(data)
        keys = list(self.key_iterator(sample))
        require_same_size(sample, [*keys, self.landmark_key])
        image = sample[self.landmark_key]
        landmarks, body_mask = self.crop.find(image)
        sample[self.landmark_key] = self.crop.clear(image, body_mask)
        for key in keys:
            sample[key] = self.crop.cut(sample[key], landmarks)
        return sample

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the entries in the full size, zero outside the thorax."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = self.crop.inverse(sample[key])
        return sample
