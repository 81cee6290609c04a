"""Lay out a report as a PDF on A4."""

import io
from collections.abc import Iterator, Sequence
from functools import partial
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from bonescan.report.page.model import Document, Fact, Section
from bonescan.report.page.model import Table as Content
from bonescan.report.page.pdf_drawings import CurveDrawing, Pictures
from bonescan.report.page.pdf_style import (
    ALERT,
    ALERT_GROUND,
    FOOT,
    INK,
    LINK,
    MARGIN,
    QUIET,
    RULE,
    WIDTH,
    Fonts,
    make_styles,
    pick_fonts,
)
from bonescan.report.page.texts import Texts, load_texts

rl_config.useA85 = 0
"""Streams as they are: as text (ASCII base 85, encoded in Python) they take half the time of a
report and a quarter more room."""


def render_pdf(report: Document) -> bytes:
    """Lay out a report as a PDF.

    Returns:
        The file; equal for equal reports.
    """
    buffer = io.BytesIO()
    fonts = pick_fonts(report)
    texts = load_texts(report.language)
    layout = BaseDocTemplate(
        buffer,
        pagesize=A4,
        invariant=1,
        pageCompression=1,
        title=f"{report.title}: {report.subtitle}",
        subject=report.notice,
        author="bonescan",
        creator="bonescan",
        keywords=report.keywords,
        lang=report.language,
    )
    frame = Frame(MARGIN, FOOT, WIDTH, A4[1] - FOOT - MARGIN, 0, 0, 0, 0)
    finish = partial(_write_foot, report=report, fonts=fonts, texts=texts)
    layout.addPageTemplates(PageTemplate(frames=[frame], onPageEnd=finish))
    layout.build(list(_lay_out(report, make_styles(fonts), fonts, texts)))
    return buffer.getvalue()


def _lay_out(
    report: Document, styles: dict[str, ParagraphStyle], fonts: Fonts, texts: Texts
) -> Iterator[Flowable]:
    """Put all parts of a report below each other."""
    yield _say_badges(report, styles["badge"])
    yield _say(report.title, styles["title"])
    yield _say(report.subtitle, styles["name"])
    if report.trained_on:
        yield _say(report.trained_on, styles["alert_heading"])
    if report.identity:
        yield Spacer(0, 4)
        yield _tabulate_facts(report.identity, styles)
    yield Spacer(0, 6)
    lead, *others = report.impression.sentences
    impression = [_say(report.impression.title, styles["heading"]), _say(lead, styles["lead"])]
    yield _frame([*impression, *(_say(text, styles["text"]) for text in others)], LINK)
    if report.warnings.items:
        yield Spacer(0, 5)
        items = [_say(f"\u2022 {item}", styles["alert"]) for item in report.warnings.items]
        title = _say(report.warnings.title, styles["alert_heading"])
        yield _frame([title, *items], ALERT, ground=ALERT_GROUND)
    yield Spacer(0, 8)
    if report.pictures:
        note = _say(texts("images.note"), styles["quiet"])
        yield Pictures(report.pictures, note, fonts, texts)
    for section in report.sections:
        yield from _lay_out_section(section, styles, fonts)


def _say_badges(report: Document, style: ParagraphStyle) -> Table:
    """Put notices that must not be missed on dark ground, at the upper edge of the page."""
    texts = [report.notice, *([report.simulated] if report.simulated else [])]
    ground = [("BACKGROUND", (0, 0), (-1, -1), INK), ("BOTTOMPADDING", (0, 0), (-1, -1), 4)]
    return Table(
        [[_say(text, style) for text in texts]], [WIDTH / len(texts)] * len(texts), style=ground
    )


def _lay_out_section(
    section: Section, styles: dict[str, ParagraphStyle], fonts: Fonts
) -> Iterator[Flowable]:
    yield Spacer(0, 9)
    title = _say(section.title, styles["heading"])
    start: list[Flowable] = [title, *(_say(text, styles["text"]) for text in section.sentences)]
    start += [_say(f"\u2022 {item}", styles["text"]) for item in section.items]
    if section.facts:
        start.append(_tabulate_facts(section.facts, styles))
    yield KeepTogether(start)
    for table in section.tables:
        yield CondPageBreak(30 * mm)
        yield Spacer(0, 2)
        yield _say(table.caption, styles["name"])
        yield _tabulate(table, styles)
        if table.note:
            yield _say(table.note, styles["quiet"])
    if section.curve is not None:
        yield KeepTogether(
            [_say(section.curve.title, styles["name"]), CurveDrawing(section.curve, fonts)]
        )


def _say(text: str, style: ParagraphStyle) -> Paragraph:
    """Make a paragraph of plain text: what looks like markup is text."""
    return Paragraph(escape(text), style)


def _frame(content: list[Flowable], colour: HexColor, *, ground: HexColor = white) -> Table:
    """Put parts beside a coloured bar."""
    style = [
        ("LINEBEFORE", (0, 0), (0, -1), 3, colour),
        ("BACKGROUND", (0, 0), (-1, -1), ground),
        ("LEFTPADDING", (0, 0), (-1, -1), 8),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    return Table([[part] for part in content], colWidths=[WIDTH], style=style)


def _tabulate_facts(facts: Sequence[Fact], styles: dict[str, ParagraphStyle]) -> Table:
    rows = []
    for fact in facts:
        value = [_say(fact.value, styles["text"])]
        if fact.note:
            value.append(_say(fact.note, styles["quiet"]))
        rows.append([_say(fact.name, styles["name"]), value])
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ("LINEABOVE", (0, 1), (-1, -1), 0.4, RULE),
    ]
    return Table(rows, colWidths=[0.32 * WIDTH, 0.68 * WIDTH], style=style)


def _tabulate(content: Content, styles: dict[str, ParagraphStyle]) -> LongTable:
    """Make a table whose titles stand on every page, and whose rows are not cut."""
    head = [
        _say(column.title, styles["column_number" if column.numeric else "column"])
        for column in content.columns
    ]
    style: list[tuple] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 5),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
        ("FONTSIZE", (0, 0), (-1, -1), 8),
        ("LEADING", (0, 0), (-1, -1), 10),
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, QUIET),
    ]
    rows: list[list[Paragraph | str]] = [list(head)]
    for row in content.rows:
        first, last = len(rows), len(rows) + len(row.lines) - 1
        for number, line in enumerate(row.lines):
            cells = (*(row.head if number == 0 else ("",) * len(row.head)), *line)
            rows.append(
                [
                    _say(cell, styles["number" if column.numeric else "cell"]) if cell else ""
                    for cell, column in zip(cells, content.columns, strict=True)
                ]
            )
        style.append(("LINEBELOW", (0, last), (-1, last), 0.4, RULE))
        style.append(("NOSPLIT", (0, first), (-1, last)))
    widths = [WIDTH * share for share in _share_width(content)]
    return LongTable(rows, colWidths=widths, repeatRows=1, style=style)


def _share_width(content: Content) -> list[float]:
    """Share the width among columns by their longest words and cells."""
    wants = [max(len(word) for word in column.title.split()) + 2.0 for column in content.columns]
    for row in content.rows:
        for line in row.lines:
            for number, cell in enumerate((*row.head, *line)):
                wants[number] = max(wants[number], min(len(cell) + 2.0, 22.0))
    return [want / sum(wants) for want in wants]


def _write_foot(
    canvas: Canvas, layout: BaseDocTemplate, *, report: Document, fonts: Fonts, texts: Texts
) -> None:
    """Write what stands at the end of every page."""
    style = ParagraphStyle("foot", fontName=fonts[0], fontSize=7, leading=9, textColor=QUIET)
    paragraph = _say(report.footer, style)
    _, height = paragraph.wrap(0.74 * WIDTH, FOOT)
    paragraph.drawOn(canvas, MARGIN, FOOT - 7 - height)
    canvas.setFont(fonts[0], 7)
    canvas.setFillColor(QUIET)
    page = texts("footer.page", scan_id=report.scan_id, page=layout.page)
    canvas.drawRightString(A4[0] - MARGIN, FOOT - 14, page)
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.4)
    canvas.line(MARGIN, FOOT - 4, A4[0] - MARGIN, FOOT - 4)
