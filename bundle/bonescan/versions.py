"""Versions of the software that makes a result, and when."""

from datetime import UTC, datetime
from importlib.metadata import version

from bonescan import __version__

PACKAGES = (
    "torch",
    "monai",
    "pytorch-ignite",
    "numpy",
    "scipy",
    "scikit-image",
    "pydicom",
    "nibabel",
)
"""Packages whose version a result can depend on."""


def package_versions() -> dict[str, str]:
    """Return the installed versions of PACKAGES."""
    return {name: version(name) for name in PACKAGES}


def software_versions() -> dict[str, str]:
    """Return the versions of this package and of PACKAGES."""
    return {"bonescan": __version__, **package_versions()}


def utc_now() -> str:
    """Return the time, to the second, in ISO form."""
    return datetime.now(UTC).isoformat(timespec="seconds")
