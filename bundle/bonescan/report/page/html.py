"""Lay out a report as one HTML page that needs nothing but itself."""

import base64
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import PackageLoader, Template
from markupsafe import Markup

from bonescan.report.page.assets import TEMPLATES, make_environment, make_policy, read_asset
from bonescan.report.page.curve import place_points
from bonescan.report.page.model import Curve, Document
from bonescan.report.page.pictures import Box, Line, ViewPicture
from bonescan.report.page.texts import Texts, load_texts

_CURVE_PX = (480, 200, 46, 34)
"""Width and height of a curve, and the margins beside and above or below it."""


_FOOT_STYLE = "font: 7pt sans-serif; color: #4f5c69;"


@dataclass(frozen=True)
class _Mark:
    text: str
    x: float
    y: float
    on_right: bool
    line: str


@dataclass(frozen=True)
class _View:
    """One view as the template draws it; a unit of the drawing is a millimetre."""

    picture: ViewPicture
    title: str
    alt: str
    limit_text: str
    png: str
    gain: float
    width: float
    height: float
    shade: str
    field: str
    outlines: str
    marks: tuple[_Mark, ...]
    bar: str
    bar_middle: float
    bar_text: str

    @property
    def sides(self) -> tuple[str, str]:
        return self.picture.sides


def render_html(report: Document) -> str:
    """Lay out a report as one HTML page.

    Nothing is loaded, and nothing but the page's own script and style runs (see make_policy).

    Returns:
        The page; equal for equal reports.
    """
    texts = load_texts(report.language)
    css = read_asset("page.css") + _number_pages(report, texts)
    script = read_asset("page.js")
    parts = [report.impression, report.warnings, *report.sections]
    return _template().render(
        report=report,
        say=texts,
        css=Markup(css),  # noqa: S704 # a file of this package, and quoted texts
        script=Markup(script),  # noqa: S704 # a file of this package
        policy=make_policy(css, script),
        views=[_draw_view(picture, texts) for picture in report.pictures],
        most_window=round(max(map(_most_window, report.pictures), default=0.0), 2),
        hot_window=round(max(map(_hot_window, report.pictures), default=0.0), 2),
        curves={part.key: _draw_curve(part.curve) for part in parts if part.curve is not None},
    )


@cache
def _template() -> Template:
    environment = make_environment(PackageLoader("bonescan.report.page", TEMPLATES))
    return environment.get_template("page.html.j2")


def _number_pages(report: Document, texts: Texts) -> str:
    """Return the style that puts the footer and the number on every sheet of paper."""
    page = texts("footer.page", scan_id=report.scan_id, page="#").partition("#")
    before, after = _css_string(page[0]), _css_string(page[2])
    return (
        f"@page {{ size: A4; margin: 14mm 14mm 20mm;"
        f" @bottom-left {{ content: {_css_string(report.footer)}; {_FOOT_STYLE} width: 74%; }}"
        f" @bottom-right {{ content: {before} counter(page) {after}; {_FOOT_STYLE} }} }}"
    )


def _css_string(text: str) -> str:
    """Quote a text for a style sheet: all but plain letters by their code points."""
    return (
        '"' + "".join(c if c.isalnum() or c in " .,;:-" else f"\\{ord(c):x} " for c in text) + '"'
    )


def _most_window(picture: ViewPicture) -> float:
    """Return how often the limit doubles until the highest count is only just black."""
    return max(math.log2(picture.full_counts / picture.limit), 1.0)


def _hot_window(picture: ViewPicture) -> float:
    return math.log2(picture.hot_limit / picture.limit)


def _draw_view(picture: ViewPicture, texts: Texts) -> _View:
    title = title_view(picture, texts)
    left, right = (texts.named("images.side", side) for side in picture.sides)
    counts = texts.decimal(picture.limit)
    bar_mm = picture.scale_mm or 0
    return _View(
        picture=picture,
        title=title,
        alt=texts.count("images.alt", picture.lesions, view=title, left=left, right=right),
        limit_text=texts("images.limit", counts=counts),
        png=f"data:image/png;base64,{base64.b64encode(picture.png()).decode()}",
        gain=round(picture.full_counts / picture.limit, 6),
        width=round(picture.width_mm, 1),
        height=round(picture.height_mm, 1),
        shade="".join(map(_box_path, picture.shade)),
        field=_path(picture.field),
        outlines=_path(picture.outlines),
        marks=tuple(
            _Mark(
                mark.text,
                round(mark.column_mm, 1),
                round(mark.row_mm, 1),
                mark.on_right,
                _path([mark.line]),
            )
            for mark in picture.marks
        ),
        bar=f"M14 {picture.height_mm - 8:.1f}h{bar_mm}" if bar_mm else "",
        bar_middle=14 + bar_mm / 2,
        bar_text=texts("images.scale", length=bar_mm),
    )


def title_view(picture: ViewPicture, texts: Texts) -> str:
    """Name a view over its picture, with a sign where it is in doubt."""
    title = texts.named("images.view", picture.view)
    return texts("images.doubtful", view=title) if picture.doubtful else title


def _path(lines: Iterable[Line]) -> str:
    """Write lines as an SVG path."""
    return "".join(f"M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" for x, y, to_x, to_y in lines)


def _box_path(box: Box) -> str:
    x, y, width, height = box
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"


def _draw_curve(curve: Curve) -> dict[str, Any]:
    """Place a curve's points in an SVG drawing."""
    width, height, beside, above = _CURVE_PX
    foot = height - above
    points = [
        {
            "x": round(beside + place.x * (width - 2 * beside), 1),
            "y": round(foot - place.y * (foot - above), 1),
            "value": place.value,
            "day": place.day,
        }
        for place in place_points(curve)
    ]
    return {
        "title": curve.title,
        "box": f"0 0 {width} {height}",
        "axis": f"M{beside / 2} {foot}H{width - beside / 2}",
        "path": "M" + "L".join(f"{point['x']} {point['y']}" for point in points),
        "points": points,
        "foot": height - above / 3,
        "spoken": "; ".join(f"{point['day']}: {point['value']}" for point in points),
    }
