"""One run of a grid: train, evaluate, and mine or generate for others; each step once."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bonescan import run_folder
from bonescan.data.datalist import DATALIST_FILE, TEST, TRAINING, load_items
from bonescan.files import write_json
from bonescan.prepare.generated_set import join_generated
from bonescan.prepare.negative_mining import mine_datalist
from bonescan.run_folder import EVALUATION
from bonescan.studies.experiments.grid import (
    CONFIGS,
    GENERATED_IMAGES,
    MINED,
    PREDICTIONS,
    ROOT,
    TEST_SCANS,
    Run,
    write_arguments,
)
from bonescan.studies.experiments.provenance import keep_record
from bonescan.workflow.generation import generate
from bonescan.workflow.launch import launch

ARGUMENTS_FILE = "arguments.json"
STATE_FILE = "state.json"
"""Seconds that each completed step of a run took."""
TRAINED = "training"
"""Name of the first step."""
LOG_FILE = "log.txt"
ERROR_MARK = " - ERROR - "
"""Between name and message of an error in a log (configs/logging.conf)."""


class RunFailedError(RuntimeError):
    """A step of a run ended with an error, which its log says."""


def perform(run: Run) -> dict[str, float]:
    """Do what is left to do of a run; its messages go to a log in its folder.

    Returns:
        Seconds of each step that was left, by name; none where all were done before.

    Raises:
        RunFailedError: if a step fails.
        KeyboardInterrupt: if a step is interrupted.
        ValueError: if the folder holds a run of other settings.
    """
    arguments = write_arguments(run, ARGUMENTS_FILE)
    steps: dict[str, Callable[[], None]] = {
        TRAINED: lambda: _train(run, arguments),
        EVALUATION: lambda: _evaluate(run),
    }
    if run.row.steps:
        steps = {EVALUATION: lambda: _infer_steps(run, arguments)}
    if run.row.single_run:
        del steps[EVALUATION]
    if run.mined is not None:
        datalist = run.mined
        steps["mining"] = lambda: _mine(run, datalist)
    if run.generated:
        steps["generation"] = lambda: _generate(run)
    state, seconds = read_state(run.folder), dict[str, float]()
    with _logged(run.folder / LOG_FILE):
        for name, step in steps.items():
            if name in state:
                continue
            start = time.monotonic()
            step()
            seconds[name] = round(time.monotonic() - start, 1)
            write_json(run.folder / STATE_FILE, state | seconds)
    return seconds


def read_state(folder: Path) -> dict[str, float]:
    """Return the seconds of the completed steps of a run, by name."""
    path = folder / STATE_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _train(run: Run, arguments: Path) -> None:
    resume = (run.folder / run_folder.LAST_STATE).is_file()
    if resume:
        keep_record(run.folder)
    _launch(run, ["training", "--args_file", str(arguments), "--resume", str(resume)])


def _evaluate(run: Run) -> None:
    settings: dict[str, Any] = {
        "bundle_root": str(ROOT),
        "dataset_dir": str(Path(run.evaluation["datalist"]).parent),
        "run_dir": str(run.folder),
        "output_dir": str(run.folder / EVALUATION),
        "baseline": False,
        "keep_images": True,
        "operating_point": None,  # tables keep the paper's rule
        **run.evaluation,
    }
    _launch(run, ["evaluating", *_with_system(run, "evaluate"), *_overrides(settings)])


def _infer_steps(run: Run, arguments: Path) -> None:
    """Apply trainings step by step to the test scans."""
    entries = load_items(run.evaluation["datalist"], run.evaluation["section"])
    write_json(run.folder / TEST_SCANS, {TRAINING: [], TEST: entries})
    _launch(run, ["inference", "--args_file", str(arguments)])


def _mine(run: Run, datalist: Path) -> None:
    """Predict the scans of a datalist and write it anew with masks of the false positives."""
    predictions = run.folder / PREDICTIONS
    settings = {
        "bundle_root": str(ROOT),
        "input": str(datalist),
        "run_dir": str(run.folder),
        "output_dir": str(predictions),
        "resume": predictions.is_dir(),
        "operating_point": None,
    }
    _launch(run, ["inference", *_with_system(run, "inference"), *_overrides(settings)])
    mine_datalist(datalist, predictions, run.folder / MINED / DATALIST_FILE)


def _generate(run: Run) -> None:
    """Draw the images of a trained generator, and join them with other datalists."""
    images = run.folder / GENERATED_IMAGES
    shutil.rmtree(images, ignore_errors=True)  # of a generation that was interrupted
    made = generate(run.folder, images, number=run.generated, seed=run.seed)
    for name, datalist in run.joined.items():
        join_generated(made, datalist, name)


def _with_system(run: Run, workflow: str) -> list[str]:
    files = [str(CONFIGS / f"{workflow}.yaml"), str(run.folder / run_folder.SYSTEM)]
    return ["--config_file", str(files)]


def _overrides(settings: Mapping[str, Any]) -> list[str]:
    return [text for key, value in settings.items() for text in (f"--{key}", str(value))]


def _launch(run: Run, arguments: list[str]) -> None:
    code = launch(arguments)
    if code:
        log = run.folder / LOG_FILE
        raise RunFailedError(f"{arguments[0]}: {_last_error(log)}; see {log}")


def _last_error(log: Path) -> str:
    """Return the last error that a run logged."""
    sys.stderr.flush()
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.partition(ERROR_MARK)[2] for line in lines if ERROR_MARK in line]
    return errors[-1] if errors else "failed"


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Send what this process prints, its libraries' output included, to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    copies = [os.dup(number) for number in (1, 2)]
    with path.open("ab") as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in zip((1, 2), copies, strict=True):
                os.dup2(copy, number)
                os.close(copy)
