"""Lesions across views: what they are called, and their table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from bonescan.dicom.scan import View
from bonescan.labels import REGION_GROUPS
from bonescan.measures.findings import Finding
from bonescan.report.page.model import Column, Row, Table
from bonescan.report.page.texts import Texts

MOST_ROWS = 60
"""Lesions in the table: two pages of paper. Where there are more, the largest are shown."""

LIKELY = 0.75
"""Probability from which on a lesion is not called uncertain. A default of ours."""

UNKNOWN_REGION = "unknown"


@dataclass(frozen=True)
class Lesion:
    """One lesion, with its finding in each view that shows it.

    Attributes:
        number: in its scan, from head to foot.
        findings: one, or one of each view; anterior first.
    """

    number: int
    findings: tuple[Finding, ...]

    @property
    def region(self) -> str | None:
        """Name of bonescan.labels.REGION_GROUPS; None on no known bone."""
        return next((each.region for each in self.findings if each.region is not None), None)

    @property
    def place(self) -> str:
        """The view that shows it, or "both"."""
        return str(self.findings[0].view) if len(self.findings) == 1 else "both"

    @property
    def area_mm2(self) -> float:
        """Its area in the view that shows it larger."""
        return max(each.area_mm2 for each in self.findings)

    @property
    def at_border(self) -> bool:
        """Whether it touches the border of the field in any view."""
        return any(each.touches_field_border for each in self.findings)

    @property
    def uncertain(self) -> bool:
        """Whether its highest probability is mid-range or less, or there is none.

        The calibrated one where it is known.
        """
        return max((_probability(each) or 0.0 for each in self.findings), default=0.0) < LIKELY


def _probability(finding: Finding) -> float | None:
    """Return the probability of a finding: calibrated, or else as the system gives it."""
    return finding.score if finding.probability is None else finding.probability


def group_lesions(findings: Iterable[Finding]) -> tuple[Lesion, ...]:
    """Put the findings of each lesion together, by the lesions' numbers."""
    views = list(View)
    ordered = sorted(findings, key=lambda each: (each.lesion, views.index(each.view)))
    return tuple(
        Lesion(number, tuple(group)) for number, group in groupby(ordered, lambda each: each.lesion)
    )


def name_region(region: str | None, texts: Texts) -> str:
    """Name a region, side first."""
    return texts.named("region", region or UNKNOWN_REGION)


def list_sites(lesions: Sequence[Lesion], texts: Texts, *, most: int | None = None) -> str:
    """List the regions of lesions from head to foot, with how many each has where it is not one.

    Args:
        lesions: at least one.
        texts: of the language.
        most: number of regions from which on the others are only counted: those of fewer lesions.
    """
    count = {
        region: sum(lesion.region == region for lesion in lesions)
        for region in (*REGION_GROUPS, None)
    }
    found = [region for region, number in count.items() if number]
    first = set(sorted(found, key=lambda region: -count[region])[:most])
    found.sort(key=lambda region: region not in first)  # stable: each part stays in order
    names = [
        texts.count("findings.site", count[region], region=name_region(region, texts))
        for region in found
    ]
    return texts.enumerate(names, most=most, rest="impression.further")


def list_places(lesions: Sequence[Lesion], texts: Texts) -> str:
    """List from which sides lesions are seen, with how many each has."""
    keys = {
        "both": "findings.seen.both",
        View.ANTERIOR: "findings.seen.anterior",
        View.POSTERIOR: "findings.seen.posterior",
    }
    count = {place: sum(lesion.place == place for lesion in lesions) for place in keys}
    return texts.enumerate(
        [texts.count(keys[place], number) for place, number in count.items() if number]
    )


def tabulate_lesions(lesions: Sequence[Lesion], texts: Texts, *, with_region: bool) -> Table:
    """Make the table of lesions: a line for each view that shows one; the largest of very many.

    Args:
        lesions: at least one.
        texts: of the language.
        with_region: whether the regions of the skeleton are known.
    """
    largest = sorted(lesions, key=lambda lesion: -lesion.area_mm2)[:MOST_ROWS]
    shown = sorted(largest, key=lambda lesion: lesion.number)
    if len(shown) < len(lesions):
        caption = texts(
            "lesions.caption_largest",
            shown=texts.decimal(len(shown)),
            n=texts.decimal(len(lesions)),
        )
    else:
        caption = texts.count("lesions.caption", len(lesions))
    region = (Column(texts("lesions.region")),) if with_region else ()
    calibrated = any(each.probability is not None for each in lesions[0].findings)
    return Table(
        caption=caption,
        columns=(
            Column(texts("lesions.number")),
            *region,
            Column(texts("lesions.view")),
            Column(texts("lesions.area"), numeric=True),
            Column(texts("lesions.max"), numeric=True),
            Column(texts("lesions.mean"), numeric=True),
            Column(texts("lesions.ratio"), numeric=True),
            Column(texts("lesions.probability" if calibrated else "lesions.score"), numeric=True),
            Column(texts("lesions.border")),
        ),
        rows=tuple(_make_row(lesion, texts, with_region=with_region) for lesion in shown),
        note=texts("lesions.note_calibrated" if calibrated else "lesions.note"),
    )


def _make_row(lesion: Lesion, texts: Texts, *, with_region: bool) -> Row:
    region = (name_region(lesion.region, texts),) if with_region else ()
    lines = tuple(_make_line(finding, texts) for finding in lesion.findings)
    return Row(head=(str(lesion.number), *region), lines=lines)


def _make_line(finding: Finding, texts: Texts) -> tuple[str, ...]:
    missing = texts("lesions.missing")
    ratio, probability = finding.to_background, _probability(finding)
    return (
        texts.named("view", finding.view),
        texts.decimal(finding.area_mm2),
        texts.decimal(finding.max_counts),
        texts.decimal(finding.mean_counts, 1),
        missing if ratio is None else texts.decimal(ratio, 1),
        missing if probability is None else texts.percent(probability),
        texts("lesions.at_border" if finding.touches_field_border else "lesions.inside"),
    )
