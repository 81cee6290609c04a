"""Write the thorax images of a datalist as a set of its own, mirrored, shifted and turned.

Run again with the same arguments to go on after an interruption.
"""

import argparse
import sys
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.data.datalist import DATALIST_FILE
from bonescan.errors import one_line, root_cause
from bonescan.prepare.image_set import SPLITS, make_image_set


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--datalist", type=Path, required=True, metavar="FILE", help="datalist of whole-body scans"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--total",
        type=int,
        default=2280,
        metavar="N",
        help="images to write: the number of views for these alone, or at least twice as many",
    )
    parser.add_argument(
        "--selected",
        type=int,
        metavar="M",
        help="use so many views, those with metastases first; all if not given",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default="patient",
        help="image: deal single images to sections and folds, which is optimistic",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="0 or more")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = parse(arguments)
    try:
        views = make_image_set(
            chosen.datalist,
            chosen.output,
            seed=chosen.seed,
            total=chosen.total,
            selected=chosen.selected,
            split=chosen.split,
        )
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on where it stopped.", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as err:  # MONAI wraps errors of its transforms
        print(f"error: {one_line(root_cause(err))}", file=sys.stderr)
        return 1
    print(f"{chosen.total} images of {views} views; see {chosen.output / DATALIST_FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
