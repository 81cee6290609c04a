"""Bone scan bundle: read, simulate, segment and measure planar whole-body bone scans with MONAI."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bonescan.api import load

__all__ = ["load"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load what is heavy when it is asked for: `import bonescan` alone takes no time."""
    if name == "load":
        from bonescan.api import load  # noqa: PLC0415

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
