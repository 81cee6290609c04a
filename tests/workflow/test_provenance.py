import hashlib
import json

import pytest

from bonescan import __version__
from bonescan.workflow.command import launched, parse_command
from bonescan.workflow.provenance import hash_system, make_provenance
from tests.workflows import ROOT

WORDS = ("run", "--config_file", "configs/inference.yaml")
NO_POINT: dict[str, float] = {}


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"weights")
    return path


def make(weights, *words, monkeypatch):
    monkeypatch.chdir(ROOT)
    with launched(parse_command((*WORDS, *words))):
        return make_provenance(system="U-Net", weights=weights, operating_point={"min_px": 3})


def test_names_weights_software_and_time(weights, monkeypatch):
    made_by = make(weights, monkeypatch=monkeypatch)
    assert made_by.weights_sha256 == (hashlib.sha256(b"weights").hexdigest(),)
    assert made_by.versions["bonescan"] == __version__
    assert made_by.date.endswith("+00:00")
    assert "min_px 3" in made_by.caption()[1]
    assert made_by.row()["operating_point"] == "min_px 3"
    assert str(weights.parent) not in str(made_by.document())


def test_several_weights_are_all_named(weights, tmp_path):
    other = tmp_path / "other.pt"
    other.write_bytes(b"others")
    made_by = make_provenance(
        system="U-Net", weights={"0": weights, "1": other}, operating_point=NO_POINT
    )
    assert len(set(made_by.weights_sha256)) == 2
    assert made_by.row()["weights_sha256"] == " ".join(made_by.weights_sha256)
    assert made_by.configuration_sha256 is None, "no command made this workflow"


def test_configuration_is_that_of_the_system_and_not_of_the_places(weights, monkeypatch):
    first, other, moved = (
        make(weights, *words, monkeypatch=monkeypatch).configuration_sha256
        for words in ((), ("--width", "3"), ("--output_dir", "elsewhere"))
    )
    assert first == moved != other


@pytest.mark.parametrize(
    ("told", "caption"),
    [
        ("simulated", "U-Net, trained on simulated scans only, weights"),
        ("mixed", "U-Net, trained on simulated scans and others, weights"),
        ("unmarked", "U-Net, weights"),
        (None, "U-Net, its training data not recorded, weights"),
    ],
)
def test_what_the_weights_were_trained_on_stands_in_captions_and_tables(
    weights, monkeypatch, told, caption
):
    (weights.parent / "run.json").write_text(json.dumps({"trained_on": told}))
    made_by = make(weights, monkeypatch=monkeypatch)
    assert made_by.caption()[0].startswith(caption)
    assert made_by.row()["trained_on"] == (told or "")
    assert made_by.document()["trained_on"] == told


def test_order_of_keys_does_not_matter():
    assert hash_system({"name": "a", "field": "b"}) == hash_system({"field": "b", "name": "a"})


def test_weights_must_be_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"weights .* do not exist"):
        make_provenance(system="x", weights=tmp_path / "none.pt", operating_point=NO_POINT)
