import json

import torch
from ignite.engine import Events
from monai.data import MetaTensor
from monai.inferers import SimpleInferer
from torch import nn

from bonescan.engines.scan_evaluator import ScanEvaluator
from bonescan.keys import COUNTS, FAILURE, IMAGE, IMAGE_PATH, META_SOURCES


class Fragile(nn.Module):
    """Fail where an image holds a negative value, and double it elsewhere."""

    def forward(self, image):
        """Return the doubled image."""
        if (image < 0).any():
            raise RuntimeError("values must be counts")
        return 2 * image


def batch(name: str, level: float) -> dict:
    """Return a batch of one scan, as MONAI collates it: each value of the metadata in a list."""
    sources = json.dumps({"anterior": {"path": name, "frame": 0}})
    image = torch.full((1, 1, 2, 3), level)
    return {key: MetaTensor(image, meta={META_SOURCES: [sources]}) for key in (IMAGE, COUNTS)}


def test_a_scan_that_fails_in_the_network_is_a_failure_and_the_others_go_on():
    batches = [batch("a.dcm", 1.0), batch("bad.dcm", -1.0), batch("z.dcm", 3.0)]
    evaluator = ScanEvaluator(
        device=torch.device("cpu"),
        val_data_loader=batches,
        network=Fragile(),
        inferer=SimpleInferer(),
    )
    seen = []
    evaluator.add_event_handler(
        Events.ITERATION_COMPLETED,
        lambda engine: seen.append(
            engine.state.batch if FAILURE in engine.state.batch else engine.state.output
        ),
    )
    evaluator.run()
    assert [float(seen[number][0]["pred"].mean()) for number in (0, 2)] == [2.0, 6.0]
    assert seen[1] == {FAILURE: "RuntimeError: values must be counts", IMAGE_PATH: "bad.dcm"}
