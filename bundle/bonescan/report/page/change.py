"""The part of a report on what has changed since the last scan."""

from collections.abc import Iterator, Sequence

from bonescan.measures.burden import Burden
from bonescan.measures.change import Change, LesionChange, LesionState
from bonescan.report.page.lesions import MOST_ROWS, name_region
from bonescan.report.page.model import Column, Curve, Fact, Point, Row, Section, Table
from bonescan.report.page.texts import Texts
from bonescan.report.page.wording import name_field


def make_change_section(change: Change, burdens: Sequence[Burden], texts: Texts) -> Section:
    """Make the part on change.

    Args:
        change: since the latest of the earlier scans.
        burdens: of all scans, the oldest first, the present one last.
        texts: of the report's language.
    """
    tables = (_tabulate(change.lesions, texts),) if change.lesions else ()
    return Section(
        "change",
        texts("change.title"),
        sentences=tuple(word_change(change, texts)),
        facts=tuple(_list_facts(change, name_field(burdens[-1].field, texts), texts)),
        tables=tables,
        curve=_draw_curve(change, burdens, texts),
    )


def word_change(change: Change, texts: Texts) -> Iterator[str]:
    """Say what the lesions alone do not: since when, whose, the 2+2 rule, and a flare."""
    if change.days is None:
        yield texts("change.since_unknown")
    else:
        yield texts.count("change.since", change.days)
    if change.same_patient is None:
        yield texts("change.patient_unknown")
    rule = change.pcwg3
    state, reason = texts.named("rule", rule.state), texts.named("reason", rule.reason)
    yield texts("change.rule", state=state, reason=reason)
    if change.flare_possible is None:
        yield texts("change.flare_unknown")
    elif change.flare_possible:
        yield texts("change.flare")


def _list_facts(change: Change, field: str, texts: Texts) -> Iterator[Fact]:
    for state in LesionState:
        if number := change.count(state):
            yield Fact(texts.named("state", state), texts.count("change.lesions", number))
    if change.bstbi_points is not None:
        yield Fact(texts("change.bstbi", field=field), _sign(change.bstbi_points, texts))
    if change.planar_bsi_points is not None:
        key = "change.bsi_within" if change.within_repeatability else "change.bsi_beyond"
        yield Fact(
            texts("change.bsi", field=field), _sign(change.planar_bsi_points, texts), texts(key)
        )


def _sign(points: float, texts: Texts) -> str:
    """Write a difference in points with its sign."""
    key = "change.more" if points > 0 else "change.less" if points < 0 else "change.same"
    return texts(key, points=texts.decimal(abs(points), 2))


def _tabulate(lesions: Sequence[LesionChange], texts: Texts) -> Table:
    """Make the table of lesions of either scan; the largest of very many."""
    largest = sorted(range(len(lesions)), key=lambda index: -_area_mm2(lesions[index]))[:MOST_ROWS]
    shown, total = texts.decimal(len(largest)), texts.decimal(len(lesions))
    cut = len(largest) < len(lesions)
    return Table(
        texts("change.caption_largest", shown=shown, n=total) if cut else texts("change.caption"),
        columns=(
            Column(texts("change.column.now")),
            Column(texts("change.column.earlier")),
            Column(texts("lesions.region")),
            Column(texts("change.column.state")),
            Column(texts("change.column.area"), numeric=True),
            Column(texts("change.column.uptake"), numeric=True),
        ),
        rows=tuple(_make_row(lesions[index], texts) for index in sorted(largest)),
        note=texts("change.note"),
    )


def _area_mm2(lesion: LesionChange) -> float:
    return max(each.area_mm2 for each in (*lesion.now, *lesion.earlier))


def _make_row(lesion: LesionChange, texts: Texts) -> Row:
    missing = texts("lesions.missing")
    regions = [each.region for each in (*lesion.now, *lesion.earlier) if each.region is not None]
    ratios = (lesion.area_ratio, lesion.uptake_ratio)
    line = (
        str(lesion.earlier[0].lesion) if lesion.earlier else missing,
        name_region(regions[0] if regions else None, texts),
        texts.named("state", lesion.state),
        *(missing if ratio is None else texts.decimal(ratio, 2) for ratio in ratios),
    )
    return Row(head=(str(lesion.now[0].lesion) if lesion.now else missing,), lines=(line,))


def _draw_curve(change: Change, burdens: Sequence[Burden], texts: Texts) -> Curve | None:
    """Draw the index over the scans; nothing where they do not compare or a day is not known."""
    days = change.pcwg3.days
    if change.bstbi_points is None or len(days) != len(burdens):
        return None
    if len({burden.field for burden in burdens}) > 1:
        return None
    points = [
        Point(day, burden.bstbi, texts("change.day", day=texts.decimal(day)),
              texts.decimal(burden.bstbi, 3))
        for day, burden in zip(days, burdens, strict=True)
        if day is not None
    ]  # fmt: skip
    if len(points) < len(days):
        return None
    field = name_field(burdens[-1].field, texts)
    return Curve(texts("change.curve", field=field), tuple(points))
