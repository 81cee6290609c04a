"""Write a datalist as a raw dataset of nnU-Net v2, or turn its predictions into label maps."""

import argparse
import sys
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.data.nnunet import NIFTI, PNG, DatasetForm, export_dataset, import_predictions


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write a raw dataset, one case per view")
    back = commands.add_parser("import", help="turn predictions into one label map per scan")
    for command in (export, back):
        command.add_argument("--datalist", type=Path, required=True, metavar="FILE")
        command.add_argument(
            "--dataset", type=Path, required=True, metavar="DIR", help="nnUNet_raw/DatasetNNN_Name"
        )
    export.add_argument(
        "--format", choices=[PNG, NIFTI], default=PNG, help="of the files (default: %(default)s)"
    )
    export.add_argument(
        "--mirror-posterior", action="store_true", help="lay the posterior on the anterior view"
    )
    export.add_argument("--lesions-only", action="store_true", help="bladder becomes background")
    back.add_argument(
        "--predictions", type=Path, required=True, metavar="DIR", help="output of nnUNetv2_predict"
    )
    back.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to write")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = parse(arguments)
    try:
        if chosen.command == "export":
            form = DatasetForm(chosen.format, chosen.mirror_posterior, chosen.lesions_only)
            print(f"dataset in {export_dataset(chosen.datalist, chosen.dataset, form)}")
        else:
            written = import_predictions(
                chosen.datalist, chosen.dataset, chosen.predictions, chosen.output
            )
            print(f"{len(written)} label maps in {chosen.output}")
    except (ValueError, OSError) as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
