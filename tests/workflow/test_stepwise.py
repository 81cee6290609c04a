"""Several runs as one inference, from DICOM to results."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from pydicom.data import get_testdata_file

from bonescan.data.nifti import read_view_stack
from bonescan.dicom.read import read_scan
from bonescan.files import read_rows
from bonescan.labels import REPORT_SITES
from bonescan.run_folder import FINDINGS, SCAN_ROWS, SYSTEM, WEIGHTS, label_map_name
from bonescan.workflow.command import compose, parse_command
from bonescan.workflow.parts import describe_parts, load_parts
from bonescan.workflow.run_record import SYSTEM_KEYS
from tests.workflows import ROOT, run_command

SYSTEMS = {
    "classifier": ("liu2021_classifier", [256, 64]),
    "metastasis": ("liu2021_segmentation_metastasis", [256, 64]),
    "bladder": ("liu2021_segmentation_bladder", [256, 64]),
    "location": ("liu2021_location", [512, 128]),
    "other": ("lin2020_unet", [256, 224]),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Folders of trainings by step; their networks have learnt nothing."""
    folder = tmp_path_factory.mktemp("runs")
    found = {}
    for step, (name, size) in SYSTEMS.items():
        words = ["--args_file", f"configs/systems/{name}.yaml", "--width", "2", "--size", str(size)]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(ROOT)
            config = compose(parse_command(words))
        found[step] = folder / name
        make_run(found[step], **{key: config[key] for key in SYSTEM_KEYS})
        torch.manual_seed(3)
        network = ConfigParser(config).get_parsed_content("network_def")
        torch.save(network.state_dict(), found[step] / WEIGHTS)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("metastasis", ["metastasis", "other"])
def test_runs_are_applied_step_by_step(metastasis, runs, tmp_path):
    steps = {**runs, "metastasis": runs[metastasis]}
    del steps["other"]
    settings = [word for step, run in steps.items() for word in (f"--{step}_run", run)]
    real = get_testdata_file("JPGExtended.dcm")  # one view
    done = run_command(
        "inference", "--args_file", "configs/systems/liu2021.yaml", *settings,
        "--input", real, "--output_dir", tmp_path,
    )  # fmt: skip
    assert done == 0
    scan = read_scan([real])
    folder = tmp_path / scan.scan_id
    stack = read_view_stack(folder / label_map_name(scan.scan_id))
    assert stack.views == scan.views
    assert stack.array.shape == scan.stack().shape
    document = json.loads((folder / FINDINGS).read_text())
    assert list(document["probability_by_site"]) == list(REPORT_SITES)
    assert 0 <= document["probability_of_metastasis"] <= 1
    found = sum(finding["area_px"] for finding in document["findings"])
    assert found == np.count_nonzero(stack.array == 1)
    assert document["assessed"] == ("thorax" if metastasis == "other" else "whole body")
    (row,) = read_rows(tmp_path / SCAN_ROWS)
    assert len(row["weights_sha256"].split()) == 4


def make_run(folder: Path, **system) -> str:
    folder.mkdir()
    (folder / SYSTEM).write_text(json.dumps(system))
    return str(folder)


def test_a_run_with_code_is_not_a_part(tmp_path):
    run = make_run(tmp_path / "run", name="$__import__('os').getpid()")
    with pytest.raises(ValueError, match="it may be code: if you trust whoever made"):
        load_parts({"classifier": run}, device="cpu")
    assert describe_parts({"classifier": run})["classifier"]["name"].startswith("$")


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"give the folder of a training by --bladder_run"):
        load_parts({"bladder": tmp_path / "none"}, device="cpu")
