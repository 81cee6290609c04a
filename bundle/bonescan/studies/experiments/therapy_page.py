"""The page of an experiment on scans before and after therapy, from its JSON alone."""

from collections.abc import Mapping
from typing import Any

from bonescan.notice import RESEARCH_USE
from bonescan.report.tables import UNDEFINED, markdown_table
from bonescan.studies.experiments.correlation_page import MEASURE_TITLES
from bonescan.studies.experiments.correlations import TRUTH
from bonescan.studies.experiments.markdown import describe_origin

COURSE_TEXT = (
    "**The course is put in by the simulator**: what a therapy does to each lesion is drawn by "
    "shares and sizes of our choice, and says nothing of how often a therapy works or how a bone "
    "heals. No figure of this page is evidence on patients. What is tested is whether the measures "
    "tell the course again from two scans in different postures, with the true outlines of all "
    "lesions: an upper bound of what a network's outlines give."
)
LESIONS_TEXT = (
    "Lesions that both scans show, by the truth, were matched as one lesion in {found}; of the "
    "matches {right} were right (pooled, 95 % interval over patients)."
)
STATES_TEXT = (
    "What each lesion that a scan shows was called, by what became of it. A lesion may be drawn "
    "larger and look the same, since the image is blurred; one that no view of the other scan "
    "shows is rightly called new or gone. A flare is bone that heals, and looks new or grown to a "
    "reader, too."
)
RULE_TEXT = (
    "Two scans cannot meet the 2+2 rule of PCWG3: two new lesions need a third scan to confirm "
    "them. It is asked for in flares as in progression: the rule cannot tell them apart, and the "
    "report names the flare as a caveat, by the days since therapy began."
)
AGREEMENT_TEXT = (
    "Pearson's correlation of the change of a measure with that of B over all patients, with 95 % "
    "intervals by Fisher's z, and the patients in whom both go the same way, with Wilson's. B is "
    "the share of the skeleton's volume that is metastasis, stretched as the index stretches a "
    "share of uptake. In a flare uptake rises while B hardly does: agreement is not perfect by "
    "construction."
)


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out the results as Markdown.

    Args:
        document: as bonescan.studies.experiments.therapy_results writes it.
    """
    data, matches = document["data"], document["summary"]["matches"]
    parts = [
        f"# {document['title']}, on simulated scans",
        f"{document['source']}. Published values are from one patient, all others from "
        "**simulated** scans.",
        COURSE_TEXT,
        f"{document['profile'].capitalize()} profile: {document['protocol']}. "
        f"{data['patients']} simulated patients with metastases (preset `{data['preset']}`, seed "
        f"{data['cohort_seed']}), each scanned before and after therapy began.",
        _describe_published(document["published"]),
        "Change in points (100 times the index or share, after less before): mean over the "
        "patients of a course, with Student's 95 % interval.\n\n" + _tabulate_courses(document),
        *(f"![{title}]({name})" for title, name in document["pictures"].items()),
        f"{AGREEMENT_TEXT}\n\n{_tabulate_agreement(document)}",
        LESIONS_TEXT.format(
            found=_count(matches["sensitivity"]), right=_count(matches["precision"])
        ),
        f"{STATES_TEXT}\n\n{_tabulate_states(document)}",
        f"{RULE_TEXT}\n\n{_tabulate_rules(document)}",
        "\n".join(f"- {remark}" for remark in document["remarks"]),
        describe_origin({**document, "rows": []}),
        f"{RESEARCH_USE}.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _describe_published(published: Mapping[str, Mapping[str, float]]) -> str:
    before, after = (
        ", ".join(f"{value:.3f} {view}" for view, value in published[key].items())
        for key in ("published_before", "published_after")
    )
    return f"Published, of one patient: BSTBI {before} before therapy, {after} after."


def _tabulate_courses(document: Mapping[str, Any]) -> str:
    names = (TRUTH, *document["metrics"])
    lines = [
        [row["course"], str(row["patients"]), *(_format(row["points"][name]) for name in names)]
        for row in document["summary"]["courses"]
    ]
    return markdown_table(["course", "patients", *(MEASURE_TITLES[name] for name in names)], lines)


def _tabulate_agreement(document: Mapping[str, Any]) -> str:
    lines = [
        [MEASURE_TITLES[name], _format(found["pearson"], 3), _count(found["same_sign"])]
        for name, found in document["summary"]["agreement"].items()
    ]
    return markdown_table(["measure", "Pearson with the change of B", "same way as B"], lines)


def _tabulate_states(document: Mapping[str, Any]) -> str:
    numbers = {(fate, state): n for fate, state, n in document["summary"]["states"]}
    states = sorted({state for _, state in numbers})
    fates = sorted({fate for fate, _ in numbers})
    lines = [[fate, *(str(numbers.get((fate, state), 0)) for state in states)] for fate in fates]
    return markdown_table(["became", *(f"called {state}" for state in states)], lines)


def _tabulate_rules(document: Mapping[str, Any]) -> str:
    courses = document["summary"]["courses"]
    reasons = sorted({reason for row in courses for reason in row["rules"]})
    lines = [
        [
            row["course"],
            *(str(row["rules"].get(reason, 0)) for reason in reasons),
            f"{row['flare_possible']} of {row['patients']}",
        ]
        for row in courses
    ]
    titles = [reason.replace("_", " ") for reason in reasons]
    return markdown_table(["course", *titles, "flare named"], lines)


def _format(found: Mapping[str, Any], digits: int = 1) -> str:
    """Write "+4.2 (1.0 to 7.4)"."""
    if found["value"] is None:
        return UNDEFINED
    if found["low"] is None:
        return f"{found['value']:+.{digits}f}"
    low, high = (f"{found[key]:.{digits}f}" for key in ("low", "high"))
    return f"{found['value']:+.{digits}f} ({low} to {high})"


def _count(found: Mapping[str, Any]) -> str:
    """Write "90 of 92, 0.978 (0.95 to 1.00)"."""
    if found["value"] is None:
        return UNDEFINED
    interval = "" if found["low"] is None else " ({low:.3f} to {high:.3f})".format(**found)
    return f"{found['hits']} of {found['cases']}, {found['value']:.3f}{interval}"
