import json
import urllib.error
import urllib.request

import pytest

from bonescan.node.settings import Limits
from tests.node.fakes import make_scan, send, wait_until
from tests.privacy import assert_silent


def ask(node, path):
    """Return status, kind and text of what a path gives."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{node.page.port}{path}") as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as err:
        with err:
            return err.code, err.headers["Content-Type"], err.read().decode()


def test_page_tells_how_many_scans_are_where_and_names_nobody(start_node):
    node = start_node()
    scans = [make_scan(n, SeriesDescription=word) for n, word in enumerate(("refuse", "a", "b"))]
    send(scans, node.receiver.port)
    wait_until(lambda: node.queue.counts()["done"] == 2)
    status, kind, text = ask(node, "/health")
    state = json.loads(text)
    assert (status, kind, state["status"]) == (200, "application/json", "ok")
    assert {name: count for name, count in state["scans"].items() if count} == {
        "done": 2,
        "failed": 1,
    }
    assert state["last_success"].endswith("Z")
    assert state["model"] == {"system": "Fake", "weights_sha256": ["ab12"]}
    status, kind, page = ask(node, "/")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert "failed 1" in page
    assert "Research use only" in page
    assert_silent(text + page)


def test_what_is_not_well_is_a_status_of_its_own(start_node):
    node = start_node(limits=Limits(free_mb=10**9))
    status, _, text = ask(node, "/health")
    assert (status, json.loads(text)["status"]) == (503, "the disk is full")


@pytest.mark.parametrize("path", ["/other", "/../queue.sqlite"])
def test_there_is_nothing_else(start_node, path):
    assert ask(start_node(), path)[0] == 404


def test_a_port_that_is_taken_is_told(start_node, tmp_path):
    node = start_node()
    with pytest.raises(OSError, match=r"health_port .* must be free"):
        start_node(health_port=node.page.port, folder=tmp_path / "other")
