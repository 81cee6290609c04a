"""The page of an experiment: published and simulated results side by side, from its JSON alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from bonescan.metrics.pixel import METRICS
from bonescan.notice import RESEARCH_USE
from bonescan.report.tables import format_interval, markdown_table, metric_title
from bonescan.studies.experiments.experiment import F1_OF_MEANS, FAST

COLUMN_TITLES = {
    **{metric: metric_title(metric) for metric in METRICS},
    "accuracy": "PA",
    "precision": "CPA (precision)",
    F1_OF_MEANS: "F1 of means",
}
"""As the papers call the metrics."""
CONVENTION_TEXTS = {
    "pooled": "computed from the pixels of all images of a run together and averaged over the runs",
    "per_image": "averaged over the images of a run and then over the runs",
    "per_image_with_lesion": (
        "averaged over the images of a run that show a lesion and then over the runs"
    ),
}
IMAGE_SET_TITLES = {
    "originals": "original images",
    "training": "training images",
    "test": "test images",
    "lesion_percent": "lesion pixels, %",
}
COUNT_TITLES = {
    "runs": "trainings",
    "patients": "test patients",
    "images": "test images",
    "images_with_lesion": "with lesion",
}
LABEL_TITLES = ["training patients with labels", "training images or scans with labels"]
NO_VALUE = "-"
NOT_TESTED = "not tested"
FAST_TEXT = (
    "**Differences between rows are not tested.** The fast profile shows that everything runs from "
    "end to end. Its networks are small and few and stop early: another seed gives another order "
    "of the rows, so that no sign of a difference means anything."
)
OPTIMISTIC = (
    "**Optimistic: split by image.** Images of one patient, including augmented copies, are on "
    "both sides of the split, as in papers that split after augmentation."
)


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out the results of an experiment as Markdown.

    Args:
        document: as bonescan.studies.experiments.results writes it.
    """
    metrics, rows, comparisons = (document[key] for key in ("metrics", "rows", "comparisons"))
    parts = [
        f"# {document['title']}, on simulated scans",
        f"{document['source']}. Published values are from patients, all others from **simulated** "
        "scans, whose values cannot be compared with them.",
        _describe(document),
        OPTIMISTIC if document["split"] == "image" else "",
        _image_set_table(document["image_set"]) if document["image_set"] else "",
        _metrics_table(document) if rows else "",
        _comparisons_table(metrics[0], comparisons) if comparisons else "",
        FAST_TEXT if rows and document["profile"] == FAST else "",
        *(f"![{title}]({name})" for title, name in document["pictures"].items()),
        "\n".join(f"- {remark}" for remark in document["remarks"]),
        f"**Not complete yet:** {'; '.join(document['missing'])}." if document["missing"] else "",
        describe_origin(document),
        f"{RESEARCH_USE}.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _describe(document: Mapping[str, Any]) -> str:
    text = describe_cohort(document)
    if document["rows"]:
        text += (
            f". Metrics are {CONVENTION_TEXTS[document['convention']]}; in parentheses: "
            f"{document['interval']}"
        )
    return f"{text}.{describe_tuning(document['data'])}"


def describe_cohort(document: Mapping[str, Any]) -> str:
    """Say what the runs of a document were trained and tested on; no full stop ends it."""
    data = document["data"]
    text = (
        f"{document['profile'].capitalize()} profile: {document['protocol']}. The cohort has "
        f"{data['patients']} simulated patients (preset `{data['preset']}`, seed "
        f"{data['cohort_seed']}); the split is by "
        f"{document['split']}"
    )
    if data["test_share"] is not None and document["split"] == "patient":
        text += f", with {100 * data['test_share']:g} % of the patients held out for testing"
    return text


def describe_tuning(data: Mapping[str, Any]) -> str:
    """Say on which patients the profile's settings were chosen."""
    tuned, reported = data["tuned_on_seed"], data["cohort_seed"]
    if tuned is None:
        return ""
    if tuned == reported:
        return (
            " **Its settings were chosen on this very cohort, by the figures of its patients**, so "
            "that the figures are too good."
        )
    return f" Its settings were chosen on another cohort, of seed {tuned}."


def _metrics_table(document: Mapping[str, Any]) -> str:
    """Lay out the published and the simulated value of each metric."""
    metrics = document["metrics"]
    titles = LABEL_TITLES if any("labels" in row for row in document["rows"]) else []
    header = ["system", *titles]
    for name in metrics:
        origin = "computed from the paper's folds" if name in document["computed"] else "published"
        header += [f"{COLUMN_TITLES[name]}, {origin}", f"{COLUMN_TITLES[name]}, simulated"]
    lines = []
    for row in document["rows"]:
        line = [row["name"], *(_format_labels(row["labels"]) if titles else [])]
        for name in metrics:
            line.append(_format_published(row, name))
            line.append(_format_estimate(row["measured"][name]))
        line += [_format_count(row[key]) for key in COUNT_TITLES]
        lines.append([*line, f"{row['training_s']:.0f} s"])
    for row in document["published_lines"]:
        line = [row["name"], *[NO_VALUE] * len(titles)]
        for name in metrics:
            line += [_format_published(row, name), NO_VALUE]
        lines.append([*line, *[NO_VALUE] * (len(COUNT_TITLES) + 1)])
    return markdown_table([*header, *COUNT_TITLES.values(), "training time per run"], lines)


def _format_labels(labels: Mapping[str, Sequence[int]]) -> list[str]:
    """Say how many patients and how many images or scans had labels, of how many."""
    span = {
        name: f"{least}" if least == most else f"{least} to {most}"
        for name, (least, most) in labels.items()
    }
    generated = f", and {span['generated']} generated" if labels["generated"][1] else ""
    return [
        f"{span['labelled_patients']} of {span['patients']}",
        f"{span['labelled_entries']} of {span['entries']}{generated}",
    ]


def _format_published(row: Mapping[str, Any], metric: str) -> str:
    value = row["published"].get(metric)
    return NO_VALUE if value is None else f"{value:.3f}"


def _format_count(value: int | None) -> str:
    return NO_VALUE if value is None else str(value)


def _format_estimate(estimate: Mapping[str, Any]) -> str:
    spread = estimate["spread"]
    return format_interval(estimate) + ("" if spread is None else f", SD {spread:.3f}")


def _comparisons_table(metric: str, comparisons: Sequence[Mapping[str, Any]]) -> str:
    title = COLUMN_TITLES[metric]
    header = [
        "A", "B", f"A - B in {title}, published", f"A - B in {title}, simulated (95 % interval)",
        "p", "p, corrected by Holm",
    ]  # fmt: skip
    lines = [
        [
            item["row"],
            item["reference"],
            NO_VALUE if item["published"] is None else f"{item['published']:+.3f}",
            *_format_test(item["tested"]),
        ]
        for item in comparisons
    ]
    note = (
        "A and B are compared on the same images. The p is of the test that the interval is made "
        "by; Holm's correction is for all comparisons of this table, the intervals are not "
        "corrected. One or two trainings of each row are not tested: their difference could be "
        "that of two seeds."
    )
    return f"{markdown_table(header, lines)}\n\n{note}"


def _format_test(tested: Mapping[str, Any] | None) -> list[str]:
    if tested is None:
        return [NOT_TESTED, NO_VALUE, NO_VALUE]
    interval = "{difference:+.3f} ({lower:+.3f} to {upper:+.3f})".format(**tested)
    return [interval, format_p(tested["p"]), format_p(tested["p_holm"])]


def format_p(value: float | None) -> str:
    """Write a p-value: "< 0.001", "0.049", or NO_VALUE of None."""
    if value is None:
        return NO_VALUE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _image_set_table(facts: Mapping[str, Mapping[str, float | None]]) -> str:
    lines = [
        [IMAGE_SET_TITLES.get(name, name), _format_number(values["published"]),
         _format_number(values["simulated"])]
        for name, values in facts.items()
    ]  # fmt: skip
    return markdown_table(["", "published", "simulated"], lines)


def _format_number(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:g}"


def describe_origin(document: Mapping[str, Any]) -> str:
    """Say by what command, code and machine the runs were made."""
    machine, runs = document["machine"], document["provenance"]
    parts = [f"Made with `{document['command']}` on {machine['cpu']}, {machine['cores']} cores."]
    if document["rows"]:
        parts += [
            f"Runs of {_join(runs['dates'], ' to ')}, on {_join(runs['devices'])}, threads of a "
            f"run: {_join(runs['threads'])}, revision {_join(runs['revisions'])}.",
            f"All training together took {_count_minutes(document['training_minutes'])}; the "
            "machine was shared.",
        ]
    if len(runs["revisions"]) > 1:
        parts.append(
            "**Not all runs are of the same code:** they were made with the revisions named above."
        )
    if runs["changed_data"]:
        parts.append(
            f"**Not all runs are of the same data:** {_join(runs['changed_data'])} was changed "
            "between them."
        )
    versions = [f"{name} {_join(each, ' / ')}" for name, each in runs["packages"].items()]
    parts += [f"Versions: {', '.join(versions)}."] if versions else []
    parts.append(f"Page written with revision {document['written_with']}.")
    return " ".join(parts)


def _count_minutes(minutes: float) -> str:
    return "1 minute" if round(minutes) == 1 else f"{minutes:.0f} minutes"


def _join(values: Sequence[Any], by: str = ", ") -> str:
    return by.join(map(str, values)) or "not recorded"
