"""The page of an experiment on decisions: published and simulated shares, from its JSON alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from bonescan.notice import RESEARCH_USE
from bonescan.report.tables import UNDEFINED, markdown_table
from bonescan.studies.experiments.decisions import ALL_RIGHT, METASTASIS, REPORT
from bonescan.studies.experiments.experiment import FAST
from bonescan.studies.experiments.markdown import (
    NO_VALUE,
    NOT_TESTED,
    describe_cohort,
    describe_origin,
    describe_tuning,
    format_p,
)

FAST_TEXT = (
    "**Nothing is claimed of the networks.** The fast profile shows that everything runs from end "
    "to end. Its networks are small and stop early, and there is one training of each."
)
SHARES_TEXT = (
    "Shares are of the held-out patients; in parentheses: Wilson's 95 % interval over patients, of "
    "one training or reader each: the randomness of trainings is not in it. What is true is what "
    "the simulator knows to show in a view"
)
WHOLE_TITLES = {ALL_RIGHT: "all sites right", REPORT: "report right"}
TESTS = ("chi_square", "mcnemar")
NORMAL_TEXT = (
    "To report no metastases in anybody would be right for {normal} of these {patients} patients, "
    "and would have all sites right in none."
)
PAIRS_TEXT = (
    "Chi-square is Pearson's without Yates's correction, as in the paper; that of the published "
    "values is computed from the paper's numbers of patients. It takes the two for readers of "
    "different patients. Both read the same ones, for which McNemar's exact test, beside it, is "
    "the right one; the paper gives too little for that. The p of a training says nothing of "
    "another training, and no p is corrected for their number."
)


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out the decisions of an experiment as Markdown.

    Args:
        document: as bonescan.studies.experiments.decision_results writes it.
    """
    pairs = [pair for pair in document["pairs"] if _is_said_of(pair)]
    parts = [
        f"# {document['title']}, on simulated scans",
        f"{document['source']}. Published values are from patients, all others from **simulated** "
        "scans, whose values cannot be compared with them.",
        f"{describe_cohort(document)}. {SHARES_TEXT}.{describe_tuning(document['data'])}",
        "" if document["pairwise"] else _shares_table(document),
        _describe_normal(document),
        f"{_pairs_table(pairs)}\n\n{PAIRS_TEXT}" if pairs else "",
        FAST_TEXT if document["profile"] == FAST else "",
        "\n".join(f"- {remark}" for remark in document["remarks"]),
        f"**Not complete yet:** {'; '.join(document['missing'])}." if document["missing"] else "",
        describe_origin(document),
        f"{RESEARCH_USE}.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def decision_title(metric: str) -> str:
    """Return what a column of a metric is called, such as "sensitivity, spine"."""
    if metric in WHOLE_TITLES:
        return WHOLE_TITLES[metric]
    measure, _, bit = metric.partition("_")
    return measure if bit == METASTASIS else f"{measure}, {bit}"


def _shares_table(document: Mapping[str, Any]) -> str:
    metrics = document["metrics"]
    header = ["decided by"]
    for metric in metrics:
        title = decision_title(metric)
        header += [f"{title}, published", f"{title}, simulated"]
    lines = []
    for row in document["rows"]:
        line = [row["name"]]
        for metric in metrics:
            published = row["published"].get(metric)
            line.append(NO_VALUE if published is None else _format_published(published))
            line.append(_format_share(row["measured"][metric]))
        seconds = row["training_s"]
        lines.append(
            [*line, str(row["patients"]), NO_VALUE if seconds is None else f"{seconds:.0f} s"]
        )
    return markdown_table([*header, "test patients", "training time"], lines)


def _format_published(published: Mapping[str, Any]) -> str:
    if published["share"] is None:
        return f"{published['value']:.3f}"
    return _format_share(published["share"])


def _format_share(found: Mapping[str, Any]) -> str:
    """Write "50/54, 0.926 (0.824 to 0.971)"; "n/a" of no patients."""
    if found["value"] is None:
        return UNDEFINED
    return "{hits}/{cases}, {value:.3f} ({low:.3f} to {high:.3f})".format(**found)


def _describe_normal(document: Mapping[str, Any]) -> str:
    """Say how many reports are right that find nothing; nothing where no reports are judged."""
    rows = document["rows"]
    if not rows or not {ALL_RIGHT, REPORT} <= set(document["metrics"]):
        return ""
    patients, diseased = (rows[0]["measured"][name]["cases"] for name in (REPORT, ALL_RIGHT))
    return NORMAL_TEXT.format(normal=patients - diseased, patients=patients)


def _is_said_of(pair: Mapping[str, Any]) -> bool:
    """Tell whether a pair has a p, published or simulated."""
    return pair["published"] is not None or any(key in pair for key in TESTS)


def _pairs_table(pairs: Sequence[Mapping[str, Any]]) -> str:
    header = [
        "A", "B", "share", "p by chi-square, published", "p by chi-square, simulated",
        "p by McNemar, simulated",
    ]  # fmt: skip
    lines = [
        [
            pair["first"],
            pair["second"],
            decision_title(pair["metric"]),
            format_p(pair["published"]),
            *(format_p(pair[key]) if key in pair else NOT_TESTED for key in TESTS),
        ]
        for pair in pairs
    ]
    return markdown_table(header, lines)
