"""The command that runs a DICOM node around inference."""

import argparse
import signal
import threading
from pathlib import Path

from bonescan.commands.command import SAME_COMMAND, Command
from bonescan.commands.workflow import add_device, add_trust, run_folder

_OPTIONS = (
    *("run", "folder", "callers", "destination", "identified", "ae_title", "host", "port"),
    *("regions", "device", "trust"),
)
"""Arguments of the command that are settings."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command; what is not given here, the file may say."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "run", type=run_folder, nargs="?", metavar="RUN", help="folder of a training"
    )
    which.add_argument("--config", type=Path, metavar="FILE", help="settings, as a YAML file")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="of the queue")
    parser.add_argument("--callers", nargs="+", metavar="AET", help="AE titles that may connect")
    parser.add_argument("--destination", metavar="AET@HOST:PORT", help="where results are sent")
    parser.add_argument(
        "--identified",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether results name the patient: only then does an archive file them with the scan. "
        "It must be said, here or in the file",
    )
    parser.add_argument("--ae-title", metavar="AET", help="of this node; BONESCAN if not given")
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        help="to listen at; only 127.0.0.1 if not given",
    )
    parser.add_argument("--port", type=int, metavar="N", help="to listen at; 11112 if not given")
    parser.add_argument(
        "--regions",
        type=run_folder,
        metavar="RUN",
        help="folder of a training of the overlay skeleton_regions: findings name their bones",
    )
    add_device(parser)
    add_trust(parser)


def run(chosen: argparse.Namespace) -> int:
    """Run the node until it is told to stop."""
    import logging

    from bonescan.node.inference import SystemLoader
    from bonescan.node.node import Node
    from bonescan.node.settings import read_settings
    from bonescan.node.worker import Worker

    options = {key: getattr(chosen, key) for key in _OPTIONS}
    options["trust"] = chosen.trust or None
    for key, value in options.items():
        if isinstance(value, Path):
            options[key] = value.absolute()  # those of the file start from its folder
    settings = read_settings(chosen.config, options)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    worker = Worker(SystemLoader(settings), limit_s=settings.limits.inference_s)
    node = Node(settings, worker)
    node.start()
    print(
        f"{settings.ae_title} listens at {settings.host}:{node.receiver.port}; "
        f"see http://127.0.0.1:{node.page.port}",
        flush=True,
    )
    stop.wait()
    print("stopping", flush=True)
    node.stop()
    return 0


COMMAND = Command(
    name="node",
    about="Run a DICOM node: take scans, infer, send the results to an archive.",
    example="bonescan node runs/unet --folder queue --callers PACS --destination "
    "PACS@127.0.0.1:4242 --identified",
    add_arguments=add_arguments,
    run=run,
    to_continue=SAME_COMMAND,
    notes="""\
An object is acknowledged once it is safe on disk. SIGTERM and Ctrl-C stop the node gracefully; a
node that was killed goes on where it was.""",
)
