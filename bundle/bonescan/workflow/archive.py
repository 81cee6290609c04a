"""An inference over an archive: what is left to do before it, and how it ended after."""

import logging
from pathlib import Path
from typing import Any

from bonescan import run_folder
from bonescan.data.find import find_scans
from bonescan.data.scan_reference import file_names, parse_reference
from bonescan.handlers.scan_outputs import ScanOutputs, read_done
from bonescan.keys import IMAGE

logger = logging.getLogger(__name__)


def find_pending(
    path: str | Path, *, output_dir: str | Path, resume: bool = False
) -> list[dict[str, Any]]:
    """Find the scans of an archive that are still to be read.

    Args:
        path: DICOM file, folder or datalist.
        output_dir: folder of an earlier run.
        resume: whether to pass over inputs that the earlier run has done.

    Returns:
        Entries for a dataset; empty if all are done.
    """
    entries = find_scans(path)
    if not resume:
        return entries
    done = {row["input"] for row in read_done(Path(output_dir))}
    pending = [entry for entry in entries if _name_entry(entry) not in done]
    logger.info("%d of %d scans are done already", len(entries) - len(pending), len(entries))
    return pending


def _name_entry(entry: dict[str, Any]) -> str:
    return run_folder.name_input(parse_reference(name).path for name in file_names(entry[IMAGE]))


def conclude(outputs: ScanOutputs) -> None:
    """Log how many scans were done, and end the program with exit code 1 if some failed.

    Raises:
        SystemExit: if at least one scan failed.
    """
    logger.info("%d scans done, %d failed", outputs.n_done, outputs.n_failed)
    failures = outputs.output_dir / run_folder.FAILURES
    if not outputs.n_failed:
        failures.unlink(missing_ok=True)  # of an earlier run, where nothing was left to do
        return
    total = outputs.n_done + outputs.n_failed
    logger.error("%d of %d inputs failed; see %s", outputs.n_failed, total, failures)
    raise SystemExit(1)
