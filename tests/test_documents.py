"""The commands of the documents: files exist, keys and options are known."""

import importlib
import json
import re
import shlex
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from bonescan import run_folder
from bonescan.commands.parser import make_parser
from bonescan.report.tables import format_interval
from bonescan.run_folder import SYSTEM
from bonescan.workflow.command import check_overrides, compose, parse_command

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"(?:python|torchrun|make|bonescan) [^`]+")
PLACEHOLDER = "NAME"
"""Stands for a system or table of the reader's choice, where a command is only mentioned."""


def commands() -> list[str]:
    """Every line of a code block and every inline code that is a command without blanks, once."""
    found: dict[str, None] = {}
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        blocks = re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL)
        inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        for line in [line for block in blocks for line in block.splitlines()] + inline:
            if COMMAND.match(line) and PLACEHOLDER not in line:
                found[line.split("  #")[0].strip()] = None
    return list(found)


def bundle_commands() -> list[str]:
    """Commands of the bundle that are meant to be typed, not only mentioned."""
    return [
        command
        for command in commands()
        if "monai.bundle run" in command and re.search(r"--(config|args)_file", command)
    ]


def script_commands() -> list[str]:
    return [command for command in commands() if command.startswith("python scripts/")]


def own_commands() -> list[str]:
    """Commands of the package that are meant to be typed, not only mentioned."""
    found = [
        re.sub(r"^(torchrun .+ -m )?bonescan ", "", command)
        for command in commands()
        if re.match(r"(torchrun .+ -m )?bonescan ", command)
    ]
    return [command for command in found if " " in command and not command.startswith("COMMAND")]


def make_targets() -> list[str]:
    lines = [command for command in commands() if command.startswith("make ")]
    return sorted({word for line in lines for word in line.split()[1:]})


def make_runs(command: str) -> None:
    """Make the folders of the runs and of the released weights that a command names."""
    for folder in re.findall(r"(?:runs|models)/\w+", command):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / SYSTEM).write_text("{}")


def test_there_are_commands():
    assert len(bundle_commands()) >= 6
    assert len(script_commands()) >= 3
    assert len(own_commands()) >= 20
    assert {"demo", "test", "bench", "results"} <= set(make_targets())


@pytest.mark.parametrize("command", bundle_commands())
def test_bundle_command_composes(command, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    system = tmp_path / SYSTEM
    system.write_text("{}")
    words = [re.sub(rf"runs/\w+/{SYSTEM}", str(system), word) for word in shlex.split(command)]
    parsed = parse_command(words[words.index("run") + 1 :])
    check_overrides(parsed)
    assert compose(parsed)["run"]


@pytest.mark.parametrize("command", script_commands())
def test_script_takes_the_options(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_runs(command)
    words = shlex.split(command)
    script = importlib.import_module(words[1].removesuffix(".py").replace("/", "."))
    script.make_parser().parse_args(words[2:])


@pytest.mark.parametrize("command", own_commands())
def test_command_is_understood(command, tmp_path, monkeypatch, launched):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)
    make_runs(command)
    chosen = make_parser().parse_args(words)
    if words[0] in {"train", "evaluate", "infer"}:
        assert chosen.command.run(chosen) == 0
        parsed = parse_command(launched)
        check_overrides(parsed)
        assert compose(parsed)["run"]


@pytest.mark.parametrize("target", make_targets())
def test_make_target_is_there(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", text)
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize(
    "path", ["docs/results/fast_default.json", "models/both_views/evaluation/summary.json"]
)
def test_readme_repeats_the_results_as_they_are(path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    results = json.loads((ROOT / path).read_text(encoding="utf-8"))
    assert len(results) == 2, "the system and the baseline"
    for name, system in results.items():
        assert f"{name} | {format_interval(system['pooled']['dsc'])}" in readme
        assert f"{format_interval(system['detection']['sensitivity'])} |" in readme
        assert f"{system['images']} images of {system['patients']} **simulated** patients" in readme


def test_every_file_that_a_run_leaves_is_documented():
    page = (ROOT / "docs/reference/output-files.md").read_text(encoding="utf-8")
    names = {value for name, value in vars(run_folder).items() if name.isupper()}
    assert len(names) > 25
    assert {name for name in names - {run_folder.LOCK} if f"`{name}`" not in page} == set()


def test_the_system_that_a_how_to_adds_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs/how-to/add-a-system.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    path = tmp_path / "system.yaml"
    path.write_text(text)
    config = compose(parse_command(["--args_file", str(path)]))
    assert config["name"] == "My U-Net"
    assert config["optimizer"]["_target_"] == "torch.optim.Adam"
    network = ConfigParser(config).get_parsed_content("network_def")
    assert network(torch.zeros(3, 1, 64, 48)).shape == (3, 2, 64, 48)
