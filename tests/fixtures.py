"""Fixtures of all tests."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import BoneScan
from bonescan.keys import META_SCAN_ID, META_VIEWS
from bonescan.phantom.bank import BankPlan, build_bank
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import find_preset
from bonescan.workflow import launch as launch_module
from tests.factories import SPACING_MM
from tests.workflows import CONFIGS, locate_datalist, run_workflow, train_system


@pytest.fixture(autouse=True)
def _no_handler_is_left() -> Iterator[None]:
    """Take away the handlers that a workflow's logging.conf left: their streams are this test's."""
    yield
    for handler in logging.root.handlers[:]:
        if type(handler) is logging.StreamHandler:  # and not those of pytest, which are kinds of it
            logging.root.removeHandler(handler)


@pytest.fixture(scope="session", autouse=True)
def _configurations_are_parsed_once() -> Iterator[None]:
    """Parse each file of configs/ once in a process: thousands of compositions read the same."""
    load = ConfigParser.load_config_file
    parsed: dict[tuple[Path, int], dict[str, Any]] = {}

    def load_once(filepath: str | Path, **options: Any) -> dict[str, Any]:
        path = Path(filepath).resolve()
        if options or CONFIGS not in path.parents:
            return load(filepath, **options)
        key = path, path.stat().st_mtime_ns
        if key not in parsed:
            parsed[key] = load(filepath)
        return deepcopy(parsed[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConfigParser, "load_config_file", staticmethod(load_once))
        yield


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Return the folder of reference data beside the checkout; skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"reference data are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def make_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make a folder by its name and what fills it; processes of one test run share it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, filled = shared / name, shared / f"{name}.filled"
        with FileLock(f"{folder}.lock"):
            if not filled.exists():
                fill(folder)
                filled.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def cohort(make_once: Callable[..., Path]) -> Path:
    """Return a simulated cohort of seven patients."""

    def simulate(folder: Path) -> None:
        simulate_cohort(Cohort(find_preset("default"), 7, 101, folder), workers=1)

    return make_once("cohort", simulate)


@pytest.fixture(scope="session")
def lung_bank(make_once: Callable[..., Path]) -> Path:
    """Return a bank of two bodies for training, of the preset he2024."""

    def build(folder: Path) -> None:
        build_bank(BankPlan(find_preset("he2024"), 2, 3, folder))

    return make_once("lung_bank", build)


@pytest.fixture(scope="session")
def bodies(cohort: Path) -> list[BoneScan]:
    """Return three simulated scans of whole bodies with both views."""
    folders = (cohort / f"sim-{number:04d}" for number in range(1, 4))
    return [read_scan(sorted(folder.glob("*.dcm"))) for folder in folders]


@pytest.fixture
def make_stack() -> Callable[..., MetaTensor]:
    """Make a stack (view, row, column) on pixels that are not square."""

    def make(
        values: torch.Tensor | np.ndarray | None = None,
        views: str = "anterior+posterior",
        spacing_mm: tuple[float, float] = SPACING_MM,
    ) -> MetaTensor:
        number = len(views.split("+"))
        if values is None:
            values = torch.arange(number * 5 * 7, dtype=torch.float32).reshape(number, 5, 7)
        affine = torch.diag(torch.tensor([*spacing_mm, 1.0, 1.0], dtype=torch.float64))
        meta = {META_VIEWS: views, META_SCAN_ID: "scan-7"}
        return MetaTensor(torch.as_tensor(values), affine=affine, meta=meta)

    return make


@pytest.fixture(scope="session")
def trained(make_once: Callable[..., Path], cohort: Path) -> Path:
    """Return the folder of a tiny training on the test cohort; none is to change it."""

    def train(folder: Path) -> None:
        settings = {"dataset_dir": str(cohort), "output_dir": str(folder)}
        run_workflow("train", workflow_type="train", **settings)

    return make_once("trained", train)


@pytest.fixture(scope="session")
def system_datalist(make_once: Callable[..., Path], cohort: Path) -> Path:
    """Return a datalist that every system trains on: four patients, two folds, one to test.

    Its masks of non-metastatic body, which one system asks for, are the labels.
    """

    def write(folder: Path) -> None:
        content = locate_datalist(cohort)
        entries = {"training": content["training"][:4], "test": content["test"][:1]}
        for number, entry in enumerate(entries["training"]):
            entry["fold"] = number % 2
        for entry in (*entries["training"], *entries["test"]):
            entry["body"] = entry["label"]
        folder.mkdir()
        (folder / "datalist.json").write_text(json.dumps(entries), encoding="utf-8")

    return make_once("system_datalist", write) / "datalist.json"


@pytest.fixture(scope="session")
def trained_system(make_once: Callable[..., Path], system_datalist: Path) -> Callable[[str], Path]:
    """Return the folder of a system's tiny training by its name; none is to change its weights."""
    return lambda name: make_once(name, lambda folder: train_system(name, system_datalist, folder))


@pytest.fixture
def launched(monkeypatch) -> list[str]:
    """Arguments of the workflow that a command launches; nothing runs."""
    words: list[str] = []

    def take(arguments) -> int:
        words[:] = arguments
        return 0

    monkeypatch.setattr(launch_module, "launch", take)
    return words
