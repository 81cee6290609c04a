"""A published time of a scan."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """A published time of a scan, and the chain of trainings that it is of.

    Attributes:
        system: file of configs/systems that applies them one after the other.
        steps: file of configs/systems by step (bonescan.inferers.stepwise.STEPS).
        published_s: seconds a scan, from its file to the report.
        published_sd_s: their standard deviation.
    """

    system: str
    steps: Mapping[str, str]
    published_s: float
    published_sd_s: float
