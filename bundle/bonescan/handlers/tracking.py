"""The course of a training for TensorBoard and MLflow: the same numbers, steps and pictures."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from monai.handlers import MLFlowHandler
from numpy.typing import NDArray
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from bonescan import run_folder
from bonescan.handlers.progress import metrics_of
from bonescan.keys import IMAGE, LABEL, META_SCAN_ID, META_SIMULATED, PRED, patient_of
from bonescan.labels import Label
from bonescan.report.evaluated_images import EvaluatedImage
from bonescan.report.panels import draw_panels
from bonescan.transforms.metadata import get_spacing_mm, get_views
from bonescan.transforms.mirror import is_flipped

PICTURE = "validation/lesions"
MOST_IMAGES = 3
"""Images of a picture; a default of ours."""


def epoch_scalars(engine: Engine, evaluator: Engine | None) -> dict[str, float]:
    """Return the numbers of a trainer's epoch: `train/NAME`, and `validation/NAME` if it ran."""
    trained = {f"train/{name}": value for name, value in engine.state.metrics.items()}
    validated = metrics_of(evaluator, engine.state.epoch)
    return trained | {f"validation/{name}": value for name, value in validated.items()}


class ValidationPictures:
    """Draw the first validation images whose truth shows a metastasis, with both outlines.

    Nothing is drawn of a system that says nothing of pixels.

    Args:
        evaluator: of the validation; None where there is none.
        interval: epochs between pictures; the last epoch has one, too.

    Raises:
        ValueError: if the interval is not 1 or more.
    """

    def __init__(self, *, evaluator: Engine | None, interval: int) -> None:
        if interval < 1:
            raise ValueError(f"interval must be 1 or more, got {interval}")
        self.evaluator = evaluator
        self.interval = interval
        self.images: dict[str, EvaluatedImage] = {}
        self.simulated = False
        if evaluator is not None:
            evaluator.add_event_handler(Events.STARTED, self._reset)
            evaluator.add_event_handler(Events.ITERATION_COMPLETED, self._collect)

    def draw(self, engine: Engine) -> NDArray[np.uint8] | None:
        """Draw the picture of a trainer's epoch.

        Returns:
            (row, column, RGB); None in epochs that have none.
        """
        epoch = engine.state.epoch
        is_due = epoch % self.interval == 0 or epoch == engine.state.max_epochs
        if not is_due or not metrics_of(self.evaluator, epoch) or not self.images:
            return None
        buffer = io.BytesIO()
        figure = draw_panels(self.images, simulated=self.simulated)
        figure.savefig(buffer, format="png")
        figure.clear()
        return np.asarray(Image.open(buffer).convert("RGB"))

    def _reset(self) -> None:
        self.images = {}

    def _collect(self, engine: Engine) -> None:
        for entry, sample in zip(engine.state.batch, engine.state.output, strict=True):
            if len(self.images) < MOST_IMAGES and _says_pixels(sample):
                self._take(entry, sample)

    def _take(self, entry: Any, sample: Any) -> None:
        image = sample[IMAGE]
        scan_id = str(image.meta[META_SCAN_ID])
        self.simulated = bool(image.meta[META_SIMULATED])
        pred, truth = (sample[key].cpu().numpy() == Label.METASTASIS for key in (PRED, LABEL))
        uptake = np.round(255 * np.clip(image.cpu().numpy(), 0, 1)).astype(np.uint8)
        for number, form in enumerate(get_views(image)):
            if not truth[number].any() or len(self.images) == MOST_IMAGES:
                continue
            shown = EvaluatedImage(
                scan_id=scan_id,
                patient=patient_of(entry, scan_id),
                form=form,
                spacing_mm=get_spacing_mm(image),
                posterior_flipped=is_flipped(image),
                mirrored_copy=False,
                simulated=self.simulated,
                uptake=uptake[number],
                pred_bits=np.packbits(pred[number]),
                truth_bits=np.packbits(truth[number]),
            )
            self.images[f"{len(self.images) + 1}, {shown.caption}"] = shown


def _says_pixels(sample: Any) -> bool:
    """Say whether prediction and truth are label maps over the image."""
    shapes = {getattr(sample.get(key), "shape", None) for key in (IMAGE, PRED, LABEL)}
    return len(shapes) == 1 and META_SIMULATED in getattr(sample[IMAGE], "meta", {})


class TensorBoardTraining:
    """Write the numbers and pictures of each epoch into `tensorboard/`.

    MONAI's TensorBoardStatsHandler reads the loss at every iteration, which makes the host wait
    for the device; this one takes the means that MeanLoss reads once an epoch.

    Args:
        output_dir: folder of the run.
        evaluator: evaluator whose metrics are written in the epochs in which it runs.
        pictures: of its validation; None for none.
    """

    def __init__(
        self,
        output_dir: str | Path,
        *,
        evaluator: Engine | None = None,
        pictures: ValidationPictures | None = None,
    ) -> None:
        self.log_dir = Path(output_dir) / run_folder.TENSORBOARD
        self.evaluator = evaluator
        self.pictures = pictures
        self.writer: SummaryWriter | None = None

    def attach(self, engine: Engine) -> None:
        """Register on the events of the run, after MeanLoss."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._close)

    def _start(self, engine: Engine) -> None:
        if engine.state.rank == 0 and self.writer is None:
            # A resumed run drops what a killed one wrote beyond its checkpoint.
            self.writer = SummaryWriter(str(self.log_dir), purge_step=engine.state.epoch)

    def __call__(self, engine: Engine) -> None:
        """Write the epoch."""
        if self.writer is None:
            return
        for name, value in epoch_scalars(engine, self.evaluator).items():
            self.writer.add_scalar(name, value, engine.state.epoch)
        picture = None if self.pictures is None else self.pictures.draw(engine)
        if picture is not None:
            self.writer.add_image(PICTURE, picture, engine.state.epoch, dataformats="HWC")

    def _close(self) -> None:
        if self.writer is not None:
            self.writer.close()


class MLflowTraining(MLFlowHandler):
    """Log the same to MLflow: its metrics, and its pictures as `PICTURE/EPOCH.png`.

    Args:
        tracking_uri: see MONAI's MLFlowHandler.
        experiment_name: likewise.
        run_name: likewise.
        artifacts: files that are logged at the end.
        evaluator: as of TensorBoardTraining.
        pictures: as of TensorBoardTraining.
    """

    def __init__(
        self,
        *,
        tracking_uri: str,
        experiment_name: str,
        run_name: str | None = None,
        artifacts: str | None = None,
        evaluator: Engine | None = None,
        pictures: ValidationPictures | None = None,
    ) -> None:
        super().__init__(
            tracking_uri=tracking_uri,
            experiment_name=experiment_name,
            run_name=run_name,
            artifacts=artifacts,
            iteration_log=False,
            epoch_logger=self._log_training,
            close_on_complete=True,
        )
        self.evaluator = evaluator
        self.pictures = pictures

    def _log_training(self, engine: Engine) -> None:
        self._log_metrics(epoch_scalars(engine, self.evaluator), step=engine.state.epoch)
        picture = None if self.pictures is None else self.pictures.draw(engine)
        if picture is not None:
            name = f"{PICTURE}/{engine.state.epoch:04d}.png"
            self.client.log_image(self.cur_run.info.run_id, picture, artifact_file=name)
