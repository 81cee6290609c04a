"""Measure how far simulated scans look like real ones; write figures and pictures.

Takes about 4 minutes for 60 patients, and 2 seconds more for each view of each real scan.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from tqdm import tqdm

from bonescan.commands.command import HelpFormatter, add_results_folder
from bonescan.commands.reporting import run_reported, tell_left_out
from bonescan.data.find import find_scans
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import BoneScan, View, mirrored
from bonescan.errors import ScanError
from bonescan.files import write_text
from bonescan.keys import IMAGE
from bonescan.labels import Label
from bonescan.phantom.cameras import CAMERAS
from bonescan.phantom.patient import SimulatedPatient, simulate_patient
from bonescan.phantom.presets import PRESETS, Preset
from bonescan.phantom.realism.atlas import Examples, find_bones
from bonescan.phantom.realism.lesions import describe_foci, measure_lesions
from bonescan.phantom.realism.measures import measure_beside, measure_patient, measure_views
from bonescan.phantom.realism.patches import Patches, cut_patches
from bonescan.phantom.realism.report import (
    Sample,
    gather,
    real_section,
    realism_report,
    separation_section,
    unevenness_section,
)
from bonescan.phantom.realism.telling_apart import compare_patches
from bonescan.prepare.crop_quality import find_crop, measure_patient_crop
from bonescan.studies.realism_pictures import choose_builds, draw_levels, draw_parts, draw_whole

Planes = Mapping[View, NDArray[np.number]]

REAL_SCAN = "JPGExtended.dcm"
"""Anterior scan of NEMA WG04 (GE Millennium MG) that comes with pydicom."""
SHOWN = 12
COMPARED = 20
"""Simulated patients that real scans are compared with in the slow ways."""
UNEVENNESS_LEVELS = (0.1, 0.2, 0.3)
LEVELLED = 5
"""Patients who are simulated at each level."""
LEVELS_PICTURE = "realism_unevenness.png"
SAME_PIXEL = 0.02
"""Relative difference in pixel size up to which patches are compared."""
NM1_COUNTS = 3596452
"""Of the scan without loss, as its header says; copies with loss have others."""


@dataclass(frozen=True)
class RealScan:
    """A real scan by its number: nothing here names its patient."""

    number: int
    scan: BoneScan

    @property
    def pixel_mm(self) -> float:
        """Size of its pixels, which are square."""
        return self.scan.spacing_mm[0]


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    about = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(description=about, formatter_class=HelpFormatter)
    parser.add_argument("--patients", type=int, default=20, metavar="N", help="to simulate")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="0 or more")
    parser.add_argument(
        "--real",
        type=Path,
        metavar="PATH",
        help="real scans to compare with: a file, or a folder of DICOM files with square pixels; "
        "the lossy one in pydicom if not given, whose compression took away the noise above 0.25 "
        "cycles per pixel",
    )
    add_results_folder(parser, "build/results")
    return parser


def read_real(path: Path) -> list[RealScan]:
    """Read all scans of a file or folder; those that cannot be used are told and left out.

    Raises:
        ScanError: if none can be used.
    """
    scans, failures = [], []
    for number, entry in enumerate(find_scans(path), start=1):
        try:
            scan = read_scan(entry[IMAGE])
            if not np.isclose(*scan.spacing_mm, rtol=SAME_PIXEL):
                raise ScanError(f"pixels must be square, got {scan.spacing_mm} mm")
            scans.append(RealScan(number, scan))
        except ScanError as err:
            failures.append(f"scan {number}: {err}")
    tell_left_out(failures)
    if not any(View.ANTERIOR in real.scan.counts for real in scans):
        raise ScanError(f"{path}: must hold a whole-body scan with an anterior view")
    return sorted(scans, key=lambda real: View.ANTERIOR not in real.scan.counts)


def resembling(scans: Sequence[RealScan]) -> Preset:
    """Return patients without metastases, with the first scan's pixels and about all the counts."""
    counts = [float(max(np.sum(one) for one in real.scan.counts.values())) for real in scans]
    return replace(
        PRESETS["default"],
        free_share=1.0,
        cameras=(replace(CAMERAS[0], pixel_mm=scans[0].pixel_mm),),
        total_counts=(0.9 * min(counts), 1.1 * max(counts)),
    )


def find_reference(scans: Sequence[RealScan]) -> tuple[RealScan, str]:
    """Return the scan that single figures refer to, without loss if it is there; and what it is."""
    lossy = RealScan(0, read_scan(Path(str(get_testdata_file(REAL_SCAN)))))
    for real in scans:
        if np.sum(real.scan.counts.get(View.ANTERIOR, 0), dtype=float) == NM1_COUNTS:
            return real, "NM1 of NEMA WG04, without loss"
    return lossy, f"{REAL_SCAN} of pydicom, lossy"


def simulate(preset: Preset, *, patients: int, seed: int, about: str) -> list[SimulatedPatient]:
    """Simulate the first patients of a cohort."""
    numbers = tqdm(range(1, patients + 1), desc=about, unit="patient")
    return [simulate_patient(preset, seed=seed, number=number) for number in numbers]


def compare_real(scans: Sequence[RealScan], patients: Sequence[SimulatedPatient]) -> list[str]:
    """Return the sections of the page that treat real and simulated scans alike."""
    examples = Examples.of(patients)
    kept = {view for real in scans for view in real.scan.counts}
    found = _measure_all(
        (f"scan {real.number}", real.scan.counts, real.pixel_mm, examples) for real in scans
    )
    simulated = _measure_all(
        (
            f"simulated patient {number}",
            {view: patient.views[view].counts for view in View if view in kept},
            patient.camera.pixel_mm,
            examples.without(patient),
        )
        for number, patient in enumerate(patients, start=1)
    )
    return [
        real_section(found, simulated),
        separation_section(compare_patches(_real_patches(scans), _simulated_patches(patients))),
    ]


def _measure_all(scans: Iterable[tuple[str, Planes, float, Examples]]) -> dict[str, list[float]]:
    """Measure all scans whose bones are found, by measure; tell which are left out."""
    measured = []
    for name, counts, pixel_mm, examples in tqdm(scans, desc="find bones", unit="scan"):
        try:
            measured.append(measure_found(counts, pixel_mm, examples))
        except ScanError as err:
            tell_left_out([f"{name}: {err}"])
    return gather(measured)


def measure_found(counts: Planes, pixel_mm: float, examples: Examples) -> dict[str, float]:
    """Measure the views of a scan as if nobody knew its bones."""
    return measure_views(
        {view: find_bones(plane, view, pixel_mm, examples) for view, plane in counts.items()}
    )


def _real_patches(scans: Sequence[RealScan]) -> list[Patches]:
    first = scans[0].pixel_mm
    return [
        cut_patches(real.scan.counts[View.ANTERIOR], real.pixel_mm)
        for real in scans
        if View.ANTERIOR in real.scan.counts and np.isclose(real.pixel_mm, first, rtol=SAME_PIXEL)
    ]


def _simulated_patches(patients: Sequence[SimulatedPatient]) -> list[Patches]:
    return [
        cut_patches(patient.views[View.ANTERIOR].counts, patient.camera.pixel_mm)
        for patient in tqdm(patients, desc="cut patches", unit="patient")
    ]


def measure_crops(patients: Sequence[SimulatedPatient], seed: int) -> dict[str, list[float]]:
    """Return the measures of bonescan.phantom.realism.facts.CROPS, by name."""
    crops = [measure_patient_crop(patient) for patient in patients]
    preset = PRESETS["lin2020"]
    sick = simulate(preset, patients=COMPARED, seed=seed, about="like Lin 2020")
    return {
        "thorax inside its crop, share": [float(c is not None and c.holds_thorax) for c in crops],
        "at most 25 mm of neck or pelvis in the crop, share": [
            float(c is not None and c.is_narrow) for c in crops
        ],
        "lesions in positive lin2020 crops, mean %": [
            share for patient in sick for share in lesion_shares(patient) if share > 0
        ],
    }


def lesion_shares(patient: SimulatedPatient) -> list[float]:
    """Return the percentage of the thorax crop that is lesion in each view; none if refused."""
    crop = find_crop(patient)
    if crop is None:
        return []
    part = slice(crop.row_start, crop.row_stop), slice(crop.column_start, crop.column_stop)
    return [
        float(100 * np.mean(mirrored(image.label, view)[part] == Label.METASTASIS))
        for view, image in patient.views.items()
    ]


def compare_levels(alike: Preset, seed: int, path: Path) -> str:
    """Draw and measure the same patients without findings, their bone more and less uneven."""
    measured, shown = {}, {}
    for level in UNEVENNESS_LEVELS:
        preset = replace(alike, unevenness=level, benign=False)
        about = f"unevenness {level:g}"
        patients = simulate(preset, patients=LEVELLED, seed=seed, about=about)
        measured[level] = gather([measure_patient(one) for one in patients])
        shown[level] = patients[0]
    draw_levels(shown, path)
    return unevenness_section(measured)


def measure(chosen: argparse.Namespace) -> int:
    """Measure, then write and print the results."""
    scans = [] if chosen.real is None else read_real(chosen.real)
    reference, known_as = find_reference(scans)
    number, seed = chosen.patients, chosen.seed
    start = time.process_time()
    patients = simulate(resembling([reference]), patients=number, seed=seed, about="simulate")
    seconds = (time.process_time() - start) / number
    real = reference.scan.counts[View.ANTERIOR]
    measured = [{**measure_patient(one), **measure_beside(one, real)} for one in patients]
    sick = simulate(PRESETS["default"], patients=number, seed=seed, about="with metastases")
    option = "" if chosen.real is None else " --real PATH"
    sample = Sample(
        command=f"python scripts/realism.py --patients {number} --seed {seed}{option}",
        real=known_as,
        normal=gather(measured),
        foci=describe_foci([measure_lesions(one) for one in sick]),
        crops=measure_crops(patients, seed),
        patients=number,
        seconds=seconds,
    )
    scans = scans or [reference]
    alike = patients[:COMPARED]
    if resembling(scans) != resembling([reference]):
        alike = simulate(resembling(scans), patients=COMPARED, seed=seed, about="like yours")
    chosen.output.mkdir(parents=True, exist_ok=True)
    levels = compare_levels(resembling([reference]), seed, chosen.output / LEVELS_PICTURE)
    text = realism_report(sample, [*compare_real(scans, alike), levels])
    write_text(chosen.output / "realism.md", text)
    shown = [("real", reference.scan.counts, reference.pixel_mm)]
    draw_whole(shown, choose_builds(patients, SHOWN), chosen.output / "realism.png")
    draw_parts(shown, patients, chosen.output)
    print(f"{text}\nSee {chosen.output / 'realism.md'}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = make_parser().parse_args(arguments)
    return run_reported(partial(measure, chosen))


if __name__ == "__main__":
    sys.exit(main())
