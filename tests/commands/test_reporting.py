from concurrent.futures.process import BrokenProcessPool

import pytest

from bonescan.commands.reporting import run_reported


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
