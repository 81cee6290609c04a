from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bonescan.node.node import Node
from tests.node.fakes import Archive, DirectWorker, make_settings


@pytest.fixture
def archive() -> Iterator[Archive]:
    archive = Archive()
    archive.start()
    yield archive
    archive.stop()


@pytest.fixture
def start_node(tmp_path: Path, archive: Archive) -> Iterator[Callable[..., Node]]:
    """Start nodes, each stopped at the latest when the test ends."""
    nodes = []

    def start(**changes: object) -> Node:
        node = Node(make_settings(tmp_path, archive.port, **changes), DirectWorker())
        node.start()
        nodes.append(node)
        return node

    yield start
    for node in nodes:
        node.stop()
