"""The node as a program, beside a real archive: Orthanc, as Debian packages it."""

import email
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import yaml

from tests.handlers.fakes import NETWORK, save_weights
from tests.node.fakes import wait_until
from tests.workflows import ROOT, describe_system

pytestmark = pytest.mark.slow

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
RESULTS = {"SEG", "SR", "OT", "DOC"}


def free_ports(number):
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Orthanc:
    """An Orthanc of its own: free ports, an empty folder."""

    def __init__(self, folder, node_port):
        self.http, self.dicom = free_ports(2)
        folder.mkdir()
        settings = {
            "StorageDirectory": str(folder),
            "IndexDirectory": str(folder),
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ORTHANC",
            "DicomCheckCalledAet": True,
            "DicomModalities": {"node": ["BONESCAN", "127.0.0.1", node_port]},
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self.process = subprocess.Popen(
            ["Orthanc", str(folder / "orthanc.json")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, path, data=None, accept="application/json"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{path}", data=data, headers={"Accept": accept}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - ours
            return answer.headers, answer.read()

    def is_up(self):
        try:
            self.ask("/system")
        except OSError:
            return False
        return True

    def modalities(self, study):
        """Return what the study holds, by DICOMweb: UIDs of series and instance by modality."""
        _, found = self.ask(f"/dicom-web/studies/{study}/instances")
        return {
            one["00080060"]["Value"][0]: (one["0020000E"]["Value"][0], one["00080018"]["Value"][0])
            for one in json.loads(found or b"[]")
        }

    def fetch(self, study, series, instance):
        """Return an object, by DICOMweb."""
        place = f"/dicom-web/studies/{study}/series/{series}/instances/{instance}"
        accept = 'multipart/related; type="application/dicom"'
        headers, body = self.ask(place, accept=accept)
        head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
        (part,) = email.message_from_bytes(head + body).get_payload()
        return pydicom.dcmread(BytesIO(part.get_payload(decode=True)))


@pytest.fixture
def ports():
    return dict(zip(("port", "health_port"), free_ports(2), strict=True))


@pytest.fixture
def orthanc(tmp_path, ports):
    if shutil.which("Orthanc") is None or not PLUGIN.exists():
        pytest.skip("Orthanc with DICOMweb is not installed: apt-get install orthanc-dicomweb")
    orthanc = Orthanc(tmp_path / "orthanc", ports["port"])
    wait_until(orthanc.is_up, 60)
    yield orthanc
    orthanc.process.terminate()
    orthanc.process.wait(60)


@pytest.fixture
def node(tmp_path, ports, orthanc):
    run = tmp_path / "run"
    run.mkdir()
    (run / "system.json").write_text(describe_system(name="Bright", network_def=NETWORK))
    save_weights(run / "model.pt", 0.9)
    settings = {
        "run": "run",
        "folder": "queue",
        "callers": ["ORTHANC"],
        "destination": f"ORTHANC@127.0.0.1:{orthanc.dicom}",
        "identified": True,
        "trust": True,
        "device": "cpu",
        **ports,
    }
    (tmp_path / "node.yaml").write_text(yaml.safe_dump(settings))
    process = subprocess.Popen(
        [sys.executable, "-m", "bonescan", "node", "--config", str(tmp_path / "node.yaml")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'bundle'}:{ROOT}"},
    )
    line = process.stdout.readline()
    while line and "listens at" not in line:
        line = process.stdout.readline()
    assert line, "the node has ended"
    yield process
    process.kill()
    process.communicate()


def test_results_of_a_scan_that_orthanc_sends_come_back_to_its_study(
    cohort, orthanc, node, ports, record_property
):
    files = [cohort / "sim-0005" / f"{view}.dcm" for view in ("anterior", "posterior")]
    source = pydicom.dcmread(files[0])
    study = source.StudyInstanceUID
    sent = [json.loads(orthanc.ask("/instances", file.read_bytes())[1])["ID"] for file in files]
    began = time.monotonic()
    orthanc.ask("/modalities/node/store", json.dumps(sent).encode())
    wait_until(lambda: set(orthanc.modalities(study)) >= RESULTS, 300)
    record_property("round trip, s", round(time.monotonic() - began, 1))
    found = orthanc.modalities(study)
    assert set(found) == RESULTS | {"NM"}
    for modality in RESULTS:
        made = orthanc.fetch(study, *found[modality])
        assert (made.StudyInstanceUID, made.PatientID) == (study, source.PatientID)
        assert (made.Modality, made.ContentQualification) == (modality, "RESEARCH")

    def state():
        place = f"http://127.0.0.1:{ports['health_port']}/health"
        with urllib.request.urlopen(place, timeout=60) as answer:
            return json.loads(answer.read())

    wait_until(lambda: state()["scans"]["done"] == 1)
    assert state()["model"]["system"] == "Bright"
    node.send_signal(signal.SIGTERM)
    told, _ = node.communicate(timeout=120)
    assert node.returncode == 0
    assert str(source.PatientID) not in told
    assert "job 1: done" in told
