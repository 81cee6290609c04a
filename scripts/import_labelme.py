"""Turn LabelMe files into label maps and a datalist that training takes.

A file belongs to the scan and view that its image is named after (`sim-0001_scan_anterior.png`), or
that its path leads to. Other files go on where one cannot be used; then the exit code is 1.
"""

import argparse
import sys
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.data.annotation.import_labelme import ImportSettings, import_annotations
from bonescan.data.annotation.label_mapping import IGNORE, read_mapping
from bonescan.data.annotation.rasterise import Drawing
from bonescan.labels import LABEL_NAMES


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--scans", type=Path, required=True, metavar="PATH", help="folder or datalist of scans"
    )
    parser.add_argument(
        "--annotations", type=Path, metavar="DIR", help="folder of LabelMe files; else of the scans"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--annotator", metavar="NAME", help="take only files that end in _NAME.json"
    )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"meaning of a name in the files: one of {', '.join(LABEL_NAMES.values())}, or "
        f"{IGNORE}; may be repeated; the bundle's own names need not be given",
    )
    parser.add_argument(
        "--mapping", type=Path, metavar="FILE", help="the same as YAML, NAME: VALUE"
    )
    parser.add_argument("--upside-down", action="store_true", help="images show the feet on top")
    parser.add_argument("--mirrored", action="store_true", help="images swap left and right")
    parser.add_argument(
        "--mirrored-posterior", action="store_true", help="posterior images swap left and right"
    )
    parser.add_argument("--resized", action="store_true", help="images may have another size")
    parser.add_argument(
        "--empty-views", action="store_true", help="a view without file holds no lesion"
    )
    parser.add_argument("--folds", type=int, default=5, metavar="K")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the folds")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = parse(arguments)
    try:
        settings = ImportSettings(
            scans=chosen.scans,
            annotations=chosen.annotations or chosen.scans,
            output=chosen.output,
            values=read_mapping(chosen.mapping, chosen.label),
            annotator=chosen.annotator,
            drawing=Drawing(chosen.upside_down, chosen.mirrored, chosen.resized),
            mirrored_posterior=chosen.mirrored_posterior,
            empty_views=chosen.empty_views,
            folds=chosen.folds,
            seed=chosen.seed,
        )
        outcome = import_annotations(settings)
    except (ValueError, OSError) as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    for failure in outcome.failures:
        print(f"left out: {failure}", file=sys.stderr)
    print(
        f"{outcome.labelled} scans labelled in {chosen.output}, {outcome.unannotated} without "
        f"files, {len(outcome.failures)} failures"
    )
    return 1 if outcome.failures or not outcome.labelled else 0


if __name__ == "__main__":
    sys.exit(main())
