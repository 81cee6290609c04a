"""UIDs of results: the same input and system give the same ones, and nobody can trace them back."""

from collections.abc import Sequence
from io import BytesIO
from uuid import UUID

from pydicom.dataset import Dataset
from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID

from bonescan.dicom.scan_id import start_keyed_digest

DEFAULT_CHARACTERS = "iso8859"
"""What pydicom calls the default repertoire (PS3.5 6.1.2.1)."""

_WHEN_MADE = (
    "InstanceCreationDate",
    "InstanceCreationTime",
    "ContentDate",
    "ContentTime",
    "SOPInstanceUID",
)
"""What the UID of an object does not depend on: another run of the same system makes it again."""


def make_uid(*words: str | bytes) -> UID:
    """Make a UID of words, under the key of the site (bonescan.dicom.scan_id).

    It is that of a UUID (PS3.5 B.2, root 2.25) whose 122 random bits are those of an HMAC-SHA256:
    two of a thousand million objects collide with a probability of 1e-19.
    """
    digest = start_keyed_digest()
    for word in words:
        data = word.encode() if isinstance(word, str) else word
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return UID(f"2.25.{UUID(bytes=digest.digest()[:16], version=4).int}")


def make_instance_uid(head: Dataset, rest: bytes) -> UID:
    """Make the UID of an object of all that it says, apart from when it was made.

    Objects of one UID differ at most in their dates of creation, so that an archive may keep
    either; whatever else differs, be it one pixel or a version, gives another UID (PS3.5 9).

    Args:
        head: its elements up to group 0008, which hold the dates and the UID, if it has one.
        rest: all that follow, as to_bytes encodes them.
    """
    said = Dataset()
    for element in head:
        if element.keyword not in _WHEN_MADE:
            said.add(element)
    return make_uid("instance", to_bytes(said), rest)


def to_bytes(dataset: Dataset, characters: str | Sequence[str] = DEFAULT_CHARACTERS) -> bytes:
    """Encode an object or a part of one (Explicit VR Little Endian).

    Args:
        dataset: the object or the part.
        characters: its Specific Character Set (PS3.3 C.12.1.1.2), where a part does not say it.
    """
    _spare_searches(dataset)
    buffer = BytesIO()
    file = DicomFileLike(buffer)
    file.is_little_endian, file.is_implicit_VR = True, False
    write_dataset(file, dataset, dataset.get("SpecificCharacterSet", characters))
    return buffer.getvalue()


def _spare_searches(dataset: Dataset) -> None:
    """Say of the items of all sequences that they are encoded as they stand.

    pydicom looks for VRs that depend on other elements (PS3.6 6) in an item and all items in it,
    then in each of these again, which takes a third of the time. No item of ours has one, and one
    would be refused when it is written.
    """
    for element in dataset.values():
        if isinstance(element.value, Items):
            for item in element.value:
                if item.original_encoding == (None, None):  # made by us
                    item.set_original_encoding(
                        is_implicit_vr=False,
                        is_little_endian=True,
                        character_encoding=DEFAULT_CHARACTERS,
                    )
                _spare_searches(item)
