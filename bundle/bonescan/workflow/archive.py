"""An inference over an archive: what is left to do before it, and how it ended after."""

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import ignite.distributed as idist

from bonescan import run_folder
from bonescan.data.find import find_scans
from bonescan.data.follow_up import order_scans, plan_scans
from bonescan.data.scan_reference import file_names, parse_reference
from bonescan.handlers.scan_outputs import ScanOutputs, read_done
from bonescan.keys import IMAGE

logger = logging.getLogger(__name__)

Scan = TypeVar("Scan")


def find_pending(
    path: str | Path,
    *,
    output_dir: str | Path,
    resume: bool = False,
    earlier: Sequence[str] | None = None,
    follow_up: bool = False,
    therapy_start: str | date | None = None,
    process: int = 0,
    processes: int = 1,
) -> list[dict[str, Any]]:
    """Find the scans of an archive that a process is still to read.

    Args:
        path: DICOM file, folder or datalist.
        output_dir: folder of an earlier run.
        resume: whether to pass over inputs that the earlier run has done.
        earlier: files or folders of earlier scans, as of bonescan.data.follow_up.plan_scans.
        follow_up: whether scans of one patient are compared, likewise.
        therapy_start: first day of therapy, likewise.
        process: number of this process, from 0.
        processes: how many share the archive; an earlier scan may be read by more than one.

    Returns:
        Entries for a dataset, in the order in which they must be read; empty if all are done.

    Raises:
        ValueError: if these do not fit together (see plan_scans).
    """
    planned = plan_scans(
        find_scans(path), earlier=earlier, follow_up=follow_up, therapy_start=therapy_start
    )
    planned = take_share(planned, process, processes)
    if not resume:
        return order_scans(planned)
    done = {row["input"] for row in read_done(Path(output_dir))}
    pending = [scan for scan in planned if _name_entry(scan.entry) not in done]
    logger.info("%d of %d scans are done already", len(planned) - len(pending), len(planned))
    return order_scans(pending)


def take_share(scans: Sequence[Scan], process: int, processes: int) -> list[Scan]:
    """Return the scans of one of several processes, which lie together: each is in one share.

    Raises:
        ValueError: if there is no such process.
    """
    if not 0 <= process < processes:
        raise ValueError(f"process must be 0 to {processes - 1}, got {process}")
    first, end = (len(scans) * number // processes for number in (process, process + 1))
    return list(scans[first:end])


def _name_entry(entry: Mapping[str, Any]) -> str:
    return run_folder.name_input(parse_reference(name).path for name in file_names(entry[IMAGE]))


def conclude(outputs: ScanOutputs) -> None:
    """Log how many scans all processes did; end the program with exit code 1 if some failed.

    Raises:
        SystemExit: if at least one scan failed.
    """
    done, failed = (int(idist.all_reduce(n)) for n in (outputs.n_done, outputs.n_failed))
    failures = outputs.output_dir / run_folder.FAILURES
    if idist.get_rank() == 0:
        logger.info("%d scans done, %d failed", done, failed)
        if failed:
            logger.error("%d of %d inputs failed; see %s", failed, done + failed, failures)
        else:
            failures.unlink(missing_ok=True)  # of an earlier run, where nothing was left to do
    if failed:
        raise SystemExit(1)
