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
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.studies.benchmark.inputs import BenchmarkSize
from bonescan.studies.benchmark.report import (
    describe_machine,
    make_document,
    to_markdown,
    write_results,
)
from bonescan.studies.benchmark.suite import PARTS, run_parts


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part, as benchmark_PART")
    parser.add_argument(
        "--real", type=Path, metavar="DIR", help="folder of real scans that are read, too"
    )
    parser.add_argument("--output", type=Path, default=Path("docs/results"), metavar="DIR")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None, effort: BenchmarkSize | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = parse(arguments)
    names = (chosen.only,) if chosen.only else PARTS
    machine = describe_machine()
    # What the reader says of a lossy file it would say at each repeat.
    logging.getLogger("bundle").setLevel(logging.ERROR)
    start = time.monotonic()

    def announce(name: str) -> None:
        print(
            f"\n== {names.index(name) + 1}/{len(names)} {name} "
            f"(after {time.monotonic() - start:.0f} s)",
            flush=True,
        )

    try:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            measurements = run_parts(
                names, Path(folder), effort or BenchmarkSize(), real=chosen.real, announce=announce
            )
    except KeyboardInterrupt:
        print("\ninterrupted; nothing was written", file=sys.stderr)
        return 130
    given = [] if chosen.only is None else ["--only", chosen.only]
    given += [] if chosen.real is None else ["--real", chosen.real.name]
    command = " ".join(["python scripts/benchmark.py", *given])
    document = make_document(measurements, machine=machine, command=command)
    stem = "benchmark" if chosen.only is None else f"benchmark_{chosen.only}"
    write_results(document, chosen.output, stem=stem)
    print(f"\n{to_markdown(document)}")
    print(f"Took {(time.monotonic() - start) / 60:.1f} minutes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
