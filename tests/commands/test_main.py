"""What all commands have in common: light, one way of telling errors, help with defaults."""

import json
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool

import pytest

from bonescan import __version__
from bonescan.commands import annotate, image_set, main, nnunet, reproduce, simulate
from bonescan.commands.command import Command, CommandGroup
from bonescan.commands.parser import COMMANDS, make_parser
from bonescan.commands.reporting import run_reported
from bonescan.data.annotation.annotators import ConsensusMethod
from bonescan.data.annotation.consensus import MAX_DIFFERENCE
from bonescan.data.annotation.label_mapping import IGNORE
from bonescan.data.nnunet import NIFTI, PNG
from bonescan.labels import LABEL_NAMES
from bonescan.phantom import presets
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
        (simulate.PRESETS, tuple(presets.PRESETS)),
        (annotate.LABELS, (*LABEL_NAMES.values(), IGNORE)),
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


def raising(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("size must be even,\n got 3"), "error: size must be even, got 3\n"),
        (OSError("disk is full"), "error: OSError: disk is full\n"),
        (BrokenProcessPool("a child died"), "error: a worker process died"),
    ],
)
def test_an_error_is_one_line(error, told, capsys):
    assert run_reported(raising(error)) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(told)
    assert shown.count("\n") == 1


def test_of_wrapped_errors_the_cause_is_told(capsys):
    wrapper = RuntimeError("applying transform <some object>")
    wrapper.__cause__ = ValueError("scan.dcm: no whole-body scan")
    assert run_reported(raising(wrapper)) == 1
    assert capsys.readouterr().err == "error: scan.dcm: no whole-body scan\n"


def test_mistakes_of_the_program_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run_reported(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("to_continue", "told"),
    [("type it again", "Interrupted: type it again to continue."), ("", "Interrupted.")],
)
def test_an_interruption_says_how_to_continue_where_one_can(to_continue, told, capsys):
    assert run_reported(raising(KeyboardInterrupt()), to_continue=to_continue) == 130
    assert capsys.readouterr().err == f"\n{told}\n"


def test_python_runs_the_package():
    done = subprocess.run(
        [sys.executable, "-m", "bonescan", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"bonescan {__version__}\n"


def test_prog_is_the_command():
    assert make_parser().prog == "bonescan"
