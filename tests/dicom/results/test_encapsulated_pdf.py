import pytest
from pydicom import dcmread

from bonescan.dicom.results.encapsulated_pdf import make_encapsulated_pdf
from bonescan.dicom.results.objects import save_object
from tests.dicom.results.studies import ALGORITHM, study_of, write_two_files


@pytest.mark.parametrize("pdf", [b"%PDF-1.4 odd", b"%PDF-1.4 even!"])
@pytest.mark.parametrize("names_patient", [False, True])
def test_document_comes_back_to_the_byte(tmp_path, pdf, names_patient):
    study = study_of(write_two_files(tmp_path), identified=names_patient)
    made = make_encapsulated_pdf(study, ALGORITHM, pdf, names_patient=names_patient)
    save_object(made, tmp_path / "pdf.dcm")
    page = dcmread(tmp_path / "pdf.dcm")
    assert page.EncapsulatedDocument[: page.EncapsulatedDocumentLength] == pdf
    assert page.Modality == "DOC"
    assert page.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert page.BurnedInAnnotation == ("YES" if names_patient else "NO")
    assert [item.ReferencedSOPInstanceUID for item in page.SourceInstanceSequence] == [
        image.sop_instance_uid for image in study.images.values()
    ]


def test_anything_but_pdf_is_refused(tmp_path):
    study = study_of(write_two_files(tmp_path))
    with pytest.raises(ValueError, match="pdf must begin with"):
        make_encapsulated_pdf(study, ALGORITHM, b"<html>", names_patient=False)
