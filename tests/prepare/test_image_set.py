import json

import numpy as np
import pytest
import torch

from bonescan.commands import main
from bonescan.data.datalist import load_items
from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.data.reader import BoneScanReader
from bonescan.dicom.scan import View
from bonescan.prepare.image_plan import ImageVariant
from bonescan.prepare.image_set import make_image_set, make_variant
from tests.transforms.scans import draw_body

SPACING_MM = (2.4, 2.4)


@pytest.fixture
def thorax(make_stack):
    image = torch.arange(60 * 80, dtype=torch.float32).reshape(1, 60, 80)
    label = torch.zeros(1, 60, 80, dtype=torch.uint8)
    label[0, 20:30, 50:66] = 2
    return {
        "image": make_stack(image, "anterior", SPACING_MM),
        "label": make_stack(label, "anterior", SPACING_MM),
    }


def test_the_straight_unmoved_variant_is_the_original(thorax):
    same = make_variant(thorax, ImageVariant(4, mirrored=False, draw=0), seed=1)
    assert torch.equal(same["image"].as_tensor(), thorax["image"].as_tensor())
    assert torch.equal(same["label"].as_tensor(), thorax["label"].as_tensor())


def test_the_mirrored_variant_is_flipped_along_columns(thorax):
    flipped = make_variant(thorax, ImageVariant(4, mirrored=True, draw=0), seed=1)
    for key in ("image", "label"):
        assert torch.equal(flipped[key].as_tensor(), thorax[key].as_tensor().flip(-1))


def test_moves_differ_by_draw_and_are_the_same_for_a_seed(thorax):
    def image(draw: int, seed: int) -> torch.Tensor:
        variant = ImageVariant(4, mirrored=False, draw=draw)
        return make_variant(thorax, variant, seed=seed)["image"].as_tensor()

    assert torch.equal(image(1, 7), image(1, 7))
    assert not torch.equal(image(1, 7), image(2, 7))
    assert not torch.equal(image(1, 7), image(1, 8))


def test_a_moved_label_keeps_its_values_and_type(thorax):
    moved = make_variant(thorax, ImageVariant(4, mirrored=True, draw=3), seed=1)
    assert moved["label"].dtype == torch.uint8
    assert set(moved["label"].unique().tolist()) == {0, 2}


@pytest.fixture
def cohort(tmp_path):
    """Three scans of two patients: both views, then the posterior alone; held out, the anterior."""
    rng = np.random.default_rng(2)
    entries = []
    for number, views in enumerate([list(View), [View.POSTERIOR], [View.ANTERIOR]]):
        counts = rng.poisson(draw_body(SPACING_MM)).astype(np.float32)
        stack = np.stack([counts[:, ::-1] if view == View.POSTERIOR else counts for view in views])
        label = np.zeros(stack.shape, dtype=np.uint8)
        label[:, 250:260, 90:210] = 1
        for key, array in (("image", stack), ("label", label)):
            write_view_stack(tmp_path / f"{key}{number}.nii.gz", array, SPACING_MM, views)
        entries.append(
            {
                "image": f"image{number}.nii.gz",
                "label": f"label{number}.nii.gz",
                "patient": "p-two" if number == 2 else "p-one",
                "age": 61 + number,
            }
        )
    path = tmp_path / "datalist.json"
    training = [{**entry, "fold": 3} for entry in entries[:2]]
    path.write_text(json.dumps({"training": training, "test": entries[2:]}))
    return path


def test_writes_exactly_the_total_and_keeps_patient_and_fold(cohort, tmp_path):
    output = tmp_path / "out"
    assert make_image_set(cohort, output, total=18, seed=5) == 4
    content = json.loads((output / "datalist.json").read_text())
    assert len(content["training"]) + len(content["test"]) == 18
    assert {entry["patient"] for entry in content["training"]} == {"p-one"}
    assert {entry["fold"] for entry in content["training"]} == {3}
    assert {(entry["patient"], entry["age"]) for entry in content["test"]} == {("p-two", 63)}
    entries = content["training"] + content["test"]
    names = {entry[key] for entry in entries for key in ("image", "label")}
    assert names == {str(path.relative_to(output)) for path in output.glob("*/*")}
    assert len(names) == 36


def test_without_a_total_the_views_are_written_as_they_are(cohort, tmp_path):
    output = tmp_path / "out"
    assert make_image_set(cohort, output, seed=5) == 4
    content = json.loads((output / "datalist.json").read_text())
    images = [entry["image"] for entry in content["training"] + content["test"]]
    assert images == [f"000{number}/straight-00.nii.gz" for number in range(4)]
    assert content["description"] == "Each view as it is; all images of a patient in one fold"


def test_only_the_selected_views_are_written(cohort, tmp_path):
    """The held-out scan shows the bladder alone: its view comes last."""
    scan = read_view_stack(tmp_path / "label2.nii.gz")
    write_view_stack(tmp_path / "label2.nii.gz", scan.array * 2, SPACING_MM, scan.views)
    output = tmp_path / "out"
    assert make_image_set(cohort, output, seed=5, total=6, selected=3) == 3
    content = json.loads((output / "datalist.json").read_text())
    assert len(content["training"]) == 6
    assert "test" not in content


def test_a_split_by_image_tears_patients_apart_and_says_so(cohort, tmp_path):
    output = tmp_path / "out"
    make_image_set(cohort, output, seed=5, total=16, split="image")
    path = output / "datalist.json"
    content = json.loads(path.read_text())
    assert "split by image: optimistic, copies of one patient lie on both" in content["description"]
    assert (len(content["training"]), len(content["test"])) == (12, 4)
    assert {entry["fold"] for entry in content["training"]} == {3}
    assert all("fold" not in entry for entry in content["test"])
    entries = content["training"] + content["test"]
    assert len({entry["patient"] for entry in entries}) == 16
    sides = [{entry["patient_of_image"] for entry in content[it]} for it in ("training", "test")]
    assert sides[0] & sides[1]
    for entry in entries:
        assert entry["image"] == f"{entry['patient']}.nii.gz"
        assert entry["patient_of_image"] == ("p-two" if entry["original"] == 3 else "p-one")
    assert len(load_items(path, "training", only_fold=3)) == 12


def test_the_files_do_not_depend_on_the_split(cohort, tmp_path):
    for split in ("patient", "image"):
        make_image_set(cohort, tmp_path / split, seed=5, total=8, split=split)
    by_patient, by_image = (
        {path.relative_to(tmp_path / split): path.read_bytes() for path in written}
        for split, written in ((it, (tmp_path / it).glob("*/*")) for it in ("patient", "image"))
    )
    assert len(by_patient) == 16
    assert by_patient == by_image


def test_an_entry_without_patient_names_none(cohort, tmp_path):
    content = json.loads(cohort.read_text())
    for entry in content["test"]:
        del entry["patient"]
    cohort.write_text(json.dumps(content))
    make_image_set(cohort, tmp_path / "out", seed=5, split="image")
    written = json.loads((tmp_path / "out" / "datalist.json").read_text())
    entries = {it["original"]: it for it in written["training"] + written["test"]}
    assert [number for number in range(4) if "patient_of_image" in entries[number]] == [0, 1, 2]


def test_refuses_an_unknown_split(cohort, tmp_path):
    with pytest.raises(ValueError, match="split must be one of patient, image, got 'view'"):
        make_image_set(cohort, tmp_path / "out", seed=5, split="view")


def test_the_files_are_one_view_as_acquired(cohort, tmp_path):
    output = tmp_path / "out"
    make_image_set(cohort, output, total=8, seed=5)
    anterior, posterior = (
        read_view_stack(output / f"000{number}" / "straight-00.nii.gz") for number in (0, 1)
    )
    assert (anterior.views, posterior.views) == ((View.ANTERIOR,), (View.POSTERIOR,))
    assert posterior.array.shape == (1, 256, 256)
    assert posterior.spacing_mm == pytest.approx(SPACING_MM)
    # the fixture's posterior view is the anterior one seen from behind
    np.testing.assert_array_equal(posterior.array[0], anterior.array[0, :, ::-1])
    label = read_view_stack(output / "0001" / "straight-00-label.nii.gz")
    assert label.array.dtype == np.uint8
    assert set(np.unique(label.array)) == {0, 1}
    stack, meta = BoneScanReader().get_data([str(output / "0001" / "mirrored-00.nii.gz")])
    assert meta["views"] == "posterior"
    np.testing.assert_array_equal(stack, posterior.array[..., ::-1])


def test_an_interrupted_run_goes_on_to_the_same_files(cohort, tmp_path):
    output = tmp_path / "out"
    make_image_set(cohort, output, total=12, seed=5)
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    kept = output / "0000" / "straight-00.nii.gz"
    written = kept.stat().st_mtime_ns
    for name in ("datalist.json", "0002/straight-01.nii.gz", "0003/mirrored-00-label.nii.gz"):
        (output / name).unlink()
    make_image_set(cohort, output, total=12, seed=5)
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    assert kept.stat().st_mtime_ns == written


def test_refuses_a_folder_made_otherwise(cohort, tmp_path):
    make_image_set(cohort, tmp_path / "out", total=8, seed=5)
    for other in ({"seed": 6}, {"total": 9}, {"selected": 4}, {"split": "image"}):
        with pytest.raises(ValueError, match="same data, total, seed, selection and split, got"):
            make_image_set(cohort, tmp_path / "out", **{"total": 8, "seed": 5, **other})


def test_refuses_a_folder_with_other_files(cohort):
    with pytest.raises(ValueError, match="must be empty, got other files; choose another folder"):
        make_image_set(cohort, cohort.parent, total=8, seed=5)


def test_refuses_a_negative_seed(cohort, tmp_path):
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        make_image_set(cohort, tmp_path / "out", total=8, seed=-1)


def test_refuses_entries_without_label(cohort, tmp_path):
    content = json.loads(cohort.read_text())
    del content["training"][1]["label"]
    cohort.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="every entry must have 'label', 1 of 'training' have"):
        make_image_set(cohort, tmp_path / "out", total=8, seed=5)


def _run(cohort, tmp_path, total, *others):
    output = str(tmp_path / "out")
    words = ["--datalist", str(cohort), "--output", output, "--total", str(total), *others]
    return main(["image-set", *words])


def test_the_command_says_what_it_wrote(cohort, tmp_path, capsys):
    assert _run(cohort, tmp_path, 9) == 0
    assert "9 images of 4 views; see" in capsys.readouterr().out


def test_the_command_selects_and_splits(cohort, tmp_path, capsys):
    assert _run(cohort, tmp_path, 3, "--selected", "3", "--split", "image") == 0
    assert "3 images of 3 views; see" in capsys.readouterr().out
    assert "split by image" in (tmp_path / "out" / "datalist.json").read_text()


def test_the_command_ends_with_one_line_when_it_fails(cohort, tmp_path, capsys):
    assert _run(cohort, tmp_path, 7) == 1
    assert "error: total must be 4, or at least 8" in capsys.readouterr().err


def test_the_command_names_a_scan_that_shows_no_body(cohort, tmp_path, capsys):
    empty = np.zeros((1, 1024, 300), dtype=np.float32)
    write_view_stack(tmp_path / "image2.nii.gz", empty, SPACING_MM, [View.ANTERIOR])
    assert _run(cohort, tmp_path, 9) == 1
    assert "scan must show a body" in capsys.readouterr().err


@pytest.mark.parametrize("simulated", [True, False])
def test_images_say_whether_their_scan_is_simulated(cohort, tmp_path, simulated):
    content = json.loads(cohort.read_text())
    for entry in content["test"]:
        entry["simulated"] = simulated
    cohort.write_text(json.dumps(content))
    make_image_set(cohort, tmp_path / "out", seed=5)
    written = json.loads((tmp_path / "out" / "datalist.json").read_text())
    assert [entry["simulated"] for entry in written["test"]] == [simulated]
    assert [entry["simulated"] for entry in written["training"]] == [False] * 3
