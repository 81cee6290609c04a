"""The pictures of an experiment: training curves, the same images by system, a sweep."""

from collections.abc import Sequence
from pathlib import Path

from bonescan.metrics.pixel import confusion, score
from bonescan.report.comparison import Curve, write_histories, write_sweep, write_systems
from bonescan.report.curves import read_history
from bonescan.report.evaluated_images import EvaluatedImage, read_evaluated_images
from bonescan.run_folder import EVALUATED_IMAGES, EVALUATION, HISTORY
from bonescan.studies.experiments.experiment import Experiment
from bonescan.studies.experiments.markdown import COLUMN_TITLES
from bonescan.studies.experiments.row_results import RowResult

ORIGIN = "simulated scans"
MAX_SYSTEMS = 6
"""Systems that one picture of examples has room for."""


def draw_pictures(
    experiment: Experiment, results: Sequence[RowResult], start: Path
) -> dict[str, str]:
    """Draw what there is to see of some rows.

    Args:
        experiment: what was run.
        results: its complete rows.
        start: path of the pictures without what tells them apart.

    Returns:
        The names of the files by title.
    """
    if not results:
        return {}
    if experiment.sweep_axis:
        sweep = start.with_name(f"{start.name}_sweep.png")
        _draw_sweep(experiment, results, sweep)
        title = f"{COLUMN_TITLES[experiment.metrics[0]]} over the {experiment.sweep_axis}"
        return {title: sweep.name}
    curves = start.with_name(f"{start.name}_curves.png")
    histories = {
        result.row.name: [read_history(run.folder / HISTORY) for run in result.runs]
        for result in results
    }
    by_gradient = {name: runs for name, runs in histories.items() if len(runs[0]) > 1}
    write_histories(curves, by_gradient, origin=ORIGIN)
    examples = start.with_name(f"{start.name}_examples.png")
    write_systems(examples, choose_examples(results), origin=ORIGIN.capitalize())
    return {"Training curves": curves.name, "The same images by system": examples.name}


def choose_examples(results: Sequence[RowResult]) -> dict[str, list[EvaluatedImage]]:
    """Choose three images of the first run: best, median and worst of the first system.

    Returns:
        The images by name of the system, of at most MAX_SYSTEMS on the first one's data; images
        with lesions alone.
    """
    same_data = [result for result in results if result.row.data == results[0].row.data]
    stored = {
        result.row.name: read_evaluated_images(
            result.runs[0].folder / EVALUATION / EVALUATED_IMAGES
        )
        for result in same_data[:MAX_SYSTEMS]
    }
    first = next(iter(stored.values()))
    ranked = sorted((image for image in first if image.truth_mask.any()), key=_dice, reverse=True)
    ranks = sorted({0, len(ranked) // 2, len(ranked) - 1})
    chosen = [ranked[rank].key for rank in ranks]
    by_key = {name: {image.key: image for image in images} for name, images in stored.items()}
    return {name: [images[key] for key in chosen] for name, images in by_key.items()}


def _dice(image: EvaluatedImage) -> float:
    return float(score(confusion(image.pred_mask, image.truth_mask), "dsc"))


def _draw_sweep(experiment: Experiment, results: Sequence[RowResult], path: Path) -> None:
    metric = experiment.metrics[0]
    series: dict[str, list[RowResult]] = {}
    for result in results:
        if result.row.series:
            series.setdefault(result.row.series, []).append(result)
    write_sweep(
        path,
        {name: _make_curve(points, metric) for name, points in series.items()},
        axis=str(experiment.sweep_axis),
        metric=COLUMN_TITLES[metric],
        published={
            line.x: line.published[metric]
            for line in experiment.published_lines
            if line.x is not None and metric in line.published
        },
        origin="simulated",
    )


def _make_curve(points: Sequence[RowResult], metric: str) -> Curve:
    estimates = [point.estimates[metric] for point in points]
    return Curve(
        positions=[float(point.row.x or 0) for point in points],
        values=[estimate.value for estimate in estimates],
        lower=[estimate.lower for estimate in estimates],
        upper=[estimate.upper for estimate in estimates],
    )
