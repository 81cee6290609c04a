"""Weights files: tensors by name pass, everything else is refused without being run."""

import pytest
import torch

from bonescan.networks.weights import read_weights


def test_reads_what_was_saved(tmp_path):
    state = {"conv.weight": torch.arange(6.0).reshape(2, 3)}
    torch.save(state, tmp_path / "w.pth")
    assert torch.equal(read_weights(tmp_path / "w.pth")["conv.weight"], state["conv.weight"])


class Unknown:
    def __reduce__(self):
        return (pytest.fail, ("the file was run",))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"a": Unknown()}, "holds other things or is damaged"),
        (torch.nn.Linear(1, 1), "holds other things or is damaged"),
        (torch.zeros(3), "got Tensor"),
        ({}, "got dict"),
        ({"epoch": 3}, "got int under 'epoch'"),
        ({"model": {"a": torch.zeros(1)}}, "got dict under 'model'"),
    ],
)
def test_refuses_anything_but_tensors_by_name(tmp_path, content, match):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=rf"w\.pth: weights must be .*{match}"):
        read_weights(tmp_path / "w.pth")


def test_refuses_a_damaged_file(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"PK\x03\x04 half a download")
    with pytest.raises(ValueError, match=r"w\.pth: weights must be .* damaged"):
        read_weights(tmp_path / "w.pth")


def test_says_what_to_do_where_there_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"weights file must exist, got w\.pth: download"):
        read_weights(tmp_path / "w.pth")
