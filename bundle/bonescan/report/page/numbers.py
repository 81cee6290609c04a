"""The numbers of a report: how much was assessed, and the tumour burden in it."""

from collections.abc import Iterator

from bonescan.dicom.scan import View
from bonescan.measures.bone_scan_index import PlanarBsi
from bonescan.measures.burden import Burden, RegionBurden
from bonescan.measures.change import REPEATABILITY_POINTS
from bonescan.report.page.lesions import name_region
from bonescan.report.page.model import Column, Fact, Row, Table
from bonescan.report.page.texts import Texts
from bonescan.report.page.wording import capitalise, name_field, name_scope
from bonescan.report.scan_result import ScanResult

BARELY, NEARLY = 0.02, 0.98
"""Shares of a bone's projection up to which nothing, and from which on all of it was assessed:
outlines of bones are not more certain than that. Defaults of ours."""


def word_coverage(result: ScanResult, texts: Texts) -> Iterator[str]:
    """Say what was and what was not assessed."""
    burden = result.burden
    field = name_scope(result, texts)
    yield texts("coverage.field", field=field, share=texts.percent(burden.field_share))
    if burden.whole_body:
        yield texts("coverage.whole")
    else:
        known = texts.has("coverage", result.field)
        yield texts.named("coverage", result.field if known else "other")
    if result.cut_edges:
        edges = texts.enumerate([texts.named("word", edge) for edge in result.cut_edges])
        yield texts("coverage.cut", edges=edges)
    if len(result.views) == 1:
        yield texts("coverage.views", views=texts.named("views", result.views[0]))
    if burden.planar_bsi is not None:
        yield from _list_bones(burden.planar_bsi, texts)
    yield texts("coverage.not_seen")


def _list_bones(index: PlanarBsi, texts: Texts) -> Iterator[str]:
    """Name the bones that were not or not wholly assessed."""
    none = [bone.region for bone in index.bones if bone.assessed_share <= BARELY]
    part = [bone.region for bone in index.bones if BARELY < bone.assessed_share < NEARLY]
    for key, regions in (("coverage.bones_none", none), ("coverage.bones_part", part)):
        if regions:
            names = [name_region(region, texts) for region in regions]
            yield texts(key, bones=texts.enumerate(names))


def list_burden(result: ScanResult, texts: Texts) -> Iterator[Fact]:
    """List the measures of burden, each with how it is meant and, but for all of it, of what."""
    burden = result.burden
    yield Fact(texts("burden.lesions"), texts.decimal(burden.lesions), texts("burden.lesions_note"))
    for view, area_mm2 in burden.area_mm2.items():
        name = texts("burden.area", view=texts.named("view", view))
        yield Fact(name, texts("burden.area_value", area=texts.decimal(area_mm2)))
    for fact in _list_indices(burden, texts, cut=bool(result.cut_edges)):
        yield fact if burden.whole_body else _confine(fact, burden.field, texts)


def _confine(fact: Fact, field: str, texts: Texts) -> Fact:
    """Say of which field a measure is, so that nobody takes it for one of the whole body."""
    name = texts("burden.of_field", measure=fact.name, field=name_field(field, texts))
    return Fact(name, fact.value, fact.note)


def _list_indices(burden: Burden, texts: Texts, *, cut: bool) -> Iterator[Fact]:
    note = "burden.uptake_note" if burden.bladder_excluded else "burden.uptake_note_bladder"
    yield Fact(texts("burden.uptake_share"), texts.percent(burden.uptake_share, 1), texts(note))
    panels = texts.enumerate([texts.decimal(panel.bstbi, 3) for panel in burden.bstbi_by_panel])
    yield Fact(
        texts("burden.bstbi"),
        texts.decimal(burden.bstbi, 3),
        texts("burden.bstbi_note", panels=panels),
    )
    yield Fact(
        texts("burden.bstbi_counts"),
        texts.decimal(burden.bstbi_counts, 3),
        texts("burden.bstbi_counts_note"),
    )
    if burden.planar_bsi is not None:
        yield _describe_index(burden.planar_bsi, texts, cut=cut)


def _describe_index(index: PlanarBsi, texts: Texts, *, cut: bool) -> Fact:
    assessed = "burden.bsi_assessed_cut" if cut else "burden.bsi_assessed"
    note = texts(
        "burden.bsi_note",
        assessed=texts(assessed, share=texts.percent(index.assessed_percent / 100)),
        merge=texts.named("burden.merge", index.merge),
        limit=texts.decimal(REPEATABILITY_POINTS, 1),
    )
    return Fact(texts("burden.bsi"), texts.percent(index.involved_percent / 100, 2), note)


def tabulate_regions(burden: Burden, views: tuple[View, ...], texts: Texts) -> Table:
    """Make the table of the regions with lesions."""
    columns = (
        Column(texts("burden.column.region")),
        Column(texts("burden.column.lesions"), numeric=True),
        *(
            Column(texts("burden.column.area", view=texts.named("view", view)), numeric=True)
            for view in views
        ),
        Column(texts("burden.column.uptake"), numeric=True),
        Column(texts("burden.column.involved"), numeric=True),
        Column(texts("burden.column.weight"), numeric=True),
    )
    rows = tuple(_make_row(row, views, texts) for row in burden.by_region)
    return Table(texts("burden.regions"), columns, rows)


def _make_row(row: RegionBurden, views: tuple[View, ...], texts: Texts) -> Row:
    missing = texts("lesions.missing")
    line = (
        texts.decimal(row.lesions),
        *(texts.decimal(row.area_mm2[view]) for view in views),
        texts.percent(row.counts_share, 1),
        missing if row.involved_share is None else texts.percent(row.involved_share, 1),
        missing if row.weight is None else texts.percent(row.weight / 100, 1),
    )
    return Row(head=(capitalise(name_region(row.region, texts)),), lines=(line,))
