"""Every system is trained, evaluated and run on the real scan by the commands of the README."""

import json
import re
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from bonescan.workflow.command import compose, parse_command
from bonescan.workflow.launch import launch
from tests.conftest import REFERENCE_DATA
from tests.workflows import CONFIGS, ROOT

SYSTEMS = sorted(path.stem for path in (CONFIGS / "systems").glob("*.yaml"))
SIZES = {"chen2023": [128, 48]}
"""Of a view, where the thorax crop of the other systems does not apply."""
SIZE = [256, 224]
DOCUMENT = ROOT / "docs" / "systems.md"


def documented_parameters() -> dict[str, int]:
    """Read the table of docs/systems.md: parameters by system."""
    rows = re.findall(r"^\| (`.+?) \| .+? \| ([\d ]+) \|", DOCUMENT.read_text(), flags=re.MULTILINE)
    return {
        name: int(count.replace(" ", ""))
        for names, count in rows
        for name in re.findall(r"`(\w+)`", names)
    }


@pytest.mark.parametrize("name", SYSTEMS)
def test_documents_give_the_parameters_at_paper_size(name):
    config = compose(parse_command(["--args_file", f"configs/systems/{name}.yaml"]))
    with torch.device("meta"):
        network = ConfigParser(config).get_parsed_content("network_def")
    count = sum(parameter.numel() for parameter in network.parameters())
    assert documented_parameters()[name] == count


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", sys.argv)


@pytest.fixture(scope="module")
def datalist(cohort, tmp_path_factory) -> Path:
    """Four patients of the cohort, each with a mask of body that is not metastatic."""
    content = json.loads((cohort / "datalist.json").read_text())
    entries = {name: content[name][:count] for name, count in (("training", 4), ("test", 1))}
    for part in entries.values():
        for number, entry in enumerate(part):
            files = {
                key: [str(cohort / name) for name in entry[key]]
                if isinstance(entry[key], list)
                else str(cohort / entry[key])
                for key in ("image", "label")
            }
            entry.clear()
            entry |= {**files, "body": files["label"], "patient": files["label"]}
            if part is entries["training"]:
                entry["fold"] = number % 2
    path = tmp_path_factory.mktemp("systems") / "datalist.json"
    path.write_text(json.dumps(entries))
    return path


@pytest.fixture(scope="module")
def scan(cohort) -> Path:
    """The real scan, which has an anterior view; a simulated one where there is none."""
    real = REFERENCE_DATA / "real" / "NM1_UNC.dcm"
    return real if real.is_file() else sorted(cohort.glob("*/*.dcm"))[0]


def run(*arguments: object) -> int:
    return launch([str(argument) for argument in arguments])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")  # of every monai.bundle.run
@pytest.mark.parametrize("name", SYSTEMS)
def test_system_trains_evaluates_and_infers(name, datalist, scan, tmp_path):
    size = SIZES.get(name.partition("_")[0], SIZE)
    trained = run(
        "training", "--args_file", f"configs/systems/{name}.yaml", "--datalist", datalist,
        "--output_dir", tmp_path, "--width", 2, "--size", size, "--epochs", 2, "--batch_size", 2,
    )  # fmt: skip
    assert trained == 0
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    assert state["epoch"] == 2
    system, where = tmp_path / "system.json", ("--run_dir", tmp_path)
    files = f"['configs/evaluate.yaml','{system}']"
    assert run("--config_file", files, *where, "--datalist", datalist) == 0
    summary = json.loads((tmp_path / "evaluation" / "summary.json").read_text())
    assert json.loads(system.read_text())["name"] in summary
    files = f"['configs/inference.yaml','{system}']"
    assert run("--config_file", files, *where, "--input", scan) == 0
    (findings,) = (tmp_path / "inference").glob("*/findings.json")
    document = json.loads(findings.read_text())
    assert "anterior" in document["views"]
    assert all(0 <= finding["score"] <= 1 for finding in document["findings"])
