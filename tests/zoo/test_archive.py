"""Bundles as zip files."""

import stat
import struct
import zipfile

import pytest
import torch

from bonescan.zoo import archive as archive_module
from bonescan.zoo.archive import read_archive, sha256_of, write_archive


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "made" / "net"
    for name, text in (("LICENSE", "free"), ("configs/train.json", "{}")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "models").mkdir()
    torch.save({"weight": torch.tensor([1.5, -2.0])}, folder / "models" / "model.pt")
    return folder


def test_what_is_unpacked_is_what_was_packed(bundle, tmp_path):
    digest = write_archive(bundle, tmp_path / "net.zip")
    found = read_archive(tmp_path / "net.zip", tmp_path / "there", sha256=digest.upper())
    assert found == tmp_path / "there" / "net"
    files = {file.relative_to(bundle) for file in bundle.rglob("*") if file.is_file()}
    assert {file.relative_to(found) for file in found.rglob("*") if file.is_file()} == files
    assert all((found / file).read_bytes() == (bundle / file).read_bytes() for file in files)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["net"]


def test_equal_content_gives_equal_bytes(bundle, tmp_path):
    first = write_archive(bundle, tmp_path / "a.zip")
    (bundle / "LICENSE").touch()
    assert write_archive(bundle, tmp_path / "b.zip") == first == sha256_of(tmp_path / "b.zip")
    (bundle / "LICENSE").write_text("FREE")
    assert write_archive(bundle, tmp_path / "b.zip") != first


@pytest.mark.parametrize("name", ["../out", "/out", "net/../../out", "net\\..\\out"])
def test_names_that_leave_the_folder(bundle, tmp_path, name):
    path = tmp_path / "net.zip"
    write_archive(bundle, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    with pytest.raises(ValueError, match=r"net.zip is unsafe: .*would leave the folder"):
        read_archive(path, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_links(bundle, tmp_path):
    path = tmp_path / "net.zip"
    write_archive(bundle, path)
    link = zipfile.ZipInfo("net/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ValueError, match=r"'net/link' is a link"):
        read_archive(path, tmp_path / "there")


def test_another_file_than_was_asked_for(bundle, tmp_path):
    digest = write_archive(bundle, tmp_path / "net.zip")
    wrong = digest.replace(digest[0], "0" if digest[0] != "0" else "1", 1)
    with pytest.raises(ValueError, match=f"must have SHA-256 {wrong}, got {digest}"):
        read_archive(tmp_path / "net.zip", tmp_path / "there", sha256=wrong)


def test_weights_that_are_code(bundle, tmp_path):
    torch.save({"weight": torch.nn.Linear(2, 1)}, bundle / "models" / "model.pt")
    write_archive(bundle, tmp_path / "net.zip")
    with pytest.raises(ValueError, match=r"model.pt must be plain weights: UnpicklingError"):
        read_archive(tmp_path / "net.zip", tmp_path / "there")
    assert not list((tmp_path / "there").iterdir())


@pytest.mark.parametrize("name", ["models/other.pt", "docs/notes.pth"])
def test_other_weights_that_are_code(bundle, tmp_path, name):
    (bundle / name).parent.mkdir(exist_ok=True)
    torch.save({"weight": torch.nn.Linear(2, 1)}, bundle / name)
    write_archive(bundle, tmp_path / "net.zip")
    with pytest.raises(ValueError, match=f"{name} must be plain weights: UnpicklingError"):
        read_archive(tmp_path / "net.zip", tmp_path / "there")
    assert not list((tmp_path / "there").iterdir())


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("MOST_BYTES", 1000, r"must unpack to 1000 bytes at most, got \d{4}"),
        ("MOST_FILES", 2, "must hold 2 files at most, got 3"),
    ],
)
def test_what_grows_when_it_is_unpacked(bundle, tmp_path, monkeypatch, limit, value, message):
    write_archive(bundle, tmp_path / "net.zip")
    monkeypatch.setattr(archive_module, limit, value)
    with pytest.raises(ValueError, match=message):
        read_archive(tmp_path / "net.zip", tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_size_that_is_a_lie(bundle, tmp_path):
    (bundle / "LICENSE").write_text("free" * 1000)
    write_archive(bundle, tmp_path / "net.zip")
    content = (tmp_path / "net.zip").read_bytes()
    (tmp_path / "net.zip").write_bytes(
        content.replace(struct.pack("<I", 4000), struct.pack("<I", 4))
    )
    with pytest.raises(ValueError, match=r"must be a zip file, got one that cannot be read"):
        read_archive(tmp_path / "net.zip", tmp_path / "there")
    assert not list((tmp_path / "there").iterdir())


def test_an_archive_with_a_password(bundle, tmp_path):
    write_archive(bundle, tmp_path / "net.zip")
    content = bytearray((tmp_path / "net.zip").read_bytes())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        flags = content.find(start) + (6 if start.endswith(b"\x04") else 8)
        content[flags] |= 1  # encrypted (APPNOTE 4.4.4)
    (tmp_path / "net.zip").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"must be a zip file, got one that cannot be read: .*encrypt"
    ):
        read_archive(tmp_path / "net.zip", tmp_path / "there")


@pytest.mark.parametrize("content", [{"weight": [1.0, 2.0]}, torch.ones(2)])
def test_weights_that_are_no_state(bundle, tmp_path, content):
    torch.save(content, bundle / "models" / "model.pt")
    write_archive(bundle, tmp_path / "net.zip")
    with pytest.raises(ValueError, match="must hold tensors by name"):
        read_archive(tmp_path / "net.zip", tmp_path / "there")


def test_what_is_no_bundle(bundle, tmp_path):
    (tmp_path / "text.zip").write_text("no")
    with pytest.raises(ValueError, match=r"text.zip must be a zip file"):
        read_archive(tmp_path / "text.zip", tmp_path / "there")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a/x", "1")
        archive.writestr("b/x", "2")
    with pytest.raises(ValueError, match=r"must hold one folder, each name once, got \['a', 'b'\]"):
        read_archive(tmp_path / "two.zip", tmp_path / "there")


def test_a_folder_that_is_there(bundle, tmp_path):
    write_archive(bundle, tmp_path / "net.zip")
    with pytest.raises(FileExistsError, match="exists; remove it"):
        read_archive(tmp_path / "net.zip", bundle.parent)
