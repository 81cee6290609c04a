"""Stand-ins around a node: an inference that is done at once, an archive, a sender."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)
from pynetdicom import AE, build_context, evt
from pynetdicom.events import Event

from bonescan.dicom.codes import NM_IMAGE_STORAGE
from bonescan.errors import ScanError
from bonescan.node.settings import Settings
from bonescan.node.worker import AttemptFailedError, ScanRefusedError, Worker
from tests.factories import assign, make_dataset, save

NODE, CALLER, ARCHIVE = "NODE", "CAMERA", "ARCHIVE"
RESULTS = ("measurements", "overlay")


@dataclass(frozen=True)
class FakeLoader:
    """Loads a FakeInference, or fails."""

    error: str = ""

    def __call__(self) -> "FakeInference":
        if self.error:
            raise ValueError(self.error)
        return FakeInference()


class FakeInference:
    """Writes two objects of a scan, unless the scan's name of its series tells it to misbehave."""

    def __init__(self) -> None:
        self.description = {"system": "Fake", "weights_sha256": ["ab12"]}

    def __call__(self, files: Sequence[Path], folder: Path) -> None:
        images = [pydicom.dcmread(file) for file in files]
        word, _, number = str(images[0].get("SeriesDescription", "")).partition(" ")
        if word == "refuse":
            raise ScanError(f"{files[0].name}: no bone scan")
        if word == "break":
            raise RuntimeError(f"quotes {images[0].PatientName}")
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "sleep":
            time.sleep(float(number))
        scan = folder / "scan"
        scan.mkdir()
        classes = (ComprehensiveSRStorage, SecondaryCaptureImageStorage)
        for name, sop_class in zip(RESULTS, classes, strict=True):
            made = Dataset()
            made.SOPClassUID, made.SOPInstanceUID = sop_class, result_uid(images, name)
            made.StudyInstanceUID = images[0].StudyInstanceUID
            made.ImageComments = "+".join(sorted(image.SOPInstanceUID for image in images))
            save(made, scan / f"{name}.dcm")


class DirectWorker(Worker):
    """Infers in this process: a node with it starts at once."""

    def __init__(self) -> None:
        self._infer = FakeInference()
        self.description = self._infer.description

    def start(self) -> None:
        """There is nothing to start."""

    def infer(self, files: Sequence[Path], folder: Path) -> None:
        try:
            self._infer(files, folder)
        except ScanError as err:
            raise ScanRefusedError(str(err)) from err
        except RuntimeError as err:
            raise AttemptFailedError(type(err).__name__) from err

    def stop(self) -> None:
        """There is nothing to stop."""


def result_uid(images: Sequence[Dataset], name: str) -> str:
    """Return the UID of a result: the same for the same images."""
    uids = sorted(str(image.SOPInstanceUID) for image in images)
    return generate_uid(entropy_srcs=[name, *uids])


@dataclass
class Archive:
    """An archive that takes everything, or answers what it is told to.

    Attributes:
        received: how often each object came, by UID.
        sources: UIDs of the images that each was made of.
        answer: status by the class of an object.
    """

    received: Counter[str] = field(default_factory=Counter)
    sources: dict[str, str] = field(default_factory=dict)
    answer: Callable[[str], int] = lambda _sop_class: 0x0000
    port: int = 0

    def start(self, port: int = 0) -> None:
        ae = AE(ae_title=ARCHIVE)
        ae.require_called_aet = True
        ae.require_calling_aet = [NODE]
        for sop_class in (ComprehensiveSRStorage, SecondaryCaptureImageStorage):
            ae.add_supported_context(sop_class, ExplicitVRLittleEndian)
        self._lock = threading.Lock()
        handlers = [(evt.EVT_C_STORE, self._store)]
        self._server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
        self.port = self._server.server_address[1]

    def stop(self) -> None:
        self._server.ae.shutdown()

    def _store(self, event: Event) -> int:
        status = self.answer(event.request.AffectedSOPClassUID)
        if status in (0x0000, 0xB000):
            with self._lock:
                uid = str(event.request.AffectedSOPInstanceUID)
                self.received[uid] += 1
                self.sources[uid] = str(event.dataset.ImageComments)
        return status

    def scans(self) -> set[str]:
        """Return the UIDs of the images that any result was made of, joined by scan."""
        return set(self.sources.values())


def make_scan(number: int, **header: object) -> Dataset:
    """Return a scan of two views; each number is another one."""
    image = make_dataset(study_uid=f"1.2.3.{number}")
    assign(**header)(image)
    return with_meta(image)


def with_meta(image: Dataset) -> Dataset:
    """Return an object as it would be read from a file."""
    image.file_meta = pydicom.dataset.FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def send(
    images: Sequence[Dataset],
    port: int,
    *,
    caller: str = CALLER,
    called: str = NODE,
    tls_args: tuple | None = None,
) -> list[int | None]:
    """Send objects over one connection; return the statuses, None where there was no answer."""
    ae = AE(ae_title=caller)
    ae.network_timeout = ae.dimse_timeout = 20
    context = [build_context(NM_IMAGE_STORAGE, ExplicitVRLittleEndian)]
    association = ae.associate(
        "127.0.0.1", port, contexts=context, ae_title=called, tls_args=tls_args
    )
    statuses: list[int | None] = []
    if not association.is_established:
        return [None] * len(images)
    try:
        for image in images:
            try:
                statuses.append(association.send_c_store(image).get("Status"))
            except RuntimeError:
                statuses.append(None)
    finally:
        association.release()
    return statuses


def make_settings(place: Path, archive_port: int, **changes: object) -> Settings:
    """Return settings of a node on free ports."""
    values = {
        "run": place,
        "folder": place / "node",
        "callers": [CALLER],
        "destination": f"{ARCHIVE}@127.0.0.1:{archive_port}",
        "identified": True,
        "ae_title": NODE,
        "port": 0,
        "health_port": 0,
        "quiet_s": 1.0,
    }
    return Settings(**(values | changes))


def wait_until(holds: Callable[[], bool], limit_s: float = 30.0) -> None:
    """Wait until something holds."""
    until = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < until, f"not within {limit_s:g} s"
        time.sleep(0.05)
