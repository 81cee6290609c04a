import gzip
import re
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from bonescan.data.nifti import (
    ViewStack,
    is_nifti,
    read_nifti_volume,
    read_view_stack,
    write_view_stack,
)
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.damage import flip_bytes

A, P = View.ANTERIOR, View.POSTERIOR
SPACING_MM = (2.4, 1.9)
STACK = np.arange(2 * 7 * 5).reshape(2, 7, 5)


def write_plain(path, array, affine, descrip=b""):
    image = nib.Nifti1Image(array, affine)
    image.header["descrip"] = descrip
    nib.save(image, path)
    return path


@pytest.mark.parametrize("name", ["map.nii", "map.nii.gz", "MAP.NII.GZ"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "float32", "float64"])
def test_what_is_written_is_read(tmp_path, name, dtype):
    array = (STACK + (2**52 + 1 if dtype == "int64" else 0)).astype(dtype)
    write_view_stack(tmp_path / name, array, SPACING_MM, tuple(View))
    stack = read_view_stack(tmp_path / name)
    np.testing.assert_array_equal(stack.array, array)
    assert stack.array.dtype == array.dtype
    assert stack.spacing_mm == pytest.approx(SPACING_MM, rel=1e-6)
    assert stack.views == (A, P)


@pytest.mark.parametrize("view", View)
def test_one_view(tmp_path, view):
    write_view_stack(tmp_path / "map.nii", STACK[:1], SPACING_MM, (view,))
    stack = read_view_stack(tmp_path / "map.nii")
    assert stack.views == (view,)
    assert stack.array.shape == (1, 7, 5)


def test_layout_on_disk(tmp_path):
    write_view_stack(tmp_path / "map.nii", STACK.astype("u1"), SPACING_MM, tuple(View))
    image = nib.load(tmp_path / "map.nii")
    assert image.shape == (5, 7, 2)
    assert image.header.get_zooms() == pytest.approx((1.9, 2.4, 999.0))
    assert image.header["qform_code"] == image.header["sform_code"] == 0
    np.testing.assert_array_equal(np.asarray(image.dataobj)[:, :, 1].T, STACK[1])
    assert image.header["descrip"].item() == b"views=anterior+posterior"


def test_same_content_same_bytes(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_view_stack(tmp_path / name, STACK.astype("u1"), SPACING_MM, tuple(View))
    first, second = ((tmp_path / name).read_bytes() for name in ("a.nii.gz", "b.nii.gz"))
    assert first == second
    assert first[4:8] == bytes(4)  # no time
    assert not first[3] & 8  # no name
    assert gzip.decompress(first)


@pytest.mark.parametrize(
    ("name", "array", "views", "expected"),
    [
        ("map.nrrd", STACK, (A, P), "file name must end in .nii or .nii.gz, got 'map.nrrd'"),
        ("map.nii", STACK.astype(bool), (A, P), "must have one of the dtypes"),
        ("map.nii", STACK[0], (A, P), "array must be (view, row, column) with its views named"),
        ("map.nii", STACK, (A,), "got shape (2, 7, 5) and views ('anterior',)"),
        ("map.nii", STACK, (P, A), "anterior first, got shape"),
    ],
)
def test_refused_on_writing(tmp_path, name, array, views, expected):
    with pytest.raises(ValueError, match=re.escape(expected)):
        write_view_stack(tmp_path / name, array, SPACING_MM, views)


def test_file_of_simpleitk(tmp_path):
    # SimpleITK writes DICOM's axes with the signs of LPS turned to RAS, and no descrip.
    affine = np.diag([-1.9, -2.4, 1.0, 1.0])
    array = STACK.transpose(2, 1, 0).astype("i2")
    stack = read_view_stack(write_plain(tmp_path / "x.nii.gz", array, affine))
    np.testing.assert_array_equal(stack.array, STACK)
    assert stack.spacing_mm == pytest.approx(SPACING_MM, rel=1e-6)
    assert stack.views == (A, P)


@pytest.mark.parametrize("array", [STACK[0].T, STACK[0].T[..., None], STACK[0].T[..., None, None]])
def test_one_frame_without_a_name(tmp_path, array):
    path = write_plain(tmp_path / "x.nii", array.astype("i2"), np.eye(4))
    expected = "x.nii: one frame, and the header does not say which view it is; say it with view="
    with pytest.raises(ScanError, match=re.escape(expected)):
        read_view_stack(path)
    stack = read_view_stack(path, view=P, spacing_mm=(3.0, 2.0))
    assert stack.views == (P,)
    assert stack.spacing_mm == (3.0, 2.0)
    np.testing.assert_array_equal(stack.array, STACK[:1])


def test_views_are_put_in_order(tmp_path):
    array = STACK.transpose(2, 1, 0).astype("i2")
    path = write_plain(tmp_path / "x.nii", array, np.eye(4), b"views=posterior+anterior")
    stack = read_view_stack(path)
    assert stack.views == (A, P)
    assert [stack.sources[view].frame for view in View] == [1, 0]
    np.testing.assert_array_equal(stack.array, STACK[::-1])
    np.testing.assert_array_equal(read_view_stack(path, view=P).array, STACK[::-1])
    np.testing.assert_array_equal(read_view_stack(path, view=A).array, STACK)


@pytest.mark.parametrize("descrip", [b"views=anterior", b"views=left+right", b"views="])
def test_names_that_do_not_fit(tmp_path, descrip):
    array = STACK.transpose(2, 1, 0).astype("i2")
    path = write_plain(tmp_path / "x.nii", array, np.eye(4), descrip)
    with pytest.raises(ScanError, match=r"x\.nii: header names the views .*, but the file has 2"):
        read_view_stack(path)


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7, 2, 2), (5,), (5, 7, 0)])
def test_shapes_that_are_no_views(tmp_path, shape):
    path = write_plain(tmp_path / "x.nii", np.zeros(shape, "i2"), np.eye(4))
    with pytest.raises(ScanError, match=r"x\.nii: "):
        read_view_stack(path)


def test_unreadable(tmp_path):
    for name, content in (("a.nii", b"no"), ("b.nii.gz", gzip.compress(b"no")), ("c.nii", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ScanError, match=rf"{name}: not a readable NIfTI file"):
            read_view_stack(tmp_path / name)
    with pytest.raises(ScanError, match=r"d\.nii: no such file"):
        read_view_stack(tmp_path / "d.nii")


def test_cut_short(tmp_path):
    write_view_stack(tmp_path / "x.nii.gz", STACK, SPACING_MM, tuple(View))
    data = (tmp_path / "x.nii.gz").read_bytes()
    for length in range(0, len(data), 7):
        (tmp_path / "x.nii.gz").write_bytes(data[:length])
        with pytest.raises(ScanError, match=r"x\.nii\.gz: "):
            read_view_stack(tmp_path / "x.nii.gz")


def test_is_nifti():
    assert is_nifti("a.nii")
    assert is_nifti("A.NII.GZ")
    assert not is_nifti("a.dcm")


def test_needs_no_torch():
    modules = "bonescan.data.nifti, bonescan.data.find, bonescan.dicom.read, sys"
    code = f"import {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_stack_is_frozen():
    with pytest.raises(AttributeError):
        ViewStack(STACK, SPACING_MM, tuple(View)).views = ()


def test_what_told_the_views_is_said(tmp_path):
    path = tmp_path / "scan.nii"
    write_view_stack(path, np.zeros((2, 4, 3), "u1"), (2.4, 1.9), tuple(View))
    assert read_view_stack(path).view_source == "text"
    assert read_view_stack(path, view=View.POSTERIOR).view_source == "by hand"
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 2), "u1"), np.eye(4)), path)
    assert read_view_stack(path).view_source == "order"


def test_views_first_is_refused(tmp_path):
    path = write_plain(tmp_path / "x.nii", STACK.astype("i2"), np.eye(4))  # as MONAI Label does
    with pytest.raises(ScanError, match=r"x\.nii: must be \(columns, rows, views\) with 1 or 2"):
        read_view_stack(path)


def save_again(path, change, reread=None):
    """Save a stack that the bundle wrote once more, as another program would."""
    own = path.with_name("own.nii")
    write_view_stack(own, STACK.astype("i2"), SPACING_MM, tuple(View))
    image = nib.load(own)
    if reread is not None:
        image = nib.Nifti1Image(np.asarray(image.dataobj), reread, image.header)
    image = change(image)
    image.header["descrip"] = b""  # other programs drop it
    nib.save(image, path)
    return path


def flip(*axes):
    """Flip axes of an image, each place of the world kept: array and affine together."""

    def change(image):
        ornt = np.array([[axis, -1 if axis in axes else 1] for axis in range(3)])
        return image.as_reoriented(ornt)

    return change


def exchange(*order):
    return lambda image: image.as_reoriented(np.array([[axis, 1] for axis in order]))


ITK_AFFINE = np.diag([-1.9, -2.4, 999.0, 1.0])
"""Of a program built on ITK, which reads a file without affine as x left, y back, origin first."""
CHANGES = {
    "same": lambda image: image,
    "columns": flip(0),
    "rows": flip(1),
    "views": flip(2),
    "all": flip(0, 1, 2),
    "turned": exchange(1, 0, 2),
    "views first": exchange(2, 0, 1),
    "canonical": nib.as_closest_canonical,
    "canonical twice": lambda image: nib.as_closest_canonical(flip(1, 2)(image)),
}


@pytest.mark.parametrize("affine", [None, ITK_AFFINE, np.diag([1.9, 2.4, 1.0, 1.0])])
@pytest.mark.parametrize("change", CHANGES)
def test_what_another_program_saved_again_is_read_as_it_was(change, affine, tmp_path):
    path = save_again(tmp_path / "map.nii", CHANGES[change], affine)
    stack = read_view_stack(path)
    np.testing.assert_array_equal(stack.array, STACK)
    assert stack.spacing_mm == pytest.approx(SPACING_MM, rel=1e-6)
    assert stack.views == (A, P)


def test_a_new_map_with_the_affine_of_the_old_is_read(tmp_path):
    write_view_stack(tmp_path / "scan.nii", STACK, SPACING_MM, tuple(View))
    affine = nib.load(tmp_path / "scan.nii").affine
    path = write_plain(tmp_path / "map.nii", STACK.transpose(2, 1, 0)[::-1].astype("i2"), affine)
    np.testing.assert_array_equal(read_view_stack(path).array, STACK[..., ::-1])


def shifted(offset):
    affine = np.diag([1.9, 2.4, 1.0, 1.0])
    affine[:3, 3] = offset
    return affine


@pytest.mark.parametrize(
    ("affine", "found"),
    [
        (shifted((100, 200, 5)), "the world's origin elsewhere"),
        (shifted((0, -2.4, 0)), "the world's origin elsewhere"),
        (shifted((0, -2.4 * 3, 0)), "the world's origin elsewhere"),  # the centre of one axis
        (nib.affines.from_matvec([[1.6, 1.2, 0], [-1.0, 2.1, 0], [0, 0, 1.0]]), "oblique ones"),
    ],
)
def test_other_affines_are_refused(affine, found, tmp_path):
    path = write_plain(tmp_path / "x.nii", STACK.transpose(2, 1, 0).astype("i2"), affine)
    expected = rf"^x\.nii: axes must be those of the acquisition, .* got {found}; save \(columns"
    with pytest.raises(ScanError, match=expected):
        read_view_stack(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(value, tmp_path):
    array = STACK.astype("f4")
    array[1, 6, 0] = value
    write_view_stack(tmp_path / "x.nii", array, SPACING_MM, tuple(View))
    with pytest.raises(ScanError, match=r"^x\.nii: values must be finite, got NaN or infinity"):
        read_view_stack(tmp_path / "x.nii")


@pytest.mark.parametrize("spacing_mm", [(0.01, 2.4), (2.4, 1000.0)])
def test_spacing_of_no_whole_body_scan_is_refused_unless_said_by_hand(spacing_mm, tmp_path):
    image = nib.Nifti1Image(STACK.transpose(2, 1, 0).astype("i2"), None)
    image.header["pixdim"][1:3] = spacing_mm[::-1]
    nib.save(image, tmp_path / "x.nii")
    with pytest.raises(ScanError, match=r"^x\.nii: pixel spacing must be \(row, column\) of a"):
        read_view_stack(tmp_path / "x.nii")
    assert read_view_stack(tmp_path / "x.nii", spacing_mm=(2.4, 1.9)).spacing_mm == (2.4, 1.9)
    with pytest.raises(ScanError, match=r"^x\.nii: pixel spacing must be"):
        read_view_stack(tmp_path / "x.nii", spacing_mm=(2.4, 1000.0))


@pytest.mark.parametrize("comment", ["", "made by Müller", 15 * "x", 4000 * "long "])
def test_comment_comes_back_and_changes_nothing_else(tmp_path, comment):
    array = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3)
    write_view_stack(tmp_path / "a.nii.gz", array, (2.0, 3.0), tuple(View), comment=comment)
    stack = read_view_stack(tmp_path / "a.nii.gz")
    assert stack.comment == comment
    assert stack.spacing_mm == (2.0, 3.0)
    np.testing.assert_array_equal(stack.array, array)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("files", [80, pytest.param(1500, marks=pytest.mark.slow)])
def test_damaged_files_are_read_or_refused(tmp_path, files):
    path, read = tmp_path / "map.nii.gz", 0
    write_view_stack(path, STACK, SPACING_MM, tuple(View))
    content = gzip.decompress(path.read_bytes())
    for seed in range(files):
        chance = np.random.default_rng(seed)
        damaged = (
            flip_bytes(content, chance, end=352) if seed % 4 else content[: chance.integers(500)]
        )
        packed = gzip.compress(damaged, compresslevel=1)
        path.write_bytes(packed if seed % 5 else flip_bytes(packed, chance))
        try:
            read += isinstance(read_view_stack(path), ViewStack)
        except ScanError as err:
            assert str(err).startswith("map.nii.gz: ")  # noqa: PT017 - many files, one test
    assert files / 10 < read < files / 2


@pytest.mark.parametrize(
    ("affine", "expected"),
    [
        (None, np.diag([-1.9, -2.4, 999, 1])),  # as ITK takes it
        (np.diag([-1.9, -2.4, 1, 1]), np.diag([-1.9, -2.4, 1, 1])),
    ],
)
def test_where_the_voxels_of_a_stack_lie(tmp_path, affine, expected):
    path = tmp_path / "stack.nii.gz"
    if affine is None:
        write_view_stack(path, STACK.astype(np.int16), SPACING_MM, tuple(View))
    else:
        write_plain(path, STACK.transpose(2, 1, 0).astype(np.int16), affine)
    volume = read_nifti_volume(path)
    assert volume.size == (5, 7, 2)
    np.testing.assert_allclose(volume.affine, expected, rtol=1e-6)


def test_flipped_axes_are_no_volume(tmp_path):
    affine = np.diag([1.9, -2.4, 1, 1])
    affine[0, 3] = -1.9 * 4  # the last column at the world's origin
    path = write_plain(tmp_path / "stack.nii.gz", STACK.astype(np.int16).transpose(2, 1, 0), affine)
    with pytest.raises(ScanError, match="got flipped, exchanged or four ones"):
        read_nifti_volume(path)
