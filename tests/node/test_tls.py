import shutil
import ssl
import subprocess
from dataclasses import replace

import pytest

from bonescan.node.settings import Tls
from bonescan.node.tls import make_contexts
from tests.node.fakes import make_scan, send

STORED = 0x0000


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Make certificates, each signed by an authority of its name."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")

    def call(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("good", "other"):
        out = ("-keyout", f"{name}_ca.key", "-out", f"{name}_ca.pem")
        call("req", "-x509", *key, *out, "-days", "2", "-subj", f"/CN={name}")
        (folder / "names.txt").write_text("subjectAltName=IP:127.0.0.1")
        call("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=node")
        by = ("-CA", f"{name}_ca.pem", "-CAkey", f"{name}_ca.key", "-CAcreateserial")
        call("x509", "-req", "-in", f"{name}.csr", *by, "-out", f"{name}.pem", "-days", "2",
             "-extfile", "names.txt")  # fmt: skip
    return folder


def files(authority, name, ca=None):
    return Tls(
        certificate=authority / f"{name}.pem",
        key=authority / f"{name}.key",
        ca=authority / f"{ca or name}_ca.pem",
    )


def test_only_who_shows_a_signed_certificate_is_heard(start_node, authority):
    node = start_node(tls=files(authority, "good"))
    number = iter(range(9))

    def send_as(context):
        tls_args = None if context is None else (context, "127.0.0.1")
        return send([make_scan(next(number))], node.receiver.port, tls_args=tls_args)

    assert send_as(make_contexts(files(authority, "good"))[1]) == [STORED]
    assert send_as(None) == [None]
    assert send_as(make_contexts(files(authority, "other", ca="good"))[1]) == [None]
    bare = ssl.create_default_context(cafile=authority / "good_ca.pem")
    assert send_as(bare) == [None]
    assert send_as(make_contexts(files(authority, "good", ca="other"))[1]) == [None]
    assert send_as(make_contexts(files(authority, "good"))[1]) == [STORED]


def test_files_that_do_not_fit_are_told(authority):
    mixed = replace(files(authority, "good"), key=authority / "other.key")
    with pytest.raises(ValueError, match="certificate and key must be a pair"):
        make_contexts(mixed)
