"""The reference says what the program says today."""

import re
from pathlib import Path

import pytest
import yaml

from scripts.reference import FOLDER, PAGES, describe_keys, main, read_help, walk_commands

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PAGES)
def test_page_is_what_the_program_says(name):
    page = (FOLDER / name).read_text(encoding="utf-8")
    assert page == PAGES[name](), "run: python scripts/reference.py"


def test_help_is_that_of_each_command_however_wide_the_terminal(monkeypatch):
    assert ("annotate", "import") in list(walk_commands())
    for words in walk_commands():
        monkeypatch.setenv("COLUMNS", "200")
        text = read_help(words)
        assert text.startswith(f"usage: bonescan {' '.join(words)} ")
        assert "\nexample:\n" in text
        monkeypatch.setenv("COLUMNS", "60")
        assert read_help(words) == text


@pytest.mark.parametrize("workflow", ["train", "evaluate", "inference"])
def test_keys_are_those_of_the_workflow_with_their_values(workflow):
    part = describe_keys().split(f"## configs/{workflow}.yaml")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \|", part, flags=re.MULTILINE)
    config = yaml.safe_load((ROOT / "configs" / f"{workflow}.yaml").read_text())
    assert len(rows) >= 9
    assert {key: yaml.safe_load(value) for key, value in rows} == {
        key: config[key] for key, _ in rows
    }
    assert {"train": "fold", "evaluate": "section", "inference": "identified"}[workflow] in dict(
        rows
    )


def test_pages_are_written(tmp_path, capsys):
    assert main(["--folder", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)
    assert "commands.md" in capsys.readouterr().out
