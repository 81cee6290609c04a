"""Every system is trained, evaluated and run on the real scan by the commands of the README."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from pydicom.data import get_testdata_file

from bonescan.data.nifti import read_view_stack
from bonescan.data.nnunet_plan import plan_training
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import BoneScan
from bonescan.labels import Label
from bonescan.run_folder import (
    EVALUATION,
    FINDINGS,
    FROC_CURVE,
    LAST_STATE,
    SUMMARY_JSON,
    SYSTEM,
    label_map_name,
)
from bonescan.workflow.command import compose, parse_command
from bonescan.workflow.installation import find_systems
from tests.workflows import FEW_OUTPUTS, ROOT, handed_on, run_command

SYSTEMS = [path.stem for path in find_systems()]
OF_NO_PIXELS = ("liu2021_classifier", "liu2021_location", "liu2021_location_resnet34")
"""Systems that say something of sub-images or of scans."""
OF_BLADDER = ("liu2021_segmentation_bladder",)
MARKED = {
    "both_views": {Label.METASTASIS, Label.BLADDER},
    **{name: {Label.BLADDER} for name in OF_BLADDER},
}
"""What a system marks, where that is not metastases alone."""
OF_EACH_OUTPUT = (
    "both_views", "chen2023_otsu", "lin2020_mask_rcnn", "lin2020_unet_res", "lin2022_t3_features",
    *OF_BLADDER,
)  # fmt: skip
"""One of those that mark the same on images of the same field: they write all results of a scan."""
DOCUMENT = ROOT / "docs/reference/systems.md"


def documented_parameters() -> dict[str, int]:
    """Read the table of docs/reference/systems.md: parameters by system."""
    rows = re.findall(r"^\| (`.+?) \| .+? \| ([\d ]+) \|", DOCUMENT.read_text(), flags=re.MULTILINE)
    return {
        name: int(count.replace(" ", ""))
        for names, count in rows
        for name in re.findall(r"`(\w+)`", names)
    }


@pytest.mark.parametrize("name", SYSTEMS)
def test_documents_give_the_parameters_at_paper_size(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = compose(parse_command(["--args_file", f"configs/systems/{name}.yaml"]))
    if config["plan"] is not None:  # as docs/reference says, that of thoraxes of usual size
        config["plan"] = asdict(plan_training([(248, 177)] * 100, [0.7] * 100))
    with torch.device("meta"):
        network = ConfigParser(config).get_parsed_content("network_def")
    count = sum(parameter.numel() for parameter in network.parameters())
    assert documented_parameters()[name] == count


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_system_trains_evaluates_and_infers(name, trained_system, system_datalist):
    run_dir = trained_system(name)
    assert torch.load(run_dir / LAST_STATE, weights_only=True)["epoch"] == 2
    system, where = run_dir / SYSTEM, ("--run_dir", run_dir)
    files = f"['configs/evaluate.yaml','{system}']"
    assert run_command("--config_file", files, *where, "--datalist", system_datalist) == 0
    summary = json.loads((run_dir / EVALUATION / SUMMARY_JSON).read_text())
    assert handed_on(run_dir)["name"] in (summary["bladder"] if name in OF_BLADDER else summary)
    assert (run_dir / EVALUATION / FROC_CURVE).is_file() == (name not in OF_NO_PIXELS + OF_BLADDER)
    files = f"['configs/inference.yaml','{system}']"
    real = get_testdata_file("JPGExtended.dcm")
    outputs = () if name in OF_EACH_OUTPUT else ("--outputs", FEW_OUTPUTS)
    done = run_command("--config_file", files, *where, "--input", real, *outputs)
    assert (done == 0) == (name not in OF_NO_PIXELS)
    if done == 0:
        labels = MARKED.get(name, {Label.METASTASIS})
        check_inference(run_dir / "inference", read_scan(real), labels)


def check_inference(folder: Path, scan: BoneScan, labels: set[Label]) -> None:
    """Check that label map and findings of a scan agree, in the geometry of the acquisition."""
    stack = read_view_stack(folder / scan.scan_id / label_map_name(scan.scan_id))
    assert (stack.views, stack.array.shape) == (scan.views, scan.stack().shape)
    assert stack.spacing_mm == pytest.approx(scan.spacing_mm)
    assert set(np.unique(stack.array)) <= {Label.BACKGROUND, *labels}
    document = json.loads((folder / scan.scan_id / FINDINGS).read_text())
    assert document["views"] == ["anterior"]
    marked = np.count_nonzero(stack.array == Label.METASTASIS)
    assert sum(finding["area_px"] for finding in document["findings"]) == marked
