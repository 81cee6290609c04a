"""The sentences of a report: impression and findings, by templates."""

from collections.abc import Iterator, Sequence

from bonescan.measures.findings import Finding
from bonescan.report.page.lesions import LIKELY, Lesion, list_places, list_sites, name_region
from bonescan.report.page.texts import Texts
from bonescan.report.scan_result import ScanResult

MOST_SITES = 6
"""Regions that an impression names. A default of ours."""

MOST_NAMED = 12
"""Lesions that a sentence names by their numbers. A default of ours."""


def name_field(field: str, texts: Texts) -> str:
    """Name the field that was assessed; by its own name where the texts do not know it."""
    return texts.named("field", field) if texts.has("field", field) else field


def name_scope(result: ScanResult, texts: Texts) -> str:
    """Name what was assessed: the field, or as much of it as an image shows that ends before."""
    field = name_field(result.field, texts)
    is_cut = result.burden.whole_body and result.is_cut_short
    return texts("scope.cut", field=field) if is_cut else field


def capitalise(text: str) -> str:
    """Begin a text with a capital letter, and leave the rest."""
    return text[:1].upper() + text[1:]


def word_impression(result: ScanResult, lesions: Sequence[Lesion], texts: Texts) -> Iterator[str]:
    """Say the answer: what was marked, how certain it is, and of how much of the body."""
    field = name_scope(result, texts)
    if not lesions:
        yield texts("impression.none", field=capitalise(field))
    else:
        sites = _name_sites(lesions, texts)
        yield texts.count("impression.found", len(lesions), field=capitalise(field), sites=sites)
        yield _weigh(lesions, texts)
    if not result.burden.whole_body:
        yield texts("impression.field", field=field)
    elif result.is_cut_short:
        yield texts("impression.cut")


def _name_sites(lesions: Sequence[Lesion], texts: Texts) -> str:
    """List the sites; without a map of the skeleton, from where the lesions are seen."""
    named = any(lesion.region is not None for lesion in lesions)
    return list_sites(lesions, texts, most=MOST_SITES) if named else list_places(lesions, texts)


def _weigh(lesions: Sequence[Lesion], texts: Texts) -> str:
    """Say how much lesions speak for metastasis."""
    uncertain = sum(lesion.uncertain for lesion in lesions)
    if not uncertain:
        return texts("impression.likely")
    if uncertain == len(lesions):
        return texts.count("impression.uncertain", uncertain)
    return texts.count("impression.partly", uncertain)


def word_findings(result: ScanResult, lesions: Sequence[Lesion], texts: Texts) -> Iterator[str]:
    """Describe the scan, and what was found where."""
    field = capitalise(name_scope(result, texts))
    views = "both" if len(result.views) > 1 else str(result.views[0])
    yield texts("findings.technique", views=texts.named("views", views))
    if not lesions:
        yield texts("findings.none", field=field)
        return
    yield texts.count("findings.found", len(lesions), field=field)
    if result.regions is not None:
        yield texts("findings.sites", sites=list_sites(lesions, texts))
    else:
        yield texts("findings.no_regions")
    yield texts("findings.seen", places=list_places(lesions, texts))
    if result.burden.hottest is not None:
        yield _name_hottest(result.burden.hottest, texts, with_region=result.regions is not None)
    limit = texts.percent(LIKELY)
    yield from _name_some(
        "findings.uncertain", [each for each in lesions if each.uncertain], texts, limit=limit
    )
    yield from _name_some("findings.border", [each for each in lesions if each.at_border], texts)


def _name_some(key: str, lesions: Sequence[Lesion], texts: Texts, **values: str) -> Iterator[str]:
    """Name lesions by their numbers in a sentence; none without lesions."""
    if lesions:
        names = [str(lesion.number) for lesion in lesions]
        numbers = texts.enumerate(names, most=MOST_NAMED, rest="findings.further")
        yield texts.count(key, len(lesions), numbers=numbers, **values)


def _name_hottest(finding: Finding, texts: Texts, *, with_region: bool) -> str:
    view = texts.named("view", finding.view)
    site = name_region(finding.region, texts) if with_region else view
    values = {
        "lesion": str(finding.lesion),
        "site": site,
        "counts": texts.decimal(finding.max_counts),
    }
    if finding.to_background is None:
        return texts("findings.hottest", **values)
    return texts("findings.hottest_ratio", ratio=texts.decimal(finding.to_background, 1), **values)
