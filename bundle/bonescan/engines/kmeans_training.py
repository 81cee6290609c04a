"""Training of a system that counts instead of descending a gradient."""

from typing import Any

from monai.engines import SupervisedTrainer
from monai.utils.enums import CommonKeys


def collect_batch(engine: SupervisedTrainer, batchdata: dict[str, Any]) -> dict[str, Any]:
    """Let the network count a batch; the `iteration_update` of MONAI's SupervisedTrainer.

    Args:
        engine: trainer whose network has `observe(image, label)`, which adds a batch to what it
            knows, and `iou()`, its agreement with all labels so far (see KMeansSegmenter).
        batchdata: image and label (B, 1, H, W).

    Returns:
        Image, label, and as loss 1 - IoU, as the handlers of any training expect them.
    """
    image, label = engine.prepare_batch(
        batchdata, engine.state.device, engine.non_blocking, **engine.to_kwargs
    )
    engine.network.train()
    engine.network.observe(image, label)
    # Without gradients it moves nothing, but schedulers warn where no step was taken.
    engine.optimizer.step()
    return {
        CommonKeys.IMAGE: image,
        CommonKeys.LABEL: label,
        CommonKeys.LOSS: 1 - engine.network.iou(),
    }
