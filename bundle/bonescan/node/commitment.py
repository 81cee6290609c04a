"""Storage commitment: saying which objects are in safe keeping here (PS3.4 annex J, push model)."""

import json
import logging
import ssl
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, build_context, build_role
from pynetdicom.events import Event
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from bonescan.node.folder import NodeFolder, digest_uid
from bonescan.node.queue import Queue, wait_before
from bonescan.node.requests import Requests
from bonescan.node.settings import Address, Settings

logger = logging.getLogger(__name__)

_ACCEPTED, _NOT_AUTHORISED, _WRONG_ARGUMENT, _FAILED = 0x0000, 0x0124, 0x0115, 0x0110
"""Statuses of N-ACTION (PS3.7 annex C)."""
_ALL_SAFE, _SOME_NOT = 1, 2
"""Event types of the report (PS3.4 J.3.3.1)."""
_UNKNOWN_OBJECT, _OTHER_CLASS = 0x0112, 0x0119
"""Failure reasons (PS3.3 C.14)."""
_FIRST_WAIT_S = 5.0
"""After the first report that could not be sent; doubled each time."""


class Commitment:
    """Takes requests, and reports on a connection of its own.

    Args:
        settings: of the node.
        folder: of the node.
        queue: of the node.
        requests: that are not answered yet.
        context: for TLS; None for plain TCP.
    """

    def __init__(
        self,
        settings: Settings,
        folder: NodeFolder,
        queue: Queue,
        requests: Requests,
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._addresses = {name: Address.parse(to) for name, to in settings.commitment.items()}
        self._folder = folder
        self._queue = queue
        self._requests = requests
        self._context = context
        self._ae = AE(ae_title=settings.ae_title)

    def take(self, event: Event) -> tuple[int, None]:
        """Take a request; it is answered once it is on the disk. Return the status."""
        peer = event.assoc.requestor.ae_title.strip()
        if peer not in self._addresses:
            return _NOT_AUTHORISED, None
        try:
            asked = event.action_information
            request = {
                "transaction": str(asked.TransactionUID),
                "objects": [
                    [str(one.ReferencedSOPClassUID), str(one.ReferencedSOPInstanceUID)]
                    for one in asked.ReferencedSOPSequence
                ],
            }
        except Exception as err:  # noqa: BLE001 - whatever a peer sends
            logger.warning("a request for commitment cannot be read: %s", type(err).__name__)
            return _WRONG_ARGUMENT, None
        try:
            self._requests.add(peer, json.dumps(request))
        except Exception as err:  # noqa: BLE001 - a full disk, say
            logger.error("a request for commitment was not taken: %s", type(err).__name__)
            return _FAILED, None
        return _ACCEPTED, None

    def report_next(self) -> bool:
        """Report on the request that has waited for longest; return whether there was one."""
        waiting = self._requests.next()
        if waiting is None:
            return False
        report = self._judge(json.loads(waiting.content))
        if waiting.peer not in self._addresses or self._send(waiting.peer, report):
            self._requests.remove(waiting.number)
        else:
            logger.warning("a report on commitment could not be sent")
            wait_s = wait_before(waiting.attempts + 1, _FIRST_WAIT_S)
            self._requests.put_off(waiting.number, wait_s)
        return True

    def _judge(self, request: dict[str, Any]) -> Dataset:
        """Say which objects are safe here (PS3.4 J.3.3.1)."""
        report = Dataset()
        report.TransactionUID = request["transaction"]
        safe: list[Dataset] = []
        failed: list[Dataset] = []
        for sop_class, uid in request["objects"]:
            item = Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
            stored = self._queue.find_object(digest_uid(uid))
            if stored is None or not (self._folder.objects / stored.file).is_file():
                item.FailureReason = _UNKNOWN_OBJECT
            elif stored.sop_class != sop_class:
                item.FailureReason = _OTHER_CLASS
            (failed if "FailureReason" in item else safe).append(item)
        if safe:
            report.ReferencedSOPSequence = safe
        if failed:
            report.FailedSOPSequence = failed
        return report

    def _send(self, peer: str, report: Dataset) -> bool:
        """Send a report; return whether it was taken."""
        to = self._addresses[peer]
        association = self._ae.associate(
            to.host,
            to.port,
            contexts=[build_context(StorageCommitmentPushModel)],
            ae_title=peer,
            ext_neg=[build_role(StorageCommitmentPushModel, scp_role=True)],
            tls_args=None if self._context is None else (self._context, to.host),
        )
        if not association.is_established:
            return False
        try:
            status, _ = association.send_n_event_report(
                report,
                _SOME_NOT if "FailedSOPSequence" in report else _ALL_SAFE,
                StorageCommitmentPushModel,
                StorageCommitmentPushModelInstance,
            )
        except (ValueError, RuntimeError):  # the peer does not take that role, or went away
            return False
        finally:
            association.release()
        return bool(status.get("Status") == _ACCEPTED)
