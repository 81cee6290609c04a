"""The command that prints a script of completion for a shell, made of the parser itself."""

import argparse
from collections.abc import Iterable, Iterator

from bonescan.commands.command import Command

SHELLS = ("bash", "zsh")
BASH = """\
_{program}() {{
    local typed="{program}" word words current="${{COMP_WORDS[COMP_CWORD]}}"
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$typed $word" in
            {commands}) typed="$typed $word" ;;
        esac
    done
    case "$typed ${{COMP_WORDS[COMP_CWORD-1]}}" in
{choices}
        *) case "$typed" in
{words}
        esac ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _{program} {program}
"""
ZSH = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("shell", choices=SHELLS, help="whose script to print")


def run(chosen: argparse.Namespace) -> int:
    """Print the script."""
    from bonescan.commands.parser import make_parser

    print((ZSH if chosen.shell == "zsh" else "") + make_script(make_parser()), end="")
    return 0


def make_script(parser: argparse.ArgumentParser) -> str:
    """Return a script for Bash that completes commands, options and choices, else file names."""
    parsers = dict(_walk(parser, parser.prog))
    choices = [
        _case(f"{path} {option}", action.choices)
        for path, each in parsers.items()
        for action in each._actions
        for option in action.option_strings
        if action.choices
    ]
    words = [_case(path, _words(each)) for path, each in parsers.items()]
    return BASH.format(
        program=parser.prog,
        commands="|".join(f'"{path}"' for path in list(parsers)[1:]),
        choices="\n".join(choices),
        words="\n".join(words),
    )


def _walk(
    parser: argparse.ArgumentParser, path: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield the parsers of all commands with what is typed before their arguments."""
    yield path, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from _walk(child, f"{path} {name}")


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """Return the options of a command, and what its first argument may be."""
    options = [option for action in parser._actions for option in action.option_strings]
    first = [action.choices or () for action in parser._actions if not action.option_strings][:1]
    return [*options, *(word for choices in first for word in choices)]


def _case(typed: str, words: Iterable[str]) -> str:
    return f'        "{typed}") words="{" ".join(words)}" ;;'


COMMAND = Command(
    name="completion",
    about="Print a script that completes commands in a shell.",
    example="source <(bonescan completion bash)",
    add_arguments=add_arguments,
    run=run,
)
