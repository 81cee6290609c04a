"""Train a system: `monai.bundle run` that refuses misspelt keys and says in one line what failed.

Takes the arguments of `python -m monai.bundle run`, with configs/train.yaml as the default, e.g.
    python scripts/train.py --dataset_dir data/cohort
    python scripts/train.py --args_file configs/systems/lin2020_unet.yaml --epochs 50
"""

import sys
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.workflow.launch import launch

DEFAULT_CONFIG = "configs/train.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if "--help" in given or "-h" in given:
        print(__doc__)
        return 0
    names = [argument.split("=")[0] for argument in given]
    if "--config_file" not in names and "--args_file" not in names:
        given = [*given, "--config_file", DEFAULT_CONFIG]
    return launch(given)


if __name__ == "__main__":
    sys.exit(main())
