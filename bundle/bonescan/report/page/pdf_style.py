"""Page, colours, faces and styles of a report's PDF."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from bonescan.report.page.model import Document
from bonescan.report.page.pictures import ViewPicture

MARGIN = 14 * mm
FOOT = 20 * mm
WIDTH = A4[0] - 2 * MARGIN

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


def pick_fonts(report: Document) -> Fonts:
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


def make_styles(fonts: Fonts) -> dict[str, ParagraphStyle]:
    """Make the styles of paragraphs, by what they are of."""
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
        "badge": ParagraphStyle(
            "badge", text, fontName=bold, fontSize=8, leading=10, textColor=white
        ),
    }
