"""Batches whose channels are the views of scans, some of which lack one."""

from torch import Tensor


def find_acquired(views: Tensor) -> Tensor:
    """Tell which channels are views that were acquired: a view without any count was not.

    Args:
        views: (B, view, row, column), zero all over in place of a missing view.

    Returns:
        Boolean (B, view).
    """
    return (views != 0).flatten(2).any(dim=2)
