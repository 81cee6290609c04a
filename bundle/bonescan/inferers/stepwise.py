"""Liu 2021's way from a scan to its metastases, step by step, with a network for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from monai.data import decollate_batch, list_data_collate
from monai.inferers import Inferer
from monai.transforms import Compose, Invertd
from monai.utils import convert_to_tensor
from torch import nn

from bonescan.inferers.sub_images import SubImageClassInferer, SubImageInferer
from bonescan.keys import FIELD_MASK, IMAGE, LABEL, PRED, PROB, SCAN_PROB, SITE_PROBS, SITES
from bonescan.labels import Label
from bonescan.transforms.metadata import get_views, replace_values
from bonescan.transforms.panels import join_panels, picture_size, split_panels
from bonescan.transforms.sub_images import TOLD_LABELS, cut_sub_images, stitch_sub_images

CLASSIFIER, METASTASIS, BLADDER, LOCATION = "classifier", "metastasis", "bladder", "location"
STEPS = (CLASSIFIER, METASTASIS, BLADDER, LOCATION)

OPEN_FROM = 0.5
"""Probability of its target from which on a sub-image is segmented (Liu 2021)."""
GATE = "gate"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A trained system as a step of a larger one.

    Attributes:
        field: field that it searches for lesions.
        network: on the device where it infers.
        preprocess: from a loaded scan (`image`) to the network's input.
        inferer: how the network is applied.
        postprocess: from what the inferer gives (`pred`) to maps in acquisition geometry.
    """

    field: str
    network: nn.Module
    preprocess: Compose
    inferer: Inferer
    postprocess: Compose


class StepwiseInferer(Inferer):
    """Classify sub-images, segment those that show a target, and tell the sites of metastases.

    1. The classifier says of each sub-image whether it shows metastasis, or bladder. What lies in
       the panels of a view that the scan lacks shows nothing.
    2. The networks of metastases and of the bladder see the sub-images that are said to show their
       target. The map of every other is empty. Maps are stitched (SubImageInferer); a pixel counts
       from 0.5 on. Another segmentation system in the place of the paper's sees the scan in its own
       way; of what it finds, pixels stay that lie in sub-images at least half of which are said to
       show metastasis, and their probabilities are multiplied by that share.
    3. Where both targets are found the bladder stands, which is not to count as tumour.
    4. The location network sees the picture with the map of metastases of step 2.

    Scans and what comes of them are in acquisition geometry.

    Args:
        parts: the systems by STEPS. The network that is called with must hold theirs by name.

    Raises:
        ValueError: if a step is missing, or a system is of another kind than its step.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        super().__init__()
        if set(parts) != set(STEPS):
            raise ValueError(f"steps must be {', '.join(STEPS)}, got {', '.join(parts)}")
        cut = parts[CLASSIFIER].inferer
        if not isinstance(cut, SubImageClassInferer) or isinstance(cut, SubImageInferer):
            raise ValueError(
                "classifier must be a system of sub-images, such as liu2021_classifier, got one "
                f"with {type(cut).__name__}"
            )
        self.parts = parts
        self.cut = cut

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Mapping[str, nn.Module],
        *args: Any,  # noqa: ARG002 - of MONAI's inferers
        **kwargs: Any,  # noqa: ARG002
    ) -> dict[str, torch.Tensor]:
        """Infer scans (B, view, row, column) of counts.

        Args:
            inputs: MetaTensor (B, V, H, W), as loaded.
            network: the networks by STEPS, such as a ModuleDict.
            args: none.
            kwargs: none.

        Returns:
            `pred`, values of bonescan.labels.Label, `prob` of metastasis and `field_mask`
            (B, V, H, W); `site_probs` (B, site) in the order of bonescan.labels.REPORT_SITES;
            `scan_prob` (B, 1), the highest probability of metastasis of a sub-image.
        """
        results = [self._infer(scan, network) for scan in decollate_batch(inputs)]
        return {key: torch.stack([result[key] for result in results]) for key in results[0]}

    def _infer(
        self, scan: torch.Tensor, networks: Mapping[str, nn.Module]
    ) -> dict[str, torch.Tensor]:
        sample = self.parts[CLASSIFIER].preprocess({IMAGE: scan})
        probs = self._classify(sample[IMAGE], networks[CLASSIFIER])  # (sub-image, target)
        found = {
            step: self._segment(step, sample, scan, networks[step], probs[:, target] >= OPEN_FROM)
            for target, step in enumerate((METASTASIS, BLADDER))
        }
        label = found[METASTASIS][PRED].clone()
        label[found[BLADDER][PRED] == Label.BLADDER] = Label.BLADDER
        site_probs = self._locate(scan, label, networks[LOCATION])
        metastases = probs[:, TOLD_LABELS.index(Label.METASTASIS)]
        return {
            PRED: label,
            PROB: found[METASTASIS][PROB],
            FIELD_MASK: found[METASTASIS][FIELD_MASK],
            SITE_PROBS: site_probs,
            SCAN_PROB: metastases.max()[None],
        }

    def _classify(self, image: torch.Tensor, network: nn.Module) -> torch.Tensor:
        """Return the probabilities of each sub-image (number, target)."""
        logits = self.cut(image[None], network)[0]
        there = join_panels(torch.ones_like(_plain(image)), get_views(image))[0]
        shown = cut_sub_images(there, self.cut.window, self.cut.stride).flatten(1).any(dim=1)
        return logits.float().sigmoid() * shown[:, None]

    def _segment(
        self,
        step: str,
        classified: Mapping[str, Any],
        scan: torch.Tensor,
        network: nn.Module,
        is_open: torch.Tensor,
    ) -> Mapping[str, torch.Tensor]:
        """Return label map, probability and field of a target, each (V, H, W)."""
        part = self.parts[step]
        sample = part.preprocess({IMAGE: scan})
        image = sample[IMAGE]
        if isinstance(part.inferer, SubImageInferer):
            pred = part.inferer.infer_scan(image, network, is_open=is_open)
            done = part.postprocess({**sample, PRED: replace_values(image, pred)})
            return {key: _plain(done[key]) for key in (PRED, PROB, FIELD_MASK)}
        batch = list_data_collate([{IMAGE: image}])[IMAGE]
        pred = _plain(part.inferer(batch, network))[0]
        done = part.postprocess({**sample, PRED: replace_values(image, pred)})
        maps = {key: _plain(done[key]) for key in (PRED, PROB, FIELD_MASK)}
        gate = self._make_gate(classified, is_open).to(maps[PROB])
        maps[PRED] = torch.where(gate >= OPEN_FROM, maps[PRED], Label.BACKGROUND)
        maps[PROB] = maps[PROB] * gate
        return maps

    def _make_gate(self, classified: Mapping[str, Any], is_open: torch.Tensor) -> torch.Tensor:
        """Return the share of the sub-images over each pixel that are open (V, H, W)."""
        image = classified[IMAGE]
        open_maps = is_open[None, :, None, None].float()
        open_maps = open_maps.expand(-1, -1, self.cut.window, self.cut.window)
        size = picture_size(image.shape[-2:])
        picture = stitch_sub_images(open_maps, size, self.cut.stride)
        gate = replace_values(image, split_panels(picture, get_views(image)))
        invert = Invertd(
            GATE, self.parts[CLASSIFIER].preprocess, orig_keys=IMAGE, nearest_interp=True
        )
        return _plain(invert({**classified, GATE: gate})[GATE])

    def _locate(self, scan: torch.Tensor, label: torch.Tensor, network: nn.Module) -> torch.Tensor:
        """Return the probability of each site (site,)."""
        part = self.parts[LOCATION]
        sample = part.preprocess({IMAGE: scan, LABEL: replace_values(scan, label), SITES: []})
        return _plain(part.inferer(sample[IMAGE][None], network))[0].float().sigmoid()


def _plain(values: torch.Tensor) -> torch.Tensor:
    return convert_to_tensor(values, track_meta=False)
