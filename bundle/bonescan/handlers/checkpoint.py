"""The state of a training run on disk: written atomically, resumed exactly."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from monai.handlers import CheckpointLoader
from torch import nn

from bonescan.files import write_whole

logger = logging.getLogger(__name__)

BEST_NAME = "model.pt"
LAST_NAME = "last.pt"
NEVER = -1
"""MONAI's best epoch of an evaluator that has not run."""
SYSTEM_NAME = "system.json"
"""What evaluation and inference need to know of the trained system, as a configuration file."""


def save_atomically(content: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint so that the file is either the old or the new one, never half of it.

    Raises:
        OSError: if the file cannot be written; the previous file is untouched.
    """

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            torch.save(dict(content), file)
            file.flush()
            os.fsync(file.fileno())

    try:
        write_whole(path, write)
    except (OSError, RuntimeError) as err:
        raise OSError(
            f"checkpoint {path} could not be written ({err}); free disk space or give another "
            "--output_dir, then run again with --resume"
        ) from err


def _unwrapped(network: nn.Module) -> nn.Module:
    return network.module if isinstance(network, nn.parallel.DistributedDataParallel) else network


class TrainingCheckpoint:
    """Keep the last state and the best weights of a run; go on from the last state if asked.

    After every epoch `last.pt` holds network, optimiser, scheduler, the scale of mixed precision
    and the engines' counters. `model.pt` holds the weights with the best key metric of validation
    as a plain state dict, which is what evaluation, inference and the model zoo load. Before the
    first validation, and without any, it holds the last weights.

    Args:
        output_dir: folder of both files.
        network: network, possibly wrapped for distributed training.
        optimizer: its optimiser.
        scheduler: its learning-rate scheduler.
        evaluator: evaluator with a key metric, run before this handler in each epoch.
        resume: whether to go on from `last.pt` of an earlier run in this folder.
    """

    def __init__(
        self,
        output_dir: str | Path,
        *,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
        evaluator: Engine | None = None,
        resume: bool = False,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.network = network
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.evaluator = evaluator
        self.resume = resume

    def attach(self, engine: Engine) -> None:
        """Register on STARTED (resume) and EPOCH_COMPLETED (save)."""
        if self.resume:
            engine.add_event_handler(Events.STARTED, self.load)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def load(self, engine: SupervisedTrainer) -> None:
        """Restore the state of `last.pt`.

        Raises:
            FileNotFoundError: if there is no run to resume.
            ValueError: if the checkpoint belongs to another network or the run is complete.
        """
        path = self.output_dir / LAST_NAME
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist: there is no run to resume there")
        state = torch.load(path, map_location=engine.state.device, weights_only=True)
        if state["epoch"] >= engine.state.max_epochs:
            raise ValueError(
                f"{path} already holds epoch {state['epoch']} of {engine.state.max_epochs}; "
                "give more --epochs or another --output_dir"
            )
        try:
            _unwrapped(self.network).load_state_dict(state["network"])
        except RuntimeError as err:
            raise _mismatch(path, err) from err
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        if engine.scaler is not None:
            engine.scaler.load_state_dict(state["scaler"])
        engine.state.epoch = state["epoch"]
        engine.state.iteration = state["iteration"]
        if self.evaluator is not None:
            self.evaluator.state.best_metric = state["best_metric"]
            self.evaluator.state.best_metric_epoch = state["best_epoch"]
        logger.info("Resuming after epoch %d of %d", state["epoch"], engine.state.max_epochs)

    def save(self, engine: SupervisedTrainer) -> None:
        """Write `last.pt`, and `model.pt` if this epoch is the best."""
        if engine.state.rank != 0:
            return
        weights = _unwrapped(self.network).state_dict()
        best_epoch, best_metric = NEVER, 0.0
        if self.evaluator is not None:
            best_epoch = self.evaluator.state.best_metric_epoch
            best_metric = float(self.evaluator.state.best_metric)
        if best_epoch in {NEVER, engine.state.epoch}:
            save_atomically(weights, self.output_dir / BEST_NAME)
        state = {
            "network": weights,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "scaler": None if engine.scaler is None else engine.scaler.state_dict(),
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "best_metric": best_metric,
            "best_epoch": best_epoch,
        }
        save_atomically(state, self.output_dir / LAST_NAME)


def _mismatch(path: Path, err: Exception) -> ValueError:
    differences = " ".join(str(err).split())[:400]
    return ValueError(
        f"{path} does not fit the network: {differences} ... Name the system and the profile that "
        f"it was trained with, e.g. add '{path.parent / SYSTEM_NAME}' to --config_file"
    )


def require_weights(path: str | Path) -> Path:
    """Return the path of a file of weights.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"weights {path} do not exist; train a network first, or give the run's folder by "
            "--run_dir or the file by --weights"
        )
    return path


class WeightsLoader(CheckpointLoader):
    """MONAI's CheckpointLoader for one network, with errors that say what to do.

    Args:
        path: file with a plain state dict (tensors only).
        network: network to fill, strictly.
        device: where to load the weights.
    """

    def __init__(self, path: str | Path, *, network: nn.Module, device: torch.device) -> None:
        super().__init__(
            load_path=str(path), load_dict={"model": _unwrapped(network)}, map_location=device
        )

    def __call__(self, engine: Engine) -> None:
        """Load the weights.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file holds no plain weights or they do not fit the network.
        """
        path = require_weights(self.load_path)
        try:
            super().__call__(engine)
        except RuntimeError as err:
            raise _mismatch(path, err) from err
        except (UnpicklingError, EOFError, KeyError) as err:
            raise ValueError(
                f"weights {path} must be a plain state dict written by torch.save, got a file "
                f"that cannot be read as such ({type(err).__name__})"
            ) from err
