"""The sum of both views as the image of a system, from training to label maps of scans."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.labels import Label
from bonescan.report.evaluated_images import read_evaluated_images
from bonescan.run_folder import EVALUATED_IMAGES, EVALUATION, EXAMPLES, IMAGE_ROWS, SYSTEM
from bonescan.transforms.views import unite_labels
from bonescan.workflow.command import lay_files
from bonescan.workflow.installation import find_systems
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import (
    FEW_OUTPUTS,
    PARTLY_LABELLED,
    ROOT,
    TINY,
    make_workflow,
    read_system,
    run_command,
    run_workflow,
    tiny_arguments,
)

LEVEL = 0.7
FILES = {"image": "scan.dcm", "label": "label.nii.gz"}
SYSTEMS = [path.stem for path in find_systems()]
OF_NETWORK = ("name", "network_def", "paper")
"""Keys of a system by which its network is another, and how they begin."""
SEVERAL_VIEWS = ("both_views", "chen2023", "lin2022_t3_features", "liu2021")
ONE_VIEW_SYSTEMS = [name for name in SYSTEMS if not name.startswith(SEVERAL_VIEWS)]
"""Those that take one image per view: the overlay fits no other."""


def describe_kind(name: str) -> str:
    """Describe all that a system changes but its network."""
    changed = read_system(name).items()
    return json.dumps([item for item in sorted(changed) if not item[0].startswith(OF_NETWORK)])


OF_EACH_KIND = sorted({describe_kind(name): name for name in ONE_VIEW_SYSTEMS}.values())
"""One of those that differ by their network alone, which the overlay leaves as it is."""


def keep_view(patient: Path, view: View, folder: Path) -> dict[str, str]:
    """Write scan and label of a patient as if only one view had been acquired."""
    folder.mkdir(parents=True)
    scan, label = read_scan([patient / "scan.dcm"]), read_view_stack(patient / "label.nii.gz")
    planes = {"image": scan.counts[view], "label": label.array[label.views.index(view)]}
    files = {key: folder / f"{key}.nii.gz" for key in planes}
    for key, plane in planes.items():
        write_view_stack(files[key], plane[None], scan.spacing_mm, [view])
    return {key: str(file) for key, file in files.items()}


@pytest.fixture(scope="module")
def datalist(cohort, tmp_path_factory) -> Path:
    """Patients with both views; one to train on and one to test on with a single view."""
    folder = tmp_path_factory.mktemp("one view")
    entries = {
        name: {key: str(cohort / name / file) for key, file in FILES.items()}
        for name in ("sim-0001", "sim-0002", "sim-0007")
    }
    entries["sim-0004"] = keep_view(cohort / "sim-0004", View.ANTERIOR, folder / "front")
    entries["sim-0006"] = keep_view(cohort / "sim-0006", View.POSTERIOR, folder / "back")
    for name, entry in entries.items():
        entry["patient"] = name
    training = [
        {**entries[name], "fold": number % 2}
        for number, name in enumerate(("sim-0001", "sim-0007", "sim-0004"))
    ]
    content = {"training": training, "test": [entries["sim-0002"], entries["sim-0006"]]}
    path = folder / "datalist.json"
    path.write_text(json.dumps(content))
    return path


def assert_marked_alike(folder: Path) -> None:
    """See that both views of a label map as acquired mark the same places of the body."""
    for file in folder.glob("*/*.nii.gz"):
        stack = read_view_stack(file)
        assert stack.array.shape[0] == len(stack.views)
        if len(stack.views) == 2:
            np.testing.assert_array_equal(stack.array[0], stack.array[1][:, ::-1])


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def samples_of(workflow: ConfigWorkflow) -> list[dict]:
    dataset = workflow.parser.get_parsed_content("dataset")
    return [dataset[0], dataset[1]]


def test_evaluation_judges_one_image_a_scan(datalist, tmp_path):
    where = {"datalist": str(datalist), "workflow_type": "infer", "network_def": NETWORK}
    weights = save_weights(tmp_path / "model.pt", LEVEL)
    folders = {"run_dir": str(tmp_path), "weights": str(weights)}
    workflow = run_workflow("evaluate", "aggregated", **where, **folders, keep_images=True)
    rows = read_rows(tmp_path / EVALUATION / IMAGE_ROWS)
    assert {row["patient"]: row["form"] for row in rows} == {
        "sim-0002": "aggregated",
        "sim-0006": "posterior",
    }
    apart = samples_of(make_workflow("evaluate", **where))
    for row, sample, views in zip(rows, samples_of(workflow), apart, strict=True):
        assert sample["image"].shape == (1, *TINY["size"])
        assert torch.equal(sample["label"].as_tensor(), unite_labels(views["label"].as_tensor()))
        pred, truth = sample["image"].numpy() > LEVEL, sample["label"].numpy() == Label.METASTASIS
        assert int(row["tp"]) == (pred & truth).sum()
        assert int(row["fp"]) == (pred & ~truth).sum() > 0
    images = read_evaluated_images(tmp_path / EVALUATION / EVALUATED_IMAGES)
    assert [image.form for image in images] == ["aggregated", "posterior"]
    assert all(image.posterior_flipped for image in images)
    assert (tmp_path / EVALUATION / EXAMPLES).is_file()


def test_inference_marks_both_views_alike(datalist, tmp_path):
    run_workflow(
        "inference", "aggregated", workflow_type="infer", input=str(datalist),
        weights=str(save_weights(tmp_path / "model.pt", LEVEL)), output_dir=str(tmp_path / "maps"),
        network_def=NETWORK, outputs=FEW_OUTPUTS,
    )  # fmt: skip
    assert_marked_alike(tmp_path / "maps")
    maps = [read_view_stack(file) for file in (tmp_path / "maps").glob("*/*.nii.gz")]
    assert sorted(len(stack.views) for stack in maps) == [1, 1, 2, 2, 2]
    assert all(stack.array.any() for stack in maps)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_run_hands_the_form_on_to_evaluation_and_inference(name, datalist, tmp_path):
    args_file = f"configs/systems/{name}.yaml"
    files = lay_files(["configs/train.yaml", "configs/aggregated.yaml"], [ROOT / args_file])
    one_stream = ("--sampler#labelled_share", 1) if name in PARTLY_LABELLED else ()
    trained = run_command(
        "training", "--args_file", args_file, "--config_file", files, "--datalist", datalist,
        "--output_dir", tmp_path, *one_stream, *tiny_arguments(), "--epochs", 1,
    )  # fmt: skip
    assert trained == 0
    system, where = tmp_path / SYSTEM, ("--run_dir", tmp_path)
    files = f"['configs/evaluate.yaml','{system}']"
    assert run_command("--config_file", files, *where, "--datalist", datalist) == 0
    rows = read_rows(tmp_path / EVALUATION / IMAGE_ROWS)
    assert [row["form"] for row in rows] == ["aggregated", "posterior"]
    files = f"['configs/inference.yaml','{system}']"
    inputs = ("--input", datalist, "--outputs", FEW_OUTPUTS)
    assert run_command("--config_file", files, *where, *inputs) == 0
    assert len(list((tmp_path / "inference").glob("*/*.nii.gz"))) == 5
    assert_marked_alike(tmp_path / "inference")


@pytest.mark.slow
def test_views_added_as_features_are_trained_evaluated_and_marked_alike(datalist, tmp_path):
    """Patients of one view and of two, in a batch of training and on their own."""
    args_file = "configs/systems/lin2022_t3_features.yaml"
    trained = run_command(
        "training", "--args_file", args_file, "--datalist", datalist, "--output_dir", tmp_path,
        "--sampler#labelled_share", 1, *tiny_arguments(), "--fold", "$None", "--batch_size", 3,
    )  # fmt: skip
    assert trained == 0
    system, where = tmp_path / SYSTEM, ("--run_dir", tmp_path)
    files = f"['configs/evaluate.yaml','{system}']"
    assert run_command("--config_file", files, *where, "--datalist", datalist) == 0
    rows = read_rows(tmp_path / EVALUATION / IMAGE_ROWS)
    assert [row["form"] for row in rows] == ["anterior", "posterior", "posterior"]
    same = [{key: row[key] for key in ("patient", "tp", "fp", "fn")} for row in rows]
    assert same[0] == same[1] != same[2]
    files = f"['configs/inference.yaml','{system}']"
    inputs = ("--input", datalist, "--outputs", FEW_OUTPUTS)
    assert run_command("--config_file", files, *where, *inputs) == 0
    assert_marked_alike(tmp_path / "inference")
    maps = [read_view_stack(file) for file in (tmp_path / "inference").glob("*/*.nii.gz")]
    assert sorted(len(stack.views) for stack in maps) == [1, 1, 2, 2, 2]
