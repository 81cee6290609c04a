"""Weights from a local file, as plain tensors only."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read a state dictionary, such as torchvision publishes; nothing in the file is run.

    Args:
        path: a file that torch.save wrote.

    Returns:
        Tensors by name, on the CPU.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds anything but tensors by name.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"weights file must exist, got {path.name}: download it first, or give null to start "
            "from random weights"
        )
    expected = f"{path.name}: weights must be a dictionary of tensors by name"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as err:
        raise ValueError(f"{expected}, got a file that holds other things or is damaged") from err
    if not isinstance(state, dict) or not state:
        raise ValueError(f"{expected}, got {type(state).__name__}")
    for name, value in state.items():
        if not (isinstance(name, str) and isinstance(value, Tensor)):
            raise ValueError(f"{expected}, got {type(value).__name__} under {name!r}")
    return state


def load_exactly(
    module: nn.Module, state: Mapping[str, Tensor], *, file: str | Path, expected: str
) -> None:
    """Fill a module with tensors that must be its own, by name and shape.

    Args:
        module: what is filled.
        state: tensors by name.
        file: where they come from, for the message.
        expected: whose they should be, for the message.

    Raises:
        ValueError: if names or shapes differ; the first three that do are named.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if wanted != found:
        differing = sorted(set(wanted.items()) ^ set(found.items()))[:3]
        raise ValueError(
            f"{Path(file).name}: weights must be those of {expected}, got others, first {differing}"
        )
    module.load_state_dict(state)
