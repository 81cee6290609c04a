"""Agreement of a network with its teacher, which needs no label."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonescan.keys import WEAK_IMAGE


class TeacherConsistencyLoss(nn.Module):
    """What a network owes to its teacher, which saw the image before it was changed.

    The mean squared difference of their probabilities (Tarvainen and Valpola 2017, "Mean teachers
    are better role models"), or the cross-entropy with the teacher's likeliest class where the
    teacher is sure (Sohn et al. 2020, "FixMatch", equation 4; there the network teaches itself).

    The teacher begins as a copy of the network; bonescan.handlers.teacher.TeacherUpdate lets it
    follow.

    The teacher's normalisations take the running statistics of the network itself: both hold the
    same tensors, so that the processes of a training agree on both at once.

    Args:
        network: network that is trained, on the device where it is trained.
        hard: compare with the teacher's likeliest class, not with its probabilities.
        min_confidence: probability of that class from which on a pixel counts. The others have no
            loss; the mean is over all pixels nevertheless.

    Attributes:
        teacher: the teacher; it has no gradients and is never in training mode.

    Raises:
        ValueError: if the confidence is not within 0 and 1.
    """

    def __init__(
        self, network: nn.Module, *, hard: bool = False, min_confidence: float = 0.0
    ) -> None:
        super().__init__()
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence must be within 0 and 1, got {min_confidence}")
        self.hard = hard
        self.min_confidence = min_confidence
        shared = {id(buffer): buffer for buffer in network.buffers()}
        self.teacher = copy.deepcopy(network, shared).eval().requires_grad_(requires_grad=False)

    def forward(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Compute the loss.

        Args:
            logits: of the network, (B, C, H, W), two classes or more.
            batch: WEAK_IMAGE (B, 1, H, W), what the teacher sees; the network saw a noisier one.

        Returns:
            A scalar, 0 or more; with probabilities 1 at most.
        """
        logits = logits.float()
        with torch.no_grad():
            taught = self.teacher(batch[WEAK_IMAGE]).float().softmax(dim=1)
            confidence, likeliest = taught.max(dim=1)  # (B, H, W)
        if self.hard:
            loss = F.cross_entropy(logits, likeliest, reduction="none")
        else:
            loss = (logits.softmax(dim=1) - taught).square().mean(dim=1)
        return (loss * (confidence >= self.min_confidence)).mean()
