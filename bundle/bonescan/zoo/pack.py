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
from bonescan.data.origin import Origin
from bonescan.files import write_text
from bonescan.workflow.installation import find_configs
from bonescan.workflow.training_origin import TRAINED_ON, read_training_origin
from bonescan.workflow.trust import check_system
from bonescan.zoo.archive import MODELS, write_archive
from bonescan.zoo.card import DATA_LICENSE, write_card
from bonescan.zoo.export import script, write_onnx, write_torchscript
from bonescan.zoo.figures import read_evaluation
from bonescan.zoo.flatten import find_itself, find_targets, flatten
from bonescan.zoo.form import format_json
from bonescan.zoo.label import show_on_file, take_labels
from bonescan.zoo.metadata import make_metadata
from bonescan.zoo.network_format import find_input
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
DEEP_SUPERVISION = "deep_supervision"
"""Of MONAI's DynUNet: outputs at several depths, of which inference takes the finest."""


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
    onnx: bool = False,
    trust: bool = False,
) -> Packed:
    """Pack a trained system so that it runs alone, with the packages of its metadata only.

    Args:
        run: folder of its training.
        folder: for the bundle's own folder and the zip file.
        name: of the bundle: small letters, digits and underscores.
        version: of the bundle, such as 1.0.0.
        data_license: text on the data that it was trained on; not needed where the run tells that
            all of them are simulated.
        torchscript: whether to add the network as TorchScript, too. PyTorch writes places on this
            machine and running numbers into it: equal content gives other bytes then.
        onnx: whether to add the network as ONNX, too (extra `onnx`).
        trust: whether the run may bring a system of its maker's own, which is code.

    Raises:
        FileNotFoundError: if the run lacks system or weights.
        FileExistsError: if the bundle or the archive exists.
        ValueError: if the name is none, the system cannot be packed, its weights do not fit or are
            too large, nothing says what its data may be used for, or an extra is not installed.
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
        _fill(bundle, run, version=version, data_license=data_license)
        if torchscript or onnx:
            _export(bundle, torchscript=torchscript, onnx=onnx)
        _check_sizes(bundle)
        shutil.move(bundle, folder / name)
    return Packed(folder / name, archive, write_archive(folder / name, archive))


def _fill(bundle: Path, run: Path, *, version: str, data_license: Path | None) -> None:
    """Write all of a bundle but what is made on request."""
    for part in ("configs", "docs", MODELS):
        (bundle / part).mkdir(parents=True)
    _copy_run(run, bundle / MODELS)
    configs = make_configs(run, bundle / MODELS / run_folder.SYSTEM)
    inference = configs["inference"]
    network = _load_network(inference, bundle / MODELS / run_folder.WEIGHTS, run)
    script(network)
    evaluation = read_evaluation(run, inference["name"])
    simulated = read_training_origin(run) is Origin.SIMULATED
    source = find_configs()
    configs["metadata"] = make_metadata(
        json.loads((source / "metadata.json").read_text(encoding="utf-8")),
        name=bundle.name,
        version=version,
        config=inference,
        network=network,
        evaluation=evaluation,
        simulated=simulated,
    )
    for name, config in configs.items():
        write_text(bundle / "configs" / f"{name}.json", format_json(config))
    shutil.copyfile(source / "logging.conf", bundle / "configs" / "logging.conf")
    write_text(bundle / "LICENSE", _read_license(source.parent))
    licence = _say_licence(data_license, simulated=simulated)
    write_text(bundle / "docs" / "data_license.txt", licence)
    write_card(
        bundle / "docs" / "README.md",
        configs["metadata"],
        evaluation,
        simulated=simulated,
        infers=bool(inference["keep_prob"]),
    )
    copy_package(bundle, set().union(*map(find_targets, configs.values())))


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _copy_run(run: Path, folder: Path) -> None:
    """Copy what a run is used with; its network as it infers, without what only training needs."""
    system = _read(run / run_folder.SYSTEM)
    if system["network_def"].get(DEEP_SUPERVISION):
        system["network_def"][DEEP_SUPERVISION] = False
    write_text(folder / run_folder.SYSTEM, format_json(system))
    if point := _read(run / run_folder.OPERATING_POINT):
        write_text(folder / run_folder.OPERATING_POINT, format_json(point))
    origin = {TRAINED_ON: read_training_origin(run)}
    write_text(folder / run_folder.RECORD, format_json(origin))
    for file in (run_folder.WEIGHTS, run_folder.HISTORY):
        if (run / file).is_file():
            shutil.copyfile(run / file, folder / file)


def make_configs(run: Path, infers_as: Path) -> dict[str, dict[str, Any]]:
    """Return the configurations of a bundle by name, each of which needs no other file.

    The training is that of the run, on the files of a datalist even where the run drew simulated
    patients as it went: the simulator does not travel with a bundle.

    Args:
        run: folder of the training.
        infers_as: file of its system as it evaluates and infers.

    Raises:
        ValueError: if the run does not say how it was trained.
    """
    source, own = find_configs(), run / run_folder.CONFIGURATION
    if not own.is_file():
        raise ValueError(f"run must hold {own.name}, which says how it was trained, got {run}")
    in_bundle = {"run_dir": f"$@bundle_root + '/{MODELS}'", "output_dir": "$@bundle_root + '/eval'"}
    configs = {
        name: flatten([source / f"{name}.yaml", infers_as], in_bundle)
        for name in ("inference", "evaluate")
    }
    show_on_file(configs["inference"])
    base = ConfigParser(ConfigParser.load_config_file(str(source / "train.yaml")))
    configs["train"] = flatten([own], {key: base[key] for key in _OF_THE_USER})
    if any(target.split(".")[1] in LEFT_OUT for target in find_targets(configs["train"])):
        endless = ConfigParser.load_config_file(str(source / "endless.yaml"))
        of_files = {key: base[key] for key in (*_OF_THE_USER, *endless) if key in base}
        drawn = set(endless) - set(of_files)  # what says how patients are drawn
        training = flatten([own], of_files)
        configs["train"] = {key: value for key, value in training.items() if key not in drawn}
    take_labels(configs["train"])
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


def _load_network(config: Mapping[str, Any], weights: Path, run: Path) -> nn.Module:
    """Build the network of a packed configuration, fill it strictly, and keep these weights alone.

    Raises:
        ValueError: if the weights are not plain tensors, do not fit the network that was trained,
            or the packed one gives other values.
    """
    trained, network = (
        ConfigParser(dict(settings)).get_parsed_content("network_def")
        for settings in (_read(run / run_folder.SYSTEM), config)
    )
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        trained.load_state_dict(state)
    except Exception as err:
        raise ValueError(f"{weights.name} must fit the network: {type(err).__name__}") from err
    kept = network.state_dict().keys()
    if kept != state.keys():
        state = {name: value for name, value in state.items() if name in kept}
        torch.save(state, weights)
    network.load_state_dict(state)
    image = find_input(config, network.eval())
    with torch.inference_mode():
        found, expected = network(image), trained.eval()(image)
    if isinstance(found, torch.Tensor) and not torch.equal(found, expected):
        raise ValueError(f"{config['name']} must give the same without {DEEP_SUPERVISION}")
    return network


def _export(bundle: Path, *, torchscript: bool, onnx: bool) -> None:
    metadata, config = (
        _read(bundle / "configs" / f"{name}.json") for name in ("metadata", "inference")
    )
    network = ConfigParser(dict(config)).get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(bundle / MODELS / run_folder.WEIGHTS, weights_only=True))
    if torchscript:
        path = bundle / MODELS / "model.ts"
        write_torchscript(network, path, metadata=metadata, config=config)
    if onnx:
        write_onnx(network, bundle / MODELS / "model.onnx", metadata=metadata)


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


def _say_licence(text: Path | None, *, simulated: bool) -> str:
    if text is not None:
        return text.read_text(encoding="utf-8")
    if not simulated:
        raise ValueError(
            "the run must tell that all it was trained on is simulated, or say what its data may "
            "be used for: add --data-license FILE"
        )
    return DATA_LICENSE


def _check_sizes(bundle: Path) -> None:
    for file in filter(Path.is_file, bundle.rglob("*")):
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(
                f"{file.name} must have at most {MOST_BYTES / 1e6:g} MB for the model zoo, got "
                f"{file.stat().st_size / 1e6:.1f}: train a narrower network"
            )
