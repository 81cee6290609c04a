"""The folder of a node: where objects, results and what was set aside lie."""

import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bonescan.dicom.scan_id import start_keyed_digest
from bonescan.files import PARTIAL_PREFIX, flush_to_disk, write_json, write_lasting

MEGABYTE = 10**6
_PRIVATE = 0o700
"""Rights of the folder: its files are those of patients."""


@dataclass(frozen=True)
class NodeFolder:
    """Places in the folder of a node. File names are keyed digests and numbers of jobs.

    Attributes:
        root: the folder.
    """

    root: Path

    @property
    def queue(self) -> Path:
        """The database of the queue."""
        return self.root / "queue.sqlite"

    @property
    def requests(self) -> Path:
        """The database of requests for storage commitment."""
        return self.root / "requests.sqlite"

    @property
    def objects(self) -> Path:
        """Folder of the received objects."""
        return self.root / "objects"

    @property
    def work(self) -> Path:
        """Folder of results that are being made."""
        return self.root / "work"

    @property
    def set_aside(self) -> Path:
        """Folder of the scans that could not be read, or over which inference failed."""
        return self.root / "set_aside"

    def results(self, job: int) -> Path:
        """Folder of the results of a job."""
        return self.root / "results" / str(job)

    def make(self) -> None:
        """Make the folders that are not there."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(_PRIVATE)
        for folder in (self.objects, self.work, self.set_aside, self.root / "results"):
            folder.mkdir(exist_ok=True)

    def free_bytes(self) -> int:
        """Return the free space of the disk."""
        return shutil.disk_usage(self.root).free

    def store_object(self, digest: str, data: bytes) -> str:
        """Write an object so that it is safe; return the name of its file, used this once."""
        name = f"{digest[:16]}-{secrets.token_hex(4)}.dcm"
        write_lasting(self.objects / name, data)
        return name

    def remove_objects(self, names: Iterable[str]) -> None:
        """Remove received objects; those that are gone already are no error."""
        for name in names:
            (self.objects / name).unlink(missing_ok=True)

    def start_work(self, job: int) -> Path:
        """Make an empty folder for an attempt at a job."""
        folder = self.work / f"{job}-{secrets.token_hex(4)}"
        folder.mkdir()
        return folder

    def keep_results(self, job: int, work: Path) -> list[str]:
        """Bring the DICOM results of an attempt to their place, safely; drop what else it made.

        Returns:
            Names of their files in `results(job)`.
        """
        place = self.results(job)
        shutil.rmtree(place, ignore_errors=True)  # of an attempt that was killed at this point
        fresh = work / "dicom"
        fresh.mkdir()
        for file in sorted(work.glob("*/*.dcm")):
            file.replace(fresh / file.name)
            flush_to_disk(fresh / file.name)
        flush_to_disk(fresh)
        fresh.replace(place)
        flush_to_disk(place.parent)
        shutil.rmtree(work)
        return sorted(file.name for file in place.iterdir())

    def remove_results(self, job: int) -> None:
        """Remove the results of a job."""
        shutil.rmtree(self.results(job), ignore_errors=True)

    def put_aside(self, job: int, names: Sequence[str], reason: str) -> None:
        """Copy the objects of a job to where a person can look at them, with the reason."""
        folder = self.set_aside / str(job)
        folder.mkdir(exist_ok=True)
        for name in names:
            write_lasting(folder / name, (self.objects / name).read_bytes())
        write_json(folder / "reason.json", {"reason": reason})

    def clear(self, needed: Iterable[str]) -> None:
        """Remove what a killed node has left half done: all but the objects that are needed."""
        keep = set(needed)
        for file in self.objects.iterdir():
            if file.name not in keep:
                file.unlink()
        shutil.rmtree(self.work)
        self.work.mkdir()
        for file in self.set_aside.glob(f"*/{PARTIAL_PREFIX}*"):
            file.unlink()


def digest_uid(uid: str) -> str:
    """Return the keyed digest of a UID, by which the queue knows an object."""
    digest = start_keyed_digest()
    digest.update(f"object;{uid}".encode())
    return digest.hexdigest()
