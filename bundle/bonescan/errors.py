"""Errors that a user can act on, and how any error is told in one line."""


class ScanError(ValueError):
    """A file cannot be used as a planar whole-body bone scan.

    The message names the file, says what is wrong and what to do, and holds no patient identifier.
    """


class StorageError(OSError):
    """Nothing more can be written to a place: it is full, or may not be written."""


def root_cause(err: BaseException) -> BaseException:
    """Return the error that says what to do, beneath the "applying transform ..." errors of MONAI.

    It is the first one that this package raised with words of its own, which hold more than the
    library's error that it may have come from; without any, the one at the bottom.
    """
    while err.__cause__ is not None and not _is_own(err):
        err = err.__cause__
    return err


def _is_own(err: BaseException) -> bool:
    """Tell whether code of this package raised an error, with a message."""
    if not isinstance(err, ValueError | OSError) or not str(err):
        return False
    place = err.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    raised_in = "" if place is None else place.tb_frame.f_globals.get("__name__", "")
    return raised_in.partition(".")[0] == __name__.partition(".")[0]


def one_line(err: BaseException) -> str:
    """Return an error as one line; errors that are not about values also say their type."""
    text = " ".join(str(err).split())
    return text if isinstance(err, ValueError) and text else f"{type(err).__name__}: {text}"
