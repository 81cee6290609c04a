"""The code blocks of tutorials and how-tos are run, those of one page after each other.

A block that is not run says why in the line before it: `<!-- not run: REASON -->`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.warm_start import warm_start, write_client

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*(DOCS / "tutorials").glob("*.md"), *(DOCS / "how-to").glob("*.md")])
README = ROOT / "README.md"
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>.*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
INTERPRETERS = {"bash": ("bash", "-euo", "pipefail", "-c"), "python": ("python", "-c")}
SMALLER = {
    r"--patients (?:[2-9]\d+|1\d+)\b": "--patients 5",
    r"(bonescan train (?:(?!--epochs).)*)$": r"\1 --epochs 1",
    r"--epochs [2-9]\d*": "--epochs 1",
}
"""What is made smaller, so that a page takes a minute or two."""


class Block(NamedTuple):
    """A fenced block: why it is not run, or None; its language; its text."""

    reason: str | None
    language: str
    text: str


def read_blocks(text: str) -> list[Block]:
    return [
        Block(found["reason"], found["language"], found["text"]) for found in FENCE.finditer(text)
    ]


def blocks_to_run(page: Path) -> list[Block]:
    blocks = read_blocks(page.read_text(encoding="utf-8"))
    return [one for one in blocks if one.language in INTERPRETERS and one.reason is None]


@pytest.fixture(scope="module")
def programs(tmp_path_factory) -> Iterator[Path]:
    """Return a folder with the programs `bonescan` and `python`, those under test."""
    folder = tmp_path_factory.mktemp("programs")
    with warm_start(folder / "socket", ROOT):
        write_client(folder / "bonescan", folder / "socket", "-m", "bonescan")
        write_client(folder / "python", folder / "socket")
        yield folder


def run_block(block: Block, folder: Path, programs: Path) -> None:
    """Run a block in a folder, with these programs."""
    text = block.text
    for pattern, smaller in SMALLER.items():
        text = re.sub(pattern, smaller, text, flags=re.MULTILINE)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "bundle")}
    program, *options = INTERPRETERS[block.language]
    done = subprocess.run(
        [shutil.which(program, path=path), *options, text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"exit code {done.returncode}:\n{text}\n{done.stdout}\n{done.stderr[-4000:]}")


@pytest.fixture
def workplace(tmp_path, cohort, trained_system) -> Path:
    """Return a folder as how-tos take it for granted: a cohort, an archive, a trained run."""
    shutil.copytree(cohort, tmp_path / "data/cohort")
    shutil.copytree(trained_system("lin2020_unet_res"), tmp_path / "runs/fast")
    for number in (1, 2):
        patient = f"sim-{number:04d}"
        (tmp_path / "archive" / patient).mkdir(parents=True)
        for path in (cohort / patient).glob("*.dcm"):
            shutil.copy(path, tmp_path / "archive" / patient)
    return tmp_path


def test_blocks_are_read_with_their_reasons():
    text = (
        "a\n<!-- not run: hours -->\n```bash\nx 1\n```\n```python\ny\n\nz\n```\n```text\nw\n```\n"
    )
    assert read_blocks(text) == [
        Block("hours", "bash", "x 1\n"),
        Block(None, "python", "y\n\nz\n"),
        Block(None, "text", "w\n"),
    ]


@pytest.mark.parametrize("language", INTERPRETERS)
def test_a_block_that_fails_fails_the_test(language, tmp_path):
    (tmp_path / "python").symlink_to(sys.executable)
    lines = {"bash": "false\ntrue\n", "python": "1 / 0\n"}
    with pytest.raises(pytest.fail.Exception, match="exit code 1"):
        run_block(Block(None, language, lines[language]), tmp_path, tmp_path)


def test_trainings_and_cohorts_are_made_smaller(tmp_path):
    block = Block(None, "bash", "echo --patients 24 --patients 1 --epochs 80 > said\n")
    run_block(block, tmp_path, tmp_path)
    assert (tmp_path / "said").read_text() == "--patients 5 --patients 1 --epochs 1\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_block_says_its_language_or_why_it_is_not_run(page):
    text = page.read_text(encoding="utf-8")
    blocks = read_blocks(text)
    assert len(blocks) * 2 == len(re.findall("^ *```", text, flags=re.MULTILINE)), "all are read"
    assert [one.text for one in blocks if not one.language] == []
    reasons = re.findall("<!-- not run: *(.*?) *-->", text)
    assert reasons == [one.reason for one in blocks if one.reason is not None]
    assert "" not in reasons


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks_to_run(page)], ids=lambda path: path.stem
)
def test_page_runs_from_its_first_block_to_its_last(page, tmp_path, programs, request):
    folder = tmp_path if page.parent.name == "tutorials" else request.getfixturevalue("workplace")
    for block in blocks_to_run(page):
        run_block(block, folder, programs)


@pytest.mark.slow
def test_python_of_the_readme_runs(workplace, programs):
    shutil.copy(next(workplace.glob("archive/*/scan.dcm")), workplace)
    blocks = [one for one in blocks_to_run(README) if one.language == "python"]
    assert blocks
    for block in blocks:
        run_block(block, workplace, programs)
