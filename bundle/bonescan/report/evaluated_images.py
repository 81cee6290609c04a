"""The evaluated images of a run in one file, so that systems can be shown on the same image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View


@dataclass(frozen=True)
class EvaluatedImage:
    """One evaluated image.

    Attributes:
        scan_id: pseudonym of the scan.
        view: the view.
        spacing_mm: (row, column) pixel spacing.
        mirrored: whether the posterior view was flipped to lie on the anterior one.
        uptake: scaled image (row, column), 0..255.
        pred_mask: predicted lesions (row, column).
        truth_mask: true lesions (row, column).
    """

    scan_id: str
    view: View
    spacing_mm: tuple[float, float]
    mirrored: bool
    uptake: NDArray[np.uint8]
    pred_mask: NDArray[np.bool_]
    truth_mask: NDArray[np.bool_]


def write_evaluated_images(path: str | Path, cases: Sequence[EvaluatedImage]) -> None:
    """Write cases of one size as a compressed file of arrays (npz).

    Raises:
        ValueError: if there is no case, or their sizes differ.
    """
    sizes = {case.uptake.shape for case in cases}
    if len(sizes) != 1:
        raise ValueError(f"cases must be images of one size, got sizes {sorted(sizes)}")
    np.savez_compressed(
        path,
        scan_id=np.array([case.scan_id for case in cases]),
        view=np.array([str(case.view) for case in cases]),
        spacing_mm=np.array([case.spacing_mm for case in cases]),
        mirrored=np.array([case.mirrored for case in cases]),
        uptake=np.stack([case.uptake for case in cases]),
        pred_mask=np.stack([case.pred_mask for case in cases]),
        truth_mask=np.stack([case.truth_mask for case in cases]),
    )


def read_evaluated_images(path: str | Path) -> list[EvaluatedImage]:
    """Read what write_evaluated_images wrote."""
    with np.load(path, allow_pickle=False) as content:
        arrays = dict(content)
    return [
        EvaluatedImage(
            scan_id=str(arrays["scan_id"][i]),
            view=View(str(arrays["view"][i])),
            spacing_mm=(float(arrays["spacing_mm"][i, 0]), float(arrays["spacing_mm"][i, 1])),
            mirrored=bool(arrays["mirrored"][i]),
            uptake=arrays["uptake"][i],
            pred_mask=arrays["pred_mask"][i],
            truth_mask=arrays["truth_mask"][i],
        )
        for i in range(len(arrays["scan_id"]))
    ]
