"""A node that is killed at any moment loses nothing that it has acknowledged."""

import multiprocessing
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

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


def make_scans(numbers):
    """Return scans of one file with two views, and of two files, in turn."""
    scans = []
    for number in numbers:
        if number % 2:
            scans.append([make_scan(number, SeriesDescription="sleep 0.02")])
        else:
            views = [make_dataset({view: BOTH[view]}, study_uid=f"1.2.3.{number}") for view in View]
            scans.append([with_meta(view) for view in views])
    return scans


def name_of(scan):
    return "+".join(sorted(str(image.SOPInstanceUID) for image in scan))


def kill_again_and_again(folder, archive, scans, *, kills, seed):
    """Kill a node while scans are sent to it; the last one is to deliver what is left."""
    context = multiprocessing.get_context("forkserver")
    port, random_s = free_port(), np.random.default_rng(seed)

    def send_all():
        for image in (image for scan in scans for image in scan):
            while send([image], port) != [STORED]:
                time.sleep(0.01)

    def start():
        node = context.Process(target=serve, args=(folder, port, archive.port), daemon=True)
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
        wait_until(lambda: {name_of(scan) for scan in scans} <= archive.scans(), 120)
        wait_until(lambda: not list((folder / "node" / "objects").iterdir()))
        assert list((folder / "node" / "set_aside").iterdir()) == []
    finally:
        node.kill()
        node.join()


@pytest.mark.parametrize(("nodes", "kills"), [(1, 4), pytest.param(4, 50, marks=pytest.mark.slow)])
def test_nothing_is_lost_over_kills(tmp_path, archive, nodes, kills, record_property):
    """Of each of several nodes that run side by side: most of the time is waiting."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([__name__])
    scans = make_scans(range(nodes * kills))
    with ThreadPoolExecutor(nodes) as pool:
        ended = [
            pool.submit(
                kill_again_and_again,
                tmp_path / str(number),
                archive,
                scans[number * kills : (number + 1) * kills],
                kills=kills,
                seed=number,
            )
            for number in range(nodes)
        ]
    for each in ended:
        each.result()
    assert archive.scans() == {name_of(scan) for scan in scans}
    assert len(archive.received) == 2 * len(scans)
    twice = sum(count > 1 for count in archive.received.values())
    record_property("results", len(archive.received))
    record_property("sent twice", twice)
    assert twice <= nodes * kills, "a kill can come between an answer and its note once"
