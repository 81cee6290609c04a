"""One way to tell what went wrong, for all commands."""

import sys
from collections.abc import Callable, Iterable
from concurrent.futures.process import BrokenProcessPool

from bonescan.errors import one_line, root_cause

DONE, FAILED, WRONG_ARGUMENTS, INTERRUPTED = 0, 1, 2, 130
"""Exit codes. Argparse ends with WRONG_ARGUMENTS by itself."""


def run_reported(run: Callable[[], int], *, to_continue: str = "") -> int:
    """Run something; tell errors and interruption in one line on stderr.

    Args:
        run: what to run; returns an exit code.
        to_continue: what continues it after an interruption; empty where nothing does.

    Returns:
        Its exit code, FAILED after an error that a user can act on, or INTERRUPTED.
    """
    try:
        return run()
    except KeyboardInterrupt:
        how = f": {to_continue} to continue" if to_continue else ""
        print(f"\nInterrupted{how}.", file=sys.stderr)
        return INTERRUPTED
    except BrokenProcessPool:
        reason = "a worker process died, perhaps for lack of memory; try fewer workers"
    except (ValueError, OSError, RuntimeError) as err:  # MONAI wraps errors of its transforms
        reason = one_line(root_cause(err))
    print(f"error: {reason}", file=sys.stderr)
    return FAILED


def tell_left_out(failures: Iterable[str]) -> None:
    """Tell what could not be used, one line each."""
    for failure in failures:
        print(f"left out: {failure}", file=sys.stderr)
