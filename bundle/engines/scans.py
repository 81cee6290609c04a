"""Inference over an archive of scans: one bad file does not stop the others."""

from typing import Any

from ignite.engine import EventEnum
from monai.engines import SupervisedEvaluator

from bundle.keys import FAILURE


class ScanEvents(EventEnum):
    """Events of an archive run."""

    SCAN_FAILED = "scan_failed"


class ScanEvaluator(SupervisedEvaluator):
    """MONAI's evaluator that passes over scans which could not be read or prepared.

    A batch that holds a failure (see bundle.data.tolerant) goes through no network and no
    post-processing; SCAN_FAILED is fired and `engine.state.batch` holds the failure.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(event_names=[ScanEvents], **arguments)

    def _iteration(self, engine: "ScanEvaluator", batchdata: dict[str, Any]) -> Any:
        if FAILURE in batchdata:
            engine.state.output = []
            engine.fire_event(ScanEvents.SCAN_FAILED)
            return engine.state.output
        return super()._iteration(engine, batchdata)
