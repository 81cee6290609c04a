"""Where the bodies of patients come from: drawn anew here, or taken from a bank."""

from typing import Protocol

import numpy as np

from bonescan.phantom.anatomy.build import build_body
from bonescan.phantom.anatomy.implants import add_implants
from bonescan.phantom.anatomy.person import Sex, draw_person
from bonescan.phantom.imaging.bases import Bases, build_bases
from bonescan.phantom.imaging.detectors import draw_geometry
from bonescan.phantom.presets import Preset, Primary


class BodySource(Protocol):
    """Something that gives bodies under a camera."""

    def __call__(self, preset: Preset, primary: Primary, rng: np.random.Generator) -> Bases:
        """Return a body for a patient of that preset with that primary tumour."""


def draw_primary(preset: Preset, rng: np.random.Generator) -> Primary:
    """Draw the primary tumour of a patient of a preset without groups."""
    shares = np.array([primary.share for primary in preset.primaries])
    return preset.primaries[rng.choice(len(shares), p=shares / shares.sum())]


def draw_new_body(preset: Preset, primary: Primary, rng: np.random.Generator) -> Bases:
    """Draw a person, lay the body under one of the preset's cameras and project it."""
    camera = preset.cameras[rng.integers(len(preset.cameras))]
    sex: Sex = "F" if rng.random() < primary.female_share else "M"
    body = build_body(draw_person(rng, sex, age_range=primary.age_range), pixel_mm=camera.pixel_mm)
    if preset.benign:
        body = add_implants(body, rng)
    return build_bases(body, camera, draw_geometry(body, rng), rng)
