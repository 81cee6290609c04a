"""The page of an experiment on the time of a scan, from its JSON alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from bonescan.notice import RESEARCH_USE
from bonescan.report.tables import markdown_table
from bonescan.studies.benchmark.results import READ
from bonescan.studies.experiments.markdown import NO_VALUE, describe_origin
from bonescan.studies.experiments.timed_chains import ALL, BARE, NETWORK, RATIO

TIME_TEXT = (
    "Processor seconds of one scan, from its DICOM file to every file that "
    "`configs/inference.yaml` names, on {threads} thread: the median of {scans} scans after one "
    "that warms up; in parentheses the smallest and the largest. After each scan the forward "
    "passes of its networks are made once more, and nothing else, which other load slows as much; "
    "the ratio is that of each scan. A row in code is a writer; what several writers share is "
    "counted where the first of them needs it."
)
UNTRAINED_TEXT = (
    "The published chain has the paper's size and random weights, on which the time of a network "
    "does not depend. How often the networks of segmentation are asked does: the classifier is "
    "set to find metastasis in {metastasis:g} of the sub-images and bladder in {bladder:g}, as "
    "many as show them in simulated patients. The networks of segmentation mark nothing, so that "
    "its results are those of scans without findings."
)
RELEASED_TEXT = "`{run}` is a trained system, with {findings:g} findings a scan, the median."
PUBLISHED_TEXT = (
    "Published: {published_s:g} ± {published_sd_s:g} s a scan, from the scan to the report, on "
    "another machine with a GPU. What that holds in detail is not known, and seconds of a "
    "processor's core are not those of a GPU: no line below can be compared with it."
)


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out the times of an experiment as Markdown.

    Args:
        document: as bonescan.studies.experiments.time_results writes it.
    """
    data, chains = document["data"], document["chains"]
    published, released = chains
    parts = [
        f"# {document['title']}, on simulated scans",
        f"{document['source']}. The published value is from patients, all others are from "
        "**simulated** scans.",
        PUBLISHED_TEXT.format(**document["times"]),
        f"{document['profile'].capitalize()} profile: {document['protocol']} (preset "
        f"`{data['preset']}`, seed {data['cohort_seed']}). "
        + TIME_TEXT.format(threads=document["threads"], scans=published["scans"]),
        UNTRAINED_TEXT.format(**document["open_shares"])
        + " "
        + RELEASED_TEXT.format(run=document["released"], findings=released["findings"]),
        _table(chains),
        "\n".join(f"- {remark}" for remark in document["remarks"]),
        describe_origin({**document, "rows": []}),
        f"The machine was shared, with a load of {document['load']:g} when the first chain began.",
        f"{RESEARCH_USE}.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _table(chains: Sequence[Mapping[str, Any]]) -> str:
    measured = [{entry["name"]: entry for entry in chain["measured"]} for chain in chains]
    names = sorted(dict.fromkeys(name for each in measured for name in each), key=_place)
    lines = [[_title(name), *(_format(each.get(name)) for each in measured)] for name in names]
    return markdown_table(["", *(chain["name"] for chain in chains)], lines)


def _place(name: str) -> int:
    """Return where a row stands: reading, networks, other parts as they come, sums."""
    sums = (ALL, BARE, RATIO)
    if name in sums:
        return 3 + sums.index(name)
    return 0 if name == READ else 1 if name.startswith(NETWORK) else 2


def _title(name: str) -> str:
    return f"`{name}`" if name.endswith("Writer") else name


def _format(entry: Mapping[str, Any] | None) -> str:
    """Write "1.23 s (1.20 to 1.31)"."""
    if entry is None:
        return NO_VALUE
    unit = " s" if entry["unit"] == "s" else ""
    return "{value:.3g}{unit} ({low:.3g} to {high:.3g})".format(**{**entry, "unit": unit})
