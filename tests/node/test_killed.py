"""A node that is killed at any moment loses nothing that it has acknowledged."""

import multiprocessing
import socket
import threading
import time

import numpy as np
import pytest

from bonescan.node.node import Node
from tests.factories import BOTH, View, make_dataset
from tests.node.fakes import (
    DirectWorker,
    make_scan,
    make_settings,
    send,
    wait_until,
    with_meta,
)

STORED = 0x0000


def serve(folder, port, archive_port):
    """Run a node until it is killed."""
    node = Node(make_settings(folder, archive_port, port=port, quiet_s=1e6), DirectWorker())
    node.start()
    threading.Event().wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_scans(number):
    """Return scans of one file with two views, and of two files, in turn."""
    scans = []
    for index in range(number):
        if index % 2:
            scans.append([make_scan(index, SeriesDescription="sleep 0.02")])
        else:
            views = [make_dataset({view: BOTH[view]}, study_uid=f"1.2.3.{index}") for view in View]
            scans.append([with_meta(view) for view in views])
    return scans


def name_of(scan):
    return "+".join(sorted(str(image.SOPInstanceUID) for image in scan))


@pytest.mark.parametrize("kills", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_nothing_is_lost_over_kills(tmp_path, archive, kills, record_property):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    port, random_s = free_port(), np.random.default_rng(7)
    scans = make_scans(2 * kills)
    images = [image for scan in scans for image in scan]

    def send_all():
        for image in images:
            while send([image], port) != [STORED]:
                time.sleep(0.01)

    def start():
        node = context.Process(target=serve, args=(tmp_path, port, archive.port), daemon=True)
        node.start()
        return node

    sender = threading.Thread(target=send_all, daemon=True)
    sender.start()
    for _ in range(kills):
        node = start()
        time.sleep(random_s.uniform(0.05, 0.6))
        node.kill()
        node.join()
    node = start()
    try:
        sender.join(600)
        assert not sender.is_alive()
        wait_until(lambda: len(archive.received) == 2 * len(scans), 120)
        assert archive.scans() == {name_of(scan) for scan in scans}
        wait_until(lambda: not list((tmp_path / "node" / "objects").iterdir()))
        assert list((tmp_path / "node" / "set_aside").iterdir()) == []
    finally:
        node.kill()
        node.join()
    twice = sum(count > 1 for count in archive.received.values())
    record_property("results", len(archive.received))
    record_property("sent twice", twice)
    assert twice <= kills, "a kill can come between an answer and its note once"
