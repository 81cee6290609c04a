"""A trained system as a bundle that runs alone."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, verify_metadata, verify_net_in_out

from bonescan.zoo.archive import read_archive
from bonescan.zoo.pack import make_configs, pack
from tests.workflows import ROOT, SCHEMA_HASH

NAME = "bone_scan_unet"
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning"),
    pytest.mark.usefixtures("_as_it_stands"),
]


@pytest.fixture(scope="module")
def run(trained_system, tmp_path_factory):
    """Return a tiny run with an evaluation that says what it was made on."""
    folder = tmp_path_factory.mktemp("run") / "unet"
    shutil.copytree(trained_system("lin2020_unet"), folder)
    part = {"value": 0.25, "lower": 0.125, "upper": 0.5}
    pooled = {"dsc": part, "precision": part, "recall": {**part, "value": None}}
    summary = {
        "simulated": True, "images": 3, "patients": 2, "lesions": 5, "interval": "made up",
        "pooled": pooled, "detection": {"sensitivity": part},
    }  # fmt: skip
    (folder / "evaluation").mkdir(exist_ok=True)
    (folder / "evaluation" / "summary.json").write_text(json.dumps({"U-Net": summary}))
    return folder


@pytest.fixture(scope="module")
def packed(run, tmp_path_factory, _as_it_stands):
    return pack(run, tmp_path_factory.mktemp("zoo"), name=NAME, version="1.2.0")


def test_a_bundle_holds_what_the_zoo_asks_for(packed):
    files = {str(file.relative_to(packed.bundle)) for file in packed.bundle.rglob("*")}
    configs = {f"configs/{name}.json" for name in ("train", "evaluate", "inference", "metadata")}
    assert {"LICENSE", "docs/README.md", "docs/data_license.txt", "configs/logging.conf"} <= files
    assert configs | {"configs/multi_gpu_train.json", "models/model.pt"} <= files
    assert not [name for name in files if name.endswith(".pyc")]
    assert not [name for name in files if name.startswith("configs/") and ".yaml" in name]
    assert packed.archive.name == f"{NAME}_v1.2.0.zip"


def test_nothing_in_it_tells_where_it_was_trained(packed, run):
    for file in packed.bundle.rglob("*.*"):
        if file.is_file():
            content = file.read_bytes()
            assert str(run).encode() not in content
            assert str(Path.home()).encode() not in content


def test_weights_and_torchscript_are_those_of_the_run(run, tmp_path):
    packed = pack(run, tmp_path, name=NAME, version="1.2.0", torchscript=True)
    ours, theirs = (
        torch.load(folder / "model.pt", weights_only=True)
        for folder in (run, packed.bundle / "models")
    )
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    parser = ConfigParser()
    parser.read_config(str(packed.bundle / "configs" / "inference.json"))
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(theirs)
    image = torch.rand(1, 1, *parser["size"], generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        expected = network(image)
        scripted = torch.jit.load(packed.bundle / "models" / "model.ts")(image)
    torch.testing.assert_close(scripted, expected, atol=1e-4, rtol=0)


def test_metadata_say_what_the_network_takes_and_gives(packed):
    metadata = json.loads((packed.bundle / "configs" / "metadata.json").read_text())
    assert (metadata["name"], metadata["version"]) == (NAME, "1.2.0")
    assert list(metadata["changelog"]) == ["1.2.0"]
    assert metadata["network_data_format"]["outputs"]["pred"]["channel_def"] == {
        "0": "background", "1": "metastasis",
    }  # fmt: skip
    assert metadata["eval_metrics"] == {
        "dsc_pooled": 0.25, "precision_pooled": 0.25, "lesion_sensitivity": 0.25,
    }  # fmt: skip
    verify_net_in_out(
        net_id="network_def",
        config_file=str(packed.bundle / "configs" / "inference.json"),
        meta_file=str(packed.bundle / "configs" / "metadata.json"),
        device="cpu",
    )


def test_metadata_fit_the_schema(packed, reference_data, tmp_path):
    schema = tmp_path / "schema.json"
    shutil.copy(reference_data / "meta_schema_20240725.json", schema)
    metadata = packed.bundle / "configs" / "metadata.json"
    verify_metadata(meta_file=str(metadata), filepath=str(schema), **SCHEMA_HASH)


def test_the_card_says_first_that_the_scans_are_simulated_and_gives_the_figures(packed):
    card = (packed.bundle / "docs" / "README.md").read_text()
    first = "Trained on simulated scans. Research use only, not for diagnosis. Evaluated on simul"
    assert card.splitlines()[1].startswith(first)
    assert "On simulated scans: 3 images, 5 lesions of 2 patients." in card
    assert "| DSC, pooled | 0.250 | 0.125 to 0.500 |" in card
    assert "| recall, pooled | - | 0.125 to 0.500 |" in card
    assert "- https://doi.org/10.1371/journal.pone.0243253" in card


def test_every_text_has_the_form_of_the_zoo(packed):
    for file in packed.bundle.rglob("*.*"):
        if file.suffix == ".json":
            text = file.read_text()
            assert text == json.dumps(json.loads(text), indent=4) + "\n", file
        elif file.suffix in {".py", ".md", ".txt", ".conf", ".yaml"} and file.stat().st_size:
            text = file.read_text(encoding="utf-8")
            assert text.endswith("\n"), file
            assert not re.search(r"[ \t]$|\n\n\Z", text, flags=re.MULTILINE), file
        assert file.stat().st_size < (25e6 if file.suffix == ".pt" else 1e6)


def test_packing_again_gives_the_same_bytes(packed, run, tmp_path):
    assert pack(run, tmp_path, name=NAME, version="1.2.0").sha256 == packed.sha256
    with pytest.raises(FileExistsError, match="exists; remove it"):
        pack(run, tmp_path, name=NAME, version="1.2.1")


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ("system.json", {}, "must be the folder of a training with system.json"),
        ("run.json", {}, "add --data-license FILE"),
        (None, {"name": "Bone Scan"}, "name must be small letters, digits and underscores"),
        (None, {"version": "1.2"}, "version must be three numbers such as 1.2.0, got '1.2'"),
    ],
)
def test_what_cannot_be_packed(run, tmp_path, change, settings, message):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    if change:
        (copy / change).unlink()
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        pack(copy, tmp_path / "zoo", **{"name": NAME, "version": "1.2.0", **settings})
    assert not list((tmp_path / "zoo").glob("*"))


def test_weights_in_a_bundle_say_what_they_were_trained_on(packed):
    record = json.loads((packed.bundle / "models" / "run.json").read_text())
    assert record == {"trained_on": "simulated"}


def test_a_system_of_acquired_scans_is_not_called_simulated(run, tmp_path):
    (copy := tmp_path / "run").mkdir()
    for name in ("system.json", "model.pt", "config.json"):
        shutil.copy(run / name, copy)
    (tmp_path / "license.txt").write_text("ours")
    licence = tmp_path / "license.txt"
    packed = pack(copy, tmp_path / "zoo", name=NAME, version="0.0.1", data_license=licence)
    assert (packed.bundle / "docs" / "data_license.txt").read_text() == "ours"
    card = (packed.bundle / "docs" / "README.md").read_text()
    assert "holds no evaluation" in card
    assert "imulated" not in card
    metadata = (packed.bundle / "configs" / "metadata.json").read_text()
    assert "imulated" not in metadata
    assert '"data_source": "see docs/data_license.txt"' in metadata


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lin2020_mask_rcnn", "cannot be shared in MONAI's model zoo"),
        ("lin2020_kmeans", "one that TorchScript can hold, .*: KMeansSegmenter clusters"),
    ],
)
def test_a_network_that_the_zoo_cannot_take(trained_system, tmp_path, name, message):
    licence = tmp_path / "license.txt"
    licence.write_text("ours")
    with pytest.raises(ValueError, match=message):
        pack(trained_system(name), tmp_path, name=NAME, version="0.0.1", data_license=licence)


LOAD = """
import sys, torch, monai.bundle
network = monai.bundle.load(sys.argv[1], bundle_dir=sys.argv[2], workflow_type="inference")
import bonescan
print("result", bonescan.__file__, float(sum(p.sum() for p in network.parameters())))
"""


def call(*words, cwd):
    """Run Python where nothing of the checkout is on the path."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-W", "ignore", *map(str, words)]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_an_unpacked_bundle_runs_alone_from_any_folder(packed, cohort, trained_system, tmp_path):
    bundle = read_archive(packed.archive, tmp_path / "there", sha256=packed.sha256)
    loaded = call("-c", LOAD, NAME, bundle.parent, cwd=tmp_path)
    assert loaded.returncode == 0, loaded.stderr
    _, module, total = loaded.stdout.splitlines()[-1].split()
    assert module.startswith(str(bundle))
    state = torch.load(packed.bundle / "models" / "model.pt", weights_only=True)
    names = [name for name, value in state.items() if value.is_floating_point()]
    parameters = [name for name in names if "running" not in name]
    assert float(total) == pytest.approx(sum(float(state[n].sum()) for n in parameters), rel=1e-3)
    scan = cohort / "sim-0001"
    done = call(
        "-m", "monai.bundle", "run", "--config_file", bundle / "configs" / "inference.json",
        "--bundle_root", bundle, "--input", scan, "--output_dir", tmp_path / "out", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours = call(
        "-m", "bonescan", "infer", trained_system("lin2020_unet"), scan, "-o", tmp_path / "ours",
        cwd=tmp_path,
    )  # fmt: skip
    assert ours.returncode == 0, ours.stderr
    findings = [
        json.loads(next((tmp_path / name).rglob("findings.json")).read_text())["findings"]
        for name in ("out", "ours")
    ]
    assert findings[0] == findings[1]


PROPERTIES = """
import sys
from monai.bundle import ConfigWorkflow
bundle, data, out = sys.argv[1:]
for name, kind in (("train", "train"), ("inference", "infer")):
    workflow = ConfigWorkflow(
        workflow_type=kind, config_file=f"{bundle}/configs/{name}.json", bundle_root=bundle,
        dataset_dir=data, output_dir=out, width=2,
    )
    workflow.initialize()
    ids = [run_id for run_id in ("run", kind + "ing", kind + "ence") if run_id in workflow.parser]
    print("result", name, workflow.check_properties(), *ids)
"""


@pytest.mark.slow
def test_monais_tools_find_their_properties_from_any_folder(packed, cohort, tmp_path):
    done = call("-c", PROPERTIES, packed.bundle, cohort, tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith("result")]
    assert found == ["result train [] run training", "result inference [] run inference"]


@pytest.mark.slow
def test_a_bundle_trains_on(packed, cohort, tmp_path):
    done = call(
        "-m", "monai.bundle", "run", "--config_file", "configs/train.json",
        "--dataset_dir", cohort, "--output_dir", tmp_path / "run", "--epochs", 1,
        cwd=packed.bundle,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model.pt").is_file()
    assert np.isfinite(
        sum(float(x.sum()) for x in torch.load(tmp_path / "run" / "model.pt").values())
    )


def test_a_training_without_end_becomes_one_on_files_with_all_else_as_it_was():
    run = ROOT / "models" / "both_views"
    drawn = json.loads((run / "config.json").read_text())
    training = make_configs(run, run / "system.json")["train"]
    assert drawn["train"]["dataset"]["_target_"] == "bonescan.prepare.endless.EndlessDataset"
    assert training["train"]["dataset"]["_target_"] == "bonescan.data.samples.SampleDataset"
    assert training["sampler"]["_target_"] == "torch.utils.data.RandomSampler"
    assert training["drawn_from"] is None
    assert not {"bank", "preset", "patients", "sum_device"} & set(training)
    for key in ("loss", "optimizer", "epochs", "network_def"):
        assert training[key] == drawn[key], key


def test_a_run_that_does_not_say_how_it_was_trained_is_refused(tmp_path):
    (tmp_path / "system.json").write_text("{}")
    with pytest.raises(ValueError, match=r"^run must hold config\.json, which says how it was"):
        make_configs(tmp_path, tmp_path / "system.json")
