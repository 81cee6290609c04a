"""The health page of a node: how the queue is doing, for people and for monitors."""

import html
import json
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bonescan.notice import RESEARCH_USE

_LOOPBACK = "127.0.0.1"
"""The page has no password, so nobody else is to see it."""

_POLL_S = 0.1
"""How often the server looks whether it is to stop."""

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="10">
<title>Bone scan node: {status}</title>
<style>body{{font:16px sans-serif;margin:2em}} th{{text-align:left;padding-right:1em}}</style>
</head><body><h1>{status}</h1><p>{notice}</p><table>{rows}</table></body></html>
"""


class HealthPage:
    """Serves the state of a node: `/` as a page, `/health` as JSON.

    The answer is 200 if all is well, 503 if not, so that a monitor needs to read nothing.

    Args:
        port: to listen at, on this machine alone; 0 takes a free one.
        look: returns the state, without identifiers; `status` is "ok" where all is well.
    """

    def __init__(self, port: int, look: Callable[[], Mapping[str, Any]]) -> None:
        self.port = port
        self._look = look
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Listen, from then on at `port`.

        Raises:
            OSError: if the port is taken, or may not be used.
        """
        try:
            self._server = ThreadingHTTPServer((_LOOPBACK, self.port), _make_handler(self._look))
        except OSError as err:
            raise OSError(
                f"health_port {self.port} must be free to listen at, got: {err.strerror}; give "
                "another"
            ) from err
        self.port = int(self._server.server_address[1])
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="health", daemon=True
        ).start()

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def iso_time(seconds: float | None) -> str | None:
    """Return a time since 1970 as UTC in ISO form; None stays."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _make_handler(look: Callable[[], Mapping[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in {"/", "/health"}:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            state = look()
            as_json = self.path == "/health"
            text = json.dumps(state, indent=2) if as_json else _render(state)
            well = state["status"] == "ok"
            self.send_response(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)
            kind = "application/json" if as_json else "text/html; charset=utf-8"
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Log nothing: what is asked for is somebody else's text."""

    return Handler


def _render(state: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(_word(value))}</td></tr>"
        for name, value in state.items()
    )
    status = html.escape(str(state["status"]))
    return _PAGE.format(status=status, notice=html.escape(RESEARCH_USE), rows=rows)


def _word(value: Any) -> str:
    """Return a value in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_word(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " ".join(map(_word, value))
    return "-" if value is None or value == "" else str(value)
