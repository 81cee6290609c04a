"""Errors that a user can act on."""


class ScanError(ValueError):
    """A file cannot be used as a planar whole-body bone scan.

    The message names the file, says what is wrong and what to do, and holds no patient identifier.
    """
