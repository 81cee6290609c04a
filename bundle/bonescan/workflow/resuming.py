"""Whether a training can be gone on with: by the same settings, and only if something is left."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bonescan import run_folder
from bonescan.data.datalist import data_hash

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingPlan:
    """What a training that is gone on with is held to.

    Attributes:
        epochs: how many it has in all.
        fixed: settings that it must share with what it goes on from, by key of the configuration.
        bank: what says which bank of bodies it draws patients from, None where it draws none.
    """

    epochs: int
    fixed: Mapping[str, Any]
    bank: Mapping[str, Any] | None = None


def require_same_settings(folder: Path, plan: TrainingPlan, datalist: Path | None = None) -> None:
    """Check that a training is gone on with by the settings and the data that it began with.

    Otherwise, patients that it was trained on could validate it, and its record would claim the new
    settings for weights that the old ones made.

    Args:
        folder: of the training.
        plan: what must stay.
        datalist: of the training.

    Raises:
        ValueError: if the folder's records say otherwise; both values are named.
    """
    begun = _read(folder / run_folder.CONFIGURATION)
    for key, value in plan.fixed.items():
        if key in begun and not _is_expression(begun[key]) and begun[key] != value:
            raise ValueError(
                f"--resume must have the {key} that the training in {folder} began with, "
                f"{begun[key]}, got {value}"
            )
    record = _read(folder / run_folder.RECORD)
    if record and record.get("bank") != plan.bank:
        raise ValueError(
            f"--resume must have the bank that the training in {folder} began with, "
            f"{record.get('bank')}, got {plan.bank}"
        )
    recorded = record.get("data_sha256")
    if recorded and datalist is not None and (given := data_hash(datalist)) != recorded:
        raise ValueError(
            f"--resume must have the data that the training in {folder} began with, those of "
            f"SHA-256 {recorded[:12]}..., got {datalist} with {given[:12]}..."
        )


def end_if_finished(folder: Path, epochs: int) -> None:
    """End the program, with exit code 0, where all epochs of a training are done.

    Raises:
        SystemExit: if they are.
    """
    path = folder / run_folder.LAST_STATE
    if not path.is_file():
        return
    done = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["epoch"]
    if done == epochs:
        logger.warning(
            "nothing is left to do: %s is a finished training, epoch %d of %d", folder, done, epochs
        )
        raise SystemExit(0)


def _is_expression(value: object) -> bool:
    """Tell whether a configuration gives a value by a formula, which says nothing by itself."""
    return isinstance(value, str) and value.startswith(("$", "@", "%"))


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
