from dataclasses import replace

import pydicom
import pytest

from bonescan.dicom.results.uids import make_uid
from bonescan.node.inference import SystemLoader
from tests.handlers.fakes import NETWORK, save_weights
from tests.node.fakes import make_settings
from tests.workflows import describe_system

RESULTS = {"measurements.dcm", "overlay.dcm", "report.dcm", "segmentation.dcm"}


@pytest.fixture
def run(tmp_path):
    """The folder of a run whose network calls bright pixels metastasis."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "system.json").write_text(describe_system(name="Bright", network_def=NETWORK))
    save_weights(folder / "model.pt", 0.9)
    return folder


@pytest.mark.parametrize("identified", [True, False])
def test_results_belong_to_the_study_only_where_they_are_identified(
    cohort, run, tmp_path, identified
):
    settings = make_settings(tmp_path, 4242, run=run, trust=True, device="cpu")
    infer = SystemLoader(settings if identified else replace(settings, identified=False))()
    assert infer.description["system"] == "Bright"
    files = [cohort / "sim-0005" / f"{view}.dcm" for view in ("anterior", "posterior")]
    (tmp_path / "out").mkdir()
    infer(files, tmp_path / "out")
    written = {file.name: pydicom.dcmread(file) for file in (tmp_path / "out").glob("*/*.dcm")}
    assert set(written) == RESULTS
    source = pydicom.dcmread(files[0])
    study = (
        source.StudyInstanceUID if identified else make_uid("of a source", source.StudyInstanceUID)
    )
    assert {one.StudyInstanceUID for one in written.values()} == {study}
    named = {one.PatientID == source.PatientID for one in written.values()}
    assert named == {identified}


def test_a_run_that_holds_code_needs_trust(run, tmp_path):
    with pytest.raises(ValueError, match="if you trust whoever made this run"):
        SystemLoader(make_settings(tmp_path, 4242, run=run))()
