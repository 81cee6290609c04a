"""The drawings of a report's PDF: the views, and curves over time."""

from collections.abc import Sequence

from PIL import Image
from reportlab.lib.colors import HexColor, white
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable

from bonescan.report.page.curve import place_points
from bonescan.report.page.html import title_view
from bonescan.report.page.model import Curve
from bonescan.report.page.pdf_style import (
    FIELD,
    INK,
    LESION,
    LINK,
    QUIET,
    RULE,
    SHADE,
    WIDTH,
    Fonts,
)
from bonescan.report.page.pictures import Line, ViewPicture
from bonescan.report.page.texts import Texts

MOST_PICTURE_HEIGHT = 152 * mm
"""Leaves room for impression and warnings on the first page."""
GAP = 3 * mm


class Pictures(Flowable):
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


class CurveDrawing(Flowable):
    """Values over time."""

    def __init__(self, curve: Curve, fonts: Fonts) -> None:
        super().__init__()
        self._places, self._fonts = place_points(curve), fonts
        self.width, self.height = 110 * mm, 42 * mm

    def draw(self) -> None:
        """Draw a line through the points, each with its value and its day."""
        canvas = self.canv
        points = [
            (30 + place.x * (self.width - 60), 20 + place.y * (self.height - 38))
            for place in self._places
        ]
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
