"""The commands around outlines of lesions: export, import, consensus."""

import argparse
from pathlib import Path

from bonescan.commands.command import Command, CommandGroup, add_output
from bonescan.commands.reporting import tell_left_out
from bonescan.data.annotation.label_mapping import IGNORE, read_mapping
from bonescan.labels import LABEL_NAMES

METHODS = ("majority", "agreement", "staple")
MAX_DIFFERENCE = 0.05


def _add_scans(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scans", type=Path, required=True, metavar="PATH", help="folder or datalist of scans"
    )


def _add_folds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folds", type=int, default=5, metavar="K", help="of patients, where scans have none"
    )


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the export."""
    _add_scans(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="DIR",
        help="output folder of inference, or one of label maps named after the scans; the "
        "datalist's labels if not given, and only pictures, to draw on, of scans without one",
    )
    add_output(parser)


def run_export(chosen: argparse.Namespace) -> int:
    """Export."""
    from bonescan.report.labelme import export_scans

    views, failures = export_scans(chosen.scans, chosen.labels, chosen.output)
    tell_left_out(failures)
    print(f"{views} views in {chosen.output}, {len(failures)} failures")
    return 1 if failures or not views else 0


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the import."""
    _add_scans(parser)
    parser.add_argument(
        "--annotations", type=Path, metavar="DIR", help="folder of LabelMe files; else of the scans"
    )
    add_output(parser)
    parser.add_argument("--annotator", metavar="NAME", help="take only files named ..._NAME.json")
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"meaning of a name in the files: one of {', '.join(LABEL_NAMES.values())}, or "
        f"{IGNORE}; may be repeated; the names that the export writes need not be given",
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
    _add_folds(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the folds")


def run_import(chosen: argparse.Namespace) -> int:
    """Import."""
    from bonescan.data.annotation.import_labelme import ImportSettings, import_annotations
    from bonescan.data.annotation.rasterise import Drawing

    settings = ImportSettings(
        scans=chosen.scans,
        annotations=chosen.annotations,
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
    tell_left_out(outcome.failures)
    print(
        f"{outcome.labelled} scans labelled in {chosen.output}, {outcome.unannotated} without "
        f"files, {len(outcome.failures)} failures"
    )
    return 1 if outcome.failures or not outcome.labelled else 0


def add_consensus_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the consensus."""
    parser.add_argument(
        "annotators", nargs="+", metavar="NAME=DATALIST", help="the datalist of each annotator"
    )
    add_output(parser)
    parser.add_argument(
        "--method", choices=METHODS, default=METHODS[0], help="how label maps are combined"
    )
    parser.add_argument(
        "--votes", type=int, default=2, metavar="N", help="votes that a majority needs"
    )
    parser.add_argument(
        "--max-difference",
        type=float,
        default=MAX_DIFFERENCE,
        metavar="D",
        help="greatest 1 - IoU of two annotators that agree on a lesion",
    )
    _add_folds(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of choices and folds")


def run_consensus(chosen: argparse.Namespace) -> int:
    """Make a consensus."""
    from bonescan.data.annotation.annotators import ConsensusMethod, parse_annotators
    from bonescan.report.consensus import DISPUTES, REPORT_PAGE, ConsensusRule, write_consensus

    rule = ConsensusRule(ConsensusMethod(chosen.method), chosen.votes, chosen.max_difference)
    outcome = write_consensus(
        parse_annotators(chosen.annotators),
        chosen.output,
        rule,
        folds=chosen.folds,
        seed=chosen.seed,
    )
    tell_left_out(outcome.failures)
    print(f"{outcome.labelled} scans in {chosen.output}; see {chosen.output / REPORT_PAGE}")
    if outcome.disputed:
        print(
            f"{outcome.disputed} scans are disputed; see {chosen.output / DISPUTES}, have these "
            "lesions drawn again, or raise --max-difference"
        )
    return 1 if outcome.failures or not outcome.labelled else 0


COMMANDS = CommandGroup(
    name="annotate",
    about="Exchange outlines of lesions with LabelMe, and make a consensus of annotators.",
    commands=(
        Command(
            name="export",
            about="Write pictures for LabelMe, with label maps, such as predictions, as outlines.",
            example="bonescan annotate export --scans data/archive --labels results -o drawn",
            add_arguments=add_export_arguments,
            run=run_export,
            notes="Open the folder in LabelMe, correct and save, then import the files.",
        ),
        Command(
            name="import",
            about="Turn LabelMe files into label maps and a datalist to train on.",
            example="bonescan annotate import --scans data/archive --annotations drawn -o data/new",
            add_arguments=add_import_arguments,
            run=run_import,
            notes="""\
A file belongs to the scan and view that its image is named after (sim-0001_scan_anterior.png), or
that its path leads to. Files that cannot be used are listed; the others are imported, and the exit
code is 1.""",
        ),
        Command(
            name="consensus",
            about="Make one label map of several annotators', and report how well they agree.",
            example="bonescan annotate consensus ann=ann/datalist.json bob=bob/datalist.json "
            "-o consensus",
            add_arguments=add_consensus_arguments,
            run=run_consensus,
            notes="""\
Import the files of each annotator first. With the method agreement, scans with disputed lesions are
left for a new round and listed in disputes.json; the exit code is 1 if all have some.""",
        ),
    ),
)
