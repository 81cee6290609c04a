"""The files that describe a simulated cohort as a whole: its datalist and its README."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from bonescan.data.datalist import TEST, TRAINING
from bonescan.data.folds import assign_folds
from bonescan.keys import (
    BENIGN,
    BODY_OF,
    EARLIER,
    FOLD,
    IMAGE,
    INSTANCES,
    LABEL,
    PATIENT,
    REGIONS,
    SITES,
    VIEW_SEPARATOR,
)
from bonescan.labels import LABEL_NAMES, REPORT_SITES
from bonescan.phantom.files.annotators import ANNOTATORS
from bonescan.phantom.files.patient_files import (
    BENIGN_FILE,
    INSTANCES_FILE,
    LABEL_FILE,
    LABELME_FOLDER,
    REGIONS_FILE,
)
from bonescan.phantom.presets import site_of

FOLDS = 5
"""Folds of the patients that are not held out."""
TEST_SHARE = 0.2
"""Share of the patients that is held out for testing, unless another is asked for."""

FOLLOW_UP_FILE = "follow_up.json"
"""Datalist of the second scans; apart, since a datalist holds a patient once."""

Truth = Mapping[str, Any]
"""Content of a patient's truth.json."""


def make_datalist(
    truths: Sequence[Truth], *, name: str, seed: int, test_share: float = TEST_SHARE
) -> dict[str, Any]:
    """Return the datalist that MONAI's `load_decathlon_datalist` reads.

    The held-out part and the folds are balanced over patients with and without metastases, whether
    a view shows them or not, and over the views that patients have. Patients too few to hold one
    out of them are all for training. Patients who share a body of a bank share its place, too.

    Args:
        truths: one per patient.
        name: of the preset.
        seed: of the split.
        test_share: share of the patients to hold out for testing, above 0 and below 1.

    Raises:
        ValueError: if the share is not between 0 and 1.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"share of test patients must be above 0 and below 1, got {test_share}")
    # Patients of one body stay together; the first of them decides what they are like.
    bodies = {
        truth["clinical"][PATIENT]: truth["body_of"] or truth["clinical"][PATIENT]
        for truth in truths
    }
    strata = {
        bodies[truth["clinical"][PATIENT]]: (
            bool(truth["lesions"]),
            VIEW_SEPARATOR.join(truth["views"]),
        )
        for truth in reversed(truths)
    }
    of_bodies = _split(strata, seed, Fraction(str(test_share)))
    folds = {patient: of_bodies[body] for patient, body in bodies.items() if body in of_bodies}
    entries = {truth["clinical"][PATIENT]: _entry(truth) for truth in truths}
    training = [
        {**entries[patient], FOLD: folds[patient]} for patient in entries if patient in folds
    ]
    test = [entry for patient, entry in entries.items() if patient not in folds]
    return {
        "name": f"Simulated planar whole-body bone scans, preset {name}",
        "description": f"Simulated patients, seed {seed}; nothing here comes from a real one",
        "licence": "Apache-2.0",
        "modality": {"0": "NM"},
        "labels": {str(value): label for value, label in LABEL_NAMES.items()},
        "numTraining": len(training),
        "numTest": len(test),
        TRAINING: training,
        TEST: test,
    }


def _split(
    strata: Mapping[str, tuple[bool, str]], seed: int, test_share: Fraction
) -> dict[str, int]:
    """Return the folds of the patients that are not held out."""
    kept = strata
    if len(strata) * test_share >= 1:
        # Patients in a row, stratum after stratum: the test patients are spread evenly over it.
        positions = assign_folds(strata, folds=len(strata), seed=seed)
        kept = {
            patient: stratum
            for patient, stratum in strata.items()
            if positions[patient] * test_share % 1 >= test_share
        }
    return assign_folds(kept, folds=min(FOLDS, len(kept)), seed=seed)


def _entry(truth: Truth) -> dict[str, Any]:
    """Return the entry of one patient; paths are relative to the datalist."""
    folder, body_of = truth["folder"], truth["body_of"]
    images = [f"{folder}/{file}" for file in truth["images"]]
    return {
        IMAGE: images if len(images) > 1 else images[0],
        LABEL: f"{folder}/{LABEL_FILE}",
        INSTANCES: f"{folder}/{INSTANCES_FILE}",
        BENIGN: f"{folder}/{BENIGN_FILE}",
        REGIONS: f"{folder}/{REGIONS_FILE}",
        SITES: _shown_sites(truth["lesions"]),
        **({BODY_OF: body_of} if body_of else {}),
        **{
            name: value
            for name, value in {**truth["clinical"], **truth.get("study", {})}.items()
            if value is not None
        },
    }


def _shown_sites(lesions: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the sites in which a view shows a metastasis, in the order of REPORT_SITES."""
    shown = {site_of(lesion["region"]) for lesion in lesions if _is_seen(lesion)}
    return [site for site in REPORT_SITES if site in shown]


def make_follow_up_datalist(truths: Sequence[Truth], datalist: Mapping[str, Any]) -> dict[str, Any]:
    """Return the datalist of second scans, each in the section and fold of its patient.

    Args:
        truths: one per second scan.
        datalist: of the first scans.
    """
    of_patient = {truth["clinical"][PATIENT]: truth for truth in truths}
    sections: dict[str, list[dict[str, Any]]] = {}
    for section in (TRAINING, TEST):
        sections[section] = [
            {
                **_entry(of_patient[first[PATIENT]]),
                EARLIER: first[IMAGE],
                **({FOLD: first[FOLD]} if FOLD in first else {}),
            }
            for first in datalist[section]
            if first[PATIENT] in of_patient
        ]
    return {
        **datalist,
        "name": f"{datalist['name']}: second scans",
        "numTraining": len(sections[TRAINING]),
        "numTest": len(sections[TEST]),
        **sections,
    }


def make_readme(
    configuration: Mapping[str, Any], truths: Sequence[Truth], datalist: Mapping[str, Any]
) -> str:
    """Return the README of a cohort: what it is, how it was made and what it holds."""
    preset, seed, patients = configuration["preset"], configuration["seed"], len(truths)
    bank = configuration["bank"]
    images = Counter(len(truth["views"]) for truth in truths)
    again = preset.get("study", {}).get("follow_ups")
    text = README + FOLLOW_UP_README if again else README
    return text.format(
        preset=preset["name"],
        seed=seed,
        patients=patients,
        from_bank="" if bank is None else f" --from-bank BANK --part {bank['part']}",
        bodies=_bodies(bank),
        version=configuration["bundle_version"],
        simulator=configuration["simulator"],
        libraries=", ".join(" ".join(item) for item in configuration["libraries"].items()),
        python=configuration["python"],
        images=images[1] + 2 * images[2],
        two_views=images[2],
        one_view=images[1],
        two_files=sum(len(truth["images"]) == 2 for truth in truths),
        with_lesions=sum(bool(truth["lesions"]) for truth in truths),
        shown=sum(any(map(_is_seen, truth["lesions"])) for truth in truths),
        lesions=sum(len(truth["lesions"]) for truth in truths),
        unseen=sum(not _is_seen(lesion) for truth in truths for lesion in truth["lesions"]),
        primaries=_tally(truth["primary"] for truth in truths),
        cameras=_tally(truth["camera"]["model"] for truth in truths),
        training=datalist["numTraining"],
        test=datalist["numTest"],
        annotators=", ".join(annotator.name for annotator in ANNOTATORS),
        labelme=LABELME_FOLDER,
    )


def _bodies(bank: Mapping[str, Any] | None) -> str:
    """Say where the bodies came from."""
    if bank is None:
        return "a body each"
    return (
        f"bodies of part {bank['part']} of the bank {bank['name']}: preset {bank['preset']}, "
        f"{bank['bodies']} bodies, seed {bank['seed']}"
    )


def _is_seen(lesion: Mapping[str, Any]) -> bool:
    """Tell whether a view shows a lesion."""
    return any(lesion["area_px"].values())


def _tally(names: Iterable[str]) -> str:
    """Return how often each name occurs, the most frequent first."""
    ordered = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}" for name, count in ordered)


README = """\
# Simulated planar whole-body bone scans

**Everything here is simulated.** No file comes from a patient, no camera named here made a scan,
and a result on these scans says nothing about real ones until it is confirmed there.

Made by

    bonescan simulate --preset {preset} --patients {patients} --seed {seed}{from_bank} -o DIR

The same command with the same versions gives the same bytes. All settings are in `cohort.yaml`.

## Contents
| | |
|---|---|
| made with | bone-scan-bundle {version}, simulator {simulator}, Python {python}, {libraries} |
| simulated patients | {patients}, with {bodies} |
| images | {images} |
| patients with both views | {two_views}, of whom {two_files} have a file per view |
| patients with one view | {one_view} |
| patients with metastases | {with_lesions}, of whom {shown} show one in a view |
| metastases | {lesions}, of which {unseen} show in no view |
| primary tumours | {primaries} |
| simulated cameras | {cameras} |
| for training, in five folds | {training} patients |
| held out for testing | {test} patients |

## Files
| file | content |
|---|---|
| `datalist.json` | training patients with their fold, and test patients, for MONAI |
| `clinical.csv` | one row of made-up clinical facts per patient |
| `sim-*/*.dcm` | DICOM NM counts; posterior as seen from behind; some with a scatter window too |
| `sim-*/label.nii.gz` | 1 metastasis, 2 bladder; (column, row, view) as in the next three |
| `sim-*/instances.nii.gz` | number of the metastasis |
| `sim-*/benign.nii.gz` | number of the benign focus |
| `sim-*/regions.nii.gz` | one bit per bone region, since bones overlap |
| `sim-*/truth.json` | metastases, benign findings and foci, faults of the scan, person, camera |
| `sim-*/{labelme}/` | outlines by simulated annotators ({annotators}), LabelMe format |
"""

FOLLOW_UP_README = """\
| `follow_up.json` | datalist of second scans, after therapy began; `earlier` is the first scan |
| `sim-*-visit2/` | such a scan; its `truth.json` says under `fates` what became of each lesion |
"""
