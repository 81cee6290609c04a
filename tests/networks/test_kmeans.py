import copy

import numpy as np
import pytest
import torch
from monai.transforms import Compose, LoadImaged
from pydicom.data import get_testdata_file
from sklearn.cluster import KMeans

from bonescan.data.reader import BoneScanReader
from bonescan.networks import KMeansSegmenter
from bonescan.networks.kmeans import rank_pixels
from bonescan.transforms import ThoraxCropd
from tests.networks.checks import script

LEVELS = (0.0, 0.1, 0.4, 0.5, 0.9)
"""Grey values of a drawn image: with three clusters 0.9 | 0.4, 0.5 | 0, 0.1."""
RANKS = (3, 3, 2, 2, 1)


def drawn() -> torch.Tensor:
    """Two images (2, 1, 4, 5), one column per level, the second in another order."""
    row = torch.tensor(LEVELS)
    return torch.stack([row.expand(4, 5), row.flip(0).expand(4, 5)])[:, None]


def ranks_by_hand() -> torch.Tensor:
    row = torch.tensor(RANKS)
    return torch.stack([row.expand(4, 5), row.flip(0).expand(4, 5)])[:, None]


def speckled(seed: int = 3) -> np.ndarray:
    """An image (24, 17) of three well separated ranges of counts."""
    rng = np.random.default_rng(seed)
    middle = rng.choice([4, 40, 90], p=[0.6, 0.3, 0.1], size=(24, 17))
    return (middle + rng.integers(-3, 4, size=middle.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def real_crop() -> np.ndarray:
    """Counts (256, 256) of the thorax of the real scan that comes with pydicom."""
    chain = Compose([LoadImaged("image", reader=BoneScanReader), ThoraxCropd("image")])
    return chain({"image": get_testdata_file("JPGExtended.dcm")})["image"][0].numpy()


def top_cluster(image: np.ndarray, clusters: int) -> tuple[int, float]:
    """Pixels and mean of the brightest cluster."""
    hot = image[rank_pixels(image, clusters) == 1]
    return len(hot), float(hot.mean())


def spread(image: np.ndarray, rank: np.ndarray) -> float:
    """What K-means minimises: squared distances to the means of the clusters."""
    groups = [image[rank == number].astype(np.float64) for number in np.unique(rank)]
    return sum(((group - group.mean()) ** 2).sum() for group in groups)


def least_spread(image: np.ndarray, clusters: int) -> float:
    """The least possible, found by trying all borders between sorted values, cluster by cluster."""
    values, number = np.unique(image.astype(np.float64), return_counts=True)
    sums = np.stack([number, number * values, number * values**2]).cumsum(axis=1)
    sums = np.concatenate([np.zeros((3, 1)), sums], axis=1)
    n, first, second = sums[:, None, :] - sums[:, :, None]  # (start, stop)
    cost = np.where(n > 0, second - first**2 / np.where(n > 0, n, 1), np.inf)
    best = cost[0]
    for _ in range(clusters - 1):
        best = (best[:, None] + cost).min(axis=0)
    return float(best[-1])


def test_ranks_are_those_worked_out_by_hand():
    for image, expected in zip(drawn(), ranks_by_hand(), strict=True):
        assert rank_pixels(image[0].numpy(), 3).tolist() == expected[0].tolist()


def test_distinct_values_give_the_clusters_of_all_pixels():
    image = speckled()
    whole = KMeans(3, n_init=10, random_state=0).fit(image.reshape(-1, 1).astype(np.float64))
    rank = rank_pixels(image, 3)
    means = [image[rank == number].mean() for number in (1, 2, 3)]
    assert means == pytest.approx(sorted(whole.cluster_centers_[:, 0], reverse=True), rel=1e-6)
    assert spread(image, rank) == pytest.approx(whole.inertia_)


def test_as_many_clusters_as_values_rank_each_value():
    image = np.array([[3.0, 1.0, 3.0], [7.0, 1.0, 5.0]])
    assert rank_pixels(image, 4).tolist() == [[3, 4, 3], [1, 4, 2]]


def test_more_clusters_than_values_are_refused():
    message = r"at least 5 distinct pixel values for 5 clusters, got 4: use fewer clusters"
    with pytest.raises(ValueError, match=message):
        rank_pixels(np.array([[3.0, 1.0, 3.0], [7.0, 1.0, 5.0]]), 5)


@pytest.mark.parametrize("n_hot", [1, 2])
def test_score_exceeds_a_half_in_the_hot_clusters(n_hot):
    network = KMeansSegmenter(clusters=3, rule="fixed")
    image = drawn()
    network.observe(image, (ranks_by_hand() <= n_hot).long())
    assert network.n_hot == n_hot
    score = network(image)
    assert score.shape == image.shape
    assert 0 < score.min() < score.max() < 1
    assert torch.equal(score > 0.5, ranks_by_hand() <= n_hot)
    torch.testing.assert_close(score, 0.5 + (n_hot + 0.5 - ranks_by_hand()) / 6)


def test_brightest_alone_whatever_was_observed():
    network = KMeansSegmenter(clusters=3, rule="highest")
    network.observe(drawn(), (ranks_by_hand() <= 2).long())
    assert torch.equal(network(drawn()) > 0.5, ranks_by_hand() == 1)
    assert network.iou().item() == pytest.approx(8 / 24)  # of 3 columns in 5, one is found


def test_brightest_alone_until_something_is_observed():
    network = KMeansSegmenter(clusters=3, rule="fixed")
    assert torch.equal(network(drawn()) > 0.5, ranks_by_hand() == 1)
    assert network.iou() == 0


def test_number_of_hot_clusters_has_the_highest_pooled_iou():
    network = KMeansSegmenter(clusters=3, rule="fixed")
    image = drawn()
    first = torch.zeros_like(image[:1], dtype=torch.long)
    first[..., 4] = 1  # the brightest column: 1 of 1, or 1 of 3
    network.observe(image[:1], first)
    assert (network.n_hot, network.iou().item()) == (1, 1.0)
    second = (ranks_by_hand()[1:] <= 2).long()  # the brightest 3 columns
    network.observe(image[1:], second)
    network.observe(image[1:], second)
    # one cluster: (1 + 1 + 1) of (1 + 3 + 3) columns; two: (1 + 3 + 3) of (3 + 3 + 3)
    assert network.n_hot == 2
    assert network.iou().item() == pytest.approx(7 / 9)


def test_bladder_is_no_lesion():
    network = KMeansSegmenter(clusters=3, rule="fixed")
    network.observe(drawn(), 2 * (ranks_by_hand() == 1).long())
    assert network.iou() == 0


def test_order_and_batches_do_not_matter():
    images = torch.stack([torch.from_numpy(speckled(seed)) for seed in range(3)])[:, None]
    labels = (images > torch.tensor([30.0, 70, 100]).reshape(3, 1, 1, 1)).long()
    whole, single = (KMeansSegmenter(clusters=3, rule="fixed") for _ in range(2))
    whole.observe(images, labels)
    for index in (2, 0, 1):
        single.observe(images[index : index + 1], labels[index : index + 1])
    assert torch.equal(whole.pixels, single.pixels)
    assert whole.pixels.sum() == images.numel()
    assert torch.equal(whole(images)[1:2], single(images[1:2]))


def test_clusters_follow_the_seed_alone(real_crop):
    np.random.seed(1)  # noqa: NPY002 - scikit-learn falls back on this generator
    first = rank_pixels(real_crop, 9, seed=4)
    np.random.seed(2)  # noqa: NPY002
    assert np.array_equal(first, rank_pixels(real_crop, 9, seed=4))


def test_scale_of_the_counts_does_not_matter():
    image = speckled()
    assert np.array_equal(rank_pixels(image / 128, 3), rank_pixels(image, 3))


def test_state_survives_saving(tmp_path):
    trained = KMeansSegmenter(clusters=3, rule="fixed")
    trained.observe(drawn(), (ranks_by_hand() <= 2).long())
    torch.save(trained.state_dict(), tmp_path / "model.pt")
    loaded = KMeansSegmenter(clusters=3, rule="fixed")
    loaded.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert loaded.n_hot == trained.n_hot == 2
    assert torch.equal(loaded(drawn()), trained(drawn()))


def test_other_number_of_clusters_does_not_load():
    with pytest.raises(RuntimeError, match="size mismatch for pixels"):
        KMeansSegmenter(clusters=4).load_state_dict(KMeansSegmenter(clusters=3).state_dict())


def test_copies_count_apart():
    network = KMeansSegmenter(clusters=3)
    copy.deepcopy(network).observe(drawn(), torch.zeros(2, 1, 4, 5))
    assert network.pixels.sum() == 0


def test_optimiser_and_autograd_leave_it_alone():
    network = KMeansSegmenter(clusters=3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    network.observe(drawn(), torch.ones(2, 1, 4, 5))
    before = network.pixels.clone()
    optimizer.step()
    assert torch.equal(network.pixels, before)
    assert not network(drawn()).requires_grad


def test_compiling_is_refused():
    with pytest.raises(TypeError, match=r"clusters each image anew .* which TorchScript and ONNX"):
        script(KMeansSegmenter())


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_tracing_is_refused():
    with pytest.raises(TypeError, match="use it from Python"):
        torch.jit.trace(KMeansSegmenter(clusters=3), drawn())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clusters": 1}, "clusters must be at least 2, got 1"),
        ({"rule": "best"}, "rule must be one of highest, fixed, got 'best'"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        KMeansSegmenter(**settings)


def test_body_and_air_of_the_real_scan(real_crop):
    pixels, _ = top_cluster(real_crop, 2)
    assert pixels == pytest.approx(21_181, rel=0.1)  # another implementation, by hand-made starts


@pytest.mark.parametrize("clusters", [5, 9, 12])
def test_clusters_of_the_real_scan_are_nearly_the_best_there_are(real_crop, clusters):
    least = least_spread(real_crop, clusters)
    found = spread(real_crop, rank_pixels(real_crop, clusters))
    assert least * (1 - 1e-6) <= found < 1.05 * least


@pytest.mark.parametrize(("clusters", "counts"), [(5, 112), (9, 123)])
def test_hottest_cluster_of_the_real_scan(real_crop, clusters, counts):
    assert top_cluster(real_crop, clusters)[1] == pytest.approx(counts, rel=0.1)
