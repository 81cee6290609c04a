"""Run a bundle workflow with mistakes refused before, and told in one line after."""

import logging
from collections.abc import Sequence

from monai.bundle.scripts import run

from bonescan.errors import one_line, root_cause
from bonescan.workflow.command import PRIVATE_KEYS, check_overrides, launched, parse_command

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
    told_by_monai = logging.getLogger("monai.bundle.scripts")
    told_by_monai.addFilter(_is_public)
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
    finally:
        told_by_monai.removeFilter(_is_public)
    return 0


def _is_public(record: logging.LogRecord) -> bool:
    """Tell whether MONAI's summary of the arguments may have a line."""
    return not record.getMessage().startswith(tuple(f"> {key}:" for key in PRIVATE_KEYS))
