from pathlib import Path

import pytest

from bonescan.node.settings import Address, Limits, Peer, Settings, read_settings

PLAIN = """\
run: runs/unet
folder: /var/lib/bonescan
callers: [PACS, CAMERA]
destination: PACS@10.0.0.7:4242
identified: true
"""


@pytest.fixture
def read(tmp_path):
    def read(text, **chosen):
        (tmp_path / "node.yaml").write_text(text)
        return read_settings(tmp_path / "node.yaml", chosen)

    return read


def test_paths_start_from_the_folder_of_the_file(read, tmp_path):
    settings = read(PLAIN + "limits: {queue: 7}\nquiet_s: 12\n")
    assert settings.run == tmp_path / "runs" / "unet"
    assert settings.folder == Path("/var/lib/bonescan")
    assert settings.limits == Limits(queue=7)
    assert settings.quiet_s == 12.0
    assert (settings.host, settings.is_local) == ("127.0.0.1", True)


def test_options_have_the_last_word_where_they_are_given(read):
    settings = read(PLAIN, ae_title="OTHER", identified=False, port=None)
    assert (settings.ae_title, settings.identified, settings.port) == ("OTHER", False, 11112)


def test_options_alone_suffice(tmp_path):
    given = {"folder": tmp_path, "callers": ["A"], "destination": "B@h:1", "identified": False}
    assert read_settings(None, {"run": tmp_path, **given}) == Settings(run=tmp_path, **given)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PLAIN + "caller: [A]\n", r"got 'caller'; did you mean 'callers'\?"),
        (PLAIN.replace("identified: true\n", ""), "got none of identified"),
        (PLAIN + "identified: 'no'\n", "identified must be true or false, got 'no'"),
        (PLAIN + "port: 1112.5\n", r"port must be a whole number, got 1112\.5"),
        (PLAIN + "port: true\n", "port must be a whole number, got True"),
        (PLAIN + "port: 70000\n", "port must be 0 to 65535, got 70000"),
        (PLAIN + "callers: []\n", "must name the AE titles that may connect, got none"),
        (PLAIN + "callers: PACS\n", "callers must be a list of texts, got 'PACS'"),
        (PLAIN + "ae_title: SEVENTEEN LETTERS\n", "1 to 16 characters of ASCII"),
        (PLAIN + "destination: PACS\n", "AE title of a destination"),
        (PLAIN + "destination: PACS@host\n", r"address must be HOST:PORT, .* got 'host'"),
        (PLAIN + "limits: {queue: 0}\n", "limits: queue must be above 0, got 0"),
        (PLAIN + "limits: {quue: 1}\n", r"limits: .* did you mean 'queue'\?"),
        (PLAIN + "limits: 5\n", "limits must be limits by name, got 5"),
        (PLAIN + "tls: {certificate: a.pem, key: a.pem}\n", "got none of ca"),
        (
            PLAIN + "tls: {certificate: a.pem, key: a.pem, ca: a.pem}\n",
            "certificate must be a file",
        ),
        (PLAIN + "commitment: {PACS: '1.2.3.4:5'}\n", "must come with keep: true"),
        (PLAIN + "keep: true\ncommitment: {X: '1.2.3.4:5'}\n", r"in callers, got \['X'\]"),
        ("- a\n", "must hold settings by name, got list"),
        ("a: [\n", "not a YAML file that can be read"),
    ],
)
def test_what_is_wrong_is_told_with_the_file(read, text, told):
    with pytest.raises(ValueError, match=rf"node\.yaml: (.|\n)*{told}"):
        read(text)


def test_addresses():
    assert Peer.parse("A B@[::1]:104") == Peer("A B", Address("::1", 104))
    with pytest.raises(ValueError, match="must be 1 to 65535, got 0"):
        Address.parse("host:0")


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.7", False)],
)
def test_only_a_loopback_address_is_local(read, host, local):
    assert read(PLAIN, host=host).is_local is local
