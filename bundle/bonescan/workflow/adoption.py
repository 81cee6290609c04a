"""The weights of a training in a bundle, put where the bundle's inference takes them."""

import shutil
from pathlib import Path

from bonescan.files import write_json, write_whole
from bonescan.run_folder import RECORD, WEIGHTS
from bonescan.workflow.training_origin import TRAINED_ON, read_training_origin


def adopt_weights(run: str | Path, models: str | Path) -> None:
    """Replace a bundle's weights by those of a training, at once: a server may be reading them.

    What they were trained on is said first: at no time do new weights stand beside what holds for
    the old. The operating point stays: it was chosen on validation patients.

    Args:
        run: folder of the training.
        models: folder of the bundle's weights.
    """
    write_json(Path(models) / RECORD, {TRAINED_ON: read_training_origin(Path(run))})
    write_whole(
        Path(models) / WEIGHTS, lambda partial: shutil.copyfile(Path(run) / WEIGHTS, partial)
    )
