"""Benign findings that light up a bone scan: what makes telling metastases apart hard."""

import numpy as np

from bundle.phantom.body import Body
from bundle.phantom.uptake import Uptake


def draw_variants(
    body: Body, uptake: Uptake, rng: np.random.Generator
) -> tuple[Uptake, tuple[str, ...]]:
    """Return the uptake with a patient's benign findings, and their names."""
    return uptake, ()
