"""The form in which MONAI's model zoo takes files: what its own checks ask for, and no other."""

import json
from functools import cache
from typing import Any

LINE_LENGTH = 120
"""Of the model zoo's code."""


@cache  # the same package is packed with every system of a study
def format_code(text: str) -> str:
    """Format a module as isort and black do with the model zoo's settings.

    Its checks are these two programs, which no other formatter equals in every line. So they are
    what formats, when a bundle is packed; the same text gives the same text as long as their
    versions stay.

    Args:
        text: a module of this package.

    Returns:
        The module, of the same meaning.

    Raises:
        ValueError: if the extra `pack` is not installed; the message says how to get it.
    """
    try:
        import black  # noqa: PLC0415 - an optional package
        import isort  # noqa: PLC0415
    except ImportError as err:
        raise ValueError(
            f"packing must have the package {err.name}, which is not installed: "
            "pip install 'bone-scan-bundle[pack]'"
        ) from None
    imports = isort.Config(
        profile="black",
        line_length=LINE_LENGTH,
        known_first_party=frozenset({"models"}),
        known_third_party=frozenset({"bonescan"}),  # as isort takes it from the zoo's own folder
    )
    versions = (black.TargetVersion.PY37, black.TargetVersion.PY38, black.TargetVersion.PY39)
    mode = black.Mode(
        target_versions=set(versions), line_length=LINE_LENGTH, magic_trailing_comma=False
    )
    return black.format_str(isort.code(text, config=imports), mode=mode)


def format_json(content: Any) -> str:
    """Write JSON as the model zoo's hook does: four spaces, ASCII, a line's end at the end.

    Raises:
        ValueError: if the content holds NaN or infinity, which JSON does not have.
    """
    return json.dumps(content, indent=4, allow_nan=False) + "\n"
