"""Curves of a training run and of lesion detection, as pictures."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bonescan.metrics.froc import Froc
from bonescan.report.drawing import COLOURS, new_figure, save_png

EPOCH = "epoch"
LOSS = "loss"
CURVES = {LOSS: "training loss", "validation_metric": "validation DSC, pooled"}
"""Columns of the history by what they are called in the picture."""
MOST_FALSE_POSITIVES = 8.0
"""Right end of the free-response curve, unless the operating point lies farther right."""


def read_history(path: str | Path) -> list[dict[str, float]]:
    """Read the history of a training run, one row per epoch.

    Args:
        path: CSV with the columns "epoch", "loss" and "validation_metric"; a field is empty in
            epochs in which it was not measured.

    Returns:
        The values that were measured, by column.

    Raises:
        ValueError: if a column is missing or there is no epoch.
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {EPOCH, *CURVES} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{path}: history must have the columns {sorted(missing)}")
        rows = [{key: float(row[key]) for key in (EPOCH, *CURVES) if row[key]} for row in reader]
    if not rows:
        raise ValueError(f"{path}: history must hold at least one epoch, got none")
    return rows


def write_training_curves(
    path: str | Path, history: Sequence[Mapping[str, float]], *, simulated: bool
) -> None:
    """Draw loss and validation Dice over the epochs as PNG.

    Args:
        path: file to write.
        history: rows of read_history.
        simulated: whether the scans are simulated.
    """
    figure = new_figure(640, 560)
    rows = figure.subplots(len(CURVES), 1, sharex=True)
    for axes, (key, title) in zip(rows, CURVES.items(), strict=True):
        known = [row for row in history if key in row]
        epochs, values = [row[EPOCH] for row in known], [row[key] for row in known]
        axes.plot(epochs, values, ".-", color=COLOURS[0])
        axes.set_ylabel(title)
        tidy(axes)
    rows[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    rows[-1].set_ylim(0, 1)
    rows[-1].set_xlabel("epoch")
    figure.suptitle("Training on simulated scans" if simulated else "Training", size=11)
    figure.tight_layout()
    save_png(figure, path)


def write_froc_curve(
    path: str | Path,
    curve: Froc,
    *,
    name: str,
    unit: str,
    point: tuple[float, float],
    simulated: bool,
) -> None:
    """Draw sensitivity over false positives as PNG, with the operating point.

    Args:
        path: file to write.
        curve: free-response curve of a system.
        name: what the system is called.
        unit: what false positives are counted for, "scan" or "image".
        point: false positives a unit and sensitivity of the operating point, as the table has them.
        simulated: whether the scans are simulated.
    """
    figure = new_figure(560, 480)
    axes = figure.add_subplot()
    axes.plot(curve.false_positives, curve.sensitivity, ".-", color=COLOURS[0], label=name)
    axes.plot(*point, "o", ms=9, mfc="none", color=COLOURS[1], label="operating point")
    axes.set_xlabel(f"false positives per {unit}")
    axes.set_ylabel("sensitivity, lesions")
    axes.set_ylim(0, 1)
    axes.set_xlim(0, max(MOST_FALSE_POSITIVES, 1.5 * point[0]))
    tidy(axes)
    axes.legend(frameon=False, loc="lower right")
    axes.set_title(
        "Lesion detection, simulated scans" if simulated else "Lesion detection", size=11
    )
    figure.tight_layout()
    save_png(figure, path)


def tidy(axes: Axes) -> None:
    """Draw a light grid and no frame on the right and above."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
