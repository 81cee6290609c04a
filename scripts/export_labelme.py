"""Write label maps, such as predictions, as LabelMe files with pictures, to be corrected.

Open the folder in LabelMe, correct, save; `scripts/import_labelme.py --scans SAME --annotations
FOLDER --output NEW` turns the files into a datalist to train on.
"""

import argparse
import sys
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.data.listing import ListedScan, list_scans
from bonescan.data.load import load_scan
from bonescan.data.nifti import read_view_stack
from bonescan.keys import IMAGE, LABEL
from bonescan.report.labelme import export_for_labelme
from bonescan.run_folder import label_map_name


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--scans", type=Path, required=True, metavar="PATH", help="folder or datalist of scans"
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="DIR",
        help="output folder of inference, or one of label maps named after the scans; without, "
        "the datalist's labels are written",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to write")
    return parser.parse_args(arguments)


def find_label(scan: ListedScan, labels: Path | None) -> Path | None:
    """Find the label map of a scan: by its hash, as inference names it, or by its key."""
    if labels is None:
        return Path(scan.entry[LABEL]) if LABEL in scan.entry else None
    names = (label_map_name(scan.facts.scan_id), f"{scan.key}.nii.gz")
    return next((path for name in names for path in sorted(labels.rglob(name))), None)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = parse(arguments)
    written = 0
    try:
        scans, failures = list_scans(chosen.scans)
        for scan in scans:
            path = find_label(scan, chosen.labels)
            if path is None:
                failures.append(f"scan {scan.key}: has no label map")
                continue
            try:
                stack = read_view_stack(path)
                written += len(
                    export_for_labelme(scan.key, load_scan(scan.entry[IMAGE]), stack, chosen.output)
                )
            except ValueError as err:
                failures.append(str(err))
    except (ValueError, OSError) as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    for failure in failures:
        print(f"left out: {failure}", file=sys.stderr)
    print(f"{written} views in {chosen.output}, {len(failures)} failures")
    return 1 if failures or not written else 0


if __name__ == "__main__":
    sys.exit(main())
