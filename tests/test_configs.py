"""Every configuration is loaded, its parts agree, and its components fit their signatures.

That of released weights, too: bundles are packed from it.
"""

import inspect
import json
import pydoc
from pathlib import Path

import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from monai.bundle.config_item import ComponentLocator
from monai.data import MetaTensor
from monai.utils import ensure_tuple

from bonescan import __version__
from bonescan.labels import REGION_GROUPS, FocusLabel, Label
from bonescan.workflow.command import Command, check_overrides, compose, parse_command
from bonescan.workflow.installation import find_systems
from bonescan.workflow.preflight import MIN_MONAI_VERSION
from bonescan.workflow.run_record import SYSTEM_KEYS

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
WORKFLOWS = ("train", "evaluate", "inference")
SYSTEMS = find_systems()
BASE = "each_view"
RELEASED = sorted((ROOT / "models").glob("*/config.json"))
OVER_BASE = [path for path in SYSTEMS if f"configs/{BASE}.yaml" in path.read_text()]
OVERLAYS = (
    BASE,
    "aggregated",
    "all_training",
    "bfloat16",
    "cropped",
    "dcgan",
    "dcgan_fast",
    "endless",
    "ensemble",
    "fast",
    "multi_gpu",
    "multi_gpu_evaluate",
    "multi_gpu_inference",
    "skeleton_regions",
)


def load(name: str) -> dict:
    return ConfigParser.load_config_file(str(CONFIGS / f"{name}.yaml"))


def composed(*arguments: str) -> dict:
    return compose(parse_command(arguments))


def components(config: object) -> list[dict]:
    """All dictionaries with a _target_, nested ones too."""
    if isinstance(config, list):
        return [found for part in config for found in components(part)]
    if not isinstance(config, dict):
        return []
    nested = [found for part in config.values() for found in components(part)]
    return [config, *nested] if "_target_" in config else nested


def all_configs() -> list[tuple[str, dict]]:
    found = [(name, load(name)) for name in (*WORKFLOWS, *OVERLAYS)]
    found += [(path.stem, ConfigParser.load_config_file(str(path))) for path in SYSTEMS]
    return found + [(path.parent.name, json.loads(path.read_text())) for path in RELEASED]


def test_every_yaml_file_is_covered():
    covered = {f"{name}.yaml" for name in (*WORKFLOWS, *OVERLAYS)}
    assert {path.name for path in CONFIGS.glob("*.yaml")} == covered


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_yaml_has_no_traps(path):
    text = path.read_text(encoding="ascii")
    content = yaml.safe_load(text)

    def visit(value: object) -> None:
        if isinstance(value, dict):
            for part in value.values():
                visit(part)
        elif isinstance(value, list):
            for part in value:
                visit(part)
        elif isinstance(value, str) and not value.startswith(("$", "@", "%")):
            assert "#" not in value, "MONAI turns # inside a string into ::"
            assert not value.replace("-", "").replace("e", "").isdigit(), f"{value!r} is a string"

    visit(content)


@pytest.mark.parametrize(
    ("name", "config"), all_configs(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_components_fit_their_signatures(name, config):
    locator = ComponentLocator()
    for component in components(config):
        target = component["_target_"]
        modules = locator.get_component_module_name(target)
        path = (
            f"{modules[0] if isinstance(modules, list) else modules}.{target}"
            if modules
            else target
        )
        callable_ = pydoc.locate(path)
        assert callable_ is not None, f"{name}: {target} does not exist"
        arguments = {key: None for key in component if not key.startswith("_")}
        if component.get("_mode_") != "callable":
            inspect.signature(callable_).bind(**arguments)


@pytest.mark.parametrize("key", SYSTEM_KEYS)
def test_workflows_describe_the_same_system(key):
    train, evaluate, inference = (load(name) for name in WORKFLOWS)
    if key == "paper":
        assert train[key]["width"] == evaluate[key]["width"] == inference[key]["width"]
    else:
        assert train[key] == evaluate[key] == inference[key]


@pytest.mark.parametrize("key", ["multi_gpu_imports", "device", "initialize", "finalize"])
def test_overlays_start_processes_alike(key):
    assert load("multi_gpu")[key] == load("multi_gpu_evaluate")[key]


@pytest.mark.parametrize(
    ("workflow", "overlay"),
    [
        ("train", "multi_gpu"),
        ("evaluate", "multi_gpu_evaluate"),
        ("inference", "multi_gpu_inference"),
    ],
)
def test_overlays_keep_the_other_steps_of_initialize(workflow, overlay):
    steps = load(overlay)["initialize"]
    assert [step for step in load(workflow)["initialize"] if step not in steps] == []


def test_shared_inference_keeps_the_other_steps():
    alone, shared = load("inference"), load("multi_gpu_inference")
    for key in ("run", "finalize"):
        kept = [step for step in shared[key] if "dist." not in str(step)]
        assert kept == alone[key], key
    assert shared["device"] == load("multi_gpu")["device"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_both_run_ids_are_there(name):
    config = load(name)
    alias = {"train": "training", "evaluate": "evaluating", "inference": "inference"}[name]
    assert isinstance(config["run"], list)
    assert config[alias] == "%run"


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_systems_compose_with_every_workflow(path, workflow, monkeypatch):
    monkeypatch.chdir(ROOT)
    alone = composed("--args_file", str(path))
    config = composed("--args_file", str(path), "--config_file", f"configs/{workflow}.yaml")
    assert {key: config[key] for key in SYSTEM_KEYS if key != "paper"} == {
        key: alone[key] for key in SYSTEM_KEYS if key != "paper"
    }


@pytest.mark.parametrize("path", sorted((CONFIGS / "systems").glob("he2024_*.yaml")))
def test_systems_of_a_paper_without_augmentation_have_none(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    steps = [step["_target_"] for step in composed("--args_file", str(path))["augmentation"]]
    assert steps == ["bonescan.transforms.SplitViewsd", "SelectItemsd", "EnsureTyped"]


@pytest.mark.parametrize("path", OVER_BASE, ids=lambda path: path.stem)
def test_a_profile_leaves_the_system_as_it_is(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    alone = composed("--args_file", str(path))
    files = "['configs/train.yaml','configs/each_view.yaml','configs/fast.yaml']"
    fast = composed("--args_file", str(path), "--config_file", files)
    same = set(SYSTEM_KEYS) - {"width", "norm", "size"} | {"label_mapping", "prepare_batch"}
    assert {key: fast[key] for key in same} == {key: alone[key] for key in same}
    assert fast["width"] < alone["paper"]["width"]


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_a_system_says_only_what_differs(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    own = ConfigParser.load_config_file(str(path))
    files = ensure_tuple(own.pop("config_file"))
    base = compose(Command(files, {}, {}))
    for key, value in own.items():
        changed = compose(Command(files, {key: value}, {}))
        assert changed != base or key == "name", f"{key} is what {files} say already"


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_systems_override_known_keys_only(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    check_overrides(parse_command(["--args_file", str(path)]))


def test_systems_are_told_apart_in_the_tables():
    names = [ConfigParser.load_config_file(str(path))["name"] for path in SYSTEMS]
    assert len(set(names)) == len(SYSTEMS)


def test_the_default_system_is_of_both_views_and_the_base_of_the_others_of_each(monkeypatch):
    monkeypatch.chdir(ROOT)
    systems = "configs/systems"
    assert composed("--args_file", f"{systems}/both_views.yaml") == load("train")
    unet_res = composed("--args_file", f"{systems}/lin2020_unet_res.yaml")
    assert unet_res == {**load("train"), **load(BASE)}


def test_only_both_views_is_over_no_base():
    assert {path.stem for path in SYSTEMS} - {path.stem for path in OVER_BASE} == {"both_views"}


def test_the_base_says_all_in_which_its_system_differs():
    keys = set(SYSTEM_KEYS) | {"augmentation", "label_mapping", "loss", "optimizer"}
    same = {"width", "norm", "plan", "keep_prob", "label_values", "key_metric"}
    assert keys - set(load(BASE)) == same


def test_profile_changes_training_not_the_system():
    fast = load("fast")
    assert fast["width"] < load(BASE)["paper"]["width"]
    assert not set(fast) & (set(SYSTEM_KEYS) - {"width", "norm"})


@pytest.mark.parametrize(
    ("files", "expected"), [(["train"], 3_924_956), (["train", BASE], 32_426_306)]
)
def test_network_of_the_configuration(files, expected):
    config = ConfigParser.load_config_files([str(CONFIGS / f"{name}.yaml") for name in files])
    network = ConfigParser(config).get_parsed_content("network_def")
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_versions_agree():
    metadata = json.loads((CONFIGS / "metadata.json").read_text())
    assert metadata["version"] == __version__
    assert metadata["monai_version"] == MIN_MONAI_VERSION
    assert __version__ in metadata["changelog"]
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    lock = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {
        "monai": metadata["monai_version"],
        "torch": metadata["pytorch_version"],
        "numpy": metadata["numpy_version"],
        **metadata["required_packages_version"],
    }
    assert {name: lock[name] for name in pinned} == pinned


def test_skeleton_regions_has_a_channel_for_each_group_and_needs_no_keys_of_a_workflow():
    overlay = load("skeleton_regions")
    assert overlay["network_def"]["out_channels"] == len(REGION_GROUPS)
    steps = [*overlay["load"], *overlay["preprocess"]]  # what the run's system.json hands on
    assert "@keys" not in [step["keys"] for step in steps]


def test_both_views_has_a_channel_for_each_focus_and_each_group_of_bones():
    system = load("train")
    network, loss = system["network_def"], system["loss"]
    assert network["regions"] == len(REGION_GROUPS)
    assert network["classes"] == loss["classes"] == len(FocusLabel)
    (mapping,) = [step for step in system["decide"] if step["_target_"] == "MapLabelValued"]
    of_files = dict(zip(mapping["orig_labels"], mapping["target_labels"], strict=True))
    assert of_files == {
        FocusLabel.BLADDER: Label.BLADDER,
        FocusLabel.BENIGN: Label.BACKGROUND,
        FocusLabel.METASTASIS: Label.METASTASIS,
    }


def test_both_views_decides_for_the_most_probable_class():
    decide = ConfigParser({"decide": load("inference")["decide"][:2]}).get_parsed_content("decide")
    of_files = torch.tensor([Label.BACKGROUND, Label.BLADDER, Label.BACKGROUND, Label.METASTASIS])
    prob = torch.rand((len(FocusLabel), 2, 5, 3), generator=torch.Generator().manual_seed(0))
    sample = {"pred": MetaTensor(prob, meta={"views": "anterior+posterior"})}
    for step in decide:
        sample = step(sample)
    assert torch.equal(sample["pred"].as_tensor().long(), of_files[prob.argmax(dim=0)])
    assert sample["pred"].dtype == torch.float32
    assert sample["pred"].meta["views"] == "anterior+posterior"
