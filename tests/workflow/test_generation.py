"""Images of a trained generator: written, compared with real ones, or refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bonescan.commands import main
from bonescan.data.datalist import load_items
from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.networks import DCGANGenerator
from bonescan.run_folder import (
    CLOSEST_PAIRS,
    CONFIGURATION,
    QUALITY_PAGE,
    SAMPLES,
    SYSTEM,
    WEIGHTS,
)
from bonescan.workflow.generation import generate
from tests.thorax_sets import SIDE, SPACING_MM, train_gan, write_thorax_set
from tests.workflows import make_workflow, read_system

NUMBER = 9


@pytest.fixture(scope="module")
def made(trained_gan, thorax_set, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    generate(trained_gan, folder, number=NUMBER, seed=3, beside=thorax_set)
    return folder


def read_images(folder: Path) -> np.ndarray:
    names = sorted(folder.glob("*.nii.gz"))
    return np.concatenate([read_view_stack(name).array for name in names])


def test_images_are_those_of_the_generator(trained_gan, made):
    images = read_images(made)
    assert images.shape == (NUMBER, SIDE, SIDE)
    assert len(np.unique(images, axis=0)) == NUMBER
    network = DCGANGenerator(5, (SIDE, SIDE), 2)
    network.load_state_dict(torch.load(trained_gan / WEIGHTS, weights_only=True))
    torch.manual_seed(3)
    with torch.no_grad():
        expected = network.eval()(2 * torch.rand(NUMBER, 5) - 1)[:, 0]
    np.testing.assert_allclose(images / 255, (expected.numpy() + 1) / 2, atol=0.51 / 255)


def test_same_seed_same_images(trained_gan, made, tmp_path):
    generate(trained_gan, tmp_path / "again", number=NUMBER, seed=3)
    assert np.array_equal(read_images(tmp_path / "again"), read_images(made))
    page = (tmp_path / "again" / QUALITY_PAGE).read_text()
    assert page == (made / QUALITY_PAGE).read_text()
    generate(trained_gan, tmp_path / "other", number=NUMBER, seed=4)
    assert not np.array_equal(read_images(tmp_path / "other"), read_images(made))


def test_datalist_holds_real_and_generated_images(made, thorax_set):
    path = made / "datalist.json"
    entries = load_items(path, "generated")
    assert len({entry["patient"] for entry in entries}) == NUMBER
    assert all(entry["generated"] and entry["simulated"] for entry in entries)
    assert entries[0]["unseen_folds"] == [0]
    assert read_view_stack(entries[0]["image"]).spacing_mm == pytest.approx(SPACING_MM)
    assert len(load_items(path)) == len(load_items(thorax_set))


def test_page_tells_what_was_compared_with_what(made):
    page = (made / QUALITY_PAGE).read_text()
    assert f"{NUMBER} images of generator" in page
    assert "trained on 8 simulated images of 4 patients; 4 images of 2 others were left out" in page
    rows = [line for line in page.splitlines() if line.startswith(("| generated", "| left out"))]
    assert [row.split(" | ")[1:3] for row in rows] == [
        [str(NUMBER), "distance"], ["4", "distance"], [str(NUMBER), "ratio"], ["4", "ratio"],
    ]  # fmt: skip
    assert all("1 of 4 (25%)" in row for row in rows[1::2])
    assert "| 16 | " in page
    for name in (SAMPLES, CLOSEST_PAIRS):
        assert f"({name})" in page
        with Image.open(made / name) as picture:
            assert min(picture.size) > 200


def test_a_network_trains_on_them_beside_real_ones(made, tmp_path):
    """The real images get labels: the generated ones are the unlabelled half of each batch."""
    content = json.loads((made / "datalist.json").read_text())
    for section, entries in content.items():
        for entry in entries if isinstance(entries, list) else ():
            image = made / entry["image"]
            entry["image"] = str(image.resolve())
            if section == "training":
                entry["label"] = str(tmp_path / f"label-{image.name}")
                stack = read_view_stack(image)
                lesion = (stack.array > 45).astype(np.uint8)
                write_view_stack(entry["label"], lesion, stack.spacing_mm, stack.views)
    (tmp_path / "datalist.json").write_text(json.dumps(content))
    settings = {
        **read_system("lin2022_t1"), "datalist": str(tmp_path / "datalist.json"),
        "output_dir": str(tmp_path / "net"), "added_section": "generated",
        "size": [SIDE, SIDE], "labelled_fraction": 1.0, "epochs": 1,
    }  # fmt: skip
    workflow = make_workflow("train", "cropped", workflow_type="train", **settings)
    workflow.initialize()
    dataset = workflow.parser.get_parsed_content("train#dataset")
    assert (sum(dataset.labelled), len(dataset)) == (8, 8 + NUMBER)
    workflow.run()
    assert (tmp_path / "net" / WEIGHTS).is_file()


def test_coarser_images_show_the_same_field(thorax_set, tmp_path):
    half = f"[{SIDE // 2},{SIDE // 2}]"
    assert train_gan(thorax_set, tmp_path / "run", "--size", half, "--epochs", 2) == 0
    made = generate(tmp_path / "run", tmp_path / "made", number=2, seed=0)
    stack = read_view_stack(load_items(made, "generated")[0]["image"])
    assert stack.array.shape == (1, SIDE // 2, SIDE // 2)
    assert stack.spacing_mm == pytest.approx([2 * side for side in SPACING_MM])


def refusal(run: Path, folder: Path, **changes) -> str:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - its callers look at the text
        generate(run, folder, **{"number": 2, "seed": 0, **changes})
    assert not (folder / "datalist.json").exists()
    return str(raised.value)


@pytest.fixture
def changed(trained_gan, tmp_path):
    """Return a copy of the training with some values of a file changed."""

    def change(name: str, /, **values) -> Path:
        copy = tmp_path / "copy"
        shutil.copytree(trained_gan, copy)
        content = json.loads((copy / name).read_text())
        (copy / name).write_text(json.dumps({**content, **values}))
        return copy

    return change


def test_no_image_is_refused(trained_gan, tmp_path):
    assert "number of images must be 1 or more, got 0" in refusal(trained_gan, tmp_path, number=0)
    assert "seed must be 0 or more, and below 2**32, got -1" in refusal(
        trained_gan, tmp_path, seed=-1
    )


def test_a_folder_that_holds_something_is_left_alone(trained_gan, tmp_path):
    (tmp_path / "mine.txt").touch()
    assert f"{tmp_path} must be empty, got other files" in refusal(trained_gan, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_run_that_is_no_gan_is_refused(changed, tmp_path):
    run = changed(SYSTEM, name="U-Net", network_def={"_target_": "bonescan.networks.UNet"})
    reason = refusal(run, tmp_path / "out")
    assert f"the training of a generator (--overlay dcgan), got 'U-Net' in {run}" in reason
    assert "must be the folder of a training, which holds system.json" in refusal(
        tmp_path, tmp_path
    )


def test_other_data_than_those_trained_on_are_refused(trained_gan, thorax_set, tmp_path):
    other = write_thorax_set(tmp_path / "set")
    content = json.loads(other.read_text())
    other.write_text(json.dumps({"training": content["training"]}))
    reason = refusal(trained_gan, tmp_path / "out", datalist=other)
    assert f"{other}: must be what {trained_gan} was trained on, got other data" in reason
    moved = write_thorax_set(tmp_path / "moved")
    assert generate(trained_gan, tmp_path / "out", number=2, seed=0, datalist=moved).is_file()


def test_a_training_that_left_nobody_out_is_refused(changed, tmp_path):
    run = changed(CONFIGURATION, fold=None)
    assert "must have left a fold out of its training" in refusal(run, tmp_path / "out")


def test_a_training_on_one_patient_is_refused(tmp_path):
    other = write_thorax_set(tmp_path / "set")
    content = json.loads(other.read_text())
    content["training"] = content["training"][:6]  # patients 0 and 1 validate
    other.write_text(json.dumps(content))
    assert train_gan(other, tmp_path / "run", "--batch_size", 2) == 0
    reason = refusal(tmp_path / "run", tmp_path / "out")
    assert "a generator must be trained on two patients or more, got 1" in reason


def test_a_run_must_not_bring_code(changed, tmp_path):
    run = changed(CONFIGURATION, datalist="$__import__('os').getcwd()")
    assert 'datalist of the run must be a path, got "$__import__' in refusal(run, tmp_path / "out")
    (run / SYSTEM).write_text(json.dumps({"network_def": {"_target_": "evil.DCGANGenerator"}}))
    reason = refusal(run, tmp_path / "out")
    assert "_target_ 'evil.DCGANGenerator' is in no configuration here" in reason


def test_an_incomplete_run_is_refused(trained_gan, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained_gan, copy)
    (copy / CONFIGURATION).unlink()
    assert f"{CONFIGURATION} must be there, as a training leaves it" in refusal(
        copy, tmp_path / "o"
    )


def test_the_command_says_how_many_and_where(trained_gan, thorax_set, tmp_path, capsys):
    assert (
        main(
            [
                "generate",
                str(trained_gan),
                "-n",
                "3",
                "-o",
                str(tmp_path / "out"),
                "--data",
                str(thorax_set.parent),
            ]
        )
        == 0
    )
    assert f"3 images; see {tmp_path}/out/datalist.json and " in capsys.readouterr().out
    assert main(["generate", str(trained_gan), "-n", "3", "-o", str(tmp_path / "out")]) == 1
    assert "must be empty" in capsys.readouterr().err
