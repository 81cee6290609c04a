"""Weights from a local file, as plain tensors only."""

import pickle
from pathlib import Path

import torch
from torch import Tensor


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
