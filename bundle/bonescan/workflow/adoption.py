"""The weights of a training in a bundle, put where the bundle's inference takes them."""

import shutil
from pathlib import Path

from bonescan.files import write_whole
from bonescan.run_folder import WEIGHTS


def adopt_weights(run: str | Path, models: str | Path) -> None:
    """Replace a bundle's weights by those of a training, at once: a server may be reading them.

    The operating point stays: it was chosen on validation patients.

    Args:
        run: folder of the training.
        models: folder of the bundle's weights.
    """
    write_whole(
        Path(models) / WEIGHTS, lambda partial: shutil.copyfile(Path(run) / WEIGHTS, partial)
    )
