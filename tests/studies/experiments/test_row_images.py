"""The images of a row: read, sorted, counted, scored without each patient, and written."""

import numpy as np
import pytest

from bonescan.metrics.pixel import per_image, pooled
from bonescan.studies.experiments.row_images import (
    RowImages,
    read_images,
    read_published_images,
    score_without_each,
    write_published_images,
)

HEADER = "scan_id,patient,form,label,tp,fp,fn,tn"
IMAGES = RowImages(
    confusion=np.array([[6, 2, 0, 9], [0, 2, 4, 9], [3, 1, 1, 9], [0, 0, 0, 9]]),
    patients=["a", "b", "a", "c"],
    keys=[("s", "anterior"), ("t", "anterior"), ("s", "posterior"), ("u", "anterior")],
    runs=["seed0"] * 4,
)


def test_images_are_read_with_their_run(tmp_path):
    for number, row in enumerate(
        ("s,p,anterior,metastasis,1,2,3,4", "t,q,posterior,metastasis,5,6,7,8")
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "images.csv").write_text(f"{HEADER}\n{row}\n")
    images = read_images({"seed3": tmp_path / "0", "seed4": tmp_path / "1"})
    np.testing.assert_array_equal(images.confusion, [[1, 2, 3, 4], [5, 6, 7, 8]])
    assert (images.patients, images.keys) == (["p", "q"], [("s", "anterior"), ("t", "posterior")])
    assert images.runs == ["seed3", "seed4"]


def test_published_images_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "tiny_images.csv"
    write_published_images(path, {"one": IMAGES, "two": IMAGES.take([1, 0])})
    read = read_published_images(path)
    assert list(read) == ["one", "two"]
    np.testing.assert_array_equal(read["two"].confusion, IMAGES.confusion[[1, 0]])
    assert (read["one"].patients, read["one"].keys, read["one"].runs) == (
        IMAGES.patients, IMAGES.keys, IMAGES.runs,
    )  # fmt: skip


def test_images_without_lesion_are_left_out_where_lesions_are_asked_for():
    counted = IMAGES.counted("per_image_with_lesion")
    assert counted.keys == [("s", "anterior"), ("s", "posterior"), ("t", "anterior")]
    assert len(IMAGES.counted("per_image").keys) == 4
    with pytest.raises(ValueError, match="images must include one with a lesion, got none"):
        IMAGES.take([3]).counted("per_image_with_lesion")


@pytest.mark.parametrize(("convention", "score"), [("pooled", pooled), ("per_image", per_image)])
def test_scores_without_each_patient(convention, score):
    expected = [score(IMAGES.confusion[keep]) for keep in ([1, 3], [0, 2, 3], [0, 1, 2])]
    np.testing.assert_allclose(score_without_each(IMAGES, convention), expected)
