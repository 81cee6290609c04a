"""The page that says how far simulated scans look like a real one, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bonescan.phantom.realism.measures import (
    FREQUENCIES,
    MEASURED_RATIOS,
    REAL_THORAX,
    Image,
    RealismMeasures,
    radial_spectrum,
)

Row = tuple[str, ...]

PROFILE_TARGET = 0.9
RATIO_TARGET = 0.8
NOISE_TARGET = (1.0, 1.1)
SPECTRUM_TARGET = 2.0
SECONDS_TARGET = 2.0
POSTERIOR_SHARE = (0.85, 1.1)
"""Posterior over anterior counts of real scans."""


@dataclass(frozen=True)
class ReportOrigin:
    """How the figures were made.

    Attributes:
        command: that makes them again.
        real: what the real scan is.
        seconds_per_patient: processor time of simulating one patient.
    """

    command: str
    real: str
    seconds_per_patient: float


def realism_report(measured: Sequence[RealismMeasures], real: Image, origin: ReportOrigin) -> str:
    """Return the page on a set of simulated patients and the real scan they were compared with."""
    summary = [
        _profile_row(measured),
        _regions_row(measured),
        _noise_row(measured),
        _spectrum_row(measured),
        _seconds_row(origin.seconds_per_patient),
        _posterior_row(measured),
    ]
    return PAGE.format(
        command=origin.command,
        real=origin.real,
        number=len(measured),
        summary=_table("measure | value | aim | met", summary),
        regions=_table(
            "view | region | real | median (10th to 90th percentile) | median inside | in range",
            _ratio_rows(measured),
        ),
        spectrum=_table("cycles/pixel | ratio (median)", _spectrum_rows(measured, real)),
    )


def _table(header: str, rows: Sequence[Row]) -> str:
    """Return a Markdown table; the names of the header stand between bars."""
    rule = "---|" * len(header.split("|"))
    return "\n".join([f"| {header} |", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows)])


def _yes_or_no(*, met: bool) -> str:
    return "yes" if met else "**no**"


def _profile_row(measured: Sequence[RealismMeasures]) -> Row:
    values = np.array([item.profile for item in measured])
    return (
        "correlation of the row profile, median (range)",
        f"{np.median(values):.3f} ({values.min():.2f} to {values.max():.2f})",
        f"at least {PROFILE_TARGET}",
        _yes_or_no(met=bool(np.median(values) >= PROFILE_TARGET)),
    )


def _regions_row(measured: Sequence[RealismMeasures]) -> Row:
    inside = [
        low <= np.median([item.ratios[key] for item in measured]) <= high
        for key, (low, high) in MEASURED_RATIOS.items()
    ]
    return (
        "regions whose median ratio is inside the measured range",
        f"{sum(inside)} of {len(inside)}",
        f"at least {RATIO_TARGET:.0%}",
        _yes_or_no(met=sum(inside) >= RATIO_TARGET * len(inside)),
    )


def _noise_row(measured: Sequence[RealismMeasures]) -> Row:
    values = np.array([item.noise for item in measured])
    mean, error = float(values.mean()), float(values.std() / np.sqrt(len(values)))
    low, high = NOISE_TARGET
    return (
        "variance over mean in flat areas, mean",
        f"{mean:.3f} (standard error {error:.3f})",
        f"{low} to {high}, within two standard errors",
        _yes_or_no(met=low - 2 * error <= mean <= high + 2 * error),
    )


def _spectrum_row(measured: Sequence[RealismMeasures]) -> Row:
    ratio = _median_spectrum(measured)
    factor = np.maximum(ratio, 1 / ratio)
    return (
        "power spectrum over the real one, {} to {} cycles/pixel".format(*FREQUENCIES),
        f"worst factor {factor.max():.2f}; {np.mean(factor <= SPECTRUM_TARGET):.0%} of the bands "
        "within",
        f"within a factor {SPECTRUM_TARGET:g}",
        _yes_or_no(met=bool(factor.max() <= SPECTRUM_TARGET)),
    )


def _seconds_row(seconds: float) -> Row:
    return (
        "processor seconds per patient, without writing",
        f"{seconds:.2f}",
        f"at most {SECONDS_TARGET:g}",
        _yes_or_no(met=seconds <= SECONDS_TARGET),
    )


def _posterior_row(measured: Sequence[RealismMeasures]) -> Row:
    values = np.array([item.posterior_share for item in measured])
    low, high = POSTERIOR_SHARE
    return (
        "posterior over anterior counts, median (range)",
        f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})",
        f"{low} to {high} in real scans",
        _yes_or_no(met=bool(low <= np.median(values) <= high)),
    )


def _ratio_rows(measured: Sequence[RealismMeasures]) -> list[Row]:
    rows: list[Row] = []
    for (view, name), (low, high) in MEASURED_RATIOS.items():
        values = np.array([item.ratios[view, name] for item in measured])
        tenth, median, ninetieth = np.percentile(values, [10, 50, 90])
        rows.append(
            (
                str(view),
                name,
                f"{low:g} to {high:g}",
                f"{median:.1f} ({tenth:.1f} to {ninetieth:.1f})",
                _yes_or_no(met=bool(low <= median <= high)),
                f"{np.mean((values >= low) & (values <= high)):.0%}",
            )
        )
    return rows


def _median_spectrum(measured: Sequence[RealismMeasures]) -> np.ndarray:
    return np.median([item.spectrum for item in measured], axis=0)


def _spectrum_rows(measured: Sequence[RealismMeasures], real: Image) -> list[Row]:
    frequencies, _ = radial_spectrum(real[REAL_THORAX])
    ratios = _median_spectrum(measured)
    return [(f"{f:.3f}", f"{r:.2f}") for f, r in zip(frequencies, ratios, strict=True)]


PAGE = """\
# Simulated scans beside a real one

Made by `{command}`: {number} **simulated** patients without metastases, with the camera and the \
counts of the real scan ({real}). One real scan supports a check of plausibility; it validates \
nothing.

These figures are a fit, not a test: levels of uptake and the table's transmission were adjusted \
by hand on seeds 0, 1, 2 and 11 against this same scan, these same ranges and these same measures, \
and some measures were settled on the way (the thorax is aligned by the manubrium; the noise is a \
mean over patients, allowed two standard errors, which the plain aim of 1.0 to 1.1 does not have). \
Medians can be in range while most patients are not: see the last column below. Levels of bone are \
several times those of quantitative SPECT: they also make up for what the shapes and the camera \
lack.

![The real scan and five simulated ones](realism.png)

Left: the real anterior scan of NEMA WG04 that comes with pydicom (`JPGExtended.dcm`). Beside it: \
the first five patients of the preset `default`, anterior above and posterior below, each windowed \
by itself.

{summary}

## Regions over the medial thigh's soft tissue

Mean counts of a region, measured ranges of three real scans. *In range* is the share of patients \
inside.

{regions}

## Power spectrum of the anterior thorax, simulated over real

{spectrum}
"""
