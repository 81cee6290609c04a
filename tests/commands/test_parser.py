import json
import subprocess
import sys

import pytest

from bonescan import __version__
from bonescan.commands import annotate, image_set, main, nnunet, reproduce
from bonescan.commands.command import Command, CommandGroup
from bonescan.commands.parser import COMMANDS
from bonescan.data.annotation.annotators import ConsensusMethod
from bonescan.data.annotation.consensus import MAX_DIFFERENCE
from bonescan.data.nnunet import NIFTI, PNG
from bonescan.prepare.image_set import SPLITS
from bonescan.studies.experiments import experiment

HEAVY = ("torch", "monai", "ignite", "scipy", "skimage", "matplotlib", "numpy", "pydicom")
LOADED = """
import json, sys
from bonescan.commands.parser import make_parser
make_parser().parse_args(["simulate", "-o", "folder"])
print(json.dumps(sorted(sys.modules)))
"""
LEAVES = {entry.name: entry for entry in COMMANDS if isinstance(entry, Command)} | {
    f"{entry.name} {command.name}": command
    for entry in COMMANDS
    if isinstance(entry, CommandGroup)
    for command in entry.commands
}


def test_parsing_loads_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert not {*json.loads(done.stdout)} & {*HEAVY}


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"bonescan {__version__}\n"


@pytest.mark.parametrize("path", LEAVES)
def test_help_tells_what_it_does_with_an_example(path, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([*path.split(), "--help"])
    shown, command = capsys.readouterr().out, LEAVES[path]
    assert " ".join(command.about.split()) in " ".join(shown.split())
    assert command.example in shown
    assert "(default: None)" not in shown


def test_help_shows_defaults(capsys):
    with pytest.raises(SystemExit):
        main(["image-set", "--help"])
    assert "(default: 2280)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("path", LEAVES)
def test_unknown_options_are_wrong_arguments(path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*path.split(), "--nonsense"])
    assert f"usage: bonescan {path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("offered", "known"),
    [
        (annotate.METHODS, tuple(ConsensusMethod)),
        (annotate.MAX_DIFFERENCE, MAX_DIFFERENCE),
        (nnunet.FORMATS, (PNG, NIFTI)),
        (image_set.SPLITS, SPLITS),
        (reproduce.SPLITS, SPLITS),
        (reproduce.PROFILES, experiment.PROFILES),
    ],
)
def test_parsers_offer_what_the_code_takes(offered, known):
    assert offered == known


def test_python_runs_the_package():
    done = subprocess.run(
        [sys.executable, "-m", "bonescan", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"bonescan {__version__}\n"
