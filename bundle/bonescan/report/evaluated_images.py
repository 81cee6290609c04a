"""The pixels of evaluated images: for pictures, and in one file for systems side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonescan.image_form import ImageForm, Sides


@dataclass(frozen=True, kw_only=True)
class EvaluatedImage:
    """One evaluated image, small enough to be kept until it is known which are shown.

    Attributes:
        scan_id: pseudonym of the scan.
        patient: pseudonym of the patient.
        form: what the image shows of the scan.
        spacing_mm: (row, column) pixel spacing.
        posterior_flipped: whether the posterior view was flipped to lie on the anterior one.
        mirrored_copy: whether the image is a mirrored copy of an image set.
        simulated: whether the scan is simulated.
        uptake: scaled image (row, column), 0..255.
        pred_bits: predicted lesions, of numpy.packbits.
        truth_bits: true lesions, of numpy.packbits.
    """

    scan_id: str
    patient: str
    form: ImageForm
    spacing_mm: tuple[float, float]
    posterior_flipped: bool
    mirrored_copy: bool
    simulated: bool
    uptake: NDArray[np.uint8]
    pred_bits: NDArray[np.uint8]
    truth_bits: NDArray[np.uint8]

    @property
    def key(self) -> tuple[str, ImageForm]:
        """What tells the image from all others of an evaluation."""
        return self.scan_id, self.form

    @property
    def caption(self) -> str:
        """What the image shows, for people."""
        is_flipped = self.posterior_flipped and self.form is ImageForm.POSTERIOR
        changes = ", mirrored" * is_flipped + ", mirrored copy" * self.mirrored_copy
        return self.form.caption + changes

    @property
    def sides(self) -> tuple[Sides, ...]:
        """The patient's sides in each part of the image."""
        return self.form.sides(
            posterior_flipped=self.posterior_flipped, mirrored_copy=self.mirrored_copy
        )

    @property
    def pred_mask(self) -> NDArray[np.bool_]:
        """Predicted lesions (row, column)."""
        return self._unpack(self.pred_bits)

    @property
    def truth_mask(self) -> NDArray[np.bool_]:
        """True lesions (row, column)."""
        return self._unpack(self.truth_bits)

    def _unpack(self, bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
        pixels = np.unpackbits(bits, count=self.uptake.size)
        return pixels.reshape(self.uptake.shape).astype(bool)


def write_evaluated_images(path: str | Path, images: Sequence[EvaluatedImage]) -> None:
    """Write images of one size as a compressed file of arrays (npz).

    Raises:
        ValueError: if there is no image, or their sizes differ.
    """
    sizes = {image.uptake.shape for image in images}
    if len(sizes) != 1:
        raise ValueError(f"images must be of one size, got sizes {sorted(sizes)}")
    np.savez_compressed(
        path,
        scan_id=np.array([image.scan_id for image in images]),
        patient=np.array([image.patient for image in images]),
        form=np.array([str(image.form) for image in images]),
        spacing_mm=np.array([image.spacing_mm for image in images]),
        posterior_flipped=np.array([image.posterior_flipped for image in images]),
        mirrored_copy=np.array([image.mirrored_copy for image in images]),
        simulated=np.array([image.simulated for image in images]),
        uptake=np.stack([image.uptake for image in images]),
        pred_mask=np.stack([image.pred_mask for image in images]),
        truth_mask=np.stack([image.truth_mask for image in images]),
    )


def read_evaluated_images(path: str | Path) -> list[EvaluatedImage]:
    """Read what write_evaluated_images wrote."""
    with np.load(path, allow_pickle=False) as content:
        arrays = dict(content)
    return [
        EvaluatedImage(
            scan_id=str(arrays["scan_id"][i]),
            patient=str(arrays["patient"][i]),
            form=ImageForm(str(arrays["form"][i])),
            spacing_mm=(float(arrays["spacing_mm"][i, 0]), float(arrays["spacing_mm"][i, 1])),
            posterior_flipped=bool(arrays["posterior_flipped"][i]),
            mirrored_copy=bool(arrays["mirrored_copy"][i]),
            simulated=bool(arrays["simulated"][i]),
            uptake=arrays["uptake"][i],
            pred_bits=np.packbits(arrays["pred_mask"][i]),
            truth_bits=np.packbits(arrays["truth_mask"][i]),
        )
        for i in range(len(arrays["scan_id"]))
    ]
