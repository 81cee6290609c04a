"""A tiny GAN, which its training and its images are tested on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.thorax_sets import train_gan, write_thorax_set


@pytest.fixture(scope="session")
def thorax_set(make_once: Callable[..., Path]) -> Path:
    """Return the datalist of a small image set."""
    return make_once("thorax_set", write_thorax_set) / "datalist.json"


@pytest.fixture(scope="session")
def trained_gan(make_once: Callable[..., Path], thorax_set: Path) -> Path:
    """Return the folder of a GAN's training on it; none is to change it."""

    def train(folder: Path) -> None:
        assert train_gan(thorax_set, folder) == 0

    return make_once("trained_gan", train)
