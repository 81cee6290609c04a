"""What made a result: the few facts that every file of it carries."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from bonescan.data.origin import Origin

_CAPTIONS = {
    "threshold": "lesion from probability {:.3g}",
    "min_area_mm2": "lesions from {:g} mm²",
}
"""Numbers of the operating point in a caption."""

_TRAINED_ON = {
    Origin.SIMULATED: "trained on simulated scans only",
    Origin.MIXED: "trained on simulated scans and others",
    None: "its training data not recorded",
}
"""What a caption says of training data, where it must."""

_SHORT = 8
"""Digits of a hash that people compare by eye."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What made the results of a run; nothing here names a patient or a place on disk.

    Attributes:
        system: what tables call the system.
        weights_sha256: of each file of weights.
        configuration_sha256: of the keys that say what the system is; None where not known.
        operating_point: numbers that turn probabilities into lesions, by name.
        versions: versions of the software by name, with that of `bonescan`.
        revision: commit of the checkout; None for an installed package.
        date: when the run began, UTC in ISO form.
        trained_on: what the scans were that the weights come from; None where it is not recorded.
        regions_sha256: of the weights that tell the regions of the skeleton; None where no network
            does.
    """

    system: str
    weights_sha256: tuple[str, ...]
    configuration_sha256: str | None
    operating_point: Mapping[str, float]
    versions: Mapping[str, str]
    revision: str | None
    date: str
    trained_on: Origin | None = None
    regions_sha256: str | None = None

    def document(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return {**asdict(self), "weights_sha256": list(self.weights_sha256)}

    def identity(self) -> dict[str, str]:
        """Return the texts of a table that differ where another system made the row."""
        return {
            "system": self.system,
            "weights_sha256": " ".join(self.weights_sha256),
            "configuration_sha256": self.configuration_sha256 or "",
            "regions_sha256": self.regions_sha256 or "",
            "operating_point": self._describe_operating_point(),
        }

    def row(self) -> dict[str, str]:
        """Return it as texts of a table, by column."""
        return {
            **self.identity(),
            "trained_on": self.trained_on or "",
            "bonescan": self.versions["bonescan"],
            "revision": self.revision or "",
            "date": self.date,
        }

    def caption(self) -> tuple[str, str]:
        """Return the lines that stand under a picture: the system; its operating point and day."""
        weights = " ".join(digest[:_SHORT] for digest in self.weights_sha256)
        if self.regions_sha256 is not None:
            weights += f", of regions {self.regions_sha256[:_SHORT]}"
        revision = f" ({self.revision[:_SHORT]})" if self.revision else ""
        point = [
            _CAPTIONS.get(name, f"{name} {{:g}}").format(value)
            for name, value in self.operating_point.items()
        ]
        made_by = f"bonescan {self.versions['bonescan']}{revision}"
        day = f"{self.date[:16].replace('T', ' ')} UTC"
        trained_on = _TRAINED_ON.get(self.trained_on)
        system = [self.system, *([trained_on] if trained_on else []), f"weights {weights}", made_by]
        return ", ".join(system), ", ".join((*point, day))

    def _describe_operating_point(self) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in self.operating_point.items())


def read_made_by(comment: str) -> dict[str, Any]:
    """Return what a label map's comment says of what made it; nothing from comments of others."""
    try:
        content = json.loads(comment)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    known = {field.name for field in fields(Provenance)}
    return {key: value for key, value in content.items() if key in known}
