"""Inference as `bonescan infer` does it, for the process of a node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonescan.node.settings import Settings
from bonescan.run_folder import SYSTEM


@dataclass(frozen=True)
class SystemLoader:
    """Loads the system of a node, in the process that infers.

    Attributes:
        settings: of the node.
    """

    settings: Settings

    def __call__(self) -> "SystemInference":
        """Load it.

        Raises:
            FileNotFoundError: if the folder of the training lacks a file.
            ValueError: if the weights do not fit, there is no such device, or the run holds code
                and is not trusted.
        """
        return SystemInference(self.settings)


class SystemInference:
    """A system, and the writers that configs/inference.yaml lists.

    What is heavy is imported here: the node itself needs no torch.

    Args:
        settings: of the node.
    """

    def __init__(self, settings: Settings) -> None:
        from monai.bundle import ConfigParser  # noqa: PLC0415

        from bonescan.api import load  # noqa: PLC0415
        from bonescan.workflow.installation import find_configs  # noqa: PLC0415

        self._system = load(
            settings.run,
            regions=settings.regions,
            device=settings.device,
            trust=settings.trust,
        )
        made_by = self._system.provenance
        self.description: Mapping[str, Any] = {
            "system": made_by.system,
            "weights_sha256": list(made_by.weights_sha256),
            "regions_sha256": made_by.regions_sha256,
            "bonescan": made_by.versions["bonescan"],
            "field": self._system.field,
        }
        parser = ConfigParser()
        parser.read_config([str(find_configs() / "inference.yaml"), str(settings.run / SYSTEM)])
        parser["identified"] = settings.identified
        self._writers = parser.get_parsed_content("outputs")

    def __call__(self, files: Sequence[Path], folder: Path) -> None:
        """Write the results of a scan into a folder named after it.

        Raises:
            ScanError: if the files are no bone scan, or the field that the system assesses cannot
                be found.
        """
        result = self._system(files)
        (folder / result.scan_id).mkdir()
        for write in self._writers:
            write(result, folder)
