"""Pictures of runs beside each other, as texts that a page holds itself."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bonescan.report.comparison import draw_systems, line_style
from bonescan.report.curves import LOSS, MOST_FALSE_POSITIVES, tidy
from bonescan.report.drawing import new_figure
from bonescan.report.evaluated_images import EvaluatedImage, read_evaluated_images
from bonescan.report.image_results import representative
from bonescan.studies.runs.trained_run import EPOCH, VALIDATION, TrainedRun

WIDTH_PX = 520
"""Of a drawing: its letters can still be read where a page is 400 px wide."""
PANEL_PX, LEGEND_ROW_PX, MARGIN_PX = 210, 20, 60
MAX_RUNS = 6
"""Runs that the picture of examples has room for."""
_LEARNING_RATE = "learning_rate"


def draw_courses(runs: Sequence[TrainedRun]) -> str | None:
    """Draw validation, loss and learning rate of runs over the epochs.

    Metrics of another name have a panel each. Losses are drawn as they are where all runs have the
    same loss, and over each one's own in its first epoch otherwise.

    Returns:
        An address that holds the drawing; None where no epoch is known.
    """
    shown = [run for run in runs if run.history]
    if not shown:
        return None
    metrics = list(dict.fromkeys(run.metric for run in shown))
    figure, panels = _panels(len(metrics) + 2, len(runs))
    for metric, axes in zip(metrics, panels, strict=False):
        _draw(axes, runs, partial(_points, column=VALIDATION, of_metric=metric))
        axes.set_ylabel(f"validation: {metric.replace('_', ' ')}")
    is_same = len({str((run.configuration or {}).get(LOSS)) for run in shown}) == 1
    _draw(panels[-2], runs, partial(_points, column=LOSS, over_first=not is_same))
    panels[-2].set_ylabel("training loss" if is_same else "loss, over that of epoch 1")
    _draw(panels[-1], runs, _learning_rates)
    panels[-1].set_ylabel("learning rate")
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    return _finish(figure, panels[-1])


def draw_froc(runs: Sequence[TrainedRun], shown: Sequence[TrainedRun], unit: str) -> str | None:
    """Draw the free-response curves of runs, with their operating points.

    Args:
        runs: all runs, which fixes each one's colour.
        shown: those that were evaluated on the same images.
        unit: what false positives are counted for.

    Returns:
        An address that holds the drawing; None where no run has a curve.
    """
    summaries: dict[str, Mapping[str, Any]] = {
        run.name: run.evaluation.summary
        for run in shown
        if run.evaluation is not None and "froc" in run.evaluation.summary
    }
    if not summaries:
        return None
    figure, (axes,) = _panels(1, len(summaries), height_px=300)
    furthest = MOST_FALSE_POSITIVES
    for number, run in enumerate(runs):
        if run.name in summaries:
            style = line_style(number)
            curve, point = (summaries[run.name][key] for key in ("froc", "detection"))
            at = [_or_nan(point[key]["value"]) for key in ("false_positives", "sensitivity")]
            found = [_or_nan(value) for value in curve["sensitivity"]]
            axes.plot(curve["false_positives"], found, lw=1.4, label=run.name, **style)
            axes.plot(*at, "o", ms=8, mfc="none", color=style["color"])
            furthest = max(furthest, 1.2 * at[0])
    axes.set_xlim(0, furthest)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(f"false positives per {unit}")
    axes.set_ylabel("sensitivity, lesions")
    tidy(axes)
    return _finish(figure, axes)


def draw_examples(shown: Sequence[TrainedRun], *, origin: str) -> tuple[str, list[str]] | None:
    """Draw the same images of runs side by side: best, median and worst of the first run.

    Args:
        shown: runs that were evaluated on the same images; those that kept theirs are drawn.
        origin: what the images are, for the caption.

    Returns:
        An address that holds the picture, and the names of the runs in it; None where fewer than
        two runs kept their images.
    """
    kept = {
        run.name: run.evaluation
        for run in shown
        if run.evaluation is not None and run.evaluation.images_file is not None
    }
    if len(kept) < 2:
        return None
    names = list(kept)[:MAX_RUNS]
    results = kept[names[0]].results
    chosen = [results[index].key for _, index in representative(results)]
    images: dict[str, list[EvaluatedImage]] = {}
    for name in names:
        file = kept[name].images_file
        by_key = {image.key: image for image in read_evaluated_images(file)} if file else {}
        images[name] = [by_key[key] for key in chosen]
    figure = draw_systems(images, origin=origin)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return _address("image/png", buffer.getvalue()), names


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _points(
    run: TrainedRun, column: str, *, of_metric: str | None = None, over_first: bool = False
) -> tuple[list[float], list[float]]:
    """Return epochs and values of a column, of a run of this metric."""
    rows = [row for row in run.history if column in row]
    if of_metric not in (None, run.metric) or not rows:
        return [], []
    first = rows[0][column] if over_first and rows[0][column] else 1.0
    return [row[EPOCH] for row in rows], [row[column] / first for row in rows]


def _learning_rates(run: TrainedRun) -> tuple[list[float], list[float]]:
    """Return epochs and the learning rate, of the first optimiser where there are several."""
    columns = [name for row in run.history[:1] for name in row if name.startswith(_LEARNING_RATE)]
    return _points(run, columns[0]) if columns else ([], [])


def _panels(number: int, names: int, height_px: int = PANEL_PX) -> tuple[Figure, list[Axes]]:
    figure = new_figure(WIDTH_PX, number * height_px + names * LEGEND_ROW_PX + MARGIN_PX)
    return figure, figure.subplots(number, 1, sharex=True, squeeze=False)[:, 0].tolist()


def _draw(
    axes: Axes,
    runs: Sequence[TrainedRun],
    take: Callable[[TrainedRun], tuple[list[float], list[float]]],
) -> None:
    for number, run in enumerate(runs):
        axes.plot(*take(run), marker=".", ms=4, lw=1.3, label=run.name, **line_style(number))
    tidy(axes)


def _finish(figure: Figure, axes: Axes) -> str:
    """Set the names of the runs under the panels, and write the figure."""
    handles, labels = axes.get_legend_handles_labels()
    height_px = figure.get_figheight() * figure.dpi
    below = (len(labels) * LEGEND_ROW_PX + 10) / height_px
    figure.tight_layout(rect=(0, below, 1, 1))
    figure.legend(handles, labels, loc="lower left", frameon=False, fontsize=10)
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "bonescan"}):  # equal bytes for equal drawings
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    figure.clear()
    return _address("image/svg+xml", buffer.getvalue())


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
