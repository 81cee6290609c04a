"""Make the report of a scan of its result."""

import json
from collections.abc import Iterator, Sequence

from bonescan.measures.quality import Flag
from bonescan.report.page.certainty import list_probabilities, tabulate_sites
from bonescan.report.page.change import make_change_section
from bonescan.report.page.lesions import Lesion, group_lesions, tabulate_lesions
from bonescan.report.page.model import Document, Fact, Section
from bonescan.report.page.numbers import list_burden, tabulate_regions, word_coverage
from bonescan.report.page.pictures import make_pictures
from bonescan.report.page.texts import ENGLISH, Texts, load_texts
from bonescan.report.page.wording import capitalise, name_scope, word_findings, word_impression
from bonescan.report.provenance import Provenance
from bonescan.report.scan_result import ScanResult

_NOT_RECORDED = "not_recorded"
"""Ends the keys of texts on training data of which nothing is known."""


def make_document(
    result: ScanResult, *, language: str = ENGLISH, identity: Sequence[Fact] = ()
) -> Document:
    """Make the report of a scan.

    Args:
        result: the scan and what was found.
        language: of the texts: a file of bonescan/report/strings.
        identity: who was scanned and when, for a report that may say so.

    Raises:
        ValueError: if there are no texts in that language.
    """
    texts = load_texts(language)
    lesions = group_lesions(result.findings)
    field = name_scope(result, texts)
    notice = texts("notice")
    return Document(
        language=language,
        scan_id=result.scan_id,
        title=texts("title"),
        subtitle=texts("subtitle", scan_id=result.scan_id, field=field),
        notice=notice,
        simulated=texts("simulated") if result.simulated else "",
        trained_on=word_trained_on(result.provenance, texts),
        identity=tuple(identity),
        impression=Section(
            "impression",
            texts("impression.title"),
            sentences=tuple(word_impression(result, lesions, texts)),
        ),
        warnings=Section("warnings", texts("warnings.title"), items=tuple(_warn(result, texts))),
        pictures=make_pictures(result),
        sections=tuple(_make_sections(result, lesions, texts)),
        footer=texts("footer", notice=notice),
        keywords=json.dumps(result.provenance.document()),
    )


def word_trained_on(made: Provenance, texts: Texts) -> str:
    """Say what a reader has to know of the training data; nothing of scans without a mark."""
    origin = made.trained_on or _NOT_RECORDED
    return texts.named("trained_on", origin) if texts.has("trained_on", origin) else ""


def _make_sections(
    result: ScanResult, lesions: Sequence[Lesion], texts: Texts
) -> Iterator[Section]:
    yield Section(
        "findings",
        texts("findings.title"),
        sentences=tuple(word_findings(result, lesions, texts)),
        facts=tuple(list_probabilities(result, lesions, texts)),
        tables=tuple(tabulate_sites(result, texts)),
    )
    yield Section(
        "burden",
        _title_burden(result, texts),
        facts=tuple(list_burden(result, texts)),
    )
    yield Section(
        "coverage", texts("coverage.title"), sentences=tuple(word_coverage(result, texts))
    )
    yield _make_lesions(result, lesions, texts)
    if result.change is not None:
        burdens = [each.burden for each in (*result.earlier, result)]
        yield make_change_section(result.change, burdens, texts)
    yield Section("made", texts("made.title"), facts=tuple(_say_made(result, texts)))


def _title_burden(result: ScanResult, texts: Texts) -> str:
    """Entitle a burden by what it is of, so that only that of a whole body goes without."""
    if result.burden.whole_body and not result.is_cut_short:
        return texts("burden.title_whole")
    key = "burden.title_cut" if result.burden.whole_body else "burden.title"
    return texts(key, field=name_scope(result, texts))


def _make_lesions(result: ScanResult, lesions: Sequence[Lesion], texts: Texts) -> Section:
    title = texts("lesions.title")
    if not lesions:
        return Section("lesions", title, sentences=(texts("lesions.none"),))
    with_region = result.regions is not None
    tables = [tabulate_lesions(lesions, texts, with_region=with_region)]
    if with_region:
        tables.append(tabulate_regions(result.burden, tuple(result.views), texts))
    return Section("lesions", title, tables=tuple(tables))


def _warn(result: ScanResult, texts: Texts) -> Iterator[str]:
    """Say what speaks against believing the result, the gravest first."""
    for flag in result.flags:
        yield word_flag(flag, texts)
    if result.mirrored_copy:
        yield texts("warning.mirrored")


def word_flag(flag: Flag, texts: Texts) -> str:
    """Say what a flag doubts, in the words of a language."""
    values = {
        name: texts.named("word", value)
        if isinstance(value, str)
        else texts.decimal(value, 0 if value == int(value) else 2)
        for name, value in flag.values.items()
    }
    text = texts.named("flag", flag.code, **values)
    if flag.view is None:
        return text
    return texts("flag.of_view", view=capitalise(texts.named("view", flag.view)), text=text)


def _say_made(result: ScanResult, texts: Texts) -> Iterator[Fact]:
    """List what made the result, and of what."""
    made = result.provenance
    yield Fact(texts("made.system"), made.system)
    origin = made.trained_on or _NOT_RECORDED
    yield Fact(texts("made.trained_on"), texts.named("made.trained_on", origin))
    yield Fact(texts("made.weights"), texts.enumerate(made.weights_sha256))
    if made.regions_sha256 is not None:
        yield Fact(texts("made.regions"), made.regions_sha256)
    if made.configuration_sha256 is not None:
        yield Fact(texts("made.configuration"), made.configuration_sha256)
    yield Fact(texts("made.point"), _say_point(made, texts))
    yield Fact(texts("made.software"), _say_software(made, texts))
    date = made.date[:16].replace("T", " ")
    yield Fact(texts("made.date"), texts("made.date_value", date=date))
    yield Fact(texts("made.views"), texts.named("word", result.view_source))
    yield Fact(texts("made.content"), texts.named("made.content", result.content_check))
    row_mm, column_mm = (texts.decimal(mm, 2) for mm in result.spacing_mm)
    yield Fact(texts("made.spacing"), texts("made.spacing_value", row=row_mm, column=column_mm))


def _say_point(made: Provenance, texts: Texts) -> str:
    """Name the numbers that turn probabilities into lesions."""
    numbers = [
        texts.named("made.point", name, value=f"{value:.3g}")
        if texts.has("made.point", name)
        else texts("made.point.other", name=name, value=f"{value:.3g}")
        for name, value in made.operating_point.items()
    ]
    return texts.enumerate(numbers) if numbers else texts("made.point.none")


def _say_software(made: Provenance, texts: Texts) -> str:
    version = made.versions["bonescan"]
    if made.revision is None:
        return texts("made.version", version=version)
    return texts("made.revision", version=version, revision=made.revision)
