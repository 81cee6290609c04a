"""Trained weights for a network, with errors that say what to do."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from ignite.engine import Engine, Events
from monai.handlers import CheckpointLoader
from torch import nn

from bonescan import run_folder


def unwrap(network: nn.Module) -> nn.Module:
    """Return a network without its wrapper for distributed training."""
    return network.module if isinstance(network, nn.parallel.DistributedDataParallel) else network


def describe_mismatch(path: Path, err: Exception) -> ValueError:
    """Return the error of a file whose weights are those of another network."""
    differences = " ".join(str(err).split())[:400]
    return ValueError(
        f"{path} does not fit the network: {differences} ... Name the system and the profile that "
        f"it was trained with, e.g. add '{path.parent / run_folder.SYSTEM}' to --config_file"
    )


def require_weights(weights: str | Path | Mapping[str, str | Path]) -> dict[str, Path]:
    """Return the files of weights by the name of the child module that each is for.

    Args:
        weights: one file, for the network itself, which has the name ""; or files by name.

    Raises:
        ValueError: if there is no file at all.
        FileNotFoundError: if one does not exist.
    """
    by_name = weights if isinstance(weights, Mapping) else {"": weights}
    if not by_name:
        raise ValueError("weights must be at least one file, got none")
    files = {name: Path(path) for name, path in by_name.items()}
    for path in files.values():
        if not path.is_file():
            raise FileNotFoundError(
                f"weights {path} do not exist; train a network first, or give the run's folder by "
                "--run_dir or the file by --weights"
            )
    return files


class WeightsLoader:
    """Fill a network strictly when an engine starts, by MONAI's CheckpointLoader.

    Args:
        path: file with a plain state dict (tensors only), or such files by child modules of the
            network: `{encoder: a.pt, decoder: b.pt}`.
        network: network to fill.
        device: where to load the weights.
    """

    def __init__(
        self,
        path: str | Path | Mapping[str, str | Path],
        *,
        network: nn.Module,
        device: torch.device,
    ) -> None:
        self.path = path
        self.network = unwrap(network)
        self.device = device

    def attach(self, engine: Engine) -> None:
        """Register on the engine's STARTED."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Load the weights.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if a file holds no plain weights or they do not fit the network.
        """
        for name, path in require_weights(self.path).items():
            load = CheckpointLoader(
                str(path), {"model": self.network.get_submodule(name)}, map_location=self.device
            )
            try:
                load(engine)
            except RuntimeError as err:
                raise describe_mismatch(path, err) from err
            except (UnpicklingError, EOFError, KeyError) as err:
                raise ValueError(
                    f"weights {path} must be a plain state dict written by torch.save, got a file "
                    f"that cannot be read as such ({type(err).__name__})"
                ) from err
