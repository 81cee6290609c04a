"""Where the configurations lie: in a checkout, or inside the installed package."""

from pathlib import Path

CROPPED = "cropped"
"""Overlay for data that are thorax crops already."""


def find_systems() -> list[Path]:
    """Return the files of the systems that are trained, by name; others join trained ones."""
    files = sorted(find_configs().glob("systems/*.yaml"))
    return [file for file in files if "configs/train.yaml" in file.read_text(encoding="utf-8")]


def find_configs() -> Path:
    """Return the folder of the configurations; names such as `configs/train.yaml` start beside it.

    Raises:
        FileNotFoundError: if the package was installed without them.
    """
    package = Path(__file__).resolve().parents[1]
    places = (package / "configs", package.parents[1] / "configs")
    for folder in places:
        if (folder / "train.yaml").is_file():
            return folder
    packed = package.parent / "configs"  # of a bundle that was packed
    if (packed / "train.json").is_file():
        return packed
    raise FileNotFoundError(f"configurations must be in {places[0]} or {places[1]}, got neither")
