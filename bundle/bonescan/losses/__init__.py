"""Loss functions that MONAI lacks."""

from bonescan.losses.adversarial import discriminator_loss, generator_loss
from bonescan.losses.chan_vese import ChanVeseLoss, ContourLabelLoss
from bonescan.losses.consistency import TeacherConsistencyLoss
from bonescan.losses.cross_entropy import PixelCrossEntropy, pixel_cross_entropy
from bonescan.losses.deep_supervision import DeepSupervisionLoss
from bonescan.losses.overlap import BothOutputsLoss, FocalTverskyLoss
from bonescan.losses.partly_labelled import PartlyLabelledLoss
from bonescan.losses.scan import ScanLoss

__all__ = [
    "BothOutputsLoss",
    "ChanVeseLoss",
    "ContourLabelLoss",
    "DeepSupervisionLoss",
    "FocalTverskyLoss",
    "PartlyLabelledLoss",
    "PixelCrossEntropy",
    "ScanLoss",
    "TeacherConsistencyLoss",
    "discriminator_loss",
    "generator_loss",
    "pixel_cross_entropy",
]
