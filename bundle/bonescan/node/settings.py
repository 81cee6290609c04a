"""Settings of a node: what they are, and reading them from a YAML file, every key checked."""

import difflib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Self, TypeVar, get_args, get_type_hints

import yaml

Section = TypeVar("Section")

_AE_TITLE = re.compile(r"(?! )[ -\[\]-~]{1,16}(?<! )")
"""1 to 16 printable ASCII characters without backslash, no space at either end (PS3.5 6.2, AE)."""

_ADDRESS = re.compile(r"(?P<host>[^\s:@]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class Address:
    """Where something listens.

    Attributes:
        host: name or number of a machine.
        port: TCP port, 1 to 65535.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port`.

        Raises:
            ValueError: if the text has another form.
        """
        parts = _ADDRESS.fullmatch(text)
        if parts is None:
            raise ValueError(f"address must be HOST:PORT, such as 127.0.0.1:4242, got {text!r}")
        _require_port("port of an address", int(parts["port"]))
        return cls(parts["host"].strip("[]"), int(parts["port"]))


@dataclass(frozen=True)
class Peer:
    """Another node.

    Attributes:
        ae_title: its name.
        address: where it listens.
    """

    ae_title: str
    address: Address

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `AET@host:port`.

        Raises:
            ValueError: if the text has another form.
        """
        ae_title, _, address = text.rpartition("@")
        return cls(require_ae_title("AE title of a destination", ae_title), Address.parse(address))


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Files for TLS, in and out (PEM). Who connects must show a certificate, too.

    Attributes:
        certificate: of this node, with those that lead to its root.
        key: its private key.
        ca: certificates of those who may sign for peers.
    """

    certificate: Path
    key: Path
    ca: Path

    def __post_init__(self) -> None:
        for name in ("certificate", "key", "ca"):
            if not (path := getattr(self, name)).is_file():
                raise ValueError(f"tls: {name} must be a file, got {path}")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a node bears. Defaults are ours.

    Attributes:
        associations: at one time.
        object_mb: size of an object; the two largest views that are read have half of it.
        queue: objects that wait or are worked on.
        free_mb: space that the disk must still have after an object is stored.
        inference_s: time for one scan, in seconds; whatever takes longer hangs.
    """

    associations: int = 10
    object_mb: int = 64
    queue: int = 10_000
    free_mb: int = 1_000
    inference_s: float = 600.0

    def __post_init__(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) <= 0:
                raise ValueError(
                    f"limits: {one.name} must be above 0, got {getattr(self, one.name)}"
                )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a node.

    Attributes:
        run: folder of the training whose system infers.
        folder: of the queue; made if it is not there.
        callers: AE titles that may connect.
        destination: where results are sent, `AET@host:port`.
        identified: whether results carry patient and study: an archive files them with the scan
            only then. It has no default, because it decides who is named in what leaves the node.
        ae_title: name of this node, by which it must be called.
        host: address to listen at; others than this machine's own (127.0.0.1) open the node.
        port: to listen at; 0 takes a free one.
        health_port: of the health page, on this machine alone; 0 takes a free one.
        quiet_s: seconds without another file of its study after which a view is taken to be alone.
        keep: whether received files stay on disk once their results are sent.
        commitment: address by AE title of those who may ask for storage commitment; needs `keep`.
        regions: folder of a training of the overlay skeleton_regions.
        device: where to infer.
        trust: whether the run may bring code.
        tls: files for TLS; None for plain TCP.
        limits: what the node bears.
    """

    run: Path
    folder: Path
    callers: list[str]
    destination: str
    identified: bool
    ae_title: str = "BONESCAN"
    host: str = "127.0.0.1"
    port: int = 11112
    health_port: int = 11113
    quiet_s: float = 30.0
    keep: bool = False
    commitment: dict[str, str] = field(default_factory=dict)
    regions: Path | None = None
    device: str | None = None
    trust: bool = False
    tls: Tls | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        require_ae_title("ae_title", self.ae_title)
        if not self.callers:
            raise ValueError("callers must name the AE titles that may connect, got none")
        for caller in self.callers:
            require_ae_title("an AE title in callers", caller)
        _require_port("port", self.port, least=0)
        _require_port("health_port", self.health_port, least=0)
        if self.quiet_s < 0:
            raise ValueError(f"quiet_s must be 0 or more, got {self.quiet_s}")
        self._require_fit_commitment()
        Peer.parse(self.destination)

    def _require_fit_commitment(self) -> None:
        strangers = sorted(set(self.commitment) - set(self.callers))
        if strangers:
            raise ValueError(f"commitment must be of AE titles in callers, got {strangers}")
        for address in self.commitment.values():
            Address.parse(address)
        if self.commitment and not self.keep:
            raise ValueError(
                "commitment must come with keep: true, got keep: false: who is told that an object "
                "is in safe keeping may delete its own"
            )

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read_settings(path: Path | None, chosen: Mapping[str, Any]) -> Settings:
    """Read settings from a file, and from options, which have the last word.

    Args:
        path: a YAML file; relative paths in it start from its folder. None where there is none.
        chosen: values of options by key, as YAML would have them; None for those not given.

    Raises:
        ValueError: if the file is no YAML, or a key or value is not one of a node's settings.
        OSError: if it cannot be read.
    """
    content: dict[str, Any] = {} if path is None else _read_yaml(path)
    content |= {key: value for key, value in chosen.items() if value is not None}
    where = "settings" if path is None else str(path)
    try:
        return _make(Settings, content, Path() if path is None else path.parent)
    except ValueError as err:
        raise ValueError(f"{where}: {err}") from err


def require_ae_title(what: str, text: str) -> str:
    """Return an AE title.

    Raises:
        ValueError: if it is none (PS3.5 6.2).
    """
    if not _AE_TITLE.fullmatch(text):
        raise ValueError(f"{what} must have 1 to 16 characters of ASCII, got {text!r}")
    return text


def _require_port(what: str, port: int, *, least: int = 1) -> None:
    if not least <= port <= 65535:
        raise ValueError(f"{what} must be {least} to 65535, got {port}")


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise ValueError(f"{path}: not a YAML file that can be read ({err})") from err
    if not isinstance(content, dict):
        raise ValueError(f"{path}: must hold settings by name, got {type(content).__name__}")
    return content


def _make(section: type[Section], content: Mapping[str, Any], folder: Path) -> Section:
    """Make a section of the settings of what a file says.

    Raises:
        ValueError: if a key is unknown or missing, or a value has another type.
    """
    known = {one.name: one for one in fields(section)}  # type: ignore[arg-type]
    for key in content:
        if key not in known:
            similar = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {similar[0]!r}?" if similar else ""
            raise ValueError(f"a key must be one of {', '.join(known)}, got {key!r}{hint}")
    required = [
        name
        for name, one in known.items()
        if one.default is MISSING and one.default_factory is MISSING
    ]
    if missing := [name for name in required if name not in content]:
        raise ValueError(f"must have {', '.join(required)}, got none of {', '.join(missing)}")
    types = get_type_hints(section)
    return section(**{key: _read(key, types[key], value, folder) for key, value in content.items()})


def _read(key: str, wanted: Any, value: object, folder: Path) -> Any:
    """Take one value as the type that a field has.

    Raises:
        ValueError: if it has another.
    """
    options = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
    if value is None and type(None) in options:
        return None
    wanted = options[0]
    if wanted in (Tls, Limits) and isinstance(value, dict):
        try:
            return _make(wanted, value, folder)
        except ValueError as err:
            text = str(err)
            raise ValueError(text if text.startswith(key) else f"{key}: {text}") from err
    if wanted is Path and isinstance(value, str | Path):
        return folder / value
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if _has_type(value, wanted):
        return value
    raise ValueError(f"{key} must be {_NAMES[wanted]}, got {value!r}")


def _has_type(value: object, wanted: Any) -> bool:
    if wanted == list[str]:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if wanted == dict[str, str]:
        return isinstance(value, dict) and all(
            isinstance(one, str) for pair in value.items() for one in pair
        )
    return type(value) is wanted


_NAMES: Mapping[Any, str] = {
    Path: "a path",
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list[str]: "a list of texts",
    dict[str, str]: "an address by AE title",
    Tls: "the keys certificate, key and ca",
    Limits: "limits by name",
}
