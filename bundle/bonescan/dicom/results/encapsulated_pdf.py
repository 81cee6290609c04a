"""The report as a PDF in DICOM: Encapsulated PDF (PS3.3 A.45.1)."""

from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from bonescan.dicom.results.objects import Algorithm, Kind, refer_to, start_object
from bonescan.dicom.results.study import Study, plain
from bonescan.notice import RESEARCH_USE

ENCAPSULATED_PDF = Kind(EncapsulatedPDFStorage, "DOC", 9004, "Bone lesions, report")

_SIGNATURE = b"%PDF-"


def make_encapsulated_pdf(
    study: Study, algorithm: Algorithm, pdf: bytes, *, names_patient: bool
) -> Dataset:
    """Make an Encapsulated PDF of a report.

    Args:
        study: what it refers to.
        algorithm: what made it.
        pdf: the file's content.
        names_patient: whether its pages name the patient and the date of the scan.

    Returns:
        The object without its UID.

    Raises:
        ValueError: if the content is no PDF.
    """
    if not pdf.startswith(_SIGNATURE):
        raise ValueError(f"pdf must begin with {_SIGNATURE!r}, got {pdf[:5]!r}")
    made = start_object(ENCAPSULATED_PDF, study, algorithm)
    made.ConversionType = "WSD"
    made.AcquisitionDateTime = None
    made.BurnedInAnnotation = "YES" if names_patient else "NO"
    made.SourceInstanceSequence = [refer_to(image) for image in study.images.values()]
    made.VerificationFlag = "UNVERIFIED"
    made.DocumentTitle = plain(f"Bone scan report. {RESEARCH_USE}")
    made.ConceptNameCodeSequence = []
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocumentLength = len(pdf)
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return made
