"""The drawings of a report's PDF: the views, and curves over time."""

from collections.abc import Sequence

from PIL import Image
from reportlab.lib.colors import HexColor, white
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable, Paragraph

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
    Fonts,
)
from bonescan.report.page.pictures import Line, Mark, ViewPicture
from bonescan.report.page.texts import Texts

MOST_PICTURE_HEIGHT = 152 * mm
"""Leaves room for impression and warnings on the first page."""
LEAST_PICTURE_HEIGHT = 110 * mm
"""Lower ones go to the next page."""
HEAD = 26.0
"""Room for the titles above and the gap below the pictures."""
GAP = 3 * mm


class Pictures(Flowable):
    """The views twice: with what was found, and plain in the window for hot spots; a note below."""

    def __init__(
        self, pictures: Sequence[ViewPicture], note: Paragraph, fonts: Fonts, texts: Texts
    ) -> None:
        super().__init__()
        self._note = note
        self._panels = [(picture, plain) for plain in (False, True) for picture in pictures]
        self._fonts, self._texts = fonts, texts
        self._scale = 0.0  # of a millimetre, found by wrap

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Fit the panels into what is left of a page, unless they would be small there."""
        widest = max(picture.width_mm for picture, _ in self._panels)
        highest = max(picture.height_mm for picture, _ in self._panels)
        panel = (width - GAP * (len(self._panels) - 1)) / len(self._panels)
        _, below = self._note.wrap(width, height)
        left = height - HEAD - below
        most = (
            min(left, MOST_PICTURE_HEIGHT) if left >= LEAST_PICTURE_HEIGHT else MOST_PICTURE_HEIGHT
        )
        self._scale = min(panel / widest, most / highest)
        self.width, self.height = width, highest * self._scale + HEAD + below
        return self.width, self.height

    def draw(self) -> None:
        """Draw all panels, from left to right, and the note."""
        self._note.drawOn(self.canv, 0, 0)
        total = sum(picture.width_mm * self._scale for picture, _ in self._panels)
        left = (self.width - total - GAP * (len(self._panels) - 1)) / 2
        for picture, plain in self._panels:
            self.canv.saveState()
            self.canv.translate(left, self.height - HEAD + 2)
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
            self._write(mark)

    def _draw_lines(self, lines: Sequence[Line], colour: HexColor, width: float) -> None:
        self.canv.setStrokeColor(colour)
        self.canv.setLineWidth(width)
        path = self.canv.beginPath()
        for x, y, to_x, to_y in lines:
            path.moveTo(x * self._scale, -y * self._scale)
            path.lineTo(to_x * self._scale, -to_y * self._scale)
        self.canv.drawPath(path)

    def _write(self, mark: Mark) -> None:
        """Write the number of a lesion on a light ground."""
        canvas = self.canv
        width = canvas.stringWidth(mark.text, self._fonts[1], 6.5)
        x = mark.column_mm * self._scale - (width if mark.on_right else 0)
        y = -mark.row_mm * self._scale - 2.2
        canvas.saveState()
        canvas.setFillColor(white, alpha=0.8)
        canvas.rect(x - 0.8, y - 1, width + 1.6, 6.6, 0, 1)
        canvas.restoreState()
        canvas.setFillColor(LESION)
        canvas.setFont(self._fonts[1], 6.5)
        canvas.drawString(x, y, mark.text)

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
