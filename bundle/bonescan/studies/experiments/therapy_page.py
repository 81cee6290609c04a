"""The page of an experiment on scans before and after therapy, from its JSON alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bonescan.notice import RESEARCH_USE
from bonescan.report.tables import UNDEFINED, markdown_table
from bonescan.studies.experiments.correlation_page import MEASURE_TITLES, describe_released
from bonescan.studies.experiments.correlations import PREDICTED_MASK, TRUTH
from bonescan.studies.experiments.markdown import describe_origin
from bonescan.studies.experiments.therapy_lesions import MATCHED, MATCHES, MISSED, NO_LESION

COURSE_TEXT = (
    "**The course is put in by the simulator**: what a therapy does to each lesion is drawn by "
    "shares and sizes of our choice, and says nothing of how often a therapy works or how a bone "
    "heals. No figure of this page is evidence on patients. What is tested is whether the measures "
    "tell the course again from two scans in different postures."
)
SHARE_TITLES = {
    MATCHED: "of the lesions that both scans show, matched as one",
    MATCHES: "of the matches, right",
    "new": "of the lesions that the second scan alone shows, called new",
    "called new": "of what is called new, such a lesion",
    "gone": "of the lesions that the first scan alone shows, called gone",
    "called gone": "of what is called gone, such a lesion",
}
SHARES_TEXT = (
    "Lesions are those of the body, pooled over the patients, with 95 % bootstrap intervals over "
    "patients; none where no patient differs. A scan shows a lesion where the true labels of a "
    "view have it; what is marked is the true lesion that most of its pixels lie on, however few "
    "those are."
)
STATES_TEXT = (
    "What each lesion was called, by what became of it. A lesion may be drawn larger and look the "
    "same, since the image is blurred; one that no view of the other scan shows is rightly called "
    "new or gone. A flare is bone that heals, and looks new or grown to a reader, too. A lesion "
    "that is marked in pieces counts once for each of them."
)
PREDICTED_TEXT = (
    "The masks are those of `{run}` (SHA-256 of its weights {hash}), with its operating point: one "
    "training, on simulated patients of another preset and other seeds. This is what its user "
    "meets: a lesion that is found in one scan and overlooked in the other is called new or gone, "
    "and so is a false one."
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
    data = document["data"]
    parts = [
        f"# {document['title']}, on simulated scans",
        f"{document['source']}. Published values are from one patient, all others from "
        "**simulated** scans.",
        COURSE_TEXT,
        f"{document['profile'].capitalize()} profile: {document['protocol']}. "
        f"{data['patients']} simulated patients with metastases (preset `{data['preset']}`, seed "
        f"{data['cohort_seed']}), each scanned before and after therapy began.",
        _describe_published(document["published"]),
        f"{SHARES_TEXT}\n\n{_tabulate_shares(document)}",
        *(f"![{title}]({name})" for title, name in document["pictures"].items()),
        *(
            part
            for mask, summary in document["summaries"].items()
            for part in _describe_mask(mask, summary, document)
        ),
        "\n".join(f"- {remark}" for remark in document["remarks"]),
        describe_origin({**document, "rows": []}),
        f"{RESEARCH_USE}.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _describe_mask(
    mask: str, summary: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is said of the measures and the lesions by one mask."""
    yield f"## With {mask}"
    if mask == PREDICTED_MASK:
        yield describe_released(PREDICTED_TEXT, document["released"])
    names = document["metrics"]
    yield (
        "Change in points (100 times the index or share, after less before): mean over the "
        "patients of a course, with Student's 95 % interval."
    )
    yield _tabulate_courses(summary, names)
    yield AGREEMENT_TEXT
    yield _tabulate_agreement(summary)
    yield STATES_TEXT
    yield _tabulate_states(summary)
    yield RULE_TEXT
    yield _tabulate_rules(summary)


def _tabulate_shares(document: Mapping[str, Any]) -> str:
    summaries = document["summaries"]
    lines = [
        [title, *(_count(summary["shares"][name]) for summary in summaries.values())]
        for name, title in SHARE_TITLES.items()
    ]
    return markdown_table(["share", *summaries], lines)


def _describe_published(published: Mapping[str, Mapping[str, float]]) -> str:
    before, after = (
        ", ".join(f"{value:.3f} {view}" for view, value in published[key].items())
        for key in ("published_before", "published_after")
    )
    return f"Published, of one patient: BSTBI {before} before therapy, {after} after."


def _tabulate_courses(summary: Mapping[str, Any], measures: Sequence[str]) -> str:
    names = (TRUTH, *measures)
    lines = [
        [row["course"], str(row["patients"]), *(_format(row["points"][name]) for name in names)]
        for row in summary["courses"]
    ]
    return markdown_table(["course", "patients", *(MEASURE_TITLES[name] for name in names)], lines)


def _tabulate_agreement(summary: Mapping[str, Any]) -> str:
    lines = [
        [MEASURE_TITLES[name], _format(found["pearson"], 3), _count(found["same_sign"])]
        for name, found in summary["agreement"].items()
    ]
    return markdown_table(["measure", "Pearson with the change of B", "same way as B"], lines)


def _tabulate_states(summary: Mapping[str, Any]) -> str:
    numbers = {(fate, state): n for fate, state, n in summary["states"]}
    states = sorted({state for _, state in numbers}, key=lambda state: (state == MISSED, state))
    fates = sorted({fate for fate, _ in numbers}, key=lambda fate: (fate == NO_LESION, fate))
    lines = [[fate, *(str(numbers.get((fate, state), 0)) for state in states)] for fate in fates]
    titles = [state if state == MISSED else f"called {state}" for state in states]
    return markdown_table(["became", *titles], lines)


def _tabulate_rules(summary: Mapping[str, Any]) -> str:
    courses = summary["courses"]
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
