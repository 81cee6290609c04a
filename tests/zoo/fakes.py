"""Components that stand in for ours."""

from collections.abc import Callable
from typing import Any


def make_steps(factor: float) -> list[Callable[[dict[str, Any]], dict[str, Any]]]:
    """Return one step, which multiplies the image."""
    return [lambda sample: {**sample, "image": factor * sample["image"]}]
