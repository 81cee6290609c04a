"""The writer of a scan's report, as a page and as a PDF."""

from pathlib import Path

from bonescan import run_folder
from bonescan.files import write_text, write_whole
from bonescan.report.page.document import make_document
from bonescan.report.page.html import render_html
from bonescan.report.page.identity import read_identity
from bonescan.report.page.model import Document
from bonescan.report.page.pdf import render_pdf
from bonescan.report.page.texts import ENGLISH, load_texts
from bonescan.report.scan_result import ScanResult


class ReportWriter:
    """Write the report of a scan for people: one page of HTML, and the same as PDF.

    Args:
        identified: whether the report names the patient and the dates of birth and study, as the
            header has them; neither file names nor logs ever do.
        language: of the report: a file of bonescan/report/strings.

    Raises:
        ValueError: if there are no texts in that language.
    """

    def __init__(self, *, identified: bool = False, language: str = ENGLISH) -> None:
        load_texts(language)
        self.identified = identified
        self.language = language

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Write `SCAN_ID/report.html` and `SCAN_ID/report.pdf`."""
        report = make_report(result, identified=self.identified, language=self.language)
        folder = output_dir / result.scan_id
        write_text(folder / run_folder.REPORT_PAGE, render_html(report))
        pdf = render_pdf(report)
        write_whole(folder / run_folder.REPORT_PDF, lambda partial: partial.write_bytes(pdf))


def make_report(
    result: ScanResult, *, identified: bool = False, language: str = ENGLISH
) -> Document:
    """Make the report of a scan, with or without who was scanned (see ReportWriter).

    Raises:
        ValueError: if there are no texts in that language.
        ScanError: if it is to be identified, and the scan's file cannot be read any more.
    """
    identity = read_identity(result, load_texts(language)) if identified else ()
    return make_document(result, language=language, identity=identity)
