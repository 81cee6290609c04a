"""Run a bundle workflow with mistakes refused before, and told in one line after."""

import logging
from collections.abc import Sequence

from monai.bundle.scripts import run

from bonescan.errors import one_line, root_cause
from bonescan.workflow.command import check_overrides, launched, parse_command

logger = logging.getLogger(__name__)


def launch(arguments: Sequence[str]) -> int:
    """Run `monai.bundle run` with these arguments.

    Args:
        arguments: as they would follow `python -m monai.bundle run`.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong arguments. The reason is logged as one line, the
        traceback at debug level.

    Raises:
        KeyboardInterrupt: if it is interrupted.
    """
    try:
        command = parse_command(arguments)
        check_overrides(command)
    except (ValueError, OSError) as err:
        logger.error("%s", err)
        return 2
    try:
        with launched(command):
            run(**command.arguments)
    except SystemExit as err:  # how a run ends that has told its failures (archive.conclude)
        return int(err.code or 0)
    except Exception as err:
        # MONAI wraps what a component raises; the cause says what to do.
        logger.error("%s", one_line(root_cause(err)))
        logger.debug("traceback", exc_info=err)
        return 1
    return 0
