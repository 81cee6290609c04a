"""Planning, training and predicting with nnU-Net in the folder of a comparison."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import psutil
import torch
from tqdm import tqdm

from bonescan.studies.peers.dataset import DATASET, FOLD, NUMBER
from bonescan.studies.peers.length import Length
from bonescan.studies.peers.program import NnUNet, OnLine, pass_over
from bonescan.studies.peers.trained_run import CPU
from bonescan.studies.peers.trainer import EPOCH, parse_told, sum_epochs, write_trainer

CONFIGURATION = "2d"
PLANS = "nnUNetPlans"
NEXT_IMAGE = "perform_everything_on_device:"
"""nnU-Net prints it as it begins to predict an image, where it works in one process."""


class Workplace:
    """Folders of nnU-Net inside a comparison, and its commands there.

    Args:
        nnunet: the program.
        folder: of the comparison.
        device: where nnU-Net trains and predicts.
    """

    def __init__(self, nnunet: NnUNet, folder: Path, device: torch.device) -> None:
        self.nnunet = nnunet
        self.folder = folder.absolute()
        self.device = device
        self.raw, self.preprocessed, self.results, self.trainers = (
            self.folder / "nnunet" / name for name in ("raw", "preprocessed", "results", "trainers")
        )
        for each in (self.raw, self.preprocessed, self.results, self.trainers):
            each.mkdir(parents=True, exist_ok=True)

    @property
    def dataset(self) -> Path:
        """Folder of the raw dataset."""
        return self.raw / DATASET

    def plan(self) -> dict[str, Any]:
        """Let nnU-Net check, plan and preprocess the dataset; return what it plans."""
        workers = str(os.cpu_count() or 1)
        words = ["-d", NUMBER, "-c", CONFIGURATION, "-np", workers, "-npfp", workers]
        words.append("--verify_dataset_integrity")
        self._call("nnUNetv2_plan_and_preprocess", words, self._log("plan"))
        path = self.preprocessed / DATASET / f"{PLANS}.json"
        plans = json.loads(path.read_text(encoding="utf-8"))["configurations"][CONFIGURATION]
        return {key: plans[key] for key in ("batch_size", "patch_size")}

    def train(self, trainer: str, length: Length) -> dict[str, float]:
        """Train, or go on with a training that was interrupted; return what it cost."""
        write_trainer(self.trainers, trainer, length)
        log = self._log(trainer)
        bar = tqdm(total=length.epochs, desc=trainer, unit="epoch")

        def follow(line: str, _process: psutil.Process) -> None:
            told = parse_told(line)
            if EPOCH in told:
                bar.update(int(told[EPOCH]) - bar.n)

        run = self.results / DATASET / f"{trainer}__{PLANS}__{CONFIGURATION}" / f"fold_{FOLD}"
        go_on = ["--c"] if any(run.glob("checkpoint_*.pth")) else []
        words = [NUMBER, CONFIGURATION, FOLD, "-tr", trainer, "-device", self.device.type, *go_on]
        # In one process where processor time counts; beside a GPU, with nnU-Net's own workers.
        workers = {"nnUNet_n_proc_DA": "0"} if self.device.type == CPU else {}
        with bar:
            self._call("nnUNetv2_train", words, log, follow, **workers)
        return sum_epochs(log.read_text(encoding="utf-8").splitlines(), length)

    def predict(self, trainer: str, *, mirror: bool) -> dict[str, float]:
        """Predict the test images anew with probabilities, one after the other, in one process.

        Returns:
            `image_s`: mean seconds an image, by read_clock, without the program's start; from the
            image's file on disk to its prediction there.
        """
        output = self.predictions(trainer, mirror=mirror)
        shutil.rmtree(output, ignore_errors=True)
        clock: list[float] = []
        images = len(list((self.dataset / "imagesTs").iterdir()))
        bar = tqdm(total=images, desc=output.name, unit="image")

        def follow(line: str, process: psutil.Process) -> None:
            if line.startswith(NEXT_IMAGE):
                clock.append(self._read_clock(process))
                bar.update()

        words = ["-i", str(self.dataset / "imagesTs"), "-o", str(output), "-d", NUMBER,
                 "-c", CONFIGURATION, "-f", FOLD, "-tr", trainer, "-device", self.device.type,
                 "-npp", "0", "-nps", "0", "--save_probabilities"]  # fmt: skip
        words += [] if mirror else ["--disable_tta"]
        with bar:
            self._call("nnUNetv2_predict", words, self._log(output.name), follow)
        if len(clock) < 2:
            raise ValueError(f"nnU-Net must predict two images at least to be timed, got {images}")
        return {"image_s": mean(later - now for now, later in pairwise(clock))}

    def predictions(self, trainer: str, *, mirror: bool) -> Path:
        """Return the folder of a trainer's predictions."""
        return self.folder / "nnunet" / f"{trainer}_{'mirrored' if mirror else 'plain'}"

    def _read_clock(self, process: psutil.Process) -> float:
        if self.device.type != CPU:
            return time.monotonic()
        times = process.cpu_times()
        return times.user + times.system

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _call(
        self,
        command: str,
        arguments: Sequence[str],
        log: Path,
        on_line: OnLine = pass_over,
        **variables: str,
    ) -> None:
        environment = {
            "nnUNet_raw": str(self.raw),
            "nnUNet_preprocessed": str(self.preprocessed),
            "nnUNet_results": str(self.results),
            "nnUNet_extTrainer": str(self.trainers),
            "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait are not to count as processor time
            **variables,
        }
        self.nnunet.call(command, arguments, environment=environment, log=log, on_line=on_line)
