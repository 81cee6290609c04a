"""Make one label map of several annotators', and report how well they agree.

The annotators' label maps come from `scripts/import_labelme.py`, one datalist each. With the method
`agreement`, scans with disputed lesions are left for a new round and listed in `disputes.json`.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

# Run as a file, Python looks for modules beside the file; the package lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from bonescan.data.annotation.annotators import (
    ConsensusMethod,
    combine,
    load_annotated_scans,
    parse_annotators,
)
from bonescan.data.annotation.consensus import MAX_DIFFERENCE
from bonescan.data.label_set import LabelMapSet
from bonescan.files import write_json
from bonescan.report.agreement import Agreement, summarise, to_markdown, write_disagreements


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "annotators", nargs="+", metavar="NAME=DATALIST", help="the datalist of each annotator"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--method",
        type=ConsensusMethod,
        choices=list(ConsensusMethod),
        default=ConsensusMethod.MAJORITY,
    )
    parser.add_argument("--votes", type=int, default=2, metavar="N", help="that a majority needs")
    parser.add_argument(
        "--max-difference",
        type=float,
        default=MAX_DIFFERENCE,
        metavar="D",
        help="greatest 1 - IoU of two annotators that agree on a lesion",
    )
    parser.add_argument("--folds", type=int, default=5, metavar="K")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of choices and folds")
    return parser.parse_args(arguments)


def run(chosen: argparse.Namespace) -> tuple[LabelMapSet, list[ValueError]]:
    """Write label maps, datalist, disputes and the report of agreement.

    Returns:
        The label maps, and why other scans were left out.
    """
    datalists = parse_annotators(chosen.annotators)
    labelled, agreement = LabelMapSet(chosen.output), Agreement(tuple(datalists))
    disputes = []
    failures = []
    for scan in load_annotated_scans(datalists):
        if isinstance(scan, ValueError):
            failures.append(scan)
            continue
        agreement.add(scan)
        label, disputed = combine(
            scan,
            chosen.method,
            votes=chosen.votes,
            max_difference=chosen.max_difference,
            seed=chosen.seed,
        )
        disputes += [{"scan": scan.key, **asdict(dispute)} for dispute in disputed]
        if not disputed:
            labelled.add(scan.key, scan.section, scan.entry, label)
    chosen.output.mkdir(parents=True, exist_ok=True)
    if len(labelled):
        description = f"Consensus of {', '.join(datalists)}: {chosen.method}"
        labelled.write_datalist(description, folds=chosen.folds, seed=chosen.seed)
    if chosen.method is ConsensusMethod.AGREEMENT:
        (chosen.output / "disputes.json").write_text(json.dumps(disputes, indent=1) + "\n")
    document = summarise(agreement)
    write_json(chosen.output / "agreement.json", document)
    (chosen.output / "agreement.md").write_text(to_markdown(document), encoding="utf-8")
    if agreement.worst:
        write_disagreements(chosen.output / "agreement.png", agreement)
    return labelled, failures


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = parse(arguments)
    try:
        labelled, failures = run(chosen)
    except (ValueError, OSError, RuntimeError) as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    for failure in failures:
        print(f"left out: {failure}", file=sys.stderr)
    print(f"{len(labelled)} scans in {chosen.output}; see {chosen.output / 'agreement.md'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
