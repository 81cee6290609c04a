"""The command that makes a set of thorax images."""

import argparse

from bonescan.commands.command import SAME_COMMAND, Command, add_datalist, add_output

SPLITS = ("patient", "image")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_datalist(parser, "datalist of whole-body scans")
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
        help="limit the number of views, those with metastases first; all if not given",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default=SPLITS[0],
        help="image: assign single images to sections and folds, which is optimistic",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="0 or more")
    add_output(parser)


def run(chosen: argparse.Namespace) -> int:
    """Write the images that are not there yet."""
    from bonescan.data.datalist import DATALIST_FILE
    from bonescan.prepare.image_set import make_image_set

    views = make_image_set(
        chosen.datalist,
        chosen.output,
        seed=chosen.seed,
        total=chosen.total,
        selected=chosen.selected,
        split=chosen.split,
    )
    print(f"{chosen.total} images of {views} views; see {chosen.output / DATALIST_FILE}")
    return 0


COMMAND = Command(
    name="image-set",
    about="Write thorax images of a datalist as a data set, mirrored, shifted and turned.",
    example="bonescan image-set --datalist data/lin2020/datalist.json -o data/lin2020_2280",
    add_arguments=add_arguments,
    run=run,
    to_continue=SAME_COMMAND,
    notes="Train on it with --overlay cropped.",
)
