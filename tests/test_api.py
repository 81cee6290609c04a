import json
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

import bonescan
from bonescan.commands import main
from bonescan.errors import ScanError
from bonescan.measures.change import LesionState
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import FEW_OUTPUTS, describe_system

FILES = (("sim-0001/scan.dcm",), ("sim-0005/anterior.dcm", "sim-0005/posterior.dcm"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """The folder of a run whose network calls bright pixels metastasis."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "system.json").write_text(describe_system(name="Bright", network_def=NETWORK))
    save_weights(folder / "model.pt", 0.9)
    return folder


@pytest.fixture(scope="module")
def system(trained):
    return bonescan.load(trained, device="cpu", trust=True)


@pytest.fixture(scope="module")
def inferred(trained, cohort, tmp_path_factory) -> Path:
    """What the command makes of the same scans."""
    folder = tmp_path_factory.mktemp("inferred")
    images = [{"image": [str(cohort / name) for name in names]} for names in FILES]
    (folder / "scans.json").write_text(json.dumps({"test": images}))
    paths = [str(trained), str(folder / "scans.json"), "-o", str(folder / "output")]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(sys, "argv", sys.argv)
        warnings.filterwarnings("ignore", "parsing config_file")  # of every monai.bundle.run
        assert main(["infer", "--trust", *paths, "--set", f"outputs={FEW_OUTPUTS}"]) == 0
    return folder / "output"


def scan_of(cohort, names):
    paths = [str(cohort / name) for name in names]
    return paths if len(paths) > 1 else paths[0]


def assert_same(result, other):
    assert result.scan_id == other.scan_id
    for name in ("counts", "label_map", "prob"):
        np.testing.assert_array_equal(getattr(result, name), getattr(other, name))
    assert result.findings == other.findings


def test_field_is_where_the_network_looked_in_each_view_as_acquired(system, cohort):
    result = system(str(cohort / FILES[0][0]))
    np.testing.assert_array_equal(result.field_mask, result.prob > 0)
    anterior, posterior = result.field_mask
    np.testing.assert_array_equal(posterior, anterior[:, ::-1])
    assert (posterior != anterior).any(), "the law sees a flip"
    rows, columns = np.nonzero(anterior)
    assert anterior.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1) < anterior.size / 2


@pytest.mark.parametrize("names", FILES, ids=["one file", "two files"])
def test_findings_are_those_of_the_command(system, cohort, inferred, names):
    result = system(scan_of(cohort, names))
    document = json.loads((inferred / result.scan_id / "findings.json").read_text())
    assert len(result.findings) == len(document["findings"]) > 0
    for finding, written in zip(result.findings, document["findings"], strict=True):
        assert (finding.view, finding.number) == (written["view"], written["number"])
        assert finding.area_mm2 == pytest.approx(written["area_mm2"], abs=1e-3)
        assert finding.max_counts == written["max_counts"]
        assert finding.score == pytest.approx(written["score"], abs=1e-3)
    assert list(result.views) == document["views"]
    assert result.field == document["assessed"] == system.field
    made_by = document["provenance"]
    assert result.provenance.system == made_by["system"] == "Bright"
    assert list(result.provenance.weights_sha256) == made_by["weights_sha256"]
    assert result.provenance.configuration_sha256 == made_by["configuration_sha256"] is not None


def test_operating_point_of_the_run_decides_what_is_a_finding(system, trained, cohort, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "operating_point.json").write_text('{"threshold": 0.51, "min_area_mm2": 60}')
    scan = cohort / FILES[0][0]
    plain, decided = system(scan), bonescan.load(run, device="cpu", trust=True)(scan)
    assert decided.provenance.operating_point == {"threshold": 0.51, "min_area_mm2": 60}
    np.testing.assert_array_equal(decided.prob, plain.prob)
    areas = [[finding.area_mm2 for finding in result.findings] for result in (plain, decided)]
    assert min(areas[0]) < 20
    assert min(areas[1]) > 45, "60 in the sample, before it is put back on larger pixels"
    assert len(areas[1]) > 0
    marked, before = decided.label_map == 1, plain.label_map == 1
    assert decided.prob[marked].min() >= 0.51 > plain.prob[before].min()


def test_threads_may_share_a_system(system, cohort):
    scans = [scan_of(cohort, names) for names in FILES] * 4
    alone = [system(scan) for scan in scans[:2]]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(system, scans))
    for number, result in enumerate(together):
        assert_same(result, alone[number % 2])


def test_a_path_is_a_path_whatever_it_looks_like(system, cohort, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(cohort / FILES[0][0], "$x#1.dcm")
    assert_same(system(Path("$x#1.dcm")), system(cohort / FILES[0][0]))


def test_what_is_no_bone_scan_is_refused_with_the_reason(system):
    with pytest.raises(ValueError, match=r"CT_small\.dcm.*CT"):
        system(get_testdata_file("CT_small.dcm"))


def test_a_folder_without_run_is_refused(tmp_path, trained):
    with pytest.raises(FileNotFoundError, match=r"must be the folder of a training with system"):
        bonescan.load(tmp_path, trust=True)
    shutil.copy(trained / "system.json", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"model\.pt do not exist"):
        bonescan.load(tmp_path, trust=True)


def test_weights_of_another_system_are_refused(tmp_path, trained):
    shutil.copy(trained / "model.pt", tmp_path)
    (tmp_path / "system.json").write_text('{"width": 2}')
    with pytest.raises(ValueError, match="does not fit the network"):
        bonescan.load(tmp_path, trust=True)


def test_the_package_alone_loads_nothing_heavy():
    program = "import bonescan, sys; print('torch' in sys.modules, bonescan.__version__)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", bonescan.__version__]


def test_other_names_are_unknown():
    with pytest.raises(AttributeError, match="has no attribute 'train'"):
        bonescan.train  # noqa: B018


def test_change_since_an_earlier_scan(system, cohort, tmp_path):
    first = cohort / "sim-0001" / "scan.dcm"
    image = pydicom.dcmread(first)
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    image.AcquisitionDate = "20990101"
    image.save_as(tmp_path / "later.dcm")
    earlier = system(first)
    result = system(tmp_path / "later.dcm", earlier=[earlier])
    assert result.change.days == (date(2099, 1, 1) - earlier.acquired).days
    assert {lesion.state for lesion in result.change.lesions} == {LesionState.UNCHANGED}
    with pytest.raises(ScanError, match="must be different ones, got the same"):
        system(first, earlier=[earlier])
