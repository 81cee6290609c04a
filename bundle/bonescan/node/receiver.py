"""The storage SCP: takes objects, and acknowledges each once it is safe (PS3.4 annex B)."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from socketserver import BaseServer
from typing import Any
from weakref import WeakKeyDictionary

from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    NuclearMedicineImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, Association, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    Verification,
)
from pynetdicom.transport import ThreadedAssociationServer

from bonescan.errors import StorageError
from bonescan.node.commitment import Commitment
from bonescan.node.folder import MEGABYTE, NodeFolder, digest_uid
from bonescan.node.queue import Queue, StoredObject
from bonescan.node.settings import Settings

logger = logging.getLogger(__name__)

CLASSES = (
    NuclearMedicineImageStorage,
    # Real bone scans exist whose class is that of a secondary capture (bonescan.dicom.whole_body).
    SecondaryCaptureImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)
"""SOP classes that are taken: those in which a bone scan can be."""

SYNTAXES = (
    *(ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian),
    *(DeflatedExplicitVRLittleEndian, RLELossless),
    *(JPEGLosslessSV1, JPEGLossless, JPEGLSLossless, JPEG2000Lossless),
    *(JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000),
)
"""Transfer syntaxes that the reader decodes, those without losses first."""

STORED, OUT_OF_RESOURCES = 0x0000, 0xA700
"""Statuses of C-STORE (PS3.4 B.2.3)."""

_LONGEST_PDU = 2**20
"""Bytes of a PDU that is read: far more than the 16 kB that this node asks for (PS3.8 D.1)."""
_OVERHEAD = 2**16
"""Bytes of a message beside its object: the command, and what PDUs add."""
_POLL_S = 0.1
"""How often the server looks whether it is to stop."""
_SILENCE_S = 60.0
"""After so long without a word a connection is closed: pynetdicom's own default."""


class _Server(ThreadedAssociationServer):
    """A server whose connections cannot hold up the others.

    pynetdicom 3.0 shakes hands for TLS in the thread that all connections come through, and lets
    an accepted one wait for ever in the middle of a message.
    """

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection; its handshake comes with its first byte, in its own thread."""
        connection, address = self.socket.accept()  # type: ignore[union-attr]
        connection.settimeout(_SILENCE_S)
        if self.ssl_context is not None:
            connection = self.ssl_context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def shutdown(self) -> None:
        """Take no more connections; pynetdicom's own asks for a server that its AE has started."""
        BaseServer.shutdown(self)
        self.server_close()


class Receiver:
    """The storage SCP of a node.

    Args:
        settings: of the node.
        folder: of the node.
        queue: of the node.
        commitment: takes requests for storage commitment; None where nobody may ask.
        context: for TLS; None for plain TCP.
    """

    def __init__(
        self,
        settings: Settings,
        folder: NodeFolder,
        queue: Queue,
        *,
        commitment: Commitment | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._commitment = commitment
        self._folder = folder
        self._queue = queue
        self._context = context
        self._received: WeakKeyDictionary[Association, int] = WeakKeyDictionary()
        self._server: ThreadedAssociationServer | None = None
        self._ae = AE(ae_title=settings.ae_title)
        self._ae.network_timeout = _SILENCE_S
        self._ae.maximum_associations = settings.limits.associations
        self._ae.require_called_aet = True
        self._ae.require_calling_aet = settings.callers
        self._ae.add_supported_context(Verification)
        if commitment is not None:
            self._ae.add_supported_context(StorageCommitmentPushModel)
        for sop_class in CLASSES:
            self._ae.add_supported_context(sop_class, [*SYNTAXES])

    @property
    def port(self) -> int:
        """Port that it listens at."""
        if self._server is None:
            raise RuntimeError("receiver must have been started before its port is known")
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: if the port is taken, or may not be used.
        """
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._bound),
            (evt.EVT_DIMSE_RECV, self._begin_message),
            (evt.EVT_C_STORE, self._store),
        ]
        if self._commitment is not None:
            handlers.append((evt.EVT_N_ACTION, self._commitment.take))
        place = (self._settings.host, self._settings.port)
        try:
            self._server = self._ae.make_server(
                place, ssl_context=self._context, evt_handlers=handlers, server_class=_Server
            )
        except OSError as err:
            raise OSError(
                f"{place[0]}:{place[1]} must be free to listen at, got: {err.strerror}; give "
                "another port, or end what listens there"
            ) from err
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="receiver", daemon=True
        ).start()

    def stop(self, wait_s: float) -> None:
        """Take no more connections, and end those that are open after a while.

        What has not been acknowledged by then will be sent again by its sender.
        """
        if self._server is None:
            return
        self._server.shutdown()
        until = time.monotonic() + wait_s
        while self._ae.active_associations and time.monotonic() < until:
            time.sleep(0.05)
        self._ae.shutdown()

    def _bound(self, event: Event) -> None:
        """Bound what a connection may send; pynetdicom reads whatever length a PDU claims."""
        connection: Any = event.assoc.dul.socket
        read: Callable[[int], bytearray] = connection.recv
        most = self._settings.limits.object_mb * MEGABYTE + _OVERHEAD

        def recv(length: int) -> bytearray:
            total = self._received.get(event.assoc, 0) + length
            if length > _LONGEST_PDU or total > most:
                logger.warning("a connection was closed: what it sends is too large")
                raise OSError("more bytes than this node takes")
            self._received[event.assoc] = total
            return read(length)

        connection.recv = recv

    def _begin_message(self, event: Event) -> None:
        self._received[event.assoc] = 0

    def _store(self, event: Event) -> int:
        """Store an object; return the status of the answer."""
        try:
            return self._keep(event)
        except StorageError as err:
            logger.error("an object was not taken: %s", err)
        except Exception as err:  # noqa: BLE001 - whatever it is, the sender keeps the object
            logger.error("an object was not taken: %s", type(err).__name__)
        return OUT_OF_RESOURCES

    def _keep(self, event: Event) -> int:
        request: Any = event.request
        digest = digest_uid(str(request.AffectedSOPInstanceUID))
        limits = self._settings.limits
        if self._queue.knows(digest):
            return STORED
        data = event.encoded_dataset()
        if self._queue.pending_objects() >= limits.queue:
            logger.error("an object was not taken: %d objects wait already", limits.queue)
            return OUT_OF_RESOURCES
        if self._folder.free_bytes() - len(data) < limits.free_mb * MEGABYTE:
            logger.error("an object was not taken: the disk must keep %d MB free", limits.free_mb)
            return OUT_OF_RESOURCES
        name = self._folder.store_object(digest, data)
        sop_class = str(request.AffectedSOPClassUID)
        if not self._queue.add_object(StoredObject(digest, name, sop_class, time.time())):
            self._folder.remove_objects([name])  # it came over two connections at once
        return STORED
