"""Images of a trained generator: drawn, written as an image set, and compared with real ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine
from monai.bundle import ConfigParser
from monai.transforms import Compose
from numpy.typing import NDArray

from bonescan import run_folder
from bonescan.data.datalist import data_hash, load_items
from bonescan.data.samples import SampleDataset
from bonescan.engines.adversarial import draw_latents
from bonescan.handlers.weights import WeightsLoader
from bonescan.keys import IMAGE, META_SIMULATED, SIMULATED, patient_of
from bonescan.metrics.likeness import compare_with_halves, find_nearest
from bonescan.networks.dcgan import DCGANGenerator, from_signed
from bonescan.prepare.generated_set import Maker, require_empty, to_counts, write_generated_set
from bonescan.report.drawing import name_origin
from bonescan.report.generated_images import Compared, write_closest, write_quality, write_samples
from bonescan.transforms.intensity import ScalePercentile
from bonescan.transforms.metadata import get_spacing_mm
from bonescan.transforms.views import SplitViewsd
from bonescan.workflow.installation import find_configs
from bonescan.workflow.provenance import hash_file
from bonescan.workflow.trust import check_system, is_known_text

AT_ONCE = 32
"""Images that are generated together."""
NAME_DIGITS = 12
"""Of the SHA-256 of its weights, by which a generator is called."""


@dataclass(frozen=True)
class RealImages:
    """Images of scans as the discriminator was shown them.

    Attributes:
        images: (image, row, column) in 0..1.
        patients: whose each is.
        spacing_mm: (row, column) pixel spacing of each.
        simulated: whether some are simulated.
    """

    images: NDArray[np.float32]
    patients: Sequence[str]
    spacing_mm: NDArray[np.float64]
    simulated: bool


@dataclass(frozen=True)
class RealSets:
    """What a generator was trained on, and what it was not.

    Attributes:
        training: images that it was trained on.
        left_out: those of the fold that it is compared with.
        unseen_folds: that fold, and another that a cross-validation tests on.
    """

    training: RealImages
    left_out: RealImages
    unseen_folds: Sequence[int]


def generate(
    run: Path,
    output: Path,
    *,
    number: int,
    seed: int,
    datalist: Path | None = None,
    beside: Path | None = None,
    device: str = "auto",
    trust: bool = False,
) -> Path:
    """Write images of a trained generator, their datalist, and what they are worth.

    Args:
        run: folder of the training (configs/dcgan.yaml).
        output: folder to write to; empty.
        number: of images.
        seed: of the latent vectors, and of the comparison.
        datalist: that of the training, where it has moved since.
        beside: datalist of an image set whose sections the new datalist holds, too.
        device: where to generate (see bonescan.workflow.devices).
        trust: whether the run may bring a system of its maker's own, which is code.

    Returns:
        The datalist.

    Raises:
        ValueError: if the number, the seed or the folder cannot be used, the run is that of no
            generator, its data are others, or left nobody out.
        FileNotFoundError: if the run has no weights.
    """
    if number < 1:
        raise ValueError(f"number of images must be 1 or more, got {number}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must be 0 or more, and below 2**32, got {seed}")
    parser = _read_run(run, device, trust=trust)
    require_empty(output)
    real = _load_real(run, parser, datalist)
    training, left_out = real.training, real.left_out
    name = hash_file(run / run_folder.WEIGHTS)[:NAME_DIGITS]
    counts = to_counts(_draw(parser, run, number, seed))
    spacing_mm = np.median(training.spacing_mm, axis=0)
    maker = Maker(
        name=name,
        seed=seed,
        spacing_mm=(float(spacing_mm[0]), float(spacing_mm[1])),
        simulated=training.simulated,
        unseen_folds=real.unseen_folds,
    )
    written = write_generated_set(counts, output, maker, beside=beside)
    origin = name_origin(simulated=training.simulated)
    head = (
        f"{number} images of generator {name} with seed {seed}, which was trained on "
        f"{len(training.images)} {origin} images of {len(set(training.patients))} patients; "
        f"{len(left_out.images)} images of {len(set(left_out.patients))} others were left out."
    )
    scaled = ScalePercentile()(torch.from_numpy(counts)).numpy()  # as a system will read them
    _tell_worth(scaled, training, left_out, output, head=head, seed=seed)
    return written


def _read_run(run: Path, device: str, *, trust: bool) -> ConfigParser:
    """Return the configuration of a generator and of what it learnt from."""
    path = run / run_folder.SYSTEM
    if not path.is_file():
        raise ValueError(
            f"run must be the folder of a training, which holds {path.name}, got {run}"
        )
    if not trust:
        check_system(path)
    parser = ConfigParser()
    parser.read_config([str(find_configs() / "inference.yaml"), str(path)])
    target = parser["network_def"].get("_target_", "")
    if target.rpartition(".")[2] != DCGANGenerator.__name__:
        raise ValueError(
            f"run must be the training of a generator (--overlay dcgan), got {parser['name']!r} "
            f"in {run}"
        )
    parser["device"] = device
    return parser


def _load_real(run: Path, parser: ConfigParser, datalist: Path | None) -> RealSets:
    """Load what a generator was trained on, and what was left out to compare it with."""
    config = _read_json(run / run_folder.CONFIGURATION)
    recorded = _read_json(run / run_folder.RECORD).get("data_sha256")
    datalist = _find_datalist(config) if datalist is None else datalist
    if recorded != data_hash(datalist):
        raise ValueError(
            f"{datalist}: must be what {run} was trained on, got other data; give that by --data"
        )
    fold, test_fold = config["fold"], config["test_fold"]
    if fold is None:
        raise ValueError(
            f"{run} must have left a fold out of its training, whose images tell what generated "
            "ones are worth; train it with one (fold)"
        )
    chain = Compose(
        [
            *parser.get_parsed_content("load"),
            *parser.get_parsed_content("preprocess"),
            SplitViewsd(IMAGE),
        ]
    )
    added = config["added_section"]
    trained = load_items(datalist, exclude_folds=[fold, test_fold], added_section=added)
    training = _load(trained, chain)
    if len(set(training.patients)) < 2:
        raise ValueError(f"{datalist}: a generator must be trained on two patients or more, got 1")
    return RealSets(
        training=training,
        left_out=_load(load_items(datalist, only_fold=fold), chain),
        unseen_folds=[fold] if test_fold is None else [fold, test_fold],
    )


def _find_datalist(config: Mapping[str, Any]) -> Path:
    """Return the datalist of a training by its configuration, which must not bring code."""
    named = {key: str(config[key]) for key in ("dataset_dir", "datalist")}
    for key, text in named.items():
        if not is_known_text(text):
            raise ValueError(f"{key} of the run must be a path, got {text!r}; give --data")
    return Path(ConfigParser(named).get_parsed_content("datalist"))


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(f"{path} must be there, as a training leaves it")
    return json.loads(path.read_text(encoding="utf-8"))


def _load(entries: Sequence[Mapping[str, Any]], chain: Compose) -> RealImages:
    samples = SampleDataset(entries, chain)
    loaded = [samples[index] for index in range(len(samples))]
    images = [sample[IMAGE] for sample in loaded]
    return RealImages(
        images=np.stack([image[0].numpy() for image in images]),
        patients=[patient_of(sample, str(number)) for number, sample in enumerate(loaded)],
        spacing_mm=np.array([get_spacing_mm(image) for image in images]),
        simulated=any(
            sample.get(SIMULATED) or sample[IMAGE].meta.get(META_SIMULATED) for sample in loaded
        ),
    )


def _draw(parser: ConfigParser, run: Path, number: int, seed: int) -> NDArray[np.float32]:
    """Draw images (image, row, column) in 0..1."""
    network, device = (parser.get_parsed_content(key) for key in ("network", "torch_device"))
    weights = WeightsLoader(run / run_folder.WEIGHTS, network=network, device=device)
    weights(Engine(lambda _engine, _batch: None))
    network.eval()
    torch.manual_seed(seed)
    with torch.inference_mode():
        latents = draw_latents(number, network.latent_size, device)
        images = [from_signed(network(part)).cpu() for part in latents.split(AT_ONCE)]
    return torch.cat(images)[:, 0].numpy()


def _tell_worth(
    scaled: NDArray[np.floating],
    training: RealImages,
    left_out: RealImages,
    output: Path,
    *,
    head: str,
    seed: int,
) -> None:
    """Write the page and its pictures."""
    found, expected = (
        find_nearest(images, training.images, training.patients)
        for images in (scaled, left_out.images)
    )
    differences = compare_with_halves(scaled, training.images, training.patients, seed=seed)
    simulated = training.simulated
    write_samples(output / run_folder.SAMPLES, scaled, training.images, simulated=simulated)
    write_closest(
        output / run_folder.CLOSEST_PAIRS,
        training.images,
        Compared(images=scaled, neighbours=found),
        Compared(images=left_out.images, neighbours=expected),
    )
    write_quality(
        output / run_folder.QUALITY_PAGE,
        head=head,
        generated=found,
        left_out=expected,
        differences=differences,
        pictures={"samples": run_folder.SAMPLES, "closest pairs": run_folder.CLOSEST_PAIRS},
    )
