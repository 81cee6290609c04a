"""What MONAI's tools ask of a bundle, from its root and from any other folder."""

import json
import shutil
import urllib.request

import pytest
from monai.bundle import verify_metadata, verify_net_in_out

from bonescan import __version__
from tests.workflows import (
    CONFIGS,
    ROOT,
    SCHEMA_HASH,
    TINY,
    make_workflow,
    run,
    tiny_arguments,
)

METADATA = CONFIGS / "metadata.json"

CHECK = """
import json, sys
from monai.bundle import ConfigWorkflow
root, cohort = sys.argv[1:]
assert not [path for path in sys.path if path == root]
for name, kind in (("train", "train"), ("evaluate", "infer"), ("inference", "infer")):
    workflow = ConfigWorkflow(
        config_file=f"{root}/configs/{name}.yaml", workflow_type=kind, bundle_root=root,
        dataset_dir=cohort, width=2, baseline=False,
    )
    workflow.initialize()
    print("result", json.dumps([name, workflow.check_properties(), workflow.version]))
"""


@pytest.mark.parametrize(
    ("name", "workflow_type"), [("train", "train"), ("evaluate", "infer"), ("inference", "infer")]
)
def test_properties(cohort, name, workflow_type, monkeypatch):
    monkeypatch.chdir(ROOT)
    settings = {"dataset_dir": str(cohort), "baseline": False, "bundle_root": "."}
    workflow = make_workflow(name, workflow_type=workflow_type, **settings)
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.version == __version__
    metadata = json.loads(METADATA.read_text())
    for key in ("monai_version", "pytorch_version", "numpy_version"):
        assert getattr(workflow, key) == metadata[key]


@pytest.mark.slow
def test_properties_from_another_folder(cohort, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    done = run("-c", CHECK, str(ROOT), str(cohort), cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("result ")]
    found = [json.loads(line.removeprefix("result ")) for line in lines]
    assert found == [[name, [], __version__] for name in ("train", "evaluate", "inference")]


def test_metadata_fits_the_schema(reference_data, tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the network must not be used")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    schema = tmp_path / "eval" / "schema.json"
    schema.parent.mkdir()
    shutil.copy(reference_data / "meta_schema_20240725.json", schema)
    how = {"filepath": str(schema), **SCHEMA_HASH}
    verify_metadata(meta_file=str(METADATA), **how)
    broken = tmp_path / "metadata.json"
    broken.write_text(json.dumps({**json.loads(METADATA.read_text()), "references": "none"}))
    with pytest.raises(ValueError, match="Failed validating"):
        verify_metadata(meta_file=str(broken), **how)


def test_network_takes_and_gives_what_the_metadata_say():
    verify_net_in_out(
        net_id="network_def",
        config_file=str(CONFIGS / "inference.yaml"),
        meta_file=str(METADATA),
        device="cpu",
        width=2,
    )


def test_tracking_finds_its_ids(cohort, tmp_path):
    workflow = make_workflow(
        "train",
        workflow_type="train",
        tracking="mlflow",
        dataset_dir=str(cohort),
        output_dir=str(tmp_path),
    )
    for part in ("train", "validate"):
        targets = [handler["_target_"] for handler in workflow.parser[f"{part}#handlers"]]
        assert targets[-1] == "MLFlowHandler"


@pytest.mark.slow
def test_training_from_another_folder(cohort, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    done = run(
        "-m", "monai.bundle", "run", "--config_file", str(CONFIGS / "train.yaml"),
        "--bundle_root", str(ROOT), "--dataset_dir", str(cohort), "--output_dir", "a run",
        *tiny_arguments(), "--epochs", "1", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "a run" / "model.pt").is_file()
    config = json.loads((tmp_path / "a run" / "config.json").read_text())
    assert (config["bundle_root"], config["width"]) == (str(ROOT), TINY["width"])


@pytest.mark.slow
def test_misspelt_override_is_refused(cohort, tmp_path):
    done = run(
        "-m", "monai.bundle", "run", "--config_file", "configs/train.yaml",
        "--dataset_dir", str(cohort), "--output_dir", str(tmp_path / "run"), "--epoch", "3",
    )  # fmt: skip
    assert done.returncode != 0
    assert "override 'epoch' must name a key of configs/train.yaml; did you mean 'epochs'?" in (
        done.stdout
    )
    assert not (tmp_path / "run").exists()
