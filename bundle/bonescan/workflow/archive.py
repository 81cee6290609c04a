"""An inference over an archive: what is left to do before it, and how it ended after."""

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bonescan import run_folder
from bonescan.data.find import find_scans
from bonescan.data.follow_up import order_scans, plan_scans
from bonescan.data.scan_reference import file_names, parse_reference
from bonescan.handlers.scan_outputs import ScanOutputs, read_done
from bonescan.keys import IMAGE

logger = logging.getLogger(__name__)


def find_pending(
    path: str | Path,
    *,
    output_dir: str | Path,
    resume: bool = False,
    earlier: Sequence[str] | None = None,
    follow_up: bool = False,
    therapy_start: str | date | None = None,
) -> list[dict[str, Any]]:
    """Find the scans of an archive that are still to be read.

    Args:
        path: DICOM file, folder or datalist.
        output_dir: folder of an earlier run.
        resume: whether to pass over inputs that the earlier run has done.
        earlier: files or folders of earlier scans, as of bonescan.data.follow_up.plan_scans.
        follow_up: whether scans of one patient are compared, likewise.
        therapy_start: first day of therapy, likewise.

    Returns:
        Entries for a dataset, in the order in which they must be read; empty if all are done.

    Raises:
        ValueError: if these do not fit together (see plan_scans).
    """
    planned = plan_scans(
        find_scans(path), earlier=earlier, follow_up=follow_up, therapy_start=therapy_start
    )
    if not resume:
        return order_scans(planned)
    done = {row["input"] for row in read_done(Path(output_dir))}
    pending = [scan for scan in planned if _name_entry(scan.entry) not in done]
    logger.info("%d of %d scans are done already", len(planned) - len(pending), len(planned))
    return order_scans(pending)


def _name_entry(entry: Mapping[str, Any]) -> str:
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
