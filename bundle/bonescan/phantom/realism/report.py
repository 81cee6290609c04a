"""The page that says how far simulated scans look like a real one, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bonescan.dicom.scan import View
from bonescan.phantom.presets import TERRITORIES
from bonescan.phantom.realism.lesions import LesionMeasures, intensity_auc
from bonescan.phantom.realism.measures import (
    FREQUENCIES,
    MEASURED_RATIOS,
    REAL_THORAX,
    Image,
    RealismMeasures,
    radial_spectrum,
)
from bonescan.phantom.realism.relations import RELATIONS

Row = tuple[str, ...]

PROFILE_TARGET = 0.9
RATIO_TARGET = 0.8
NOISE_TARGET = (1.0, 1.1)
SPECTRUM_TARGET = 2.0
SECONDS_TARGET = 2.0
POSTERIOR_SHARE = (0.85, 1.1)
"""Posterior over anterior counts of real scans."""

RELATION_AIMS: Mapping[tuple[View, str], tuple[float, float]] = {
    (View.POSTERIOR, "sacroiliac index"): (1.0, 1.3),
    (View.POSTERIOR, "scapula over ribs"): (1.0, 1.4),
    (View.ANTERIOR, "clavicle over surroundings"): (1.3, 1.6),
    (View.ANTERIOR, "maxima across manubrium"): (2, 3),
    (View.ANTERIOR, "skull rim over vault"): (1.4, 2.0),
    (View.POSTERIOR, "side difference"): (0.06, 0.12),
    (View.POSTERIOR, "neighbour difference"): (0.06, 0.12),
    (View.POSTERIOR, "L1 over T12"): (0.8, 1.25),
    (View.POSTERIOR, "kidney over flank"): (1.4, 2.5),
    (View.ANTERIOR, "maxima across shank"): (1.8, 3),
}
"""Where the median should lie. The sacroiliac index of normal people is 0.9 to 1.36 in published
series; the other ranges are a reader's judgement beside the one real scan. Relations without an aim
are shown for comparison."""


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


def realism_report(
    measured: Sequence[RealismMeasures],
    lesions: Sequence[LesionMeasures],
    real: Image,
    origin: ReportOrigin,
) -> str:
    """Return the page on simulated patients and the real scan they were compared with.

    Args:
        measured: patients without metastases, on the real scan's camera.
        lesions: patients of the preset `default`.
        real: counts of the real scan.
        origin: how the figures were made.
    """
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
        relations=_table(
            "view | relation | aim | median (5th to 95th percentile) | median inside",
            _relation_rows(measured),
        ),
        lesions=_table("measure | simulated | aim", _lesion_rows(lesions)),
        patients=len(lesions),
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


def _relation_rows(measured: Sequence[RealismMeasures]) -> list[Row]:
    rows: list[Row] = []
    for view, name in RELATIONS:
        values = [item.relations[view, name] for item in measured]
        low, median, high = np.nanpercentile(values, [5, 50, 95])
        aim = RELATION_AIMS.get((view, name))
        met = "" if aim is None else _yes_or_no(met=bool(aim[0] <= median <= aim[1]))
        wanted = "" if aim is None else f"{aim[0]:g} to {aim[1]:g}"
        rows.append((str(view), name, wanted, f"{median:.2f} ({low:.2f} to {high:.2f})", met))
    return rows


def _lesion_rows(measured: Sequence[LesionMeasures]) -> list[Row]:
    """Return what metastases and benign foci look like; superscans are counted, and left out."""
    sick = [item for item in measured if item.lesions and not item.superscan]
    superscans = sum(item.superscan for item in measured)
    return [
        ("patients with metastases (superscans)", f"{len(sick)} ({superscans})", ""),
        *_spread_rows(sick),
        *_focus_rows(sick),
        *_benign_rows(measured),
    ]


def _spread_rows(sick: Sequence[LesionMeasures]) -> list[Row]:
    """Return where metastases lie, and how many there are."""
    numbers = np.array([item.lesions for item in sick])
    seen = sum(item.seen for item in sick) / numbers.sum()
    burden = np.quantile([item.burden for item in sick], (0.5, 0.9))
    mean = np.mean([len(item.territories) for item in sick])
    many = f"{numbers.mean():.1f}; {np.mean(numbers > 6):.0%}"
    return [
        *(
            (
                f"patients with a metastasis in: {name}",
                f"{np.mean([name in item.territories for item in sick]):.0%}",
                f"{territory.share:.0%}",
            )
            for name, territory in TERRITORIES.items()
        ),
        ("territories per patient, mean", f"{mean:.1f}", "3.0"),
        ("metastases per patient, mean; more than 6", many, "40 % more than 6"),
        ("of these, seen in a view", f"{seen:.0%}", ""),
        (
            "share of the skeleton, median (90th percentile)",
            "{:.1%} ({:.1%})".format(*burden),
            "1 to 2 % (above 5 %) in prostate cancer",
        ),
    ]


def _focus_rows(sick: Sequence[LesionMeasures]) -> list[Row]:
    """Return how metastases stand out, and how large their outlines are."""
    peaks, widths = np.array([focus for item in sick for focus in item.metastases]).T
    sizes = "{:.0f} ({:.0f} to {:.0f})".format(*np.quantile(widths, (0.5, 0.05, 0.95)))
    return [
        ("peak over surroundings, median", f"{np.median(peaks):.1f}", "3.0 to 3.5"),
        ("below 1.8", f"{np.mean(peaks < 1.8):.0%}", "at most 10 %"),
        ("above 6", f"{np.mean(peaks > 6):.0%}", "10 to 15 %"),
        ("diameter of the outline in mm, median (5th to 95th percentile)", sizes, "22"),
    ]


def _benign_rows(measured: Sequence[LesionMeasures]) -> list[Row]:
    """Return how many benign foci show, and how far they differ from metastases."""
    peaks = [focus.peak_over_ring for item in measured for focus in item.benign]
    seen = np.mean([item.benign_seen for item in measured])
    alone = "area under the curve of that alone, metastatic against benign"
    return [
        ("benign foci of bone seen per patient, mean", f"{seen:.1f}", "5 to 6 in the old"),
        ("their peak over surroundings, median", f"{np.median(peaks):.1f}", ""),
        (alone, f"{intensity_auc(measured):.2f}", "0.70 to 0.80"),
    ]


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

Levels of uptake, the table's transmission and the contrast of lesions were adjusted by hand on \
other patients (seeds 500 to 506 and 700 to 711), towards these same ranges and with these same \
measures, and some measures were settled on the way (the thorax is aligned by the manubrium; the \
noise is a mean over patients, allowed two standard errors, which the plain aim of 1.0 to 1.1 \
does not have). A median in its range says that the fit holds for new patients, not that the range \
is right, and most patients may be outside: see the last column below. Levels of bone are several \
times those of quantitative SPECT: they also make up for what the shapes and the camera lack.

![The real scan and five simulated ones](realism.png)

Left: the real anterior scan of NEMA WG04 that comes with pydicom (`JPGExtended.dcm`). Beside it: \
the first five patients of the preset `default`, anterior above and posterior below, each windowed \
by itself.

{summary}

## Regions over the medial thigh's soft tissue

Mean counts of a region, measured ranges of three real scans. *In range* is the share of patients \
inside.

{regions}

## Neighbouring structures

Each structure over the one beside it, which no window and no count changes.

{relations}

## Metastases and benign foci

{patients} patients of the preset `default`, other than those above.

{lesions}

## Power spectrum of the anterior thorax, simulated over real

{spectrum}
"""
