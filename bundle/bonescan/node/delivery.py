"""The storage SCU: sends results to the destination until it has them (PS3.4 annex B)."""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
from pydicom.uid import (
    ComprehensiveSRStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)
from pynetdicom import AE, Association, build_context

from bonescan.node.settings import Peer

logger = logging.getLogger(__name__)

_RESULTS = (
    SegmentationStorage,
    ComprehensiveSRStorage,
    SecondaryCaptureImageStorage,
    EncapsulatedPDFStorage,
)
"""Classes of the objects that are sent (docs/dicom.md)."""

_SUCCESS = 0x0000
_STORED_WITH_WARNING = (0xB000, 0xB006, 0xB007)
"""Statuses of what is stored all the same, elements coerced or discarded (PS3.4 B.2.3)."""

_CONNECT_S = 10.0
"""Time for a connection to be taken: a default of ours."""


class DeliveryError(Exception):
    """The destination did not take what was sent; the message says what happened."""


class Delivery:
    """Sends objects to a destination.

    Args:
        ae_title: of this node.
        destination: where to.
        context: for TLS; None for plain TCP.
    """

    def __init__(
        self, ae_title: str, destination: Peer, *, context: ssl.SSLContext | None = None
    ) -> None:
        self._ae = AE(ae_title=ae_title)
        self._ae.connection_timeout = _CONNECT_S
        self._destination = destination
        self._context = context

    @contextmanager
    def connect(self) -> Iterator["Connected"]:
        """Connect to the destination.

        Raises:
            DeliveryError: if it does not answer, or does not take this node.
        """
        address = self._destination.address
        syntaxes: list[str] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
        association = self._ae.associate(
            address.host,
            address.port,
            contexts=[build_context(sop_class, syntaxes) for sop_class in _RESULTS],
            ae_title=self._destination.ae_title,
            tls_args=None if self._context is None else (self._context, address.host),
        )
        if not association.is_established:
            refused = association.is_rejected
            raise DeliveryError(f"the destination {'refused' if refused else 'did not answer'}")
        try:
            yield Connected(association)
        finally:
            association.release()


class Connected:
    """A connection to the destination.

    Args:
        association: an established one.
    """

    def __init__(self, association: Association) -> None:
        self._association = association

    def send(self, path: Path) -> None:
        """Send an object.

        Raises:
            DeliveryError: if the destination does not confirm that it is stored.
        """
        try:
            status = self._association.send_c_store(pydicom.dcmread(path))
        except (ValueError, RuntimeError) as err:  # no context for it; the connection was lost
            raise DeliveryError(f"the destination takes no {path.stem}") from err
        if "Status" not in status:
            raise DeliveryError(f"the destination gave no answer to {path.stem}")
        if status.Status in _STORED_WITH_WARNING:
            logger.warning("%s was stored with status 0x%04X", path.stem, status.Status)
        elif status.Status != _SUCCESS:
            raise DeliveryError(f"the destination answered 0x{status.Status:04X} to {path.stem}")
