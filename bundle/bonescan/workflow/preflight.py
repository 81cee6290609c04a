"""Checks before the first scan is read: what would fail late fails at once, in one line."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import monai
import torch.distributed as dist
from filelock import FileLock
from monai.utils import version_leq

from bonescan import run_folder
from bonescan.data.datalist import TRAINING, load_items
from bonescan.handlers.weights import require_weights
from bonescan.workflow.command import current_command
from bonescan.workflow.folder_lock import hold_folder, release_folder
from bonescan.workflow.resuming import TrainingPlan, end_if_finished, require_same_settings

MIN_FREE_BYTES = 2 * 1024**3
"""Room for two checkpoints with optimiser state of the largest published system (0.6 GB each)."""


MIN_MONAI_VERSION = "1.6.1"


def check_versions() -> None:
    """See that MONAI is recent enough.

    Raises:
        RuntimeError: if it is not.
    """
    if not version_leq(MIN_MONAI_VERSION, monai.__version__):
        raise RuntimeError(
            f"MONAI must be {MIN_MONAI_VERSION} or later, got {monai.__version__}; "
            "install the versions of requirements.lock"
        )


def check_output_dir(output_dir: str | Path, *, min_free_bytes: int = MIN_FREE_BYTES) -> Path:
    """Make the folder and see that it can be written and has room.

    Raises:
        OSError: if the folder cannot be made or written, or its disk is nearly full.
    """
    folder = Path(output_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as err:
        raise OSError(
            f"output folder {folder} cannot be written ({err.strerror}); give another --output_dir"
        ) from err
    free = shutil.disk_usage(folder).free
    if free < min_free_bytes:
        raise OSError(
            f"output folder {folder} must have {min_free_bytes / 1e9:.1f} GB of free space, "
            f"got {free / 1e9:.1f} GB; free some or give another --output_dir"
        )
    return folder


def require_pixels(keep_prob: Sequence[object]) -> None:
    """See that a system that is to be applied to scans says something of their pixels.

    Args:
        keep_prob: the transforms that keep its probabilities of metastasis.

    Raises:
        ValueError: if there are none.
    """
    if not keep_prob:
        raise ValueError(
            "a system that is applied to scans must say which pixels are metastasis, got one that "
            "says something of sub-images, patients or bones: evaluate it, make it a part of "
            "configs/systems/liu2021.yaml, or give it by --regions_run"
        )


class Preflight:
    """The first step of every run.

    Args:
        output_dir: folder that the run writes to.
        datalist: datalist that the run reads, None where it reads none.
        section: section of the datalist that the run reads.
        weights: file of trained weights that the run loads, or files by name; None where it loads
            none.
        resume: whether an earlier run in the folder is to be continued.
        training: whether the run trains, so that it must not overwrite another training.
        plan: what a training that is gone on with is held to; None where nothing is.
        min_free_bytes: free space that the disk of the folder must have.
    """

    def __init__(
        self,
        *,
        output_dir: str | Path,
        datalist: str | Path | None = None,
        section: str = TRAINING,
        weights: str | Path | Mapping[str, str | Path] | None = None,
        resume: bool = False,
        training: bool = False,
        plan: TrainingPlan | None = None,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.datalist = None if datalist is None else Path(datalist)
        self.section = section
        self.weights = weights
        self.resume = resume
        self.training = training
        self.plan = plan
        self.min_free_bytes = min_free_bytes
        self.lock: FileLock | None = None

    def check(self) -> None:
        """Check versions, command, input and output, and hold the output folder.

        Of several processes of one run, the first holds it.

        Raises:
            RuntimeError: if MONAI is too old.
            ValueError: if the command is wrong (see bonescan.workflow.command.current_command), the
                datalist is not fit for use (see bonescan.data.datalist.load_items), or an earlier
                run is to be gone on with by other settings or data.
            FileNotFoundError: if the weights do not exist.
            FileExistsError: if the folder holds another training that would be overwritten.
            OSError: if the folder cannot be written, or another run is writing to it.
            SystemExit: with code 0, if the training that is to be resumed is finished.
        """
        check_versions()
        current_command()  # refuses what plain `monai.bundle run` would accept silently
        if self.datalist is not None:
            load_items(self.datalist, self.section)
        if self.weights is not None:
            require_weights(self.weights)
        check_output_dir(self.output_dir, min_free_bytes=self.min_free_bytes)
        if not dist.is_initialized() or dist.get_rank() == 0:
            self.lock = hold_folder(self.output_dir)
        if self.training and not self.resume and (self.output_dir / run_folder.LAST_STATE).exists():
            raise FileExistsError(
                f"{self.output_dir} already holds a training; go on with it by --resume, or give "
                "another --output_dir"
            )
        if self.plan is not None and self.resume:
            require_same_settings(self.output_dir, self.plan, self.datalist)
            end_if_finished(self.output_dir, self.plan.epochs)

    def release(self) -> None:
        """Let other runs write to the output folder: the last step of every run."""
        if self.lock is not None:
            release_folder(self.lock)
            self.lock = None
