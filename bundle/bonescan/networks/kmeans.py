"""Hot spots by K-means on grey values (Lin 2020): no weights, no gradients."""

from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from torch import Tensor, nn

from bonescan.labels import Label

RULES = ("highest", "fixed")
RESTARTS = 10
"""Starts of K-means on an image, of which the best is kept."""


NO_GRAPH = (
    "KMeansSegmenter clusters each image anew with scikit-learn, which TorchScript and ONNX cannot "
    "hold: use it from Python"
)


def rank_pixels(
    image: NDArray[np.floating],
    clusters: int,
    *,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Cluster the pixels of one image and rank each by the mean grey value of its cluster.

    The distinct grey values are clustered, each weighted by its number of pixels: the same
    objective on a few hundred points in place of tens of thousands.

    Args:
        image: (row, column) grey values, all pixels counting, zeros too.
        clusters: how many clusters.
        seed: of the starts.

    Returns:
        (row, column) ranks, 1 the brightest cluster.

    Raises:
        ValueError: if there are fewer different grey values than clusters.
    """
    grey = image.astype(np.float64).ravel()
    values, of_pixel, number = np.unique(grey, return_inverse=True, return_counts=True)
    if len(values) < clusters:
        raise ValueError(
            f"image must have at least {clusters} distinct pixel values for {clusters} clusters, "
            f"got {len(values)}: use fewer clusters"
        )
    means = KMeans(clusters, n_init=RESTARTS, random_state=seed)
    means.fit(values[:, None], sample_weight=number)
    rank = np.empty(clusters, dtype=np.int64)
    rank[np.argsort(-means.cluster_centers_[:, 0])] = np.arange(1, clusters + 1)
    return rank[means.labels_][of_pixel].reshape(image.shape)


class KMeansSegmenter(nn.Module):
    """Call the brightest of an image's grey value clusters hot spots.

    Lin et al. 2020 (PLoS ONE 15:e0243253) tell neither which clusters are hot spots nor on which
    features they cluster; the rules here use no label of the image that is segmented. Each view is
    clustered on its own. What is learned, how many clusters are hot, is derived from a count of
    the training pixels, the one parameter, so that checkpoints and optimisers need no special case.

    Args:
        clusters: K of K-means.
        rule: "highest" calls the brightest cluster hot; "fixed" calls as many hot as agree best
            with the labels that were observed, and the brightest alone before any was.
        seed: of K-means, for every image the same.

    Raises:
        ValueError: if there are fewer than two clusters, or the rule is another word.
    """

    def __init__(
        self,
        clusters: int = 9,
        rule: str = "highest",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if clusters < 2:
            raise ValueError(f"clusters must be at least 2, got {clusters}")
        if rule not in RULES:
            raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
        self.clusters = clusters
        self.rule = rule
        self.seed = seed
        # training pixels by rank of their cluster, and by whether they are lesion: (K, 2)
        self.pixels = nn.Parameter(torch.zeros(clusters, 2, dtype=torch.int64), requires_grad=False)

    @property
    def n_hot(self) -> int:
        """How many clusters are called hot; the fewest of those that agree equally well."""
        return 1 if self.rule == "highest" else int(self._iou_by_number().argmax()) + 1

    def forward(self, image: Tensor) -> Tensor:
        """Score each pixel by the rank of its cluster.

        Args:
            image: (B, 1, H, W) grey values.

        Returns:
            (B, 1, H, W) within 0..1, over 0.5 exactly in the hot clusters, with metadata kept.

        Raises:
            ValueError: if an image has fewer different pixels than clusters.
            TypeError: if the module is traced.
        """
        if torch.jit.is_tracing():
            raise TypeError(NO_GRAPH)
        return 0.5 + (self.n_hot + 0.5 - self._rank(image)) / (2 * self.clusters)

    def observe(self, image: Tensor, label: Tensor) -> None:
        """Add a batch of training images to what the number of hot clusters is chosen on.

        Args:
            image: (B, 1, H, W) grey values.
            label: (B, 1, H, W) values of bonescan.labels.Label.

        Raises:
            ValueError: if an image has fewer different pixels than clusters.
        """
        index = self._rank(image).long() - 1
        lesion = (label == Label.METASTASIS).long()
        number = torch.bincount((2 * index + lesion).flatten(), minlength=2 * self.clusters)
        self.pixels.add_(number.reshape(self.clusters, 2))

    def iou(self) -> Tensor:
        """Return the IoU of the hot clusters with the lesions, pooled over the pixels observed."""
        return self._iou_by_number()[self.n_hot - 1]

    def _iou_by_number(self) -> Tensor:
        """Return the IoU for 1, 2, ... K - 1 hot clusters; 0 before anything is observed."""
        background, lesion = self.pixels.cumsum(dim=0).T  # of the brightest 1, 2, ... K clusters
        union = background + lesion[-1]
        return (lesion / union.clamp(min=1))[:-1]

    def _rank(self, image: Tensor) -> Tensor:
        """Return ranks (B, 1, H, W) as float32, on the images' device."""
        ranks = torch.empty_like(image, dtype=torch.float32)
        for index, (view,) in enumerate(image.detach().cpu().numpy()):
            ranks[index, 0] = torch.from_numpy(rank_pixels(view, self.clusters, seed=self.seed))
        return ranks

    def __prepare_scriptable__(self) -> NoReturn:
        """Refuse to be compiled by torch.jit.script, which calls this first."""
        raise TypeError(NO_GRAPH)
