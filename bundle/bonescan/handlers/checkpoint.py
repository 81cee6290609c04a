"""The state of a training on disk: whole or not there, resumed exactly."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines import Trainer
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from bonescan import run_folder
from bonescan.files import write_whole
from bonescan.handlers.weights import describe_mismatch, unwrap

logger = logging.getLogger(__name__)

_OF_SCHEDULE = ("base_lrs", "T_max", "total_iters", "total_steps", "milestones", "T_0")
"""What makes the course of torch's schedules, by the names in their states."""

NEVER = -1
"""MONAI's best epoch of an evaluator that has not run."""
BEST, LAST = "best", "last"
"""Which weights are kept for evaluation and inference."""


def save_checkpoint(content: Mapping[str, Any], path: Path) -> None:
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


class TrainingCheckpoint:
    """Keep the last state and the chosen weights of a run; go on from the last state if asked.

    After every epoch `last.pt` holds networks, optimisers, schedulers, the scale of mixed precision
    and the engines' counters. `model.pt` holds the weights of one network as a plain state dict,
    which is what evaluation, inference and the model zoo load: those with the best key metric of
    validation, or the last. Before the first validation, and without any, they are the last.

    Args:
        output_dir: folder of both files.
        networks: networks by name, possibly wrapped for distributed training.
        optimizers: optimisers by name.
        schedulers: learning-rate schedulers by name.
        weights_of: name of the network whose weights go to `model.pt`.
        keep: "best" or "last".
        evaluator: evaluator with a key metric, run before this handler in each epoch.
        resume: whether to go on from `last.pt` of an earlier run in this folder.

    Raises:
        ValueError: if `weights_of` names no network, or `keep` is neither.
    """

    def __init__(
        self,
        output_dir: str | Path,
        *,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        schedulers: Mapping[str, LRScheduler],
        weights_of: str,
        keep: str = BEST,
        evaluator: Engine | None = None,
        resume: bool = False,
    ) -> None:
        if weights_of not in networks:
            raise ValueError(f"weights_of must be one of {sorted(networks)}, got {weights_of!r}")
        if keep not in {BEST, LAST}:
            raise ValueError(f"keep must be {BEST!r} or {LAST!r}, got {keep!r}")
        self.output_dir = Path(output_dir)
        self.parts: dict[str, Mapping[str, Any]] = {
            "networks": {name: unwrap(network) for name, network in networks.items()},
            "optimizers": optimizers,
            "schedulers": schedulers,
        }
        self.weights_of = weights_of
        self.keep = keep
        self.evaluator = evaluator
        self.resume = resume

    def attach(self, engine: Engine) -> None:
        """Register on STARTED (resume) and EPOCH_COMPLETED (save)."""
        if self.resume:
            engine.add_event_handler(Events.STARTED, self.load)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def load(self, engine: Trainer) -> None:
        """Restore the state of `last.pt`.

        Raises:
            FileNotFoundError: if there is no run to resume.
            ValueError: if the checkpoint belongs to other networks or another learning-rate
                schedule, or the run is complete.
        """
        path = self.output_dir / run_folder.LAST_STATE
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist: there is no run to resume there")
        state = torch.load(path, map_location=engine.state.device, weights_only=True)
        if state["epoch"] >= engine.state.max_epochs:
            raise ValueError(
                f"{path} already holds epoch {state['epoch']} of {engine.state.max_epochs}; "
                "give more --epochs or another --output_dir"
            )
        self._require_same_schedules(state)
        self._restore(state, path)
        if engine.scaler is not None:
            engine.scaler.load_state_dict(state["scaler"])
        engine.state.epoch = state["epoch"]
        engine.state.iteration = state["iteration"]
        if self.evaluator is not None:
            self.evaluator.state.best_metric = state["best_metric"]
            self.evaluator.state.best_metric_epoch = state["best_epoch"]
        logger.info("Resuming after epoch %d of %d", state["epoch"], engine.state.max_epochs)

    def _require_same_schedules(self, state: Mapping[str, Any]) -> None:
        """Refuse schedules of another length or rate: what they have done cannot be done again.

        Torch restores the old ones without a word, and a cosine of three epochs climbs again after.
        """
        for name, schedule in self.parts["schedulers"].items():
            given, begun = schedule.state_dict(), state.get("schedulers", {}).get(name, {})
            for key in _OF_SCHEDULE:
                if key in begun and given.get(key) != begun[key]:
                    raise ValueError(
                        "--resume must have the learning-rate schedule that the training began "
                        f"with, {key} {begun[key]} in {name}, got {given.get(key)}; give the same "
                        "--epochs and --learning_rate, or train anew in another --output_dir"
                    )

    def _restore(self, state: Mapping[str, Any], path: Path) -> None:
        """Give networks, optimisers and schedulers their states of a checkpoint, by name."""
        for kind, parts in self.parts.items():
            saved = sorted(state.get(kind, ()))
            if saved != sorted(parts):
                raise ValueError(f"{path} must hold the {kind} {sorted(parts)}, got {saved}")
            for name, part in parts.items():
                try:
                    part.load_state_dict(state[kind][name])
                except RuntimeError as err:
                    raise describe_mismatch(path, err) from err

    def save(self, engine: Trainer) -> None:
        """Write `last.pt`, and `model.pt` if the weights of this epoch are to be kept."""
        if engine.state.rank != 0:
            return
        best_epoch, best_metric = NEVER, 0.0
        if self.evaluator is not None:
            best_epoch = self.evaluator.state.best_metric_epoch
            best_metric = float(self.evaluator.state.best_metric)
        states = {
            kind: {name: part.state_dict() for name, part in parts.items()}
            for kind, parts in self.parts.items()
        }
        if self.keep == LAST or best_epoch in {NEVER, engine.state.epoch}:
            weights = states["networks"][self.weights_of]
            save_checkpoint(weights, self.output_dir / run_folder.WEIGHTS)
        state = {
            **states,
            "scaler": None if engine.scaler is None else engine.scaler.state_dict(),
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "best_metric": best_metric,
            "best_epoch": best_epoch,
        }
        save_checkpoint(state, self.output_dir / run_folder.LAST_STATE)
