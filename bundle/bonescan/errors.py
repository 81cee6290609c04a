"""Errors that a user can act on, and how any error is told in one line."""


class ScanError(ValueError):
    """A file cannot be used as a planar whole-body bone scan.

    The message names the file, says what is wrong and what to do, and holds no patient identifier.
    """


def root_cause(err: BaseException) -> BaseException:
    """Return the error at the bottom of "applying transform ..." errors."""
    while err.__cause__ is not None:
        err = err.__cause__
    return err


def one_line(err: BaseException) -> str:
    """Return an error as one line; errors that are not about values also say their type."""
    text = " ".join(str(err).split())
    return text if isinstance(err, ValueError) and text else f"{type(err).__name__}: {text}"
