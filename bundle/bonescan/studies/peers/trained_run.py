"""A trained run of ours, with which a peer is compared: its patients, effort and predictions."""

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine
from monai.bundle import ConfigParser
from monai.data import list_data_collate
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose

from bonescan.data.datalist import TEST, TRAINING, load_items
from bonescan.files import read_rows
from bonescan.handlers.effort import IMAGES, MEMORY_MB, PROCESSOR_S, processor_s
from bonescan.handlers.evaluation import EvaluatedScan, read_sample
from bonescan.handlers.weights import WeightsLoader
from bonescan.keys import BODY_OF, IMAGE
from bonescan.phantom.bank import part_of
from bonescan.prepare.bank_patients import PART
from bonescan.run_folder import CONFIGURATION, HISTORY, RECORD, SYSTEM, WEIGHTS
from bonescan.transforms.missing_views import VIEWS, FillViewsd
from bonescan.workflow.installation import find_configs

CPU = "cpu"
SECONDS = "seconds"
Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Effort:
    """What a training took.

    Attributes:
        epochs: how many.
        images: images seen, one that was drawn twice counts twice; of a system that sees both
            views of a scan at once, its two.
        clock_s: processor seconds of all processes, of a training on a GPU those that passed.
        memory_mb: peak resident memory of its process, without a GPU's.
        parameters: of the network that was trained.
    """

    epochs: int
    images: int
    clock_s: float
    memory_mb: float
    parameters: int


@dataclass(frozen=True)
class Patients:
    """Entries of a datalist by what a run used them for."""

    training: Entries
    validation: Entries
    test: Entries


def read_patients(run: Path, datalist: Path) -> Patients:
    """Choose the entries of a datalist that a run was trained, validated and is tested on.

    Of a run on patients without end, they are what such a run would have taken: nnU-Net trains on
    files.

    Raises:
        ValueError: if no fold validated the run; if it was trained on the bodies of test patients;
            if the datalist has no test section, or another error.
    """
    path = run / CONFIGURATION
    if not path.is_file():
        raise ValueError(f"{run} must hold {CONFIGURATION}: train it with `bonescan train`")
    config = json.loads(path.read_text(encoding="utf-8"))
    fold = config["fold"]
    if not isinstance(fold, int):
        raise ValueError(
            f"{path}: run must have a fold that validates it, which nnU-Net validates on, too, got "
            f"{fold!r}: train it with --fold"
        )
    training = load_items(
        datalist,
        TRAINING,
        exclude_folds=[fold, config["test_fold"]],
        added_section=config["added_section"],
        labelled=True,
        labelled_fraction=config["labelled_fraction"],
        seed=config["seed"],
    )
    validation = load_items(datalist, TRAINING, only_fold=fold, labelled=True)
    test = load_items(datalist, TEST, labelled=True)
    _check_bodies(run, test)
    return Patients(training, validation, test)


def read_bank(run: Path) -> dict[str, Any] | None:
    """Read which bank a run on patients without end drew bodies from; None of a run on files."""
    return json.loads((run / RECORD).read_text(encoding="utf-8")).get("bank")


def _check_bodies(run: Path, test: Entries) -> None:
    """Refuse test patients with bodies that the run may have been trained on."""
    bank = read_bank(run)
    bodies = [entry[BODY_OF].split("/") for entry in test if entry.get(BODY_OF)]
    shared = sum(
        bank is not None and name == bank["name"] and part_of(int(number)) == PART
        for name, number in bodies
    )
    if shared:
        raise ValueError(
            f"test patients must have other bodies than those that {run} was trained on, got "
            f"{shared} of {len(test)} with bodies of its bank's training part; draw them anew, or "
            "with `bonescan simulate --from-bank BANK --part test`"
        )


def read_effort(
    run: Path, device: torch.device, *, parameters: int, views_at_once: int = 1
) -> Effort:
    """Read from a run's record what its training took.

    Args:
        run: its folder.
        device: where it is compared.
        parameters: of its network.
        views_at_once: images of what its network sees at once.

    Raises:
        ValueError: if the record does not say it, or it was trained on another kind of device, on
            which time is another.
    """
    rows = read_rows(run / HISTORY)
    if not rows or not {IMAGES, PROCESSOR_S, MEMORY_MB} <= set(rows[0]):
        raise ValueError(
            f"{run / HISTORY} must have the columns {IMAGES}, {PROCESSOR_S} and {MEMORY_MB}: train "
            "the run anew"
        )
    trained_on = json.loads((run / RECORD).read_text(encoding="utf-8"))["device"]
    if (trained_on == CPU) != (device.type == CPU):
        raise ValueError(
            f"device must be of the kind that {run} was trained on, {trained_on}, got {device}"
        )
    clock = PROCESSOR_S if device.type == CPU else SECONDS
    return Effort(
        epochs=len(rows),
        images=views_at_once * sum(int(row[IMAGES]) for row in rows),
        clock_s=sum(float(row[clock]) for row in rows),
        memory_mb=max(float(row[MEMORY_MB]) for row in rows),
        parameters=parameters,
    )


def read_clock(device: torch.device) -> float:
    """Return the processor seconds of this process; where a GPU computes, those that pass."""
    return processor_s() if device.type == CPU else time.monotonic()


class TrainedSystem:
    """A trained system with its chains, by the rule of its paper rather than its operating point.

    Args:
        run: folder of its training, whose files are trusted.
        device: where it infers.
    """

    def __init__(self, run: Path, device: torch.device) -> None:
        parser = ConfigParser()
        parser.read_config([str(find_configs() / "evaluate.yaml"), str(run / SYSTEM)])
        parser["operating_point"] = None
        parser["device"] = str(device)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "NvImgCodecPydicomReader")  # of an optional package
            content: Callable[[str], Any] = parser.get_parsed_content
            self.name: str = content("name")
            self.network = content("network")
            self._inferer = content("inferer")
            self._preprocessing: Compose = content("preprocessing")
            self._postprocessing: Compose = content("postprocessing")
        self.device = device
        weights = WeightsLoader(run / WEIGHTS, network=self.network, device=device)
        weights(Engine(lambda _engine, _batch: None))

    @property
    def layout(self) -> Compose:
        """The chain that loads and lays out images and leaves their counts as they are.

        What acts on the image alone changes its values; what lays it out takes the label along. A
        view that a scan lacks stays away.
        """
        return Compose(
            [
                step
                for step in self._preprocessing.transforms
                if tuple(getattr(step, "keys", ())) != (IMAGE,) and not isinstance(step, FillViewsd)
            ]
        )

    @property
    def views_at_once(self) -> int:
        """How many views of a scan the network sees at once, each of which is one image."""
        filled = (isinstance(step, FillViewsd) for step in self._preprocessing.transforms)
        return len(VIEWS) if any(filled) else 1

    def count_parameters(self) -> int:
        """Return the number of the network's weights."""
        return sum(weights.numel() for weights in self.network.parameters())

    def predict(self, entries: Entries) -> Iterator[tuple[EvaluatedScan, float]]:
        """Predict scans from their files on, one by one.

        Yields:
            The scan with its prediction, and the seconds that it took by `read_clock`.
        """
        for entry in entries:
            start = read_clock(self.device)
            evaluator = SupervisedEvaluator(
                device=self.device,
                val_data_loader=[list_data_collate([self._preprocessing(dict(entry))])],
                network=self.network,
                inferer=self._inferer,
                postprocessing=self._postprocessing,
                amp=self.device.type == "cuda",
            )
            evaluator.run()
            passed = read_clock(self.device) - start
            yield read_sample(evaluator.state.output[0], evaluator.state.batch[0]), passed
