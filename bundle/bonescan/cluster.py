"""A Dask cluster as an executor of `concurrent.futures`, for work that is done on many machines."""

import platform
import tempfile
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bonescan.files import PARTIAL_PREFIX
from bonescan.versions import software_versions

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 5
"""How long a scheduler may take to answer; a default of ours: it does so in milliseconds."""
START_WORKERS = "dask worker {address} --nworkers N --nthreads 1"


@contextmanager
def cluster_pool(address: str, folder: Path) -> Iterator[Executor]:
    """Yield the executor of a Dask cluster; leaving it cancels what has not begun.

    What a lost worker had in hand, or had done, Dask gives to another: a function that runs here
    may be called twice with the same arguments.

    Args:
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.
        folder: where the work is written; it exists, and every worker must see it.

    Raises:
        ValueError: if the package `distributed` is missing, no scheduler answers, or a worker is
            not fit: see `_check_workers`.
        BrokenProcessPool: if one piece of work ends several workers.
        RuntimeError: if the cluster goes away.
    """
    with _connect(address) as client:
        _check_workers(client, address, folder)
        from distributed import KilledWorker  # noqa: PLC0415 - an optional package

        pool = client.get_executor(pure=False)
        try:
            yield pool
        except KilledWorker as err:
            raise BrokenProcessPool(str(err)) from err
        except CancelledError as err:
            raise RuntimeError(
                f"cluster {address} must stay until the work is done, but it has gone"
            ) from err
        finally:
            pool.shutdown(wait=False)


def _connect(address: str) -> "Client":
    try:
        from distributed import Client  # noqa: PLC0415 - an optional package
        from distributed.comm.addressing import (  # noqa: PLC0415
            parse_address,
            parse_host_port,
        )
    except ImportError:
        raise ValueError(
            "--cluster must have the package distributed, which is not installed: "
            "pip install 'bone-scan-bundle[cluster]'"
        ) from None
    try:
        parse_host_port(parse_address(address)[1])
        return Client(address, timeout=CONNECT_S, set_as_default=False)
    except (ValueError, OSError) as err:
        raise ValueError(
            "cluster must be the address of a Dask scheduler that answers, such as "
            f"tcp://127.0.0.1:8786, got {address!r}: {err}"
        ) from err


def _check_workers(client: "Client", address: str, folder: Path) -> None:
    """Check that workers are there, and that each makes what this process would make.

    One thread each: a piece of work takes a process for itself, its output and its current command.

    Raises:
        ValueError: if there is no worker, or one with several threads, other software, or another
            file system.
    """
    threads = client.nthreads()
    if set(threads.values()) != {1}:
        numbers = sorted(set(threads.values())) or "no worker"
        raise ValueError(
            f"cluster {address} must have workers of one thread each, got {numbers}; start them "
            f"with: {START_WORKERS.format(address=address)}"
        )
    with tempfile.NamedTemporaryFile(dir=folder, prefix=PARTIAL_PREFIX) as mark:
        found = client.run(_look, Path(mark.name).absolute())
    own = _software()
    for versions, sees_folder in found.values():
        other = {name: version for name, version in versions.items() if version != own[name]}
        if other:
            wanted = {name: own[name] for name in other}
            raise ValueError(f"workers of the cluster must have {wanted}, got one with {other}")
        if not sees_folder:
            raise ValueError(
                f"{folder} must be a folder that every worker of the cluster sees under the same "
                "name, got one that does not; write to a folder that the machines share"
            )


def _software() -> dict[str, str]:
    return {"python": platform.python_version(), **software_versions()}


def _look(mark: Path) -> tuple[dict[str, str], bool]:
    """Return the software of a worker, and whether it sees a file."""
    return _software(), mark.exists()
