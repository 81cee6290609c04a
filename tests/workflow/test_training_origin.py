"""What weights were trained on, from the data of a training to the report of a scan."""

import json
from types import SimpleNamespace

import pytest

from bonescan.data.origin import Origin
from bonescan.workflow.command import launched, parse_command
from bonescan.workflow.provenance import make_provenance
from bonescan.workflow.run_record import TrainingRecord
from bonescan.workflow.training_origin import read_training_origin
from tests.workflows import ROOT

WORDS = ("training", "--config_file", "configs/train.yaml")
ENGINE = SimpleNamespace(state=SimpleNamespace(rank=0))
BANK = {"name": "a", "bodies": 2}
SCANS = {
    Origin.SIMULATED: [True, True],
    Origin.MIXED: [True, False],
    Origin.UNMARKED: [False, False],
}


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Return a function that begins a training in a folder of its own, as far as its record."""
    monkeypatch.chdir(ROOT)

    def begin(name, scans, *words, bank=None):
        folder = tmp_path / name
        folder.mkdir()
        entries = []
        for number, simulated in enumerate(scans):
            (folder / f"{number}.nii.gz").write_bytes(b"no mark")
            entries.append({"image": f"{number}.nii.gz", "simulated": simulated})
        datalist = folder / "datalist.json"
        datalist.write_text(json.dumps({"training": entries}))
        with launched(parse_command((*WORDS, *words))):
            TrainingRecord(folder, datalist=datalist, bank=bank)(ENGINE)
        (folder / "model.pt").write_bytes(name.encode())
        return folder

    return begin


def told_of(*folders):
    weights = {str(number): folder / "model.pt" for number, folder in enumerate(folders)}
    return make_provenance(system="x", weights=weights, operating_point={}).trained_on


@pytest.mark.parametrize("origin", list(Origin))
def test_results_say_what_the_record_says_of_the_data(train, origin):
    run = train("run", SCANS[origin])
    assert json.loads((run / "run.json").read_text())["trained_on"] == origin
    assert told_of(run) is origin


def test_patients_of_a_bank_are_simulated_whoever_validates(train):
    assert told_of(train("run", SCANS[Origin.UNMARKED], bank=BANK)) is Origin.SIMULATED


def test_weights_to_begin_with_count(train, tmp_path):
    simulated = train("simulated", SCANS[Origin.SIMULATED])
    initial = ("--initial_weights", str(simulated / "model.pt"))
    assert told_of(train("own", SCANS[Origin.UNMARKED], *initial)) is Origin.MIXED
    assert told_of(train("more", SCANS[Origin.SIMULATED], *initial)) is Origin.SIMULATED
    (tmp_path / "found.pt").write_bytes(b"of anything")
    for name in ("found.pt", "gone.pt"):
        initial = ("--initial_weights", str(tmp_path / name))
        assert told_of(train(f"on {name}", SCANS[Origin.SIMULATED], *initial)) is None
    published = ("--network_def#weights", "imagenet.pth")
    assert told_of(train("published", SCANS[Origin.SIMULATED], *published)) is None


def test_several_runs_were_trained_on_all_that_each_was(train, tmp_path):
    simulated, own = (train(key, SCANS[key]) for key in (Origin.SIMULATED, Origin.UNMARKED))
    assert told_of(simulated, simulated) is Origin.SIMULATED
    assert told_of(simulated, own) is Origin.MIXED
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "model.pt").write_bytes(b"weights alone")
    assert told_of(simulated, tmp_path / "bare") is None


def test_python_code_may_have_begun_with_any_weights(train):
    folder = train("run", SCANS[Origin.SIMULATED])
    TrainingRecord(folder, datalist=folder / "datalist.json")(ENGINE)
    assert told_of(folder) is None


@pytest.mark.parametrize(
    ("record", "config", "origin"),
    [
        ({"bank": BANK}, {}, Origin.SIMULATED),
        ({"bank": None, "simulated": True}, {}, Origin.SIMULATED),
        ({"bank": None, "simulated": False}, {}, None),
        ({"bank": None}, {}, None),
        ({"bank": BANK}, {"initial_weights": "gone.pt"}, None),
        ({"bank": BANK}, {"network_def": {"weights": "imagenet.pth"}}, None),
        ({"bank": BANK}, None, None),
    ],
)
def test_a_record_without_the_key_tells_only_what_is_simulated(tmp_path, record, config, origin):
    (tmp_path / "run.json").write_text(json.dumps(record))
    if config is not None:
        whole = {"initial_weights": None, "network_def": {}, **config}
        (tmp_path / "config.json").write_text(json.dumps(whole))
    assert read_training_origin(tmp_path) is origin


def test_released_weights_say_that_they_are_of_simulated_scans():
    for record in (ROOT / "models").glob("*/run.json"):
        assert read_training_origin(record.parent) is Origin.SIMULATED
