import pytest
from monai.transforms import Compose, Lambda

from bonescan.data.datalist import read_datalist
from bonescan.errors import one_line, root_cause


def test_root_cause():
    inner, middle, outer = ValueError("inner"), KeyError("middle"), RuntimeError("outer")
    outer.__cause__, middle.__cause__ = middle, inner
    assert root_cause(outer) is inner
    assert root_cause(inner) is inner


def test_an_error_of_the_project_is_told_and_not_what_it_came_from(tmp_path):
    path = tmp_path / "datalist.json"
    path.write_text("{")
    with pytest.raises(RuntimeError, match="applying transform") as caught:
        Compose([Lambda(read_datalist)])(path)
    told = one_line(root_cause(caught.value))
    assert told.startswith(f"{path}: a datalist must be JSON, got")


def test_one_line():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError: "
    assert one_line(RuntimeError("a")) == "RuntimeError: a"
