"""The results of an experiment as JSON and Markdown: published and simulated side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bonescan.metrics.pixel import METRICS
from bonescan.report.findings import RESEARCH_USE
from bonescan.report.tables import format_interval, markdown_table, metric_title
from bonescan.studies.experiments.experiment import F1_OF_MEANS, Experiment

COLUMN_TITLES = {
    **{metric: metric_title(metric) for metric in METRICS},
    "accuracy": "PA",
    "precision": "CPA (precision)",
    F1_OF_MEANS: "F1 of means",
}
"""As the papers call the metrics."""
ABSENT = "-"
OPTIMISTIC = (
    "**Optimistic: split by image.** Images of one patient, augmented copies too, lie on both "
    "sides of the split, as in papers that split after augmentation."
)


def to_markdown(experiment: Experiment, document: Mapping[str, Any]) -> str:
    """Lay out a document of results as Markdown.

    Args:
        experiment: what was run.
        document: as bonescan.studies.experiments.results makes it.
    """
    parts = [
        f"# {experiment.title}, on simulated scans",
        f"{experiment.source}. Published figures are of patients, measured ones of **simulated** "
        "scans: compare signs and order, not values.",
        _describe(document),
    ]
    if document["split"] == "image":
        parts.append(OPTIMISTIC)
    if document.get("dataset"):
        parts.append(_dataset(document["dataset"]))
    if document["rows"]:
        parts.append(_figures(experiment, document["rows"]))
    if document["comparisons"]:
        parts.append(_comparisons(document["comparisons"], experiment.metrics[0]))
    parts += [f"![{title}]({name})" for title, name in document["pictures"].items()]
    parts += [f"- {remark}" for remark in experiment.remarks]
    if document["missing"]:
        parts.append("**Missing:** " + "; ".join(document["missing"]) + ".")
    parts += [_how(document), f"{RESEARCH_USE}."]
    return "\n\n".join(parts) + "\n"


def _describe(document: Mapping[str, Any]) -> str:
    data = document["data"]
    text = (
        f"Profile `{document['profile']}`: {document['what']}. Cohort preset `{data['preset']}`, "
        f"{data['patients']} patients, split by {document['split']}."
    )
    if document["rows"]:
        text += (
            f" Metrics: {document['convention']} in each run, then the mean over the runs; in "
            f"brackets the {document['interval']}."
        )
    return text


def _figures(experiment: Experiment, rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay out the table: published and simulated value of each metric."""
    header = ["system"]
    for name in experiment.metrics:
        header += [f"{COLUMN_TITLES[name]}, published", f"{COLUMN_TITLES[name]}, simulated"]
    header += ["runs", "images", "training"]
    lines = []
    for row in rows:
        line = [row["name"]]
        for name in experiment.metrics:
            published = row["published"].get(name)
            line.append(ABSENT if published is None else f"{published:.3f}")
            line.append(_measured(row["measured"][name]))
        lines.append([*line, str(row["runs"]), str(row["images"]), f"{row['training_s']:.0f} s"])
    return markdown_table(header, lines)


def _measured(figure: Mapping[str, Any]) -> str:
    spread = figure["spread"]
    return format_interval(figure) + ("" if spread is None else f", SD {spread:.3f}")


def _comparisons(comparisons: Sequence[Mapping[str, Any]], metric: str) -> str:
    title = COLUMN_TITLES[metric]
    header = [
        f"difference in {title}", "published", "simulated", "Wilcoxon p, patients", "t-test p, runs"
    ]  # fmt: skip
    lines = [
        [
            f"{item['row']} less {item['reference']}",
            ABSENT if item["published"] is None else f"{item['published']:+.3f}",
            f"{item['difference']:+.3f} ({item['lower']:+.3f} to {item['upper']:+.3f})",
            _p_value(item["wilcoxon_p"]),
            _p_value(item["t_p"]),
        ]
        for item in comparisons
    ]
    note = (
        "Paired on the same images; intervals by resampling patients for both rows together; no "
        "correction for the number of tests; folds share training patients."
    )
    if metric == F1_OF_MEANS:
        note += " The tests are on the DSC of each patient and of each run."
    return markdown_table(header, lines) + "\n\n" + note


def _p_value(value: float | None) -> str:
    if value is None:
        return ABSENT
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _dataset(dataset: Mapping[str, Mapping[str, float | None]]) -> str:
    lines = [
        [name.replace("_", " "), _plain(values["published"]), _plain(values["simulated"])]
        for name, values in dataset.items()
    ]
    return markdown_table(["", "published", "simulated"], lines)


def _plain(value: float | None) -> str:
    return ABSENT if value is None else f"{value:g}"


def _how(document: Mapping[str, Any]) -> str:
    machine = document["machine"]
    versions = ", ".join(f"{name} {it}" for name, it in document["packages"].items())
    minutes = f"{document['training_minutes']:.0f}"
    return (
        f"Made by `{document['command']}` on {document['date']}: {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['device']}; {minutes} minutes of "
        f"training, summed over runs, beside whatever else the machine did; {versions}; revision "
        f"{document['revision']}."
    )


def figure_entry(figure: Any) -> dict[str, Any]:
    """Return a figure for JSON, rounded to what its interval is good for."""
    return {
        key: None if value is None or value != value else round(value, 6)  # noqa: PLR0124 - NaN
        for key, value in asdict(figure).items()
    }
