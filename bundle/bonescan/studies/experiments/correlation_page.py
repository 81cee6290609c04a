"""The page of an experiment on a measure and a laboratory value, from its JSON alone."""

from collections.abc import Mapping
from typing import Any

from bonescan.notice import RESEARCH_USE
from bonescan.report.tables import UNDEFINED, markdown_table
from bonescan.studies.experiments.correlations import MEASURES, TRUTH
from bonescan.studies.experiments.markdown import NO_VALUE, describe_origin

MEASURE_TITLES = {
    TRUTH: "B, stretched share of the skeleton",
    "bstbi": "BSTBI as published, mean of four panels",
    "bstbi_counts": "BSTBI on counts",
    "uptake_share": "share of the uptake",
}
"""What tables and axes call TRUTH and each of MEASURES."""

SHORT_HASH = 8
"""Digits of a hash that people compare by eye."""
RELATION = (
    "**The relation is put in by the simulator.** Alkaline phosphatase (ALP) of a patient is "
    "N (1 + {growth:g} exp({sigma:g} z) B). N is a normal value for sex and age, and z a standard "
    "normal number. B = {k:g} b / ({less:g} b + 1) is the share b of the skeleton's volume that is "
    "metastasis, stretched as the index stretches a share of uptake. The spread {sigma:g} was "
    "fitted so that the value correlates with B as the paper's does with the index: the "
    "correlation of B itself is no result, and no figure of this page is evidence on patients. "
    "What is tested is how much of B a measure made from the images still tells."
)
CORRELATION_TEXT = (
    "In parentheses: 95 % intervals over patients, by Fisher's z, of ranks with the error of "
    "Bonett and Wright 2000; likewise for the published figure, whose interval the paper does not "
    "give."
)
PREDICTED_TEXT = (
    "The predicted labels are those of `{run}` (SHA-256 of its weights {hash}), with its operating "
    "point: one training, on simulated patients of another preset and other seeds. Both masks are "
    "of the same patients, so that the intervals of two rows are not independent; whether they "
    "overlap says little. Beside each other, over the same patients:"
)
COMPARED_TEXT = (
    "Intervals: 95 %, of the first by Fisher's z, of the second by bootstrap over patients (BCa); "
    "the randomness of trainings is in neither."
)
SITES_TEXT = (
    "Sites in which a view shows a metastasis of these patients, beside Table 3 of the paper, with "
    "Wilson's 95 % intervals. The simulator draws the sites of all lesions to agree with that "
    "table, whether a view shows them or not; these are the ones that show."
)


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out the correlations of an experiment as Markdown.

    Args:
        document: as bonescan.studies.experiments.correlation_results writes it.
    """
    data, relation = document["data"], document["relation"]
    parts = [
        f"# {document['title']}, on simulated scans",
        f"{document['source']}. Published values are from patients, all others from **simulated** "
        "scans.",
        RELATION.format(**relation, less=relation["k"] - 1),
        f"{document['profile'].capitalize()} profile: {document['protocol']}. The cohort has "
        f"{data['patients']} simulated patients (preset `{data['preset']}`, seed "
        f"{data['cohort_seed']}), all measured. {CORRELATION_TEXT}",
        _measures_table(document),
        _compared_table(document) if document["released"] else "",
        *(f"![{title}]({name})" for title, name in document["pictures"].items()),
        "\n".join(f"- {remark}" for remark in document["remarks"]),
        f"{SITES_TEXT}\n\n{_sites_table(document)}",
        describe_origin({**document, "rows": []}),
        f"{RESEARCH_USE}.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _measures_table(document: Mapping[str, Any]) -> str:
    published = document["published"]
    header = [
        "measure", "of", "patients", "mean ± SD, published", "mean ± SD, simulated",
        "Pearson with ALP, published", "Pearson with ALP", "Spearman with ALP", "Pearson with B",
    ]  # fmt: skip
    lines = []
    for row in document["rows"]:
        name = row["measure"]
        of_images = name in MEASURES
        mean, sd = (published[f"published_{key}"].get(name) for key in ("mean", "sd"))
        known = published["pearson"].get(name)
        lines.append(
            [
                MEASURE_TITLES[name],
                row["mask"] if of_images else "the body",
                str(row["patients"]),
                NO_VALUE if mean is None else _format_mean(mean, sd),
                _format_mean(row["mean"], row["sd"]),
                NO_VALUE if known is None else f"{_format(known)}, n = {published['patients']}",
                _format(row["pearson"]),
                _format(row["spearman"]),
                _format(row["truth"]) if of_images else NO_VALUE,
            ]
        )
    return markdown_table(header, lines)


def _compared_table(document: Mapping[str, Any]) -> str:
    """Say how the measures by predicted labels go with those by the true ones."""
    header = [
        "measure", "Pearson of predicted with true labels",
        "Pearson with ALP: predicted less true labels",
    ]  # fmt: skip
    lines = [
        [MEASURE_TITLES[name], _format(found["pearson"]), _format(found["less"], "+.3f")]
        for name, found in document["compared"].items()
    ]
    text = describe_released(PREDICTED_TEXT, document["released"])
    return f"{text}\n\n{markdown_table(header, lines)}\n\n{COMPARED_TEXT}"


def describe_released(text: str, released: Mapping[str, Any]) -> str:
    """Fill a text with which system made the masks: `run` and `hash`."""
    weights = ", ".join(each[:SHORT_HASH] for each in released["weights_sha256"])
    return text.format(run=released["run"], hash=weights)


def _format_mean(mean: float, sd: float | None) -> str:
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}"


def _format(found: Mapping[str, Any], form: str = ".3f") -> str:
    """Write "0.720 (0.552 to 0.832)"."""
    if found["value"] is None:
        return UNDEFINED
    if found["low"] is None:
        return f"{found['value']:{form}}"
    return f"{found['value']:{form}} ({found['low']:{form}} to {found['high']:{form}})"


def _sites_table(document: Mapping[str, Any]) -> str:
    published, cases = (document["published"][key] for key in ("published_sites", "site_patients"))
    lines = [
        [
            site,
            f"{published[site]}/{cases}, {published[site] / cases:.3f}",
            "{hits}/{cases}, {value:.3f} ({low:.3f} to {high:.3f})".format(**found),
        ]
        for site, found in document["sites"].items()
    ]
    return markdown_table(["site", "published", "simulated"], lines)
