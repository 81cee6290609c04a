"""The guard that turns the errors of the libraries beneath into errors that a user can act on."""

import logging
import threading
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from bonescan.errors import ScanError

_PYDICOM_LOGGER = logging.getLogger("pydicom")
_ONE_AT_A_TIME = threading.RLock()
"""Filters of warnings and levels of loggers are global; two threads must not change them."""


def tell(value: object, known: Collection[object]) -> str:
    """Return a value of a header for a message.

    A damaged length makes any value run on into those after it, the patient's among them: only what
    is known beforehand is quoted.

    Returns:
        The value, "none" for an empty one, "something else" where it is not one of `known`.
    """
    if value is None or value == "":
        return "none"
    return str(value) if value in known else "something else"


@contextmanager
def as_scan_error(
    path: Path, what: str, *, quotable: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Turn every error of the libraries beneath into a ScanError that names the file.

    A damaged header makes pydicom raise nearly anything, lazily, at any access; and its warnings
    and log lines may quote the patient's data. They are silenced while the guard holds.

    Args:
        path: the file being read.
        what: what is being done, for the message: "reading the header".
        quotable: errors whose message is told, too; only those that hold no text of the header.

    Raises:
        ScanError: in place of any other exception.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = _PYDICOM_LOGGER.level
        _PYDICOM_LOGGER.setLevel(logging.CRITICAL + 1)
        try:
            yield
        except ScanError:
            raise
        except Exception as err:  # noqa: BLE001 - see the docstring
            reason = type(err).__name__
            if isinstance(err, quotable):
                reason = f"{reason}: {' '.join(str(err).split())}"
            # Not "from err": its text and its frames may hold the patient's data.
            raise ScanError(f"{path.name}: {what} failed, the file is damaged ({reason})") from None
        finally:
            _PYDICOM_LOGGER.setLevel(level)
