"""Trained weights for a network, with errors that say what to do."""

from pathlib import Path
from pickle import UnpicklingError

import torch
from ignite.engine import Engine
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
            load_path=str(path), load_dict={"model": unwrap(network)}, map_location=device
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
            raise describe_mismatch(path, err) from err
        except (UnpicklingError, EOFError, KeyError) as err:
            raise ValueError(
                f"weights {path} must be a plain state dict written by torch.save, got a file "
                f"that cannot be read as such ({type(err).__name__})"
            ) from err
