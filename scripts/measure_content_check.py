"""Measure the content check of images on simulated scans that its training has not seen.

Takes about 5 minutes for 200 patients. Give the real scan, if you have it, to add its verdicts.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from tqdm import tqdm

from bonescan.commands.command import HelpFormatter, add_results_folder
from bonescan.commands.reporting import run_reported
from bonescan.dicom.content import CERTAIN, LIKELY, Look, correlate_sides, load_weights, look_at
from bonescan.dicom.content_check import MIRRORED_CERTAIN, MIRRORED_LIKELY
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.files import write_json, write_text
from bonescan.phantom.patient import SimulatedPatient, simulate_patient
from bonescan.phantom.presets import find_preset
from bonescan.report.tables import markdown_table

STEM = "content_check"
PRESET = "default"
REAL_SCAN = "JPGExtended.dcm"
"""Anterior scan of NEMA WG04 that comes with pydicom, with loss."""

Counts = NDArray[np.floating[Any]]
Change = Callable[[Counts, float, np.random.Generator], tuple[Counts, float]]
"""What is done to counts (row, column) and the size of their square pixels in mm."""

OUTCOMES = ("right, certain", "right, likely", "not sure", "wrong, likely", "wrong, certain")


PAGE = """# Content check on {views} simulated views
Made by `{made_by}`: both views of {patients} **simulated** patients of the preset `{preset}` that
the training has not seen. The weights were trained on {trained_on} other simulated patients
(`scripts/train_content_check.py`, {trained}, by the simulator of revision {revision}). No real scan
had a part in the training, and no real posterior view was at hand: error rates in a hospital are
not known, and may be higher.

*Certain* is a probability of at least {certain}: the scan is refused if the header says otherwise,
and read so if the header says nothing. *Likely* is at least {likely}: a warning. One view takes
{ms} ms of processor time (median, 1024 x 256 pixels).

## Side and way up
{view_table}

## What is no whole body along the rows
Nothing should be said of these.

{other_table}

## Pairs
A pair is told by the surer of its views. What is not symmetric correlates between both views of a
patient by {spread[median]} (median; {spread[least]} to {spread[greatest]}), and mirroring one view
changes the sign. Simulated views are never symmetric and are taken at the same instant; real ones
may correlate less, and then nothing is said. It cannot be seen if both views
are mirrored, or the only one.

{pair_table}

## The real scan
One anterior view, that of NEMA WG04.

{real_table}
"""


def split_pixels(counts: Counts, pixel_mm: float, rng: np.random.Generator) -> tuple[Counts, float]:
    """Return the counts on twice the rows and columns, each count in one of four pixels."""
    rows, columns = counts.shape
    quarters = rng.multinomial(counts.astype(np.int64), [0.25] * 4).reshape(rows, columns, 2, 2)
    return quarters.swapaxes(1, 2).reshape(2 * rows, 2 * columns).astype(float), pixel_mm / 2


def sum_pixels(counts: Counts, pixel_mm: float, _: np.random.Generator) -> tuple[Counts, float]:
    """Return the counts on half the rows and columns."""
    rows, columns = counts.shape
    return counts.reshape(rows // 2, 2, columns // 2, 2).sum(axis=(1, 3)), pixel_mm * 2


def thin(share: float) -> Change:
    """Return what keeps a share of the counts."""
    return lambda counts, mm, rng: (rng.binomial(counts.astype(np.int64), share).astype(float), mm)


def keep_rows(first: float, last: float) -> Change:
    """Return what keeps a part of the body, as shares of its length."""

    def cut(counts: Counts, pixel_mm: float, _: np.random.Generator) -> tuple[Counts, float]:
        start, length = _find_body_rows(counts)
        kept = np.zeros_like(counts)
        rows = slice(start + round(first * length), start + round(last * length))
        kept[rows] = counts[rows]
        return kept, pixel_mm

    return cut


def cut_arms(counts: Counts, pixel_mm: float, _: np.random.Generator) -> tuple[Counts, float]:
    """Return the counts within 180 mm of the body's middle."""
    middle = counts.sum(axis=0) @ np.arange(counts.shape[1]) / counts.sum()
    away = abs(np.arange(counts.shape[1]) - middle) * pixel_mm > 180.0
    return np.where(away, 0.0, counts), pixel_mm


def _find_body_rows(counts: Counts) -> tuple[int, int]:
    profile = counts.sum(axis=1)
    rows = np.flatnonzero(profile > 0.1 * np.median(profile[profile > profile.mean()]))
    return int(rows[0]), int(rows[-1] - rows[0])


def _draw_box(shape: tuple[int, ...], rng: np.random.Generator) -> Counts:
    rows, columns = shape
    box = np.zeros(shape)
    box[rows // 6 : -rows // 6, columns // 6 : -columns // 6] = 20.0
    return rng.poisson(box).astype(float)


VIEWS: Mapping[str, Change] = {
    "as acquired, 1024 x 256": lambda counts, mm, _: (counts, mm),
    "mirrored": lambda counts, mm, _: (counts[:, ::-1], mm),
    "upside down": lambda counts, mm, _: (counts[::-1], mm),
    "turned by 180 degrees": lambda counts, mm, _: (counts[::-1, ::-1], mm),
    "2048 x 512": split_pixels,
    "512 x 128": sum_pixels,
    "a tenth of the counts": thin(0.1),
    "a hundredth of the counts": thin(0.01),
    "without the top 8 % of the body": keep_rows(0.08, 1.0),
    "without the lowest quarter of the body": keep_rows(0.0, 0.75),
    "without arms": cut_arms,
}
"""Whole bodies, which are to be told."""
NO_VIEWS: Mapping[str, Change] = {
    "trunk alone": keep_rows(0.17, 0.5),
    "legs alone": keep_rows(0.5, 1.0),
    "turned by 90 degrees": lambda counts, mm, _: (counts.T, mm),
    "two bodies side by side": lambda counts, mm, _: (np.concatenate([counts, counts], axis=1), mm),
    "inverted": lambda counts, mm, _: (np.percentile(counts, 99) - counts, mm),
    "pixels in any order": lambda counts, mm, rng: (
        rng.permutation(counts.ravel()).reshape(counts.shape),
        mm,
    ),
    "even box": lambda counts, mm, rng: (_draw_box(counts.shape, rng), mm),
}
"""No whole body along the rows: of these nothing is to be said."""
UPSIDE_DOWN = {"upside down", "turned by 180 degrees"}


def judge(look: Look, view: View, *, upside_down: bool) -> str:
    """Name the outcome of a look."""
    if look.prob < LIKELY:
        return "not sure"
    right = look.view is view and look.upside_down == upside_down
    return f"{'right' if right else 'wrong'}, {'certain' if look.prob >= CERTAIN else 'likely'}"


def look_at_changed(
    counts: NDArray[Any], pixel_mm: float, change: Change, rng: np.random.Generator
) -> Look:
    """Look at counts after a change."""
    changed, changed_mm = change(counts.astype(np.float64), pixel_mm, rng)
    return look_at(changed, (changed_mm, changed_mm))


def simulate(seed: int, patients: int) -> Iterator[SimulatedPatient]:
    """Simulate the patients."""
    for number in tqdm(range(1, patients + 1), desc="Simulate", unit="patient"):
        yield simulate_patient(find_preset(PRESET), seed=seed, number=number)


def measure(seed: int, patients: int) -> dict[str, Any]:
    """Return the outcomes of simulated views as a JSON-ready document."""
    outcomes = {(name, view): Counter[str]() for name in VIEWS for view in View}
    silent = {name: Counter[str]() for name in NO_VIEWS}
    correlations, surest, seconds = [], [], []
    rng = np.random.default_rng(seed)
    for patient in simulate(seed, patients):
        mm = patient.camera.pixel_mm
        looks = []
        for view, image in patient.views.items():
            start = time.process_time()
            looks.append(look_at(image.counts, (mm, mm)))
            seconds.append(time.process_time() - start)
            for name, change in VIEWS.items():
                look = look_at_changed(image.counts, mm, change, rng)
                outcomes[name, view][judge(look, view, upside_down=name in UPSIDE_DOWN)] += 1
            for name, change in NO_VIEWS.items():
                look = look_at_changed(image.counts, mm, change, rng)
                silent[name][judge(look, view, upside_down=False).split(", ")[-1]] += 1
        correlations.append(correlate_sides(*looks))
        surest.append(
            max(look.prob for view, look in zip(View, looks, strict=True) if look.view is view)
        )
    return {
        "views": [
            {"change": name, "view": str(view), **{key: counter[key] for key in OUTCOMES}}
            for (name, view), counter in outcomes.items()
        ],
        "no_views": [{"image": name, **counter} for name, counter in silent.items()],
        "pairs": describe_pairs(np.array(correlations), np.array(surest)),
        "median_ms_per_view": round(1000 * float(np.median(seconds)), 2),
    }


def describe_pairs(
    correlations: NDArray[np.float64], surest: NDArray[np.float64]
) -> dict[str, Any]:
    """Count what is said of pairs as they are, with swapped views, and with one view mirrored.

    Args:
        correlations: of the sides of each pair.
        surest: probability of the surer of its views that is told rightly.
    """
    return {
        "pairs": len(correlations),
        "correlation": {
            name: round(float(of(correlations)), 3)
            for name, of in (("least", np.min), ("median", np.median), ("greatest", np.max))
        },
        "swapped_certain": int((surest >= CERTAIN).sum()),
        "swapped_likely": int((surest >= LIKELY).sum()),
        "false_certain": int((correlations <= MIRRORED_CERTAIN).sum()),
        "false_likely": int((correlations <= MIRRORED_LIKELY).sum()),
        "mirrored_certain": int((-correlations <= MIRRORED_CERTAIN).sum()),
        "mirrored_likely": int((-correlations <= MIRRORED_LIKELY).sum()),
    }


def look_at_real(path: Path) -> list[dict[str, Any]]:
    """Return what is said of a real anterior view in each orientation."""
    scan = read_scan(path, view=View.ANTERIOR)
    rng = np.random.default_rng(0)
    rows = []
    for name in ("as acquired, 1024 x 256", "mirrored", "upside down", "turned by 180 degrees",
                 "a tenth of the counts"):  # fmt: skip
        look = look_at_changed(scan.counts[View.ANTERIOR], scan.spacing_mm[0], VIEWS[name], rng)
        rows.append({"scan": path.name, "change": name, "looks": str(look), "prob": look.prob})
    return rows


def lay_out(document: Mapping[str, Any]) -> str:
    """Lay the document out as a page."""
    training, pairs = document["training"], document["pairs"]
    n, levels = pairs["pairs"], ("likely", "certain")
    kinds = {
        "views swapped": "swapped",
        "one view mirrored": "mirrored",
        "as acquired (false alarms of mirroring)": "false",
    }
    return PAGE.format(
        views=2 * n,
        patients=n,
        preset=PRESET,
        made_by=document["made_by"],
        trained_on=training["patients"],
        trained=training["date"],
        revision=str(training["revision"])[:7],
        certain=CERTAIN,
        likely=LIKELY,
        ms=document["median_ms_per_view"],
        view_table=markdown_table(
            ("image", "view", *OUTCOMES),
            [
                (row["change"], row["view"], *(str(row[key]) for key in OUTCOMES))
                for row in document["views"]
            ],
        ),
        other_table=markdown_table(
            ("image", "not sure", *levels),
            [
                (row["image"], *(str(row.get(key, 0)) for key in ("not sure", *levels)))
                for row in document["no_views"]
            ],
        ),
        spread=pairs["correlation"],
        pair_table=markdown_table(
            ("pair", "likely or certain", "certain"),
            [
                (name, *(f"{pairs[f'{key}_{level}']} of {n}" for level in levels))
                for name, key in kinds.items()
            ],
        ),
        real_table=markdown_table(
            ("file", "state", "looks", "probability"),
            [
                (row["scan"], row["change"], row["looks"], f"{row['prob']:.5f}")
                for row in document["real"]
            ],
        ),
    )


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--patients", type=int, default=200, metavar="N", help="to simulate")
    parser.add_argument("--seed", type=int, default=8002, metavar="S", help="0 or more")
    parser.add_argument(
        "--real", type=Path, nargs="*", default=[], metavar="FILE", help="a real anterior view"
    )
    add_results_folder(parser, "build/results")
    return parser


def run(chosen: argparse.Namespace) -> int:
    """Measure, then write the document and its page."""
    option = "".join(f" --real {path.name}" for path in chosen.real)
    document = {
        "made_by": f"python scripts/measure_content_check.py --patients {chosen.patients} "
        f"--seed {chosen.seed}{option}",
        "simulated": True,
        "training": load_weights().record,
        **measure(chosen.seed, chosen.patients),
        "real": [
            row
            for path in (Path(str(get_testdata_file(REAL_SCAN))), *chosen.real)
            for row in look_at_real(path)
        ],
    }
    chosen.output.mkdir(parents=True, exist_ok=True)
    write_json(chosen.output / f"{STEM}.json", document)
    text = lay_out(document)
    write_text(chosen.output / f"{STEM}.md", text)
    print(f"{text}\nSee {chosen.output / STEM}.md")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_reported(partial(run, make_parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
