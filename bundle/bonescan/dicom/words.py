"""What free text says of the view of a planar scan: the one place that knows words for views."""

import re
import unicodedata
from dataclasses import dataclass, field

from bonescan.dicom.scan import View

_ANTERIOR = frozenset({"ANT", "ANTERIOR", "ANTERIEUR", "ANTERIEURE"})
_POSTERIOR = frozenset({"POSTERIOR", "POSTERIEUR", "POSTERIEURE"})
_ONLY_ALONE = {"POST": View.POSTERIOR, "DORSAL": View.POSTERIOR, "VENTRAL": View.ANTERIOR}
"""Words that mean a view only where nothing else is spoken of: "POST" is also "after" ("WB 3H
POST"), "dorsal decubitus" a patient on the back."""
_BESIDE = frozenset({
    "WB", "WHOLE", "BODY", "WHOLEBODY", "TOTAL", "BONE", "BONES", "SCAN", "SCINTIGRAPHY", "VIEW",
    "VIEWS", "PROJECTION", "IMAGE", "FACE", "NM", "STATIC", "PLANAR", "TC", "M", "MTC", "MDP",
    "HDP", "DPD", "SIMULATED",
})  # fmt: skip
"""Words that speak of a whole-body bone scan and of nothing else."""
_DIRECTIONS = frozenset({"AP", "PA", "ANTERO", "POSTERO", "ANTEROPOSTERIOR", "POSTEROANTERIOR"})
"""Words for the way of rays through a body, which emitted rays do not have."""
_OTHER_PROJECTIONS = frozenset({"OBLIQUE", "OBL", "LATERAL", "LAT", "RAO", "LAO", "RPO", "LPO"})

_AFTERWARDS = re.compile(
    r"(?<![A-Z])POST[ ._-]*"
    r"(?=THER|TREAT|OP|SURG|INJ|CHEMO|RT|RX|RAD|RAI|IOD|DOSE|VOID|MICT|TX|ABLAT)"
)
""""POST THERAPY" and the like name no view, whatever else the text says."""
_ANTERIOR_SUFFIX, _POSTERIOR_SUFFIX = "_E", "_F"

_IN_NAME = re.compile(r"(?:^|[^a-z0-9]|(?<=[0-9]))(?:(ant)(?:erior)?|post(?:erior)?)(?![a-z])")
"""A view's word in a file name, with the sign before it if that is neither letter nor digit."""


@dataclass(frozen=True)
class ViewLabel:
    """A text that may name the view of the only frame of a file.

    Attributes:
        kind: where it stands, for messages; the text itself may hold anything and is never shown.
        text: the text.
        suffixed: whether a suffix _E or _F names the view, as older GE cameras have it.
    """

    kind: str
    text: str = field(repr=False)
    suffixed: bool = False


def view_of(label: ViewLabel) -> View | None:
    """Find a view in a label: "WB ANT", "WHOLE BODY_E"; None if none or both."""
    views = {view_in_text(label.text), _in_suffix(label)} - {None}
    return views.pop() if len(views) == 1 else None


def view_in_text(text: str) -> View | None:
    """Find a view in a free text: "WB ANT", "POSTERIOR"; None if none, both, or no clear word."""
    if names_direction(text) or names_another_projection(text):
        return None
    text = _AFTERWARDS.sub("", _plain(text))
    words = _words(text)
    views = {View.ANTERIOR} if words & _ANTERIOR else set()
    views |= {View.POSTERIOR} if words & _POSTERIOR else set()
    vague = words & _ONLY_ALONE.keys()
    if vague:
        alone = words - vague <= _BESIDE and not re.search("[0-9]", text.replace("99M", ""))
        views = {_ONLY_ALONE[word] for word in vague} if alone else set()
    return views.pop() if len(views) == 1 else None


def names_another_projection(text: str) -> bool:
    """Say whether a text names a projection that is neither of the views."""
    return bool(_words(_plain(text)) & _OTHER_PROJECTIONS)


def names_direction(text: str) -> bool:
    """Say whether a text speaks of rays ("postero-anterior"), which tells no side of a detector."""
    return bool(_words(_plain(text)) & _DIRECTIONS)


def views_by_difference(first: ViewLabel, second: ViewLabel) -> tuple[View, View] | None:
    """Find the views of two texts that differ in ANT and POST alone: "3H ANT", "3H POST"."""
    plain = [re.findall("[A-Z]+|[^A-Z]+", _plain(label.text)) for label in (first, second)]
    pairs = {pair for pair in zip(*plain, strict=False) if pair[0] != pair[1]}
    if len(plain[0]) != len(plain[1]):
        return None
    if pairs == {("ANT", "POST")}:
        return View.ANTERIOR, View.POSTERIOR
    return (View.POSTERIOR, View.ANTERIOR) if pairs == {("POST", "ANT")} else None


def view_in_name(stem: str) -> tuple[View | None, str]:
    """Find a view's word in a file name: "scan-7_anterior" is the anterior view of "scan-7".

    Only the English words and their short forms count, since exported files bear them, and no
    suffix as vendors write it.

    Args:
        stem: the name without its suffix, in upper or lower case.

    Returns:
        The view, None if the name has no view's word or those of both views; and the name in lower
        case without such words.
    """
    stem = stem.lower()
    views = {View.ANTERIOR if word[1] else View.POSTERIOR for word in _IN_NAME.finditer(stem)}
    return views.pop() if len(views) == 1 else None, _IN_NAME.sub("", stem).strip("_- ")


def _words(plain: str) -> set[str]:
    return set(re.findall("[A-Z]+", plain))


def _plain(text: str) -> str:
    """Return a text in upper case and without accents."""
    parts = unicodedata.normalize("NFKD", text.strip())
    return "".join(part for part in parts if not unicodedata.combining(part)).upper()


def _in_suffix(label: ViewLabel) -> View | None:
    text = label.text.strip().upper()
    if not label.suffixed or text[-2:] not in {_ANTERIOR_SUFFIX, _POSTERIOR_SUFFIX}:
        return None
    return View.ANTERIOR if text.endswith(_ANTERIOR_SUFFIX) else View.POSTERIOR
