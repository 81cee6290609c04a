"""A packed bundle in MONAI Label 0.8.5, over REST."""

import json
import os
import subprocess

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

import bonescan
from bonescan.dicom.scan import View
from bonescan.files import read_rows
from bonescan.labels import LABEL_NAMES, Label
from bonescan.zoo.pack import pack
from tests.factories import make_scan_file
from tests.workflows import CONFIGS, ROOT, describe_system
from tests.zoo.label_server import VARIABLE, LabelServer

pytestmark = pytest.mark.slow

PYTHON = os.environ.get(VARIABLE)
SPACING_MM = (2.3, 2.1)
NETWORK = {
    "_target_": "torch.nn.Conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": 1,
}  # fmt: skip
LEVEL = 0.97
"""Of the scaled image, above which the network says metastasis."""
GEOMETRY = """
import json, sys, SimpleITK
images = map(SimpleITK.ReadImage, sys.argv[1:])
rows = [[*i.GetSize(), *i.GetSpacing(), *i.GetOrigin(), *i.GetDirection()] for i in images]
print(json.dumps(rows))
"""


@pytest.fixture(scope="module")
def python():
    if PYTHON is None:
        pytest.skip(f"{VARIABLE} does not name the Python of an environment with MONAI Label")
    return PYTHON


@pytest.fixture(scope="module", params=["bright", "both_views"])
def run(request, tmp_path_factory):
    """Return a run whose network calls bright pixels of views metastasis, and a released one."""
    if request.param != "bright":
        return ROOT / "models" / request.param
    folder = tmp_path_factory.mktemp("run")
    files = [str(CONFIGS / "train.yaml"), str(CONFIGS / "each_view.yaml")]
    changes = {"name": "Bright", "network_def": NETWORK}
    config = {**ConfigParser.load_config_files(files), **changes}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "system.json").write_text(describe_system(**changes))
    weights = {"weight": torch.tensor([-1.0, 1.0]).reshape(2, 1, 1, 1)}
    torch.save({**weights, "bias": torch.tensor([LEVEL, -LEVEL])}, folder / "model.pt")
    return folder


@pytest.fixture(scope="module")
def studies(bodies, tmp_path_factory):
    """Return a folder of two scans with a hot L in the posterior view; frames in either order."""
    folder = tmp_path_factory.mktemp("studies")
    orders = {"first": list(View), "last": list(View)[::-1]}
    for body, (name, order) in zip(bodies, orders.items(), strict=False):
        counts = {view: body.counts[view].astype(np.uint16) for view in order}
        rows, columns = body.size
        top, left = rows // 5, columns // 2 + 6
        counts[View.POSTERIOR][top : top + 12, left : left + 3] = 4000
        counts[View.POSTERIOR][top + 9 : top + 12, left : left + 9] = 4000
        path = folder / f"{name}.dcm"
        make_scan_file(path, counts, spacing_mm=SPACING_MM, study_uid=f"1.2.{top}", edit=place)
    return folder


def place(image):
    """Say where the detectors were, as cameras do: rows run to the feet."""
    for item, side in zip(image.DetectorInformationSequence, (1, -1), strict=True):
        item.ImageOrientationPatient = [side, 0, 0, 0, 0, -1]
        item.ImagePositionPatient = [-250 * side, 30, 1100]


@pytest.fixture(scope="module")
def server(python, run, studies, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    (folder / "licence.txt").write_text("none")
    packed = pack(
        run, folder, name="bone_scan_segmentation", version="1.0.0",
        data_license=folder / "licence.txt", trust=True,
    )  # fmt: skip
    with LabelServer(python, folder, studies=studies, bundle=packed.bundle) as server:
        yield server


@pytest.mark.parametrize(("name", "posterior"), [("first", 1), ("last", 0)])
def test_an_answer_lies_on_its_scan(server, python, run, tmp_path, name, posterior):
    scan = server.studies / f"{name}.dcm"
    answer = tmp_path / "answer.nii.gz"
    answer.write_bytes(server.infer(name))
    label_map = np.asarray(nib.load(answer).dataobj)
    ours = bonescan.load(run, device="cpu", trust=True)(scan)
    assert np.count_nonzero(ours.label_map[1] == Label.METASTASIS) > 40  # the L, if nothing else
    for view, frame in ((0, 1 - posterior), (1, posterior)):
        np.testing.assert_array_equal(label_map[:, :, frame], ours.label_map[view].T)
    shown = subprocess.run(
        [python, "-c", GEOMETRY, answer, scan], check=True, capture_output=True, text=True
    )
    of_answer, of_scan = json.loads(shown.stdout)
    np.testing.assert_allclose(of_answer, of_scan, atol=1e-3)


def test_the_server_knows_what_the_values_mean(server, run):
    info = server.info()
    model, last = info["models"][server.name], 2 if run.name == "both_views" else 1
    labels = {name: value for value, name in LABEL_NAMES.items() if 0 < value <= last}
    assert (model["labels"], model["type"], model["dimension"]) == (labels, "segmentation", 2)
    assert info["labels"] == list(labels)  # viewers number them from 1


def test_a_corrected_label_trains_the_network(server, tmp_path):
    file = tmp_path / "corrected.nii.gz"
    for name in ("first", "last"):
        image = nib.load(_write(file, server.infer(name)))
        corrected = np.asarray(image.dataobj).copy()
        corrected[:, 400:] = 0  # what a person does not call a lesion
        nib.save(nib.Nifti1Image(corrected, image.affine), file)
        server.save_label(name, file)
    before = torch.load(server.bundle / "models" / "model.pt")
    server.train(max_epochs=1, val_split=0)
    after = torch.load(server.bundle / "models" / "model.pt")
    assert before.keys() == after.keys()
    assert all(0 < (before[name] - after[name]).abs().max() < 1 for name in before)
    server.train(max_epochs=1, val_split=0.5)
    runs = sorted((server.bundle / "runs").iterdir())
    assert [len(read_rows(folder / "history.csv")) for folder in runs] == [1, 1]
    again = np.asarray(nib.load(_write(file, server.infer("last"))).dataobj)
    assert again.shape[2] == 2


def _write(file, content):
    file.write_bytes(content)
    return file
