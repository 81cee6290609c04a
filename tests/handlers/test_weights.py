from types import SimpleNamespace

import pytest
import torch

from bonescan.handlers.weights import WeightsLoader


def test_missing_file(tmp_path):
    loader = WeightsLoader(
        tmp_path / "model.pt", network=torch.nn.Linear(1, 1), device=torch.device("cpu")
    )
    with pytest.raises(FileNotFoundError, match=r"do not exist; train a network first"):
        loader(None)


def test_other_network(tmp_path):
    torch.save(torch.nn.Linear(2, 3).state_dict(), tmp_path / "model.pt")
    loader = WeightsLoader(
        tmp_path / "model.pt", network=torch.nn.Linear(4, 3), device=torch.device("cpu")
    )
    engine = SimpleNamespace(state=SimpleNamespace(max_epochs=1, epoch=0))
    with pytest.raises(ValueError, match=r"does not fit the network.*weight.*system\.json"):
        loader(engine)


@pytest.mark.parametrize("content", [b"", b"no checkpoint"], ids=["empty", "text"])
def test_no_checkpoint(tmp_path, content):
    (tmp_path / "model.pt").write_bytes(content)
    loader = WeightsLoader(
        tmp_path / "model.pt", network=torch.nn.Linear(1, 1), device=torch.device("cpu")
    )
    with pytest.raises(ValueError, match=r"plain state dict|does not fit"):
        loader(None)


def test_files_of_child_modules(tmp_path):
    parts = {name: torch.nn.Linear(2, 3) for name in ("encoder", "decoder")}
    files = {name: tmp_path / f"{name}.pt" for name in parts}
    for name, part in parts.items():
        torch.save(part.state_dict(), files[name])
    network = torch.nn.ModuleDict({name: torch.nn.Linear(2, 3) for name in reversed(parts)})
    engine = SimpleNamespace(state=SimpleNamespace(max_epochs=1, epoch=0))
    WeightsLoader(files, network=network, device=torch.device("cpu"))(engine)
    for name, part in parts.items():
        assert torch.equal(network[name].weight, part.weight)
    assert not torch.equal(network["encoder"].weight, network["decoder"].weight)


def test_no_file_at_all():
    loader = WeightsLoader({}, network=torch.nn.Linear(1, 1), device=torch.device("cpu"))
    with pytest.raises(ValueError, match="weights must be at least one file, got none"):
        loader(None)
