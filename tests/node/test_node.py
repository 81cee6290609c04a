import logging

from pydicom.uid import SecondaryCaptureImageStorage

from bonescan.dicom.codes import MANUFACTURER
from bonescan.node.settings import Limits
from tests.factories import BOTH, View, assign, make_dataset
from tests.node.fakes import make_scan, result_uid, send, wait_until, with_meta
from tests.privacy import assert_silent

STORED = 0x0000


def done(node, number):
    return lambda: node.queue.counts()["done"] == number


def one_view(view, study="1.2.3.77", **header):
    image = make_dataset({view: BOTH[view]}, study_uid=study)
    assign(**header)(image)
    return with_meta(image)


def test_results_of_a_scan_arrive_and_nothing_is_left(start_node, archive):
    node, scan = start_node(), make_scan(1)
    assert send([scan], node.receiver.port) == [STORED]
    wait_until(done(node, 1))
    expected = {result_uid([scan], name) for name in ("measurements", "overlay")}
    assert dict(archive.received) == dict.fromkeys(expected, 1)
    assert list(node.folder.root.rglob("*.dcm")) == []


def test_two_files_of_a_study_are_one_scan_whatever_comes_between(start_node, archive):
    node = start_node(quiet_s=60.0)
    anterior, posterior = one_view(View.ANTERIOR), one_view(View.POSTERIOR)
    other = one_view(View.ANTERIOR, study="1.2.3.88")
    assert send([anterior, other], node.receiver.port) == [STORED, STORED]
    assert send([posterior], node.receiver.port) == [STORED]
    wait_until(done(node, 1))
    both = "+".join(sorted([anterior.SOPInstanceUID, posterior.SOPInstanceUID]))
    assert archive.scans() == {both}
    assert node.queue.counts()["waiting"] == 1


def test_a_view_alone_is_a_scan_after_a_quiet_time(start_node, archive):
    node = start_node(quiet_s=0.5)
    view = one_view(View.POSTERIOR)
    send([view], node.receiver.port)
    wait_until(done(node, 1))
    assert archive.scans() == {view.SOPInstanceUID}


def test_an_object_that_comes_again_is_acknowledged_and_not_worked_on(start_node, archive):
    node, scan = start_node(), make_scan(1)
    assert send([scan, scan], node.receiver.port) == [STORED, STORED]
    wait_until(done(node, 1))
    assert send([scan], node.receiver.port) == [STORED]
    assert node.queue.counts() == {**node.queue.counts(), "waiting": 0, "received": 0, "done": 1}
    assert set(archive.received.values()) == {1}


def test_poison_is_set_aside_with_a_reason_that_names_nobody(start_node, archive, caplog):
    caplog.set_level(logging.INFO)
    node = start_node()
    scans = [make_scan(n, SeriesDescription=word) for n, word in enumerate(("refuse", "good"))]
    send(scans, node.receiver.port)
    wait_until(done(node, 1))
    (folder,) = node.folder.set_aside.iterdir()
    assert "no bone scan" in (folder / "reason.json").read_text()
    assert len(list(folder.glob("*.dcm"))) == 1
    assert_silent((folder / "reason.json").read_text() + caplog.text)
    assert archive.scans() == {scans[1].SOPInstanceUID}
    assert send([scans[0]], node.receiver.port) == [STORED], "it may be tried again"
    wait_until(lambda: node.queue.counts()["failed"] == 2)


def test_what_fails_is_tried_again_and_set_aside_in_the_end_while_others_go_on(
    start_node, archive, caplog, monkeypatch
):
    monkeypatch.setattr("bonescan.node.node._FIRST_WAIT_S", 0.2)
    node = start_node()
    words = ("break", "good")
    send([make_scan(n, SeriesDescription=word) for n, word in enumerate(words)], node.receiver.port)
    wait_until(done(node, 1))
    wait_until(lambda: "set aside: RuntimeError (3 attempts)" in caplog.text)
    assert node.queue.counts()["failed"] == 1
    assert "attempt 1 failed: RuntimeError" in caplog.text
    assert_silent(caplog.text)


def test_results_wait_for_an_archive_that_is_away(start_node, archive, monkeypatch):
    monkeypatch.setattr("bonescan.node.node._FIRST_WAIT_S", 0.2)
    archive.answer = lambda sop_class: (
        0xA700 if sop_class == SecondaryCaptureImageStorage else STORED
    )
    node = start_node()
    send([make_scan(1)], node.receiver.port)
    wait_until(lambda: sum(archive.received.values()) == 1)
    wait_until(lambda: "0xA700 to overlay" in node.queue.last_reason())
    archive.stop()
    wait_until(lambda: "did not answer" in node.queue.last_reason())
    archive.answer = lambda _sop_class: STORED
    archive.start(archive.port)
    wait_until(done(node, 1))
    assert list(archive.received.values()) == [1, 1], "what it had was not sent again"


def test_strangers_are_refused(start_node, caplog):
    caplog.set_level(logging.DEBUG)
    node = start_node()
    assert send([make_scan(1)], node.receiver.port, caller="STRANGER") == [None]
    assert send([make_scan(1)], node.receiver.port, called="OTHER") == [None]
    assert node.queue.counts()["waiting"] == 0
    assert "STRANGER" not in caplog.text


def test_a_full_queue_takes_nothing_more(start_node, tmp_path):
    node = start_node(limits=Limits(queue=2), quiet_s=60.0)
    views = [one_view(View.ANTERIOR, study=f"1.2.9.{number}") for number in range(3)]
    assert send(views, node.receiver.port) == [STORED, STORED, 0xA700]


def test_a_full_disk_takes_nothing(start_node):
    node = start_node(limits=Limits(free_mb=10**9))
    assert send([make_scan(1)], node.receiver.port) == [0xA700]
    assert list(node.folder.objects.iterdir()) == []


def test_an_object_that_is_too_large_ends_its_connection_alone(start_node):
    node = start_node(limits=Limits(object_mb=1))
    large = make_scan(1, ImageComments="x")
    large.add_new(0x00091041, "OB", bytes(1_200_000))
    assert send([large], node.receiver.port) == [None]
    assert send([make_scan(2)], node.receiver.port) == [STORED]


def test_a_result_of_ours_that_is_sent_on_to_us_is_dropped(start_node, archive):
    node = start_node()
    assert send([make_scan(1, Manufacturer=MANUFACTURER)], node.receiver.port) == [STORED]
    wait_until(done(node, 1))
    wait_until(lambda: not list(node.folder.objects.iterdir()))
    assert dict(archive.received) == {}


def test_received_files_stay_where_they_are_to_be_kept(start_node, archive):
    node = start_node(keep=True)
    send([make_scan(1)], node.receiver.port)
    wait_until(done(node, 1))
    node.stop()
    again = start_node(keep=True)
    assert len(list(again.folder.objects.iterdir())) == 1


def test_what_a_node_leaves_when_it_stops_the_next_one_does(start_node, archive):
    node, scan = start_node(quiet_s=60.0), one_view(View.ANTERIOR)
    send([scan], node.receiver.port)
    node.stop()
    send([one_view(View.POSTERIOR)], (again := start_node(quiet_s=60.0)).receiver.port)
    wait_until(done(again, 1))
    assert set(archive.received.values()) == {1}
    assert "+" in archive.scans().pop(), "of both views"
