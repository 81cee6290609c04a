"""Lay out a report as a PDF on A4."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib as mpl
from PIL import Image
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
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

from bonescan.report.page.curve import place_points
from bonescan.report.page.html import title_view
from bonescan.report.page.model import Curve, Document, Fact, Section
from bonescan.report.page.model import Table as Content
from bonescan.report.page.pictures import Line, ViewPicture
from bonescan.report.page.texts import Texts, load_texts

MARGIN = 14 * mm
FOOT = 20 * mm
WIDTH = A4[0] - 2 * MARGIN
MOST_PICTURE_HEIGHT = 152 * mm
"""Leaves room for impression and warnings on the first page."""
GAP = 3 * mm

INK, QUIET, RULE = HexColor("#18212b"), HexColor("#4f5c69"), HexColor("#d5dbe1")
LINK, LESION, FIELD = HexColor("#005a94"), HexColor("#c41e1f"), HexColor("#0072b2")
ALERT, ALERT_GROUND = HexColor("#6d3a00"), HexColor("#fdf1e3")
SHADE = HexColor("#b8b8b8")

Fonts = tuple[str, str]
"""Names of the regular and the bold face."""

_STANDARD: Fonts = ("Helvetica", "Helvetica-Bold")
"""Every reader has them; they know the letters of Windows-1252."""
_WIDE: Fonts = ("DejaVuSans", "DejaVuSans-Bold")
"""Also Greek, Cyrillic and all of Latin; come with matplotlib, and are embedded."""


def render_pdf(report: Document) -> bytes:
    """Lay out a report as a PDF.

    Returns:
        The file; equal for equal reports.
    """
    buffer = io.BytesIO()
    fonts = _pick_fonts(report)
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
    layout.build(list(_lay_out(report, _make_styles(fonts), fonts, texts)))
    return buffer.getvalue()


def _pick_fonts(report: Document) -> Fonts:
    """Pick the faces that have all letters of a report."""
    try:
        for text in _find_texts(report):
            text.encode("cp1252")
    except UnicodeEncodeError:
        _register_wide_fonts()
        return _WIDE
    return _STANDARD


def _find_texts(part: object) -> Iterator[str]:
    """Find every text of a report."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Sequence):
        for item in part:
            yield from _find_texts(item)
    elif is_dataclass(part) and not isinstance(part, ViewPicture):
        for field in fields(part):
            yield from _find_texts(getattr(part, field.name))


@cache
def _register_wide_fonts() -> None:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in _WIDE:
        pdfmetrics.registerFont(TTFont(name, folder / f"{name}.ttf"))


def _make_styles(fonts: Fonts) -> dict[str, ParagraphStyle]:
    regular, bold = fonts
    text = ParagraphStyle("text", fontName=regular, fontSize=9, leading=12.5, textColor=INK)
    quiet = ParagraphStyle("quiet", text, fontSize=7.5, leading=10, textColor=QUIET)
    return {
        "text": text,
        "quiet": quiet,
        "name": ParagraphStyle("name", text, textColor=QUIET),
        "cell": ParagraphStyle("cell", text, fontSize=8, leading=10),
        "number": ParagraphStyle("number", text, fontSize=8, leading=10, alignment=TA_RIGHT),
        "column": ParagraphStyle("column", quiet, fontName=bold, leading=9),
        "column_number": ParagraphStyle(
            "column_number", quiet, fontName=bold, leading=9, alignment=TA_RIGHT
        ),
        "title": ParagraphStyle("title", text, fontName=bold, fontSize=16, leading=19),
        "heading": ParagraphStyle("heading", text, fontName=bold, fontSize=10.5, leading=15),
        "lead": ParagraphStyle("lead", text, fontName=bold, fontSize=10.5, leading=14),
        "alert": ParagraphStyle("alert", text, textColor=ALERT),
        "alert_heading": ParagraphStyle(
            "alert_heading", text, fontName=bold, fontSize=10.5, leading=15, textColor=ALERT
        ),
        "badge": ParagraphStyle("badge", text, fontName=bold, fontSize=8, leading=10, textColor=white),
    }


def _lay_out(
    report: Document, styles: dict[str, ParagraphStyle], fonts: Fonts, texts: Texts
) -> Iterator[Flowable]:
    """Put all parts of a report below each other."""
    yield _say_badges(report, styles["badge"])
    yield _say(report.title, styles["title"])
    yield _say(report.subtitle, styles["name"])
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
        yield _Pictures(report.pictures, fonts, texts)
        yield _say(texts("images.note"), styles["quiet"])
    for section in report.sections:
        yield from _lay_out_section(section, styles, fonts)


def _say_badges(report: Document, style: ParagraphStyle) -> Table:
    """Put notices that must not be missed on dark ground, at the upper edge of the page."""
    texts = [report.notice, *([report.simulated] if report.simulated else [])]
    ground = [("BACKGROUND", (0, 0), (-1, -1), INK), ("BOTTOMPADDING", (0, 0), (-1, -1), 4)]
    return Table([[_say(text, style) for text in texts]], [WIDTH / len(texts)] * len(texts), style=ground)


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
        yield KeepTogether([_say(section.curve.title, styles["name"]), _Curve(section.curve, fonts)])


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


class _Pictures(Flowable):
    """The views twice: with what was found, and plain in the window for hot spots."""

    def __init__(self, pictures: Sequence[ViewPicture], fonts: Fonts, texts: Texts) -> None:
        super().__init__()
        self._panels = [(picture, plain) for plain in (False, True) for picture in pictures]
        self._fonts, self._texts = fonts, texts
        widest = max(picture.width_mm for picture in pictures)
        highest = max(picture.height_mm for picture in pictures)
        panel = (WIDTH - GAP * (len(self._panels) - 1)) / len(self._panels)
        self._scale = min(panel / widest, MOST_PICTURE_HEIGHT / highest)
        self._head = 24.0
        self.width, self.height = WIDTH, highest * self._scale + self._head + 4

    def draw(self) -> None:
        """Draw all panels, from left to right."""
        total = sum(picture.width_mm * self._scale for picture, _ in self._panels)
        left = (WIDTH - total - GAP * (len(self._panels) - 1)) / 2
        for picture, plain in self._panels:
            self.canv.saveState()
            self.canv.translate(left, self.height - self._head)
            self._draw_panel(picture, plain=plain)
            self.canv.restoreState()
            left += picture.width_mm * self._scale + GAP

    def _draw_panel(self, picture: ViewPicture, *, plain: bool) -> None:
        canvas, say, scale = self.canv, self._texts, self._scale
        width, height = picture.width_mm * scale, picture.height_mm * scale
        limit = picture.hot_limit if plain else picture.limit
        title = title_view(picture, say)
        key = "images.limit_hot" if plain else "images.limit"
        canvas.setFillColor(INK)
        canvas.setFont(self._fonts[1], 7.5)
        canvas.drawString(0, 14, title)
        canvas.setFillColor(QUIET)
        canvas.setFont(self._fonts[0], 6.5)
        canvas.drawString(0, 5, say(key, counts=say.decimal(limit)))
        image = ImageReader(Image.fromarray(picture.grey(limit)))
        canvas.drawImage(image, 0, -height, width, height)
        if not plain:
            self._draw_marks(picture)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.4)
        canvas.rect(0, -height, width, height)
        self._draw_signs(picture, width, height)

    def _draw_marks(self, picture: ViewPicture) -> None:
        canvas, scale = self.canv, self._scale
        canvas.saveState()
        canvas.setFillColor(SHADE, alpha=0.6)
        for x, y, width, height in picture.shade:
            canvas.rect(x * scale, -(y + height) * scale, width * scale, height * scale, 0, 1)
        canvas.restoreState()
        self._draw_lines(picture.field, FIELD, 0.8)
        canvas.setLineCap(2)
        self._draw_lines(picture.outlines, white, 1.5)
        self._draw_lines(picture.outlines, LESION, 0.7)
        canvas.setLineCap(0)
        self._draw_lines([mark.line for mark in picture.marks], LESION, 0.35)
        for mark in picture.marks:
            self._write(mark.text, mark.column_mm * scale, -mark.row_mm * scale - 2.2, LESION)

    def _draw_lines(self, lines: Sequence[Line], colour: HexColor, width: float) -> None:
        self.canv.setStrokeColor(colour)
        self.canv.setLineWidth(width)
        path = self.canv.beginPath()
        for x, y, to_x, to_y in lines:
            path.moveTo(x * self._scale, -y * self._scale)
            path.lineTo(to_x * self._scale, -to_y * self._scale)
        self.canv.drawPath(path)

    def _write(self, text: str, x: float, y: float, colour: HexColor) -> None:
        """Write a text on a light ground, centred."""
        canvas = self.canv
        width = canvas.stringWidth(text, self._fonts[1], 6.5)
        canvas.saveState()
        canvas.setFillColor(white, alpha=0.8)
        canvas.rect(x - width / 2 - 0.8, y - 1, width + 1.6, 6.6, 0, 1)
        canvas.restoreState()
        canvas.setFillColor(colour)
        canvas.setFont(self._fonts[1], 6.5)
        canvas.drawCentredString(x, y, text)

    def _draw_signs(self, picture: ViewPicture, width: float, height: float) -> None:
        canvas = self.canv
        canvas.setFillColor(INK)
        canvas.setFont(self._fonts[1], 8)
        canvas.drawString(3, -9, picture.sides[0])
        canvas.drawRightString(width - 3, -9, picture.sides[1])
        if picture.scale_mm is not None:
            length = picture.scale_mm * self._scale
            canvas.setStrokeColor(INK)
            canvas.setLineWidth(1.4)
            canvas.line(3, 3 - height, 3 + length, 3 - height)
            canvas.setFont(self._fonts[0], 5.5)
            text = self._texts("images.scale", length=picture.scale_mm)
            canvas.drawCentredString(3 + length / 2, 5 - height, text)


class _Curve(Flowable):
    """Values over time."""

    def __init__(self, curve: Curve, fonts: Fonts) -> None:
        super().__init__()
        self._places, self._fonts = place_points(curve), fonts
        self.width, self.height = 110 * mm, 42 * mm

    def draw(self) -> None:
        """Draw a line through the points, each with its value and its day."""
        canvas = self.canv
        points = [(30 + place.x * (self.width - 60), 20 + place.y * (self.height - 38)) for place in self._places]
        canvas.setStrokeColor(QUIET)
        canvas.setLineWidth(0.5)
        canvas.line(12, 20, self.width - 12, 20)
        canvas.setStrokeColor(LINK)
        canvas.setLineWidth(1.2)
        path = canvas.beginPath()
        path.moveTo(*points[0])
        for point in points[1:]:
            path.lineTo(*point)
        canvas.drawPath(path)
        for (x, y), place in zip(points, self._places, strict=True):
            canvas.setFillColor(LINK)
            canvas.circle(x, y, 2, 0, 1)
            canvas.setFillColor(INK)
            canvas.setFont(self._fonts[1], 7.5)
            canvas.drawCentredString(x, y + 6, place.value)
            canvas.setFillColor(QUIET)
            canvas.setFont(self._fonts[0], 7)
            canvas.drawCentredString(x, 9, place.day)


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
