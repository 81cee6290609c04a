import shutil
import subprocess

import pytest

from bonescan.commands import main
from bonescan.workflow.installation import find_configs

COMPLETE = """
{script}
COMP_WORDS=({words})
COMP_CWORD={number}
_bonescan
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def complete(capsys):
    """Complete the last of some words as Bash does."""
    if shutil.which("bash") is None:
        pytest.skip("this machine has no Bash")
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out

    def run(*words):
        quoted = " ".join(f"'{word}'" for word in words)
        program = COMPLETE.format(script=script, words=quoted, number=len(words) - 1)
        done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.split()

    return run


def test_commands(complete):
    assert complete("bonescan", "s") == ["simulate"]
    assert complete("bonescan", "annotate", "") == ["-h", "--help", "export", "import", "consensus"]


def test_options_of_the_command_that_was_typed(complete):
    assert complete("bonescan", "annotate", "consensus", "--m") == ["--method", "--max-difference"]
    words = ("simulate", "--seed", "3", "--p")
    assert complete("bonescan", *words) == ["--preset", "--patients", "--part"]


def test_choices(complete):
    assert complete("bonescan", "annotate", "consensus", "--method", "s") == ["staple"]
    systems = {path.stem for path in find_configs().glob("systems/he2024_f*.yaml")}
    assert {*complete("bonescan", "train", "he2024_f")} == systems


def test_file_names_where_nothing_else_fits(complete, capsys):
    assert complete("bonescan", "infer", "runs/") == []
    assert main(["completion", "bash"]) == 0
    assert "complete -o default -F _bonescan bonescan" in capsys.readouterr().out


def test_zsh_takes_the_same_script(capsys):
    assert main(["completion", "zsh"]) == 0
    zsh = capsys.readouterr().out
    assert main(["completion", "bash"]) == 0
    assert zsh.startswith("autoload -U +X compinit bashcompinit")
    assert zsh.endswith(capsys.readouterr().out)
