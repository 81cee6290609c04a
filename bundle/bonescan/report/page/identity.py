"""Who was scanned and when, from the header, for a report that may say so."""

from collections.abc import Iterator
from datetime import datetime

from pydicom.misc import is_dicom

from bonescan.dicom.file import load
from bonescan.report.page.model import Fact
from bonescan.report.page.texts import Texts
from bonescan.report.scan_result import ScanResult

_DATES = {"birth_date": "PatientBirthDate", "study_date": "StudyDate"}


def read_identity(result: ScanResult, texts: Texts) -> tuple[Fact, ...]:
    """Read name, identifier, birth date and study date of a scan.

    Returns:
        What the header of the scan's first file says of these; nothing for other files than DICOM.

    Raises:
        ScanError: if the file cannot be read any more.
    """
    path = result.files[0]
    if path.is_file() and not is_dicom(path):
        return ()
    header = load(path, pixels=False)
    values = {
        # The other groups of the name are the same in other scripts (PS3.5 6.2.1.1).
        "name": str(header.get("PatientName", "")).partition("=")[0].replace("^", " ").strip(),
        "id": str(header.get("PatientID", "")).strip(),
        **{name: _write_date(str(header.get(keyword, ""))) for name, keyword in _DATES.items()},
    }
    return tuple(_list_known(values, texts))


def _list_known(values: dict[str, str], texts: Texts) -> Iterator[Fact]:
    for name, value in values.items():
        if value:
            yield Fact(texts.named("identity", name), value)


def _write_date(text: str) -> str:
    """Write a DICOM date in ISO form; one that is none as it is."""
    try:
        return datetime.strptime(text, "%Y%m%d").date().isoformat()  # a day
    except ValueError:
        return text
