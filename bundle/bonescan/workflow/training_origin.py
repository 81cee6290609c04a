"""What the weights of a run were trained on: written in its record, read for its results."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bonescan.data.origin import Origin, find_origin, join_origins
from bonescan.handlers.weights import require_weights
from bonescan.run_folder import CONFIGURATION, RECORD

TRAINED_ON = "trained_on"
"""Key of a training's record: an Origin, or null where it cannot be told."""


def find_training_origin(
    config: Mapping[str, Any] | None,
    *,
    datalist: Path | None,
    bank: Mapping[str, Any] | None,
) -> Origin | None:
    """Tell what a training learns from, and the weights that it begins with learned from.

    Args:
        config: its composed configuration; None where Python code made the workflow.
        datalist: of the training; None where its scans are listed elsewhere.
        bank: of bodies, all of whose patients the simulator draws; the datalist's only validate.

    Returns:
        None where it cannot be told of all of them.
    """
    if config is None or (datalist is None and bank is None):
        return None
    drawn = Origin.SIMULATED if bank is not None or datalist is None else find_origin(datalist)
    return join_origins([drawn, *_find_begun(config)])


def read_training_origin(run: Path) -> Origin | None:
    """Return what the weights in a folder were trained on; None where nothing there tells.

    A record without the key tells it where it names a bank of bodies, or says of its datalist that
    all is simulated, and the configuration beside it begins with no other weights.
    """
    record = _read(run / RECORD)
    if TRAINED_ON in record:
        told = record[TRAINED_ON]
        return None if told is None else Origin(told)
    config = _read(run / CONFIGURATION)
    simulated = bool(record.get("bank")) or record.get("simulated") is True
    if not simulated or not config:
        return None
    return join_origins([Origin.SIMULATED, *_find_begun(config)])


def read_origin_of_weights(weights: str | Path | Mapping[str, str | Path]) -> Origin | None:
    """Return what files of weights were trained on together, each beside the record of its run."""
    files = require_weights(weights).values()
    return join_origins([read_training_origin(file.parent) for file in files])


def _find_begun(config: Mapping[str, Any]) -> list[Origin | None]:
    """Return the origin of weights that a training did not make itself; nothing without any."""
    if config["network_def"].get("weights"):
        return [None]  # of another project's network
    initial = config["initial_weights"]
    if initial is None:
        return []
    try:
        return [read_origin_of_weights(initial)]
    except FileNotFoundError:  # written as an expression, or gone
        return [None]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
