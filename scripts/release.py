"""Copy an evaluated run into models/ as released weights: records without paths of this machine."""

import argparse
import sys
from pathlib import Path

from bonescan.commands.command import HelpFormatter
from bonescan.commands.reporting import run_reported
from bonescan.zoo.release import release

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Release the run that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a training, evaluated")
    parser.add_argument("name", metavar="NAME", help="folder to make in models/")
    chosen = parser.parse_args()

    def run() -> int:
        print(release(chosen.run, ROOT / "models" / chosen.name, root=ROOT))
        return 0

    return run_reported(run)


if __name__ == "__main__":
    sys.exit(main())
