"""The device that a word names."""

import torch

AUTO = "auto"
KINDS = ("cpu", "cuda", "mps")


def find_device(device: str | torch.device) -> torch.device:
    """Return the device that is meant.

    Args:
        device: "auto", the first GPU or else the CPU; "cpu", "cuda", "cuda:1" or "mps"; or a device
            already.

    Raises:
        ValueError: if there is no such device here, or the word is another.
    """
    if device == AUTO:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    expected = f"device must be {AUTO}, cpu, cuda, cuda:NUMBER or mps"
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"{expected}, got {device!r}") from None
    if found.type not in KINDS:
        raise ValueError(f"{expected}, got {device!r}")
    here = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": torch.mps.device_count()}
    if (found.index or 0) >= here[found.type]:
        raise ValueError(
            f"device must be one of this machine, got {str(device)!r}; it has "
            f"{here['cuda']} cuda and {here['mps']} mps devices"
        )
    return found
