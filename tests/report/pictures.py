"""What a figure shows: its pixels and its texts."""

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from bonescan.image_form import ImageForm
from bonescan.report.evaluated_images import EvaluatedImage


def render(figure: Figure) -> np.ndarray:
    """Return the pixels (row, column, 3), 0..255."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("RGB")).astype(int)


def is_red(rgb: np.ndarray) -> np.ndarray:
    return (rgb[..., 0] > 150) & (rgb[..., 1] < 120) & (rgb[..., 2] < 120)


def is_green(rgb: np.ndarray) -> np.ndarray:
    return (rgb[..., 1] > 120) & (rgb[..., 0] < 80)


def texts_of(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def make_image(
    pred_mask: np.ndarray,
    truth_mask: np.ndarray,
    *,
    form: ImageForm = ImageForm.POSTERIOR,
    uptake: np.ndarray | None = None,
    spacing_mm: tuple[float, float] = (2.0, 3.0),
    posterior_flipped: bool = True,
    mirrored_copy: bool = False,
) -> EvaluatedImage:
    """Return an evaluated image with these masks, of even uptake unless it is given."""
    return EvaluatedImage(
        scan_id=f"scan {form}",
        patient="p",
        form=form,
        spacing_mm=spacing_mm,
        posterior_flipped=posterior_flipped,
        mirrored_copy=mirrored_copy,
        simulated=True,
        uptake=np.full(pred_mask.shape, 90, dtype=np.uint8) if uptake is None else uptake,
        pred_bits=np.packbits(pred_mask),
        truth_bits=np.packbits(truth_mask),
    )
