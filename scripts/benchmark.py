"""Measure what the software costs in time and memory.

Ratios to the bare minimum where there is one: the same network's bare step, its bare forward pass,
the import of MONAI. Takes about 10 minutes on two idle cores; an interrupted run leaves the results
of the last one as they were.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bonescan.commands.command import HelpFormatter, add_results_folder
from bonescan.commands.reporting import run_reported
from bonescan.studies.benchmark.inputs import BenchmarkSize
from bonescan.studies.benchmark.report import (
    describe_machine,
    make_document,
    to_markdown,
    write_results,
)
from bonescan.studies.benchmark.suite import PARTS, run_parts


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    about = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(description=about, formatter_class=HelpFormatter)
    parser.add_argument("--only", choices=PARTS, help="one part, as benchmark_PART")
    parser.add_argument(
        "--real", type=Path, metavar="DIR", help="folder of real scans that are read, too"
    )
    add_results_folder(parser, "build/results")
    return parser


def measure(chosen: argparse.Namespace, size: BenchmarkSize) -> int:
    """Measure, then write and print the results."""
    names = [chosen.only] if chosen.only else list(PARTS)
    machine = describe_machine()
    start = time.monotonic()

    def announce(name: str) -> None:
        place = f"{names.index(name) + 1}/{len(names)}"
        print(f"\n== {place} {name} (after {time.monotonic() - start:.0f} s)", flush=True)

    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, without_warnings():
        measurements = run_parts(names, Path(folder), size, real=chosen.real, announce=announce)
    document = make_document(measurements, machine=machine, command=typed(chosen))
    stem = "benchmark" if chosen.only is None else f"benchmark_{chosen.only}"
    write_results(document, chosen.output, stem=stem)
    print(f"\n{to_markdown(document)}")
    print(f"Took {(time.monotonic() - start) / 60:.1f} minutes; see {chosen.output}.")
    return 0


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep the reader from saying of a lossy file at each repeat what it said at the first."""
    logger = logging.getLogger("bonescan")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def typed(chosen: argparse.Namespace) -> str:
    """Return the command line that measures the same."""
    given = [] if chosen.only is None else ["--only", chosen.only]
    given += [] if chosen.real is None else ["--real", chosen.real.name]
    return " ".join(["python scripts/benchmark.py", *given])


def main(arguments: list[str] | None = None, size: BenchmarkSize | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = make_parser().parse_args(arguments)
    return run_reported(partial(measure, chosen, size or BenchmarkSize()))


if __name__ == "__main__":
    sys.exit(main())
