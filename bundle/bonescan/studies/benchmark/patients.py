"""How long a patient takes whose body is there: drawn, summed up and counted, here or on a GPU."""

import time
from collections.abc import Callable

import numpy as np
import torch

from bonescan.dicom.scan import View
from bonescan.phantom.body_source import draw_new_body
from bonescan.phantom.imaging.bases import Bases, base_weights
from bonescan.phantom.patient import draw_patient
from bonescan.phantom.presets import PRESETS
from bonescan.phantom.tracer.uptake import draw_uptake
from bonescan.prepare.device_bases import draw_poisson, move_bases
from bonescan.studies.benchmark.inputs import SEED, BenchmarkInputs
from bonescan.studies.benchmark.measurement import Measurement, time_s

PRESET = PRESETS["default"]
COUNTS = 1e6
"""Of a view, as in `bonescan.phantom.presets`."""
BATCH = 64
"""Patients of one product."""


def measure_patients(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure drawing patients with one body, and the share of it that a GPU can take over."""
    rng = np.random.default_rng(SEED)
    bases = draw_new_body(PRESET, PRESET.primaries[0], rng)
    repeats = inputs.size.patients
    return [
        _time_drawing(bases, repeats, rng),
        _time_summing(bases, repeats, rng),
        _time_device(bases, repeats, rng),
    ]


def _time_drawing(bases: Bases, repeats: int, rng: np.random.Generator) -> Measurement:
    def draw() -> None:
        draw_patient(bases, PRESET, PRESET.primaries[0], tuple(View), rng, unit=SEED)

    how = "processor time for a patient of the default preset with a body that is there, no files"
    return Measurement("Patient of a body", "ms", _processor_ms(draw, repeats), how)


def _time_summing(bases: Bases, repeats: int, rng: np.random.Generator) -> Measurement:
    weights = _draw_weights(bases, rng)

    def add_up() -> None:
        for image in bases.photons(weights).values():
            bases.draw_counts(np.maximum(image, 0) * np.float32(COUNTS / image.sum()), rng)

    how = "processor time for the weighted sum and the Poisson noise of both views alone, by NumPy"
    name = "Sum and noise of a patient, NumPy"
    return Measurement(name, "ms", _processor_ms(add_up, repeats), how)


def _time_device(bases: Bases, repeats: int, rng: np.random.Generator) -> Measurement:
    name = "Sum and noise of a patient, GPU"
    if not torch.cuda.is_available():
        return Measurement(name, "ms", None, "no GPU")
    moved = move_bases(bases, "cuda")
    generator = torch.Generator("cuda").manual_seed(SEED)
    weights = torch.tensor([_draw_weights(bases, rng) for _ in range(BATCH)])

    def add_up() -> None:
        for images in moved.sum_patients(weights).values():
            draw_poisson(images.clamp_(min=0) * (BATCH * COUNTS / images.sum()), generator)
        torch.cuda.synchronize()

    add_up()
    times_ms = [1000 * time_s(add_up) / BATCH for _ in range(repeats)]
    how = f"wall time of one product of {BATCH} patients with one body and their noise, a patient"
    return Measurement(name, "ms", times_ms, how)


def _draw_weights(bases: Bases, rng: np.random.Generator) -> list[float]:
    return base_weights(bases.keys, draw_uptake(bases.body, rng), PRESET.unevenness, rng)


def _processor_ms(action: Callable[[], object], repeats: int) -> list[float]:
    action()
    times_ms = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times_ms.append(1000 * (time.process_time() - start))
    return times_ms
