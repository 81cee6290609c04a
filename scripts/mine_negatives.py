"""Make masks of a network's false positives, for training on three classes (Chen 2023).

The predictions come from inference (configs/inference.yaml) on the same datalist with the weights
of configs/systems/chen2023_baseline.yaml. What is written is the datalist on which
configs/systems/chen2023_negative_mining.yaml is trained. With folds, a network of each fold makes a
datalist of its own, so that no test patient takes part.
"""

import argparse
import sys
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.data.datalist import DATALIST_FILE
from bonescan.prepare.negative_mining import mine_datalist


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--datalist", type=Path, required=True, metavar="FILE", help="datalist of labelled scans"
    )
    parser.add_argument(
        "--predictions", type=Path, required=True, metavar="DIR", help="what inference wrote"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to write")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = parse(arguments)
    mined = chosen.output / DATALIST_FILE
    try:
        pixels = mine_datalist(chosen.datalist, chosen.predictions, mined)
    except (ValueError, OSError) as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    print(f"{pixels.sum()} false positive pixels in {len(pixels)} scans; see {mined}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
