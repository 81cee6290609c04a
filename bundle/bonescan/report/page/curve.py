"""Where the points of a curve over time lie."""

from dataclasses import dataclass

from bonescan.report.page.model import Curve


@dataclass(frozen=True)
class Place:
    """One point of a curve; x from 0 at the left to 1, y from 0 at the foot to 1."""

    x: float
    y: float
    value: str
    day: str


def place_points(curve: Curve) -> tuple[Place, ...]:
    """Place the points of a curve: days to scale, values from zero on."""
    days = [point.day for point in curve.points]
    length = max(days[-1] - days[0], 1)
    highest = max(point.value for point in curve.points) or 1.0
    return tuple(
        Place((point.day - days[0]) / length, point.value / highest, point.text, point.day_text)
        for point in curve.points
    )
