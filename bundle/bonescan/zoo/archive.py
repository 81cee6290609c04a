"""Bundles as zip files: equal bytes for equal content, and nothing believed when unpacked."""

import hashlib
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import torch

from bonescan.run_folder import WEIGHTS

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Of every file, so that equal content gives equal bytes: the first date that a zip can say."""
MOST_BYTES = 1024**3
"""Unpacked. The zoo takes files of up to 25 MB."""
MOST_FILES = 10_000
"""A bundle of ours has 300."""
MODELS = "models"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_archive(bundle: Path, path: Path) -> str:
    """Zip a folder as the one folder of an archive.

    Args:
        bundle: the folder.
        path: of the archive, which is replaced.

    Returns:
        SHA-256 of the archive; the same for the same content.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(file for file in bundle.rglob("*") if file.is_file()):
            name = PurePosixPath(bundle.name, *file.relative_to(bundle).parts)
            info = zipfile.ZipInfo(str(name), EARLIEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, file.read_bytes())
    return sha256_of(path)


def read_archive(path: Path, folder: Path, *, sha256: str | None = None) -> Path:
    """Unpack a bundle that somebody else made.

    Its configurations and modules are code, which this cannot judge: run it only if you trust its
    maker.

    Args:
        path: of the archive.
        folder: to put the bundle's own folder into.
        sha256: what the archive must have.

    Returns:
        The bundle's folder.

    Raises:
        ValueError: if the archive is none, another one than was asked for, or unsafe: a name that
            leaves the folder, a link, more than MOST_BYTES or MOST_FILES, or weights that are not
            plain tensors.
        FileExistsError: if there is such a folder already.
    """
    found = sha256_of(path)
    if sha256 is not None and found != sha256.lower():
        raise ValueError(f"{path} must have SHA-256 {sha256}, got {found}: it is another file")
    try:
        with zipfile.ZipFile(path) as archive:
            name = _check_names(path, archive.infolist())
            if (folder / name).exists():
                raise FileExistsError(f"{folder / name} exists; remove it, or give another folder")
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as parts:
                archive.extractall(parts)
                _check_weights(Path(parts) / name)
                shutil.move(Path(parts) / name, folder / name)
    except (zipfile.BadZipFile, RuntimeError, zlib.error) as err:  # RuntimeError: encrypted
        raise ValueError(f"{path} must be a zip file, got one that cannot be read: {err}") from err
    return folder / name


def _check_names(path: Path, members: list[zipfile.ZipInfo]) -> str:
    """Refuse what an archive could do harm with; return the name of its one folder."""
    for member in members:
        parts = PurePosixPath(member.filename).parts
        if "\\" in member.filename or member.filename.startswith("/") or ".." in parts:
            raise ValueError(f"{path} is unsafe: {member.filename!r} would leave the folder")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ValueError(f"{path} is unsafe: {member.filename!r} is a link")
    total = sum(member.file_size for member in members)
    if total > MOST_BYTES:
        raise ValueError(f"{path} must unpack to {MOST_BYTES} bytes at most, got {total}")
    if len(members) > MOST_FILES:
        raise ValueError(f"{path} must hold {MOST_FILES} files at most, got {len(members)}")
    roots = {PurePosixPath(member.filename).parts[0] for member in members}
    if len(roots) != 1 or len({member.filename for member in members}) < len(members):
        raise ValueError(f"{path} must hold one folder, each name once, got {sorted(roots)}")
    return roots.pop()


def _check_weights(bundle: Path) -> None:
    """Refuse weights that are code, wherever they lie; there must be those of MODELS."""
    for weights in sorted(
        {bundle / MODELS / WEIGHTS, *bundle.rglob("*.pt"), *bundle.rglob("*.pth")}
    ):
        name = weights.relative_to(bundle)
        try:
            state = torch.load(weights, map_location="cpu", weights_only=True)
        except Exception as err:
            raise ValueError(f"{name} must be plain weights: {type(err).__name__}") from err
        if not isinstance(state, dict) or not all(
            isinstance(value, torch.Tensor) for value in state.values()
        ):
            raise ValueError(f"{name} must hold tensors by name, got something else")
