"""nnU-Net v2 beside a trained run of ours: the same patients, the same images, the same budget."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bonescan.data.datalist import data_hash
from bonescan.files import write_json, write_text
from bonescan.handlers.effort import MEMORY_MB, PROCESSOR_S
from bonescan.handlers.evaluation import EvaluatedScan
from bonescan.metrics.bootstrap import RESAMPLES
from bonescan.report.comparison import write_systems
from bonescan.report.image_results import ImageResult, describe_interval, representative
from bonescan.run_folder import RECORD
from bonescan.studies.benchmark.report import describe_machine
from bonescan.studies.peers.dataset import TEST, read_predictions, write_dataset
from bonescan.studies.peers.figures import (
    SENSITIVITY,
    compare_rows,
    compare_sensitivities,
    measure_row,
    score_scans,
)
from bonescan.studies.peers.length import NNUNET_LENGTH, Length, bound_length
from bonescan.studies.peers.page import (
    BUDGET_TITLES,
    EQUAL_IMAGES,
    EQUAL_TIME,
    ITS_OWN,
    to_markdown,
)
from bonescan.studies.peers.program import NnUNet
from bonescan.studies.peers.steps import Steps
from bonescan.studies.peers.trained_run import (
    CPU,
    SECONDS,
    Effort,
    TrainedSystem,
    read_bank,
    read_effort,
    read_patients,
)
from bonescan.studies.peers.trainer import PARAMETERS
from bonescan.studies.peers.training import Workplace
from bonescan.workflow.installation import find_configs
from bonescan.workflow.run_record import git_revision

FAST, FULL = "fast", "full"
BUDGETS = {FAST: (EQUAL_IMAGES, EQUAL_TIME), FULL: (EQUAL_IMAGES, EQUAL_TIME, ITS_OWN)}
"""What bounds each training of nnU-Net, by profile; the time is set by the steps of the first."""
FAST_IMAGES = 2500
"""Images that a run may have seen in the fast profile: of 256 x 256 pixels nnU-Net trains on one in
0.84 s on 2 cores (measured: 4.2 s for 5), so that they take 35 minutes; of whole bodies at 2.4 mm,
which are four times as large, 2.3 hours (computed)."""
FAST_CLOCK_S = 2400.0
"""Processor seconds that a run may have taken in the fast profile: 20 minutes on 2 cores."""


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        run: folder of our training.
        datalist: that it was trained on; of a run on patients without end, one whose patients
            nnU-Net is trained on and both are tested on.
        folder: of the comparison; everything that nnU-Net makes lies there.
        profile: FAST or FULL.
        nnunet: the program.
        device: where both infer and nnU-Net trains.
    """

    run: Path
    datalist: Path
    folder: Path
    profile: str
    nnunet: NnUNet
    device: torch.device


def compare(
    comparison: Comparison,
    *,
    page: Path,
    command: str,
    announce: Callable[[str], None],
) -> None:
    """Do what is left of a comparison, and write its page, its figures and a picture.

    Args:
        comparison: what is compared.
        page: Markdown file to write; its figures and picture are written beside it.
        command: that makes all this again.
        announce: is told a line about each step.

    Raises:
        ValueError: if the run, its data or the folder are not as they must be, or the run is too
            long for the fast profile.
        RuntimeError: if a command of nnU-Net fails.
    """
    system = TrainedSystem(comparison.run, comparison.device)
    effort = read_effort(
        comparison.run,
        comparison.device,
        parameters=system.count_parameters(),
        views_at_once=system.views_at_once,
    )
    if comparison.profile == FAST:
        require_fast(effort)
    patients = read_patients(comparison.run, comparison.datalist)
    steps = Steps(comparison.folder, _describe(comparison, effort), announce=announce)
    place = Workplace(comparison.nnunet, comparison.folder, comparison.device)
    exported = steps.do("export", lambda: write_dataset(place.dataset, patients, system.layout))
    plan = steps.do("plan", place.plan)
    trainings = _train_all(steps, place, BUDGETS[comparison.profile], effort, plan)

    announce("our own predictions ...")
    predictions = list(system.predict(patients.test))
    scans = [scan for scan, _ in predictions]
    own_s = sum(seconds for _, seconds in predictions) / len(scans)
    own = score_scans(scans)
    rows = [_own_row(system.name, effort, own, scan_s=own_s)]
    shown = {system.name: scans}
    for training in trainings:
        for mirror in (True, False):
            timed = _predict(steps, place, training, mirror=mirror)
            predicted = read_predictions(place.predictions(training.trainer, mirror=mirror), scans)
            scan_s = timed["image_s"] * exported["images"][TEST] / len(scans)
            rows.append(
                training.row(comparison.nnunet.name, mirror=mirror, scan_s=scan_s)
                | _compared(score_scans(predicted), own)
            )
            if mirror:
                shown[f"{comparison.nnunet.name}, {BUDGET_TITLES[training.budget]}"] = predicted
    document = {
        "peer": comparison.nnunet.name,
        **_describe_data(own, simulated=any(scan.simulated for scan in scans)),
        "exported": exported,
        "bank": read_bank(comparison.run),
        "views_at_once": system.views_at_once,
        "settings": steps.settings,
        "plan": plan,
        "rows": rows,
        "command": command,
        "revisions": steps.revisions,
        "written_with": git_revision(find_configs().parent),
        "machine": describe_machine(),
    }
    _write(page, document, own, shown)


def require_fast(effort: Effort) -> None:
    """Check that a run is short enough for the fast profile.

    Raises:
        ValueError: if not.
    """
    if effort.images > FAST_IMAGES or effort.clock_s > FAST_CLOCK_S:
        raise ValueError(
            f"run must have seen at most {FAST_IMAGES} images and taken {FAST_CLOCK_S:.0f} s of "
            f"processor time for the profile {FAST}, got {effort.images} images and "
            f"{effort.clock_s:.0f} s: train one of fewer epochs, or choose --profile {FULL}"
        )


@dataclass(frozen=True)
class Training:
    """A training of nnU-Net that is done.

    Attributes:
        budget: what bounded it, a key of BUDGET_TITLES.
        length: its length.
        batch_size: images of a step, as nnU-Net planned.
        effort: what it took.
    """

    budget: str
    length: Length
    batch_size: int
    effort: Effort

    @property
    def trainer(self) -> str:
        """Name of its trainer class."""
        return trainer_name(self.budget)

    def row(self, program: str, *, mirror: bool, scan_s: float) -> dict[str, Any]:
        """Return what the table says of the training, and of the time of its predictions."""
        return {
            "name": program,
            "budget": self.budget,
            "steps": self.length.steps,
            "share_of_default": self.length.share_of_default,
            "mirrored": mirror,
            "effort": asdict(self.effort),
            "scan_s": scan_s,
        }


def trainer_name(budget: str) -> str:
    """Return the name of the trainer class of a budget."""
    return f"BonescanTrainer_{budget}"


def _describe(comparison: Comparison, effort: Effort) -> dict[str, Any]:
    """Say what a comparison is of, so that its folder takes no other."""
    record = json.loads((comparison.run / RECORD).read_text(encoding="utf-8"))
    data = data_hash(comparison.datalist)
    if data != record["data_sha256"] and read_bank(comparison.run) is None:
        raise ValueError(
            f"{comparison.datalist}: must be the data that {comparison.run} was trained on, whose "
            "hash is another"
        )
    return {
        "profile": comparison.profile,
        "nnunet": comparison.nnunet.version,
        "device": comparison.device.type,
        "data_sha256": data,
        "run": {key: record[key] for key in ("started", "revision", "threads", "packages")},
        "run_effort": asdict(effort),
    }


def _train_all(
    steps: Steps, place: Workplace, budgets: Sequence[str], effort: Effort, plan: Mapping[str, Any]
) -> list[Training]:
    """Train once for each budget; how many steps a time allows is known from those before."""
    trainings: list[Training] = []
    for budget in budgets:
        length = choose_length(budget, effort, plan["batch_size"], trainings)
        name = trainer_name(budget)
        cost = steps.do(f"train {budget}", partial(place.train, name, length))
        clock = PROCESSOR_S if place.device.type == CPU else SECONDS
        spent = Effort(
            epochs=length.epochs,
            images=length.steps * plan["batch_size"],
            clock_s=cost[clock],
            memory_mb=cost[MEMORY_MB],
            parameters=int(cost[PARAMETERS]),
        )
        trainings.append(Training(budget, length, plan["batch_size"], spent))
    return trainings


def choose_length(
    budget: str, effort: Effort, batch_size: int, before: Sequence[Training]
) -> Length:
    """Return how long nnU-Net trains within a budget.

    Args:
        budget: EQUAL_IMAGES, EQUAL_TIME or ITS_OWN.
        effort: of our training, which sets the budget.
        batch_size: images of a step of nnU-Net.
        before: trainings of nnU-Net that are done, which tell what a step takes.
    """
    if budget == EQUAL_IMAGES:
        return bound_length(effort.images / batch_size)
    if budget == EQUAL_TIME:
        done = before[0]
        return bound_length(effort.clock_s / (done.effort.clock_s / done.length.steps))
    return NNUNET_LENGTH


def _predict(
    steps: Steps, place: Workplace, training: Training, *, mirror: bool
) -> dict[str, float]:
    how = "with mirroring" if mirror else "without mirroring"
    return steps.do(
        f"predict {training.budget} {how}", partial(place.predict, training.trainer, mirror=mirror)
    )


def _own_row(
    name: str, effort: Effort, results: Sequence[ImageResult], *, scan_s: float
) -> dict[str, Any]:
    return {
        "name": name,
        "budget": None,
        "effort": asdict(effort),
        "scan_s": scan_s,
        **measure_row(results),
        "difference": None,
    }


def _compared(results: Sequence[ImageResult], own: Sequence[ImageResult]) -> dict[str, Any]:
    difference = {
        **compare_rows(results, own),
        SENSITIVITY: compare_sensitivities(results, own),
    }
    return {**measure_row(results), "difference": difference}


def _describe_data(own: Sequence[ImageResult], *, simulated: bool) -> dict[str, Any]:
    return {
        "simulated": simulated,
        "test_patients": len({result.patient for result in own}),
        "test_lesions": sum(result.n_lesions for result in own),
        "interval": describe_interval(RESAMPLES),
    }


def _write(
    page: Path,
    document: dict[str, Any],
    own: Sequence[ImageResult],
    shown: Mapping[str, Sequence[EvaluatedScan]],
) -> None:
    """Write the document, the picture of representative images, and the page."""
    page.parent.mkdir(parents=True, exist_ok=True)
    picture = page.with_name(f"{page.stem}_examples.png")
    chosen = [index for _, index in representative(own)]
    images = {
        name: [[image for scan in scans for image in scan.images()][index] for index in chosen]
        for name, scans in shown.items()
    }
    origin = "simulated scans" if document["simulated"] else "acquired scans"
    write_systems(picture, images, origin=origin)
    document["picture"] = picture.name
    write_json(page.with_suffix(".json"), document)
    write_text(page, to_markdown(document))
