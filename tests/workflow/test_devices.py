import pytest
import torch

from bonescan.workflow.devices import find_device
from tests.workflows import make_workflow

NO_GPU = not torch.cuda.is_available()


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_a_device_by_its_name(device):
    assert find_device(device) == torch.device("cpu")


@pytest.mark.parametrize(("there", "found"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_the_gpu_where_there_is_one(monkeypatch, there, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert find_device("auto") == torch.device(found)


def test_a_second_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(
        ValueError, match=r"device must be one of this machine, got 'cuda:2'; .* 2 "
    ):
        find_device("cuda:2")


@pytest.mark.parametrize("word", ["gpu", "cpu:x", "meta", "", None, 3.5])
def test_another_word(word):
    expected = f"device must be auto, cpu, cuda, cuda:NUMBER or mps, got {word!r}"
    with pytest.raises(ValueError, match=f"^{expected}$"):
        find_device(word)


@pytest.mark.skipif(not NO_GPU, reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there():
    with pytest.raises(ValueError, match="device must be one of this machine, got 'cuda'"):
        find_device("cuda")


@pytest.mark.parametrize(
    ("name", "run"), [("train", "training"), ("evaluate", "evaluation"), ("inference", "inference")]
)
def test_every_workflow_takes_the_word(name, run):
    parser = make_workflow(name, workflow_type=run, device="cpu").parser
    parser["bundle_root"] = "."
    assert parser.get_parsed_content("torch_device") == torch.device("cpu")
    assert parser.get_parsed_content("network") is not None
