"""Inference over an archive of scans: one bad file does not stop the others."""

import logging
from typing import Any

import ignite.distributed as idist
from ignite.engine import Events
from monai.engines import SupervisedEvaluator

from bonescan.data.failures import make_failure
from bonescan.keys import COUNTS, FAILURE

logger = logging.getLogger(__name__)


class ScanEvaluator(SupervisedEvaluator):
    """MONAI's evaluator that passes over scans which could not be read, prepared or inferred.

    A batch that is a failure (see bonescan.data.failures) goes through no network and no
    post-processing: `engine.state.batch` stays that failure and `engine.state.output` is empty. A
    scan on which the network or the post-processing fails becomes such a failure.
    """

    def run(self, global_epoch: int = 1) -> None:
        """Run over the archive; where nothing is left to do, say so and return.

        Of several processes, one that has nothing to do starts with the others, who wait for it.
        """
        if self.state.epoch_length == 0:
            logger.info("no scan is left to do")
            if idist.get_world_size() > 1:
                self.fire_event(Events.STARTED)
            return
        super().run(global_epoch)

    def _iteration(self, engine: "ScanEvaluator", batchdata: dict[str, Any]) -> Any:
        if FAILURE in batchdata:
            return []
        try:
            return super()._iteration(engine, batchdata)
        except Exception as err:
            failure = make_failure(err, batchdata[COUNTS].meta)
            logger.debug("failure of an inference", exc_info=err)
            logger.warning("scan left out: %s", failure[FAILURE])
            engine.state.batch = failure
            return []
