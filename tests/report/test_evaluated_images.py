"""What is written is read."""

import numpy as np
import pytest

from bonescan.dicom.scan import View
from bonescan.report.evaluated_images import (
    EvaluatedImage,
    read_evaluated_images,
    write_evaluated_images,
)


def make_case(view: View, shape: tuple[int, int] = (3, 5)) -> EvaluatedImage:
    rng = np.random.default_rng(len(view))
    return EvaluatedImage(
        scan_id=f"scan {view}",
        view=view,
        spacing_mm=(0.1, 0.3),
        mirrored=view is View.POSTERIOR,
        uptake=rng.integers(0, 256, shape, dtype=np.uint8),
        pred_mask=rng.random(shape) > 0.5,
        truth_mask=rng.random(shape) > 0.8,
    )


def test_round_trip(tmp_path):
    cases = [make_case(view) for view in View]
    write_evaluated_images(tmp_path / "cases.npz", cases)
    found = read_evaluated_images(tmp_path / "cases.npz")
    for case, back in zip(cases, found, strict=True):
        assert (back.scan_id, back.view, back.spacing_mm) == (
            case.scan_id, case.view, case.spacing_mm,
        )  # fmt: skip
        assert back.mirrored is case.mirrored
        for name in ("uptake", "pred_mask", "truth_mask"):
            np.testing.assert_array_equal(getattr(back, name), getattr(case, name))
            assert getattr(back, name).dtype == getattr(case, name).dtype


def test_images_of_several_sizes_are_refused(tmp_path):
    cases = [make_case(View.ANTERIOR), make_case(View.POSTERIOR, (5, 3))]
    with pytest.raises(ValueError, match=r"cases must be images of one size.*\(3, 5\), \(5, 3\)"):
        write_evaluated_images(tmp_path / "cases.npz", cases)
