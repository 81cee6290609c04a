import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

from bonescan.dicom.codes import NM_IMAGE_STORAGE
from tests.node.fakes import CALLER, NODE, make_scan, send, wait_until

OTHER_CLASS = "1.2.840.10008.5.1.4.1.1.7"
TRANSACTION = "1.2.3.4.5.6"


@pytest.fixture
def reports():
    """Reports that the camera has got, with the port that it listens at."""
    got = []

    def take(event):
        got.append((event.event_type, event.event_information))
        return 0x0000, None

    camera = AE(ae_title=CALLER)
    camera.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
    server = camera.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)]
    )
    yield got, server.server_address[1]
    camera.shutdown()


def ask(port, *objects):
    """Ask for commitment; return the status."""
    asked = Dataset()
    asked.TransactionUID = TRANSACTION
    asked.ReferencedSOPSequence = []
    for sop_class, uid in objects:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        asked.ReferencedSOPSequence.append(item)
    ae = AE(ae_title=CALLER)
    ae.add_requested_context(StorageCommitmentPushModel)
    association = ae.associate("127.0.0.1", port, ae_title=NODE)
    try:
        status, _ = association.send_n_action(
            asked, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
    finally:
        association.release()
    return status.Status


def test_what_is_safe_is_told_apart_from_what_is_not(start_node, archive, reports):
    got, port = reports
    node = start_node(keep=True, commitment={CALLER: f"127.0.0.1:{port}"})
    safe, other, absent = (make_scan(number) for number in range(3))
    send([safe, other], node.receiver.port)
    wait_until(lambda: node.queue.counts()["done"] == 2)
    assert ask(node.receiver.port, (NM_IMAGE_STORAGE, safe.SOPInstanceUID)) == 0x0000
    wait_until(lambda: len(got) == 1)
    mixed = [
        (NM_IMAGE_STORAGE, safe.SOPInstanceUID),
        (OTHER_CLASS, other.SOPInstanceUID),
        (NM_IMAGE_STORAGE, absent.SOPInstanceUID),
    ]
    assert ask(node.receiver.port, *mixed) == 0x0000
    wait_until(lambda: len(got) == 2)
    (first, all_safe), (second, some) = got
    assert (first, second) == (1, 2)
    assert "FailedSOPSequence" not in all_safe
    assert {report.TransactionUID for report in (all_safe, some)} == {TRANSACTION}
    assert [one.ReferencedSOPInstanceUID for one in some.ReferencedSOPSequence] == [
        safe.SOPInstanceUID
    ]
    failed = [(one.ReferencedSOPInstanceUID, one.FailureReason) for one in some.FailedSOPSequence]
    assert failed == [(other.SOPInstanceUID, 0x0119), (absent.SOPInstanceUID, 0x0112)]
    wait_until(lambda: node.health()["commitment_requests"] == 0)


def test_who_has_no_address_may_not_ask(start_node):
    node = start_node(callers=[CALLER, "X"], keep=True, commitment={"X": "127.0.0.1:9"})
    assert ask(node.receiver.port, (NM_IMAGE_STORAGE, "1.2.3")) == 0x0124
