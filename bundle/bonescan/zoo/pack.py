"""A trained system as one self-contained bundle of MONAI's model zoo."""

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import nn

from bonescan import run_folder
from bonescan.files import write_json, write_text
from bonescan.workflow.installation import find_configs
from bonescan.workflow.trust import check_system
from bonescan.zoo.archive import MODELS, write_archive
from bonescan.zoo.card import DATA_LICENSE, write_card
from bonescan.zoo.flatten import find_itself, find_targets, flatten
from bonescan.zoo.metadata import example, make_metadata
from bonescan.zoo.package import LEFT_OUT, copy_package

DISTRIBUTION = "bone-scan-bundle"
"""What the package index would call this project."""
MOST_BYTES = 25_000_000
"""Of one file: the model zoo's limit."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OF_THE_USER = (
    "bundle_root",
    "dataset_dir",
    "datalist",
    "output_dir",
    "initial_weights",
    "resume",
    "device",
    "num_workers",
)
"""Keys that say where and how somebody trained, and not what: a bundle has them as the checkout's
own configurations do."""
_COPIED = (run_folder.WEIGHTS, run_folder.SYSTEM, run_folder.OPERATING_POINT, run_folder.HISTORY)


@dataclass(frozen=True)
class Packed:
    """What packing leaves.

    Attributes:
        bundle: folder of the bundle.
        archive: the same as a zip file.
        sha256: of the archive.
    """

    bundle: Path
    archive: Path
    sha256: str


def pack(
    run: Path,
    folder: Path,
    *,
    name: str,
    version: str,
    data_license: Path | None = None,
    torchscript: bool = False,
    trust: bool = False,
) -> Packed:
    """Pack a trained system so that it runs alone, with the packages of its metadata only.

    Args:
        run: folder of its training.
        folder: for the bundle's own folder and the zip file.
        name: of the bundle: small letters, digits and underscores.
        version: of the bundle, such as 1.0.0.
        data_license: text on the data that it was trained on; not needed where the evaluation in
            the run says that they are simulated.
        torchscript: whether to add the network as TorchScript, too. PyTorch writes places on this
            machine and running numbers into it: equal content gives other bytes then.
        trust: whether the run may bring a system of its maker's own, which is code.

    Raises:
        FileNotFoundError: if the run lacks system or weights.
        FileExistsError: if the bundle or the archive exists.
        ValueError: if the name is none, the system cannot be packed, its weights do not fit or are
            too large, or nothing says what its data may be used for.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"name must be small letters, digits and underscores, got {name!r}")
    for file in (run_folder.SYSTEM, run_folder.WEIGHTS):
        if not (run / file).is_file():
            raise FileNotFoundError(f"run must be the folder of a training with {file}, got {run}")
    archive = folder / f"{name}_v{version}.zip"
    for place in (folder / name, archive):
        if place.exists():
            raise FileExistsError(f"{place} exists; remove it, or give another folder or version")
    if not trust:
        check_system(run / run_folder.SYSTEM)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as parts:
        bundle = Path(parts) / name
        network = _fill(bundle, run, version=version, data_license=data_license)
        if torchscript:
            _trace(network, bundle)
        _check_sizes(bundle)
        shutil.move(bundle, folder / name)
    return Packed(folder / name, archive, write_archive(folder / name, archive))


def _fill(bundle: Path, run: Path, *, version: str, data_license: Path | None) -> nn.Module:
    """Write all of a bundle; return its network."""
    configs = make_configs(run)
    for part in ("configs", "docs", MODELS):
        (bundle / part).mkdir(parents=True)
    for workflow, config in configs.items():
        write_json(bundle / "configs" / f"{workflow}.json", config, indent=4)
    for file in filter(lambda file: (run / file).is_file(), _COPIED):
        shutil.copyfile(run / file, bundle / MODELS / file)
    network = _load_network(configs["inference"], bundle / MODELS / run_folder.WEIGHTS)
    summary = run / run_folder.EVALUATION / run_folder.SUMMARY_JSON
    evaluation = (
        json.loads(summary.read_text(encoding="utf-8"))[configs["inference"]["name"]]
        if summary.is_file()
        else None
    )
    source = find_configs()
    metadata = make_metadata(
        json.loads((source / "metadata.json").read_text(encoding="utf-8")),
        name=bundle.name,
        version=version,
        config=configs["inference"],
        network=network,
        evaluation=evaluation,
    )
    write_json(bundle / "configs" / "metadata.json", metadata, indent=4)
    shutil.copyfile(source / "logging.conf", bundle / "configs" / "logging.conf")
    write_text(bundle / "LICENSE", _read_license(source.parent))
    write_text(bundle / "docs" / "data_license.txt", _say_licence(evaluation, data_license))
    write_card(bundle / "docs" / "README.md", metadata, evaluation)
    copy_package(bundle, set().union(*map(find_targets, configs.values())))
    return network


def make_configs(run: Path) -> dict[str, dict[str, Any]]:
    """Return the configurations of a bundle by name, each of which needs no other file.

    The training is that of the run where a bundle can hold all of it, and the checkout's training
    of the same system where it draws simulated patients as it goes.
    """
    source, system = find_configs(), run / run_folder.SYSTEM
    in_bundle = {"run_dir": f"$@bundle_root + '/{MODELS}'", "output_dir": "$@bundle_root + '/eval'"}
    configs = {
        name: flatten([source / f"{name}.yaml", system], in_bundle)
        for name in ("inference", "evaluate")
    }
    base = ConfigParser.load_config_file(str(source / "train.yaml"))
    own = run / run_folder.CONFIGURATION
    of_user = {key: base[key] for key in _OF_THE_USER}
    configs["train"] = flatten([own if own.is_file() else system], of_user)
    if not own.is_file() or any(
        target.split(".")[1] in LEFT_OUT for target in find_targets(configs["train"])
    ):
        configs["train"] = flatten([source / "train.yaml", system], {})
    overlay = ConfigParser.load_config_file(str(source / "multi_gpu.yaml"))
    configs["multi_gpu_train"] = {**overlay, "initialize": find_itself(overlay["initialize"])}
    for config in configs.values():
        _refuse_places(config)
    return configs


def _refuse_places(node: Any, key: str = "") -> None:
    """See that a configuration names no place on this machine.

    Raises:
        ValueError: if it does; the message names the key.
    """
    if isinstance(node, Mapping):
        for name, child in node.items():
            _refuse_places(child, f"{key}#{name}" if key else name)
    elif isinstance(node, list):
        for number, child in enumerate(node):
            _refuse_places(child, f"{key}#{number}")
    elif isinstance(node, str) and Path(node).is_absolute():
        raise ValueError(
            f"{key} must name no place on this machine, got a path that starts at the root: train "
            "with a relative one, or without it"
        )


def _load_network(config: Mapping[str, Any], weights: Path) -> nn.Module:
    """Build the network of a packed configuration and fill it strictly.

    Raises:
        ValueError: if the weights are not plain tensors or do not fit.
    """
    parser = ConfigParser(dict(config))
    network: nn.Module = parser.get_parsed_content("network_def")
    try:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except Exception as err:
        raise ValueError(f"{weights.name} must fit the network: {type(err).__name__}") from err
    return network.eval()


def _trace(network: nn.Module, bundle: Path) -> None:
    """Write the network as TorchScript, and see that it gives what the network gives.

    Raises:
        ValueError: if it does not.
    """
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    taken = metadata["network_data_format"]["inputs"]["image"]
    image = example(taken["num_channels"], *taken["spatial_shape"])
    path = bundle / MODELS / "model.ts"
    with torch.inference_mode():
        torch.jit.trace(network, image, check_trace=False).save(path)
        other = image.flip(-1)  # which was not traced
        if not torch.allclose(torch.jit.load(path)(other), network(other), atol=1e-4):
            raise ValueError(f"the network of {metadata['name']} gives other values as TorchScript")


def _read_license(checkout: Path) -> str:
    """Return the project's own licence, from the checkout or from the installed package."""
    path = checkout / "LICENSE"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    installed = distribution(DISTRIBUTION)
    text = installed.read_text("licenses/LICENSE") or installed.read_text("LICENSE")
    if text is None:
        raise FileNotFoundError(f"LICENSE must be in {checkout} or in the installed package")
    return text


def _say_licence(evaluation: Mapping[str, Any] | None, text: Path | None) -> str:
    if text is not None:
        return text.read_text(encoding="utf-8")
    if evaluation is None or not evaluation["simulated"]:
        raise ValueError(
            "the run must hold an evaluation on simulated scans, or say what its data may be used "
            "for: add --data-license FILE"
        )
    return DATA_LICENSE


def _check_sizes(bundle: Path) -> None:
    for file in filter(Path.is_file, bundle.rglob("*")):
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(
                f"{file.name} must have at most {MOST_BYTES / 1e6:g} MB for the model zoo, got "
                f"{file.stat().st_size / 1e6:.1f}: train a narrower network"
            )
