"""The page that says how far simulated scans look like real ones, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bonescan.phantom.realism.facts import (
    CAMERA,
    CROPS,
    FOCI,
    PERSONS,
    PICTURE,
    RATIOS,
    SPECTRUM,
    STRUCTURES,
    Fact,
    Finding,
    compare,
)
from bonescan.phantom.realism.telling_apart import SeparationTable

Values = Mapping[str, Sequence[float]]
Row = tuple[str, ...]

NORMAL_SECTIONS: Mapping[str, Mapping[str, Fact]] = {
    "The anterior picture as a whole": PICTURE,
    "Neighbouring structures": STRUCTURES,
    "Regions over the medial thigh's soft tissue": RATIOS,
    "Persons": PERSONS,
    "Counts and noise": CAMERA,
    "Power spectrum of the anterior thorax over the real one": SPECTRUM,
}
"""Measured on patients without metastases."""
FOCI_SECTION = "Metastases and benign foci"
REGRESSED = (
    "p95 over median",
    "rib contrast, anterior",
    "mirror correlation, anterior",
    "width at 0.35 of the length, mm",
    "rows cut by the field, left and right",
)
"""Measures that the build decides."""
UNEVEN = (
    "spread along ribs, posterior",
    "neighbour difference, posterior",
    "mirror correlation, posterior",
)
"""Measures that the unevenness of bone moves."""
REAL_BMI = 34.0
"""Of the real man, estimated from his outline."""
HEADER = (
    "measure | real or published | aim | simulated | 5th to 95th percentile | in aim | "
    "real inside | source"
)


@dataclass(frozen=True)
class Sample:
    """Measures of simulated patients, and how they were made.

    Attributes:
        command: that makes the page again.
        real: what the real scan is.
        normal: by name, one value per patient without metastases.
        foci: by name, of patients of the preset `default`.
        crops: by name, of the thorax crops of patients without metastases, and of lin2020.
        patients: how many of each.
        seconds: processor time of simulating one patient.
    """

    command: str
    real: str
    normal: Values
    foci: Values
    crops: Values
    patients: int
    seconds: float


def gather(measured: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Return the values of each measure from the measures of each patient; NaN where one lacks."""
    names = dict.fromkeys(name for one in measured for name in one)
    return {name: [one.get(name, float("nan")) for one in measured] for name in names}


def realism_report(sample: Sample, more: Sequence[str] = ()) -> str:
    """Return the page.

    Args:
        sample: the measures.
        more: further sections of the page.
    """
    sections = {title: (facts, sample.normal) for title, facts in NORMAL_SECTIONS.items()}
    sections[FOCI_SECTION] = (FOCI, sample.foci)
    sections["Thorax crops"] = (CROPS, sample.crops)
    found = [
        compare(facts[name], values[name]) for facts, values in sections.values() for name in facts
    ]
    parts = [
        PAGE.format(
            command=sample.command,
            real=sample.real,
            number=sample.patients,
            seconds=sample.seconds,
            aims=_count([finding.in_aim() for finding in found]),
            real_values=_count([finding.holds_real() for finding in found]),
        )
    ]
    parts += [
        f"## {title}\n\n{fact_table(facts, values)}" for title, (facts, values) in sections.items()
    ]
    parts.append(f"## At the real man's build\n\n{regression_table(sample.normal)}")
    return "\n\n".join([*parts, *more]) + "\n"


def fact_table(facts: Mapping[str, Fact], values: Values) -> str:
    """Return facts beside the values of simulated patients as a Markdown table."""
    return table(
        HEADER, [_fact_row(name, compare(fact, values[name])) for name, fact in facts.items()]
    )


def regression_table(values: Values) -> str:
    """Return what straight lines through the patients say of the real man's body mass index."""
    bmi = np.array(values["body mass index"])
    rows = []
    for name in REGRESSED:
        measured = np.array(values[name])
        known = np.isfinite(measured)
        slope, start = np.polyfit(bmi[known], measured[known], 1)
        expected = start + slope * REAL_BMI
        deviation = float(np.std(measured[known] - start - slope * bmi[known]))
        real = PICTURE.get(name, STRUCTURES.get(name, Fact())).real
        off = "" if real is None else f"{(real - expected) / max(deviation, 1e-9):+.1f}"
        shown = "" if real is None else _number(real)
        rows.append((name, shown, f"{_number(expected)} +- {_number(deviation)}", off))
    header = f"measure | real | simulated at {REAL_BMI:g} kg/m2 | real off by, standard deviations"
    return table(header, rows)


def separation_section(result: SeparationTable) -> str:
    """Return what a small classifier says of real and simulated patches."""
    rows = [
        (name, f"{auc:.2f}", f"{null:.2f} ({high:.2f})", _yes_or_no(met=auc <= high))
        for name, (auc, null, high) in result.rows.items()
    ]
    header = (
        "features | real v simulated, AUC | one simulated v the others, median (95th percentile) | "
        "within"
    )
    return SEPARATION.format(
        real=result.real_scans,
        patches=result.real_patches,
        simulated=result.simulated,
        table=table(header, rows),
        says=ONE_REAL if result.real_scans == 1 else MANY_REAL,
    )


def real_section(real: Values, simulated: Values) -> str:
    """Return real scans beside simulated ones, the bones of both found in the same way.

    Args:
        real: by name, one value per scan.
        simulated: by name, one value per patient.
    """
    scans = max((len(values) for values in real.values()), default=0)
    rows = []
    for name, values in real.items():
        own = compare(Fact(), values)
        other = compare(Fact(real=own.value), simulated[name])
        if not np.isfinite(own.value):
            continue
        rows.append(
            (
                name,
                _number(own.value) if scans == 1 else _value_and_span(own),
                _value_and_span(other),
                _yes_or_no(met=other.holds_real()),
            )
        )
    header = "measure | real scans | simulated, same way | real median inside"
    return REAL.format(scans=scans, table=table(header, rows))


def unevenness_section(levels: Mapping[float, Values]) -> str:
    """Return what the unevenness of bone does to two measures.

    Args:
        levels: by `unevenness` of the preset, the measures of the same patients.
    """
    rows = [
        (f"{level:g}", *(_value_and_span(compare(Fact(), values[name])) for name in UNEVEN))
        for level, values in levels.items()
    ]
    number = max((len(values[UNEVEN[0]]) for values in levels.values()), default=0)
    header = " | ".join(("unevenness", *UNEVEN))
    return UNEVENNESS.format(number=number, table=table(header, rows))


def table(header: str, rows: Sequence[Row]) -> str:
    """Return a Markdown table; the names of the header stand between bars."""
    rule = "---|" * len(header.split("|"))
    return "\n".join([f"| {header} |", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows)])


def _fact_row(name: str, finding: Finding) -> Row:
    fact = finding.fact
    return (
        name,
        "" if fact.real is None else _number(fact.real),
        "" if fact.aim is None else f"{_number(fact.aim[0])} to {_number(fact.aim[1])}",
        _number(finding.value),
        "" if fact.by_mean else _span(finding),
        _yes_or_no(met=finding.in_aim()),
        _yes_or_no(met=finding.holds_real()),
        fact.source,
    )


def _value_and_span(finding: Finding) -> str:
    return f"{_number(finding.value)} ({_span(finding)})"


def _span(finding: Finding) -> str:
    return f"{_number(finding.low)} to {_number(finding.high)}"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _yes_or_no(*, met: bool | None) -> str:
    return "" if met is None else "yes" if met else "**no**"


def _count(answers: Sequence[bool | None]) -> str:
    known = [answer for answer in answers if answer is not None]
    return f"{sum(known)} of {len(known)}"


PAGE = """\
# Simulated scans beside a real one

Made by `{command}`: {number} **simulated** patients without metastases, with the camera and the \
counts of the real scan ({real}), and {number} of the preset `default`; {seconds:.2f} processor \
seconds a patient. One real scan supports a check of plausibility; it validates nothing.

**{aims} aims are met, and {real_values} real values lie between the 5th and the 95th percentile \
of the simulated patients.** An aim is for the median (for a share or a mean: for itself). Levels \
of uptake, shapes and the contrast of lesions were fitted by hand towards these aims on other \
patients (seeds 500 to 599 and 700 to 799). That a median meets its aim says that the fit holds \
for new patients, not that the aim is right. *NM1* is the anterior scan of NEMA WG04, of one obese \
man (GE Millennium MG, 3.6 million counts), measured by the same code; its bones were found as \
the section on real scans describes. *Three real scans* are such of which only the ranges of \
these ratios were noted.

![The real scan and twelve simulated ones](realism.png)

Left: the real scan. Beside it: simulated patients by body mass index, anterior above and \
posterior below, each view windowed by itself.

![Thorax](realism_thorax.png)
![Pelvis](realism_pelvis.png)
![Head](realism_head.png)
![Knees](realism_knees.png)"""

UNEVENNESS = """\
## How uneven bone is

`unevenness` of a preset is the standard deviation of the tracer inside a bone over its mean. It \
decides how hard small lesions are to tell from bone, and it is a choice: no published coefficient \
of variation inside normal bone was found. What comes near: the maximum over the mean of normal \
vertebrae in 99mTc-MDP SPECT is 6.51 / 3.92 = 1.66 (286 vertebrae, doi 10.31616/asj.2019.0308) and \
7.39 / 4.90 = 1.51 (L1 to L4 of 62 patients, doi 10.13929/j.issn.1003-3289.2020.07.032), which \
holds noise and edges, too, and so bounds it from above; the means of vertebral levels differ by \
7 % (the first of these); parts of the normal pelvis vary by 22 to 31 % between patients (PubMed \
30103368). The same {number} patients without findings at three levels:

{table}

![One thorax at three levels of unevenness](realism_unevenness.png)

One patient without findings at these levels, from left to right: anterior above, posterior \
below."""

REAL = """\
## Real scans ({scans}), measured like simulated ones

The bones of a real scan are found by warping onto it the simulated scans that resemble it most. \
The simulated patients beside it were measured in the same way, as if their bones were unknown, \
by the bones of the other patients.

{table}"""

SEPARATION = """\
## A small classifier: real against simulated

Patches of 64 x 64 pixels, one every 16, of the real scans ({real}; {patches} patches) and of \
{simulated} simulated patients of the same pixel size and counts; logistic regression, trained on \
three of four bands of the body and tested on the fourth. The null is the same with each \
simulated patient in the place of the real scan.

{table}

{says}"""

ONE_REAL = """\
What this shows: whether the texture of this one scan can be told from that of simulated patients \
more easily than theirs from each other. What it cannot show: whether real scans can. One man's \
overlapping patches are one sample, and his build, disease and camera are part of what is told \
apart; that takes 20 real scans or more."""

MANY_REAL = """\
Each real scan stood against the simulated patients alone; the figure is the median of the scans. \
A scan above the null's 95th percentile is odder than 19 of 20 simulated patients are among \
themselves, be it by its camera, its patient or what the simulator lacks."""
