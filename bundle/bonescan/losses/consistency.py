"""Agreement of a network with its teacher, which needs no label."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bonescan.keys import WEAK_IMAGE


class TeacherConsistencyLoss(nn.Module):
    """Mean squared difference of the probabilities of a network and of its teacher.

    Tarvainen and Valpola 2017, "Mean teachers are better role models". The teacher begins as a copy
    of the network; bonescan.handlers.teacher.TeacherUpdate lets it follow.

    The teacher's normalisations take the running statistics of the network itself: both hold the
    same tensors, so that the processes of a training agree on both at once.

    Args:
        network: network that is trained, on the device where it is trained.

    Attributes:
        teacher: the teacher; it has no gradients and is never in training mode.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        shared = {id(buffer): buffer for buffer in network.buffers()}
        self.teacher = copy.deepcopy(network, shared).eval().requires_grad_(requires_grad=False)

    def forward(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Compute the loss.

        Args:
            logits: of the network, (B, C, H, W), two classes or more.
            batch: WEAK_IMAGE (B, 1, H, W), what the teacher sees; the network saw a noisier one.

        Returns:
            A scalar in 0..1.
        """
        with torch.no_grad():
            taught = self.teacher(batch[WEAK_IMAGE]).float().softmax(dim=1)
        return (logits.float().softmax(dim=1) - taught).square().mean()
