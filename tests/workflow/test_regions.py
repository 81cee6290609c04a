"""The regions of the skeleton in an inference: trained network, geometry, sides, provenance."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.transforms import LoadImaged

import bonescan
from bonescan.data.reader import BoneScanReader
from bonescan.dicom.scan import View
from bonescan.files import read_rows
from bonescan.inferers.regions import AddRegionsd
from bonescan.labels import REGION_GROUPS, Label, region_group_bits
from bonescan.measures.assessed_scan import AssessedScan
from bonescan.run_folder import FINDINGS, SCAN_ROWS, SYSTEM, WEIGHTS
from bonescan.transforms.metadata import get_views
from bonescan.transforms.regions import to_channels
from bonescan.workflow.command import compose, parse_command
from bonescan.workflow.parts import make_region_steps
from bonescan.workflow.run_record import SYSTEM_KEYS
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import ROOT, describe_system, run_command

CPU = torch.device("cpu")
SCAN, TRUTH = "sim-0001/scan.dcm", "sim-0001/regions.nii.gz"


@pytest.fixture(scope="module")
def regions_run(tmp_path_factory) -> Path:
    """The folder of a training of the overlay; its network has learnt nothing."""
    files = "['configs/train.yaml','configs/skeleton_regions.yaml']"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        config = compose(parse_command(["--config_file", files, "--width", "1"]))
    folder = tmp_path_factory.mktemp("regions_run")
    (folder / SYSTEM).write_text(json.dumps({key: config[key] for key in SYSTEM_KEYS}))
    torch.manual_seed(5)
    network = ConfigParser(config).get_parsed_content("network_def")
    torch.save(network.state_dict(), folder / WEIGHTS)
    return folder


@pytest.fixture(scope="module")
def lesions_run(tmp_path_factory) -> Path:
    """The folder of a run whose network calls bright pixels metastasis."""
    folder = tmp_path_factory.mktemp("lesions_run")
    (folder / SYSTEM).write_text(describe_system(name="Bright", network_def=NETWORK))
    save_weights(folder / WEIGHTS, 0.9)
    return folder


def load(cohort: Path) -> dict[str, MetaTensor]:
    """Load a scan and its true regions."""
    loader = LoadImaged(["image", "regions"], reader=BoneScanReader, dtype=None)
    return loader({"image": str(cohort / SCAN), "regions": str(cohort / TRUTH)})


class KnowsTruth(Inferer):
    """In place of a network: the truth as the network's input shows it, as logits."""

    def __init__(self, truth: torch.Tensor) -> None:
        super().__init__()
        self.truth = truth

    def __call__(self, inputs, network, *args, **kwargs):
        return 20.0 * to_channels(self.truth)[None] - 10.0


def test_true_regions_come_back_to_the_acquisition_side_by_side(regions_run, cohort):
    (step,) = make_region_steps(regions_run, CPU)
    sample = load(cohort)
    counts, truth = sample["image"], sample["regions"].numpy()
    seen = step.part.preprocess(sample)["regions"]
    part = dataclasses.replace(step.part, inferer=KnowsTruth(seen.as_tensor()))
    found = AddRegionsd(part, device=CPU)({"counts": counts})["pred_regions"].numpy()
    assert found.dtype == np.int64
    for group in ("femur_left", "femur_right", "foot_left", "humerus_right", "skull", "sacrum"):
        bits = region_group_bits(group)
        for view in range(2):
            here, there = (found[view] & bits) != 0, (truth[view] & bits) != 0
            assert there.any()
            dice = 2 * (here & there).sum() / (here.sum() + there.sum())
            assert dice > 0.75, (group, view)

    left = region_group_bits("femur_left")
    lesion = np.zeros(truth.shape, np.uint8)
    columns = []
    for view in range(2):
        rows, cols = np.nonzero(truth[view] & left)
        middle = len(rows) // 2
        place = slice(rows[middle] - 1, rows[middle] + 2), slice(cols[middle], cols[middle] + 2)
        lesion[view][place] = Label.METASTASIS
        columns.append(cols[middle])
    middle_column = truth.shape[-1] / 2
    assert columns[0] > middle_column > columns[1], "left is right in an anterior view"
    result = AssessedScan(
        views=[View(name) for name in get_views(counts)], spacing_mm=(2.0, 2.0), view_source="code",
        content_check="agrees", counts=counts.numpy(), label_map=lesion,
        prob=lesion.astype(np.float32), field="whole body",
        field_mask=np.ones(lesion.shape, bool), regions=found,
    )  # fmt: skip
    assert [finding.region for finding in result.findings] == ["femur_left", "femur_left"]


def test_a_place_of_the_body_has_one_name_in_both_views(regions_run, cohort):
    (step,) = make_region_steps(regions_run, CPU)
    counts = load(cohort)["image"]
    counts[1] = counts[0].flip(-1)
    before = counts.clone()
    regions = step({"counts": counts})["pred_regions"]
    assert regions.shape == counts.shape
    assert torch.equal(counts, before)
    assert torch.equal(regions[1], regions[0].flip(-1))
    assert not torch.equal(regions[1], regions[0]), "the law sees a flip"


def test_results_know_their_regions_and_what_told_them(lesions_run, regions_run, cohort):
    system = bonescan.load(lesions_run, regions=regions_run, device="cpu", trust=True)
    result, again = system(cohort / SCAN), system(cohort / SCAN)
    assert result.regions.dtype == np.int64
    np.testing.assert_array_equal(result.regions, again.regions)
    digest = hashlib.sha256((regions_run / WEIGHTS).read_bytes()).hexdigest()
    assert result.provenance.regions_sha256 == digest
    assert result.provenance.row()["regions_sha256"] == digest
    assert f"of regions {digest[:8]}" in result.provenance.caption()[0]
    assert {finding.region for finding in result.findings} <= {None, *REGION_GROUPS}
    without = bonescan.load(lesions_run, device="cpu", trust=True)(cohort / SCAN)
    assert without.regions is None
    assert without.provenance.regions_sha256 is None
    np.testing.assert_array_equal(without.label_map, result.label_map)


@pytest.mark.slow
def test_one_bundle_run_names_the_bones(lesions_run, regions_run, cohort, tmp_path):
    files = ["configs/inference.yaml", str(lesions_run / SYSTEM)]
    done = run_command(
        "inference", "--config_file", str(files), "--run_dir", lesions_run, "--regions_run",
        regions_run, "--input", cohort / SCAN, "--output_dir", tmp_path,
    )  # fmt: skip
    assert done == 0
    (row,) = read_rows(tmp_path / SCAN_ROWS)
    assert row["regions_sha256"]
    document = json.loads((tmp_path / row["scan_id"] / FINDINGS).read_text())
    assert document["provenance"]["regions_sha256"] == row["regions_sha256"]
    assert all("region" in finding for finding in document["findings"])


def test_no_run_adds_nothing_and_another_kind_is_refused(regions_run, tmp_path):
    assert make_region_steps(None, CPU) == []
    with pytest.raises(FileNotFoundError, match="give the folder of a training by --regions_run"):
        make_region_steps(tmp_path / "none", CPU)
    system = json.loads((regions_run / SYSTEM).read_text())
    for changes, reason in (
        ({"network_def": {**system["network_def"], "out_channels": 2}}, "with 30 channels"),
        ({"name": "$__import__('os').getpid()"}, "it may be code"),
    ):
        (tmp_path / SYSTEM).write_text(json.dumps({**system, **changes}))
        with pytest.raises(ValueError, match=reason):
            make_region_steps(tmp_path, CPU)
    (tmp_path / SYSTEM).write_text(json.dumps(system))
    with pytest.raises(FileNotFoundError, match=r"weights .* do not exist"):
        make_region_steps(tmp_path, CPU)
