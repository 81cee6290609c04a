"""What made the results of an inference, found out once for all of them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bonescan.handlers.weights import require_weights
from bonescan.report.provenance import Provenance
from bonescan.run_folder import WEIGHTS
from bonescan.versions import software_versions, utc_now
from bonescan.workflow.command import compose, current_command
from bonescan.workflow.installation import find_configs
from bonescan.workflow.run_record import SYSTEM_KEYS, git_revision
from bonescan.workflow.training_origin import read_origin_of_weights


def make_provenance(
    *,
    system: str,
    weights: str | Path | Mapping[str, str | Path],
    operating_point: Mapping[str, float],
    regions_run: str | Path | None = None,
    config: Mapping[str, Any] | None = None,
) -> Provenance:
    """Say what makes the results that are about to be made.

    Args:
        system: what tables call the system.
        weights: one file of weights, or files by name; the record of its run lies beside each.
        operating_point: numbers that turn probabilities into lesions, by name.
        regions_run: folder of the training of a network that tells the regions of the skeleton.
        config: the composed configuration; that of the command that runs if not given.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if no file is given.
    """
    regions = None if regions_run is None else Path(regions_run) / WEIGHTS
    if config is None and (command := current_command()) is not None:
        config = compose(command)
    return Provenance(
        system=system,
        weights_sha256=tuple(hash_file(path) for path in require_weights(weights).values()),
        trained_on=read_origin_of_weights(weights),
        regions_sha256=None if regions is None else hash_file(regions),
        configuration_sha256=None if config is None else hash_system(config),
        operating_point=dict(operating_point),
        versions=software_versions(),
        revision=git_revision(find_configs().parent),
        date=utc_now(),
    )


def hash_system(config: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the keys of a configuration that say what its system is."""
    system = {key: config.get(key) for key in SYSTEM_KEYS}
    return hashlib.sha256(json.dumps(system, sort_keys=True).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
