"""A process that has imported what is slow, and whose copies run commands.

To import torch and MONAI takes longer than most commands do. `python -m tests.warm_start SOCKET`
waits at a socket; a program of CLIENT hands it its words, environment, folder and streams, and ends
with the exit code of the copy that ran them.
"""

import json
import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bonescan.api
import bonescan.workflow.launch  # noqa: F401

CLIENT = """#!{python} -IS
import json, os, socket, sys
words = {words} + sys.argv[1:]
request = json.dumps([words, dict(os.environ), os.getcwd()]).encode()
server = socket.socket(socket.AF_UNIX)
server.connect({place!r})
socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
server.sendall(request)
sys.exit(int(server.makefile().read()))
"""


@contextmanager
def warm_start(place: Path, root: Path) -> Iterator[None]:
    """Have such a process wait at a socket."""
    words = [sys.executable, "-m", "tests.warm_start", str(place)]
    with subprocess.Popen(words, cwd=root) as server:
        while not place.exists() and server.poll() is None:
            time.sleep(0.05)
        try:
            yield
        finally:
            server.kill()


def write_client(program: Path, place: Path, *words: str) -> None:
    """Write a program that runs Python with some words and its own, in a copy of the process."""
    text = CLIENT.format(python=sys.executable, words=list(words), place=str(place))
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)


def serve(place: str) -> None:
    """Run what is asked for, one command after the other."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}.new")
        listener.listen()
        Path(f"{place}.new").rename(place)
        while True:
            client, _ = listener.accept()
            with client:
                length, streams, _, _ = socket.recv_fds(client, 8, 3)
                asked = client.makefile("rb").read(int.from_bytes(length, "big"))
                copy = multiprocessing.get_context("fork").Process(
                    target=act, args=(streams, *json.loads(asked))
                )
                copy.start()
                for stream in streams:
                    os.close(stream)
                copy.join()
                client.sendall(str(copy.exitcode).encode())


def act(streams: Sequence[int], words: list[str], environment: dict, folder: str) -> None:
    """Do what `python` with these words does."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    run_python(words)


def run_python(words: list[str]) -> None:
    """Run `-m MODULE` or `-c TEXT`."""
    option, what, *rest = words
    sys.path[0] = ""
    sys.argv = [option if option == "-c" else what, *rest]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    elif option == "-c":
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
    else:
        raise ValueError(f"words must begin with -m or -c, got {option!r}")


if __name__ == "__main__":
    serve(sys.argv[1])
