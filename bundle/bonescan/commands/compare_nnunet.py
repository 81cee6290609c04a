"""The command that trains nnU-Net v2 beside a trained system."""

import argparse
import shlex
from pathlib import Path

from bonescan.commands.command import PUBLISHED, SAME_COMMAND, Command, add_output
from bonescan.commands.evaluate import data_of_training
from bonescan.commands.workflow import add_device, add_trust, data_values, run_folder
from bonescan.run_folder import SYSTEM

PROFILES = ("fast", "full")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a training")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="folder with datalist.json, or a datalist: what was trained on, if it has moved; of a "
        "run on patients without end, the patients to train nnU-Net on and to test both",
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default=PROFILES[0],
        help="fast: for runs of a few minutes, at most an hour on 2 cores; full: for all runs, "
        "and nnU-Net at its own length, too, which needs a GPU",
    )
    parser.add_argument(
        "--nnunet-python",
        type=Path,
        metavar="PYTHON",
        help="Python of an environment with nnU-Net, else $BONESCAN_NNUNET_PYTHON, else this one",
    )
    add_output(parser)
    parser.add_argument(
        "--publish",
        action="store_true",
        help=f"write the page, named as the folder, to {PUBLISHED}, not there",
    )
    add_device(parser)
    add_trust(parser)


def run(chosen: argparse.Namespace) -> int:
    """Compare.

    Raises:
        ValueError: if the run, its data or nnU-Net are not as they must be, or what is to be
            published is of code that no commit holds.
    """
    from bonescan.studies.experiments.provenance import is_commit
    from bonescan.studies.peers.compare import Comparison, compare
    from bonescan.studies.peers.program import find_nnunet
    from bonescan.workflow.devices import AUTO, find_device
    from bonescan.workflow.installation import find_configs
    from bonescan.workflow.run_record import git_revision
    from bonescan.workflow.trust import check_system

    if chosen.publish and not is_commit(git_revision(find_configs().parent)):
        raise ValueError("--publish must be run from a checkout without changes: commit them first")
    if not chosen.trust:
        check_system(chosen.run / SYSTEM)
    comparison = Comparison(
        run=chosen.run,
        datalist=find_datalist(chosen),
        folder=chosen.output,
        profile=chosen.profile,
        nnunet=find_nnunet(chosen.nnunet_python),
        device=find_device(chosen.device or AUTO),
    )
    page = (PUBLISHED if chosen.publish else chosen.output) / f"{chosen.output.name}.md"
    compare(comparison, page=page, command=typed(chosen), announce=say)
    say(f"See {page}")
    return 0


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def find_datalist(chosen: argparse.Namespace) -> Path:
    """Return the datalist that is named, else that of the training.

    Raises:
        ValueError: if the training's is code and the run is not trusted, or there is none.
    """
    from monai.bundle import ConfigParser

    from bonescan.data.datalist import DATALIST_FILE

    named = {key: str(path) for key, path in data_values(chosen.data).items()}
    if not named:
        texts = data_of_training(chosen.run, trusted=chosen.trust)
        named = dict(text.split("=", 1) for text in texts)
    if not named:
        raise ValueError(f"{chosen.run} does not tell its data: give --data")
    if "datalist" not in named:
        return Path(named["dataset_dir"]) / DATALIST_FILE
    parser = ConfigParser(named)
    return Path(parser.get_parsed_content("datalist"))


def typed(chosen: argparse.Namespace) -> str:
    """Return the command line that makes the same page; folders by their last name."""
    words = ["bonescan", "compare-nnunet", f"runs/{chosen.run.name}", "-o"]
    words += [f"runs/{chosen.output.name}", "--profile", chosen.profile]
    words += [] if chosen.device is None else ["--device", chosen.device]
    words += ["--publish"] if chosen.publish else []
    return shlex.join(words)


COMMAND = Command(
    name="compare-nnunet",
    about="Train nnU-Net v2 on the patients of a run, at its budget, and score both alike.",
    example="bonescan compare-nnunet runs/unet -o runs/unet_nnunet --profile fast",
    add_arguments=add_arguments,
    run=run,
    to_continue=SAME_COMMAND,
    notes="""\
nnU-Net is trained once on as many images as the run has seen and once for the time that it took;
nothing else of it is changed. It need not be installed beside this program: --nnunet-python names
the Python of an environment that has it (`pip install nnunetv2==2.8.1`).""",
)
