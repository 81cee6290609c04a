import json
import os
import socket
import subprocess
import sys
import time

import pytest

from bonescan.run_folder import LOCK
from bonescan.workflow.folder_lock import hold_folder, release_folder

HOLD = """
import os, sys, time
from pathlib import Path
from bonescan.workflow.folder_lock import hold_folder
lock = hold_folder(Path(sys.argv[1]))
if len(sys.argv) > 2 and not os.fork():  # a worker that notices late that its parent is gone
    time.sleep(float(sys.argv[2]))
    os._exit(0)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Starts processes that hold the folder until their input ends."""
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        started.append(holder)
        assert holder.stdout.readline() == b"held\n"
        return holder

    yield start
    for holder in started:
        holder.kill()
        holder.communicate()


def test_a_folder_that_another_process_holds_is_refused(tmp_path, start):
    holder = start()
    expected = rf"{tmp_path} is in use by process {holder.pid} on {socket.gethostname()} since 20"
    with pytest.raises(OSError, match=expected):
        hold_folder(tmp_path)
    holder.communicate()  # its input ends, and it with it
    release_folder(hold_folder(tmp_path))


def test_a_killed_process_and_its_workers_hold_nothing(tmp_path, start):
    holder = start("0.5")
    holder.kill()
    holder.wait()
    before = time.monotonic()
    lock = hold_folder(tmp_path)
    assert time.monotonic() - before < 10
    assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()
    release_folder(lock)
    assert list(tmp_path.iterdir()) == []


def test_a_process_may_hold_a_folder_twice_and_others_once_it_has_released_it(tmp_path, start):
    locks = [hold_folder(tmp_path) for _ in range(2)]
    release_folder(locks[0])
    assert (tmp_path / LOCK).exists()
    release_folder(locks[1])
    start()


def test_a_holder_that_tells_nothing(tmp_path, start):
    start()
    (tmp_path / LOCK).write_text("")
    with pytest.raises(OSError, match=r"is in use by process \? on another host"):
        hold_folder(tmp_path)
