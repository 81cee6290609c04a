"""What is known of real scans, and where simulated ones should lie: one table for page and test.

A fact names a measure. Its aim is where the median of the simulated patients should lie, or the
value itself where there is one for all of them. Its real value should lie between their 5th and
95th percentile: one man is no mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonescan.dicom.scan import View
from bonescan.phantom.presets import TERRITORIES

Span = tuple[float, float]

ONE_MAN = "NM1"
WARPED = "NM1, bones found by warping"
THREE_SCANS = "lowest and highest of three real scans"
READER = "a reader's judgement"


@dataclass(frozen=True)
class Fact:
    """What is known of one measure.

    Attributes:
        aim: lowest and highest value that the median should have; None if none is set.
        real: value of a real scan or of a published series; None if none is known.
        source: of the aim and of the real value.
        by_mean: whether the patients' mean is meant, as for a share, and not their median.
    """

    aim: Span | None = None
    real: float | None = None
    source: str = ""
    by_mean: bool = False


def view_name(view: View, name: str) -> str:
    """Return the name of a measure of one view."""
    return f"{name}, {view}"


def spectrum_name(frequency: float) -> str:
    """Return the name of the measure at one frequency, cycles per pixel, of the spectrum."""
    return f"power at {frequency:.3f} cycles per pixel"


MEASURED_RATIOS: Mapping[tuple[View, str], Span] = {
    (View.POSTERIOR, "thoracic spine"): (13, 15),
    (View.POSTERIOR, "lumbar spine"): (11, 14),
    (View.POSTERIOR, "sacroiliac joints"): (8, 13),
    (View.POSTERIOR, "kidneys"): (4, 7),
    (View.POSTERIOR, "rib field"): (4.2, 4.7),
    (View.POSTERIOR, "skull"): (7, 8),
    (View.ANTERIOR, "manubrium"): (7, 19),
    (View.ANTERIOR, "sternum"): (5, 13),
    (View.ANTERIOR, "lumbar spine"): (4, 9),
    (View.ANTERIOR, "iliac crest"): (2, 7),
    (View.ANTERIOR, "skull"): (2, 13),
    (View.ANTERIOR, "shoulder"): (4, 8),
    (View.ANTERIOR, "knee"): (2.6, 7),
    (View.ANTERIOR, "femoral shaft"): (2.1, 3.3),
    (View.ANTERIOR, "bladder"): (9, 45),
    (View.ANTERIOR, "abdomen"): (1.2, 2.8),
}
"""Lowest and highest mean of a region over the medial thigh's soft tissue in three real scans."""


def ratio_name(view: View, name: str) -> str:
    """Return the name of the measure that compares a region of a view with the thigh."""
    return f"{view_name(view, name)}, over thigh"


RATIOS: Mapping[str, Fact] = {
    ratio_name(view, name): Fact(span, source=THREE_SCANS)
    for (view, name), span in MEASURED_RATIOS.items()
}

FREQUENCY_EDGES = np.linspace(0.05, 0.4, 15)
"""Bands of the spectrum that are compared, cycles per pixel: below lies the body's outline."""
FREQUENCIES = 0.5 * (FREQUENCY_EDGES[1:] + FREQUENCY_EDGES[:-1])
SPECTRUM: Mapping[str, Fact] = {
    spectrum_name(frequency): Fact((0.5, 2), source=f"within a factor 2 of {ONE_MAN}")
    for frequency in FREQUENCIES
}

PICTURE: Mapping[str, Fact] = {
    "p10 over median": Fact(real=0.367, source=ONE_MAN),
    "p25 over median": Fact(real=0.641, source=ONE_MAN),
    "p75 over median": Fact(real=1.565, source=ONE_MAN),
    "p90 over median": Fact(real=2.162, source=ONE_MAN),
    "p95 over median": Fact((2.4, 3.6), 2.630, f"{READER}; {ONE_MAN}"),
    "counts of the head, %": Fact(real=9.28, source=ONE_MAN),
    "counts of the thorax, %": Fact(real=35.65, source=ONE_MAN),
    "counts of the abdomen, %": Fact(real=12.59, source=ONE_MAN),
    "counts of the pelvis, %": Fact(real=17.59, source=ONE_MAN),
    "counts of the thighs, %": Fact(real=9.70, source=ONE_MAN),
    "counts of the knees, %": Fact(real=4.89, source=ONE_MAN),
    "counts of the shanks, %": Fact(real=10.23, source=ONE_MAN),
    "background, counts per pixel": Fact(real=0.221, source=ONE_MAN),
    "area of the body, cm2": Fact(real=5751, source=ONE_MAN),
    "length of the body, mm": Fact(real=1738, source=ONE_MAN),
    "width at 0.35 of the length, mm": Fact(real=529, source=ONE_MAN),
    "width at 0.6 of the length, mm": Fact((290, 350), 282, f"{READER}; {ONE_MAN}"),
    "rows cut by the field, left and right": Fact((0.05, 0.3), 0.559, f"{READER}; {ONE_MAN}"),
}
"""Of the anterior view."""

# The bones of NM1 were found by bonescan.phantom.realism.atlas with examples of two simulators;
# what they gave differs by 5 %, by 20 % for the ladder.
STRUCTURES: Mapping[str, Fact] = {
    "sacroiliac index, posterior": Fact(
        (1.05, 1.2), 1.02, "normal people: 1.02 +- 0.09, 0.9 to 1.36 (PAFMJ 9746, NMR.2013.0005)"
    ),
    "scapula over ribs, posterior": Fact((1.0, 1.4), source=READER),
    "clavicle over surroundings, anterior": Fact((1.3, 1.6), 1.40, f"{READER}; {WARPED}"),
    "maxima across manubrium, anterior": Fact((2, 3), 2, f"{READER}; {WARPED}"),
    "skull rim over vault, anterior": Fact((1.2, 1.6), 1.35, f"{READER}; {WARPED}"),
    "rib contrast, anterior": Fact((0.05, 0.09), 0.064, f"{READER}; {WARPED}"),
    "spread along ribs, anterior": Fact(real=0.055, source=WARPED),
    "spread along ribs, posterior": Fact(),
    "lumbar ladder, anterior": Fact((0.05, 0.09), 0.06, f"{READER}; {WARPED}"),
    "mirror correlation, anterior": Fact((0.6, 0.8), 0.66, f"{READER}; {WARPED}"),
    "side difference, posterior": Fact((0.08, 0.12), source=READER),
    "neighbour difference, posterior": Fact((0.08, 0.10), source=READER),
    "L1 over T12, posterior": Fact((0.85, 1.15), source=READER),
    "L1 over T12 off by more than 28 %, share": Fact((0, 0.05), source=READER, by_mean=True),
    "T1 over C7, posterior": Fact((0.9, 1.2), source=READER),
    "kidney over flank, posterior": Fact((1.4, 2.5), source=READER),
    "kidneys clearly seen, share": Fact(
        (0.92, 0.96), 0.94, "faint or absent in 6 % of 14 296 scans (Kim 1991)", by_mean=True
    ),
    "chest wall over lung, anterior": Fact(real=1.03, source=WARPED),
    "maxima across shank, anterior": Fact((1.3, 3), 1.5, f"{READER}; {WARPED}"),
}

CAMERA: Mapping[str, Fact] = {
    "posterior over anterior counts": Fact((0.85, 1.1), source=f"{THREE_SCANS}"),
    "variance over mean in flat areas": Fact(
        (0.98, 1.1), 1.04, f"Poisson; {ONE_MAN}", by_mean=True
    ),
    "correlation of the row profile": Fact((0.9, 1), source=f"with {ONE_MAN}"),
}

PERSONS: Mapping[str, Fact] = {
    "body mass index": Fact((26, 30), source=READER),
    "body mass index above 35, share": Fact((0.1, 0.2), source=READER, by_mean=True),
    "rows cut above 0.5, share": Fact((0.05, 0.4), source=READER, by_mean=True),
}


def territory_name(name: str) -> str:
    """Return the name of the measure of the patients with a metastasis in a territory."""
    return f"patients with a metastasis in: {name}, share"


FOCI: Mapping[str, Fact] = {
    **{
        territory_name(name): Fact(
            (territory.share - 0.1, territory.share + 0.1),
            territory.share,
            "280 patients (Liu 2021)",
            by_mean=True,
        )
        for name, territory in TERRITORIES.items()
    },
    "territories with metastases, mean": Fact(
        (2.5, 3.5), 2.98, "280 patients (Liu 2021)", by_mean=True
    ),
    "more than 6 metastases, share": Fact((0.3, 0.5), 0.4, "groups of Liu Y. 2021", by_mean=True),
    "share of the skeleton, %": Fact((0.8, 2), source="cut-offs 0.46 to 1.9 % in prostate cancer"),
    "metastases: peak over surroundings": Fact(
        (2.9, 3.5), source="2.4 to 10.5 in conspicuous real lesions; the median is ours"
    ),
    "metastases: below 1.8, share": Fact((0, 0.1), source=READER, by_mean=True),
    "metastases: above 6, share": Fact((0.1, 0.15), source=READER, by_mean=True),
    "metastases: diameter of the outline, mm": Fact((18, 27), 22, "12 to 33 mm at half height"),
    "benign foci seen": Fact(),
    "benign foci seen over 60 years, mean": Fact(
        (5, 6),
        5.7,
        "147 benign lesions in 26 patients (doi 10.1186/s40658-022-00513-8)",
        by_mean=True,
    ),
    "benign foci: peak over surroundings": Fact(),
    "metastatic against benign by the peak alone, AUC": Fact(
        (0.7, 0.8), source="SUVmax 25.9 +- 16.6 and 16.5 +- 7.9 (Sabbah 2015)"
    ),
}


TAIL_ERROR = 1.7
"""Standard error of the 5th percentile over that of the median, of a normal distribution."""

CROPS: Mapping[str, Fact] = {
    "thorax inside its crop, share": Fact((0.97, 1), source="aim of ours", by_mean=True),
    "at most 25 mm of neck or pelvis in the crop, share": Fact(
        (0.95, 1), source="aim of ours", by_mean=True
    ),
    "lesions in positive lin2020 crops, mean %": Fact(
        (1.5, 3.5),
        source="1.49, 3.49, 4.67 and 5.04 follow from Table 2 of Lin 2020",
        by_mean=True,
    ),
}


@dataclass(frozen=True)
class Finding:
    """A fact beside what simulated patients show.

    Attributes:
        fact: the fact.
        value: median of the patients that have the measure, or their mean.
        low: 5th percentile.
        high: 95th percentile.
        error: standard error of the value; of a median as if the measure were normal.
    """

    fact: Fact
    value: float
    low: float
    high: float
    error: float

    def in_aim(self, errors: float = 0.0) -> bool | None:
        """Tell whether the value lies in the aim, give or take some of its standard errors."""
        if self.fact.aim is None:
            return None
        room = errors * self.error
        return bool(self.fact.aim[0] - room <= self.value <= self.fact.aim[1] + room)

    def holds_real(self, errors: float = 0.0) -> bool | None:
        """Tell whether the real value lies between the percentiles; None for a mean or no value.

        Args:
            errors: standard errors of the percentiles that it may lie outside.
        """
        if self.fact.real is None or self.fact.by_mean:
            return None
        room = errors * TAIL_ERROR * self.error
        return bool(self.low - room <= self.fact.real <= self.high + room)


def compare(fact: Fact, values: Sequence[float] | NDArray[np.float64]) -> Finding:
    """Return a fact beside the values of simulated patients; NaN is a patient without one."""
    shown = np.array([value for value in values if np.isfinite(value)], float)
    if not len(shown):
        return Finding(fact, *[float("nan")] * 4)
    low, median, high = map(float, np.percentile(shown, (5, 50, 95)))
    root = np.sqrt(len(shown))
    if fact.by_mean:
        return Finding(fact, float(shown.mean()), low, high, float(_spread(shown) / root))
    # 5th to 95th percentile of a normal distribution: 3.29 deviations; a median errs 1.25 as far
    return Finding(fact, median, low, high, float(1.25 * (high - low) / 3.29 / root))


def _spread(values: NDArray[np.float64]) -> float:
    """Return the standard deviation; of 0s and 1s with two more of each (Agresti and Coull 1998).

    Of ten patients who all have something, it does not follow that everybody has it.
    """
    counted = bool(np.isin(values, (0, 1)).all())
    return float(np.std([*values, 0, 0, 1, 1] if counted else values))
