"""The grid of an experiment: rows x folds x seeds, each a training with its evaluation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from bonescan.data.datalist import DATALIST_FILE, TEST, TRAINING
from bonescan.run_folder import WEIGHTS
from bonescan.studies.experiments.data import ExperimentData
from bonescan.studies.experiments.experiment import Experiment, Profile, Row
from bonescan.workflow.command import list_families
from bonescan.workflow.installation import CROPPED, find_configs

CONFIGS = find_configs()
ROOT = CONFIGS.parent
"""The bundle's root."""
ALL_TRAINING = "all_training"
"""Overlay for a training without validation."""
PREDICTIONS = "predictions"
MINED = "mined"


@dataclass(frozen=True)
class Run:
    """A row in one fold with one seed.

    Attributes:
        row: what is trained and evaluated.
        fold: fold that is tested in a cross-validation; None where test patients are held out.
        seed: of the training.
        folder: of the run.
        training: arguments of the training, the content of an arguments file.
        evaluation: overrides of the evaluation.
        needs: folders of the runs that must be complete before.
        mined: datalist to be mined from this run's predictions on the scans of another, if any.
    """

    row: Row
    fold: int | None
    seed: int
    folder: Path
    training: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    needs: tuple[Path, ...] = ()
    mined: Path | None = None

    @property
    def name(self) -> str:
        """What tells the run from the others of its row."""
        return self.folder.name

    @property
    def label(self) -> str:
        """What messages call the run."""
        fold = "" if self.fold is None else f", fold {self.fold}"
        return f"{self.row.name}{fold}, seed {self.seed}"


@dataclass(frozen=True)
class RunGrid:
    """An experiment of a certain size on certain data.

    Attributes:
        experiment: what is run.
        profile_name: name of the profile.
        data: what it is run on.
        folder: of all runs.
        run_folds: folds to run in place of the profile's, for a part of a cross-validation.
    """

    experiment: Experiment
    profile_name: str
    data: ExperimentData
    folder: Path
    run_folds: Sequence[int] = ()

    @property
    def profile(self) -> Profile:
        """The size."""
        return self.experiment.profiles[self.profile_name]

    @property
    def folds(self) -> Sequence[int | None]:
        """The folds that are run; one None without cross-validation."""
        if not self.profile.folds:
            return [None]
        return [*self.run_folds] or [*self.profile.run_folds] or [*range(self.profile.folds)]

    @property
    def test_to_training(self) -> float | None:
        """Patients that a run tests over those that it trains on; None without cross-validation.

        One fold is tested and one validates; patients that every fold trains on are not counted.
        """
        return 1 / (self.profile.folds - 2) if self.profile.folds else None

    def runs(self) -> list[Run]:
        """Return all runs, each after those that it needs.

        Raises:
            ValueError: if a fold does not exist.
        """
        known = {None, *range(self.profile.folds)}
        if not set(self.folds) <= known:
            raise ValueError(
                f"folds must be among 0..{self.profile.folds - 1}, got {list(self.folds)}"
            )
        return [run for row in self.experiment.rows for run in self.runs_of(row)]

    def runs_of(self, row: Row) -> list[Run]:
        """Return the runs of one row."""
        if row.single_run:
            return [self._make(row, None, self.profile.seeds[0])]
        return [self._make(row, fold, seed) for fold in self.folds for seed in self.profile.seeds]

    def _make(self, row: Row, fold: int | None, seed: int) -> Run:
        folder = self._folder_of(row.id, fold, seed)
        datalist = self.data.find(row.data).datalist
        tested: dict[str, Any] = (
            {"section": TEST} if fold is None else {"section": TRAINING, "fold": fold}
        )
        is_mined_from = any(other.mined_from == row.id for other in self.experiment.rows)
        return Run(
            row=row,
            fold=fold,
            seed=seed,
            folder=folder,
            training=self._training(row, fold, seed, folder),
            evaluation={"datalist": str(datalist), **tested, **row.evaluation},
            needs=tuple(self._folder_of(need, fold, seed) for need in row.needs),
            mined=datalist if is_mined_from else None,
        )

    def _folder_of(self, row_id: str, fold: int | None, seed: int) -> Path:
        row = self.experiment.row(row_id)
        if row.single_run:
            fold, seed = None, self.profile.seeds[0]
        name = f"seed{seed}" if fold is None else f"fold{fold}-seed{seed}"
        return self.folder / self.profile_name / self.data.find(row.data).name / row.id / name

    def _training(self, row: Row, fold: int | None, seed: int, folder: Path) -> dict[str, Any]:
        """Compose the arguments file of a training: system, profile, row, data, in this order."""
        path = CONFIGS / "systems" / f"{row.system}.yaml"
        system = ConfigParser.load_config_file(str(path))
        data_set = self.data.find(row.data)
        overlays = [*([CROPPED] if data_set.cropped else []), *self.profile.overlays, *row.overlays]
        overlays += [] if self.profile.validated else [ALL_TRAINING]
        files = [str(CONFIGS / f"{name}.yaml") for name in ("train", *overlays)]
        datalist = data_set.datalist
        if row.mined_from:
            datalist = self._folder_of(row.mined_from, fold, seed) / MINED / DATALIST_FILE
        arguments: dict[str, Any] = {
            **system,
            "config_file": [*files, *list_families(path)],
            **self.profile.settings,
            **row.overrides,
            **row.profile_overrides.get(self.profile_name, {}),
            "bundle_root": str(ROOT),
            "dataset_dir": str(datalist.parent),
            "datalist": str(datalist),
            "output_dir": str(folder),
            "seed": seed,
            **self._folds_of(row, fold),
        }
        if row.initial_weights:
            weights = self._folder_of(row.initial_weights, fold, seed) / WEIGHTS
            arguments["initial_weights"] = str(weights)
        return arguments

    def _folds_of(self, row: Row, fold: int | None) -> dict[str, int]:
        """Choose the fold that validates, and the one that is tested."""
        if fold is None or row.single_run:
            folds = {"fold": 0}
        else:
            folds = {"fold": (fold + 1) % self.profile.folds, "test_fold": fold}
        if not self.profile.validated:
            del folds["fold"]
        return folds


def write_arguments(run: Run, name: str) -> Path:
    """Write the arguments file of a run's training.

    Raises:
        ValueError: if the folder holds a run of other settings.
    """
    path = run.folder / name
    text = json.dumps(run.training, indent=1) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise ValueError(
            f"{path} must hold the settings of this run, got others: the experiment was changed; "
            f"delete {run.folder} or give another --work"
        )
    run.folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
