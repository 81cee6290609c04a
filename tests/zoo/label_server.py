"""MONAI Label itself, serving a packed bundle on loopback; it needs an environment of its own."""

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

VARIABLE = "BONESCAN_MONAILABEL_PYTHON"
"""Names the Python of that environment (docs/how-to/label.md)."""
_START_S = 300.0
"""Until a server answers, on a busy machine."""
_ANSWER_S = 600.0


class LabelServer:
    """A server of the app `monaibundle`, which ends with the block.

    Args:
        python: of the environment.
        folder: for the app and its log.
        studies: folder of its datastore.
        bundle: folder of the packed bundle.
    """

    def __init__(self, python: str, folder: Path, *, studies: Path, bundle: Path) -> None:
        self.studies = studies
        self.name = bundle.name
        self.log = folder / "server.log"
        app = folder / "app"
        shutil.copytree(Path(python).parents[1] / "monailabel/sample-apps/monaibundle", app)
        shutil.copytree(bundle, app / "model" / bundle.name)
        self.bundle = app / "model" / bundle.name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.command = [
            python, "-W", "ignore", "-m", "monailabel.main", "start_server", "--app", str(app),
            "--studies", str(studies), "--host", "127.0.0.1", "--port", str(port),
            "--conf", "models", bundle.name,
        ]  # fmt: skip

    def __enter__(self) -> Self:
        """Start it, and wait until it answers."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment |= {
            "MONAI_ZOO_SOURCE": "local",
            "MONAI_LABEL_DATASTORE_FILE_EXT": '["*.dcm", "*.nii.gz"]',
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                env=environment,
                cwd=self.log.parent,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + _START_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.info()
            except URLError:
                time.sleep(1)
            else:
                return self
        self.process.kill()
        raise RuntimeError(f"MONAI Label does not start: {self.log.read_text()[-3000:]}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def info(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        return json.loads(self._call("GET", "/info/"))

    def infer(self, image: str, **params: object) -> bytes:
        """Return the label map of an image of the datastore, as a file."""
        query = urlencode({"image": image, "output": "image"})
        form = urlencode({"params": json.dumps({"device": "cpu", **params})}).encode()
        return self._call("POST", f"/infer/{self.name}?{query}", form)

    def save_label(self, image: str, file: Path) -> None:
        """Give the label map of an image as a person has corrected it."""
        edge = "edge-of-a-part"
        head = (
            f"--{edge}\r\nContent-Disposition: form-data; name=label; filename={file.name}\r\n"
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + file.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        kind = f"multipart/form-data; boundary={edge}"
        self._call("PUT", f"/datastore/label?{urlencode({'image': image})}", body, kind)

    def train(self, **params: object) -> None:
        """Train on the labels of the datastore, and wait for the end."""
        content = json.dumps({"device": "cpu", "multi_gpu": False, **params}).encode()
        self._call("POST", f"/train/{self.name}?run_sync=true", content, "application/json")

    def _call(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        kind: str = "application/x-www-form-urlencoded",
    ) -> bytes:
        address = self.url + path
        request = Request(address, content, {"Content-Type": kind}, method=method)  # noqa: S310
        with urlopen(request, timeout=_ANSWER_S) as answer:  # noqa: S310 - our own, on loopback
            return answer.read()
