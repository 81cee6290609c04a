import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from bonescan.data.origin import Origin
from bonescan.report.page.document import make_document
from bonescan.report.page.model import Curve, Fact, Point, Section
from bonescan.report.page.pdf import render_pdf
from tests.report.page.scans import HOSTILE, make_crowded_scan, make_scan, trained_on, with_system
from tests.report.scan_results import take_view

RIB = ("anterior", 50, 20, 0.9)
BOTH = (("anterior", 70, 60, 0.85), ("posterior", 70, 18, 0.95))


@pytest.fixture
def read(tmp_path):
    """Return the function that reads the text of a PDF, page by page."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")

    def read_text(pdf: bytes) -> list[str]:
        path = Path(tmp_path) / "report.pdf"
        path.write_bytes(pdf)
        command = ["pdftotext", "-layout", str(path), "-"]
        done = subprocess.run(command, capture_output=True, check=True)
        return done.stdout.decode().split("\f")[:-1]

    return read_text


def count_pages(pdf: bytes) -> int:
    return int(re.search(rb"/Count (\d+)", pdf).group(1))


def test_equal_reports_are_equal_files():
    scan = make_scan(RIB, *BOTH)
    pdf = render_pdf(make_document(scan))
    assert pdf == render_pdf(make_document(scan))
    assert pdf.startswith(b"%PDF-")


@pytest.mark.parametrize(
    "scan",
    [
        make_scan(),
        make_scan(RIB, with_regions=False),
        make_scan(RIB, *BOTH, whole_body=True, view_source="guess"),
        take_view(make_scan(RIB), make_scan().views[0]),
    ],
)
def test_every_kind_of_report_is_laid_out(scan):
    assert count_pages(render_pdf(make_document(scan))) in {1, 2, 3}


def test_the_first_page_says_above_the_impression_what_was_trained_on(read):
    scan = trained_on(Origin.MIXED, make_scan(RIB))
    above, sentence, _ = read(render_pdf(make_document(scan)))[0].partition(
        "trained on simulated scans and on others"
    )
    assert sentence
    assert "Impression" not in above


def test_every_page_says_what_it_is(read):
    pages = read(render_pdf(make_document(make_crowded_scan(300))))
    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert "Research use only, not for diagnosis" in page
        assert f"Scan 0a1b2c, page {number}" in page


def test_sentences_and_numbers_can_be_read_back(read):
    text = " ".join(" ".join(read(render_pdf(make_document(make_scan(RIB, *BOTH))))).split())
    assert (
        "Thorax: multiple lesions (2) with uptake as in bone metastasis: right ribs and left"
        in text
    )
    assert "only the thorax was assessed" in text
    assert "2 left ribs anterior 36 110 110.0 5.5 85 % inside posterior 36 120" in text
    assert "BSTBI, thorax" in text


def test_what_looks_like_markup_is_text(read):
    scan = with_system(make_scan(RIB), HOSTILE)
    report = make_document(scan, identity=[Fact("Name", HOSTILE, HOSTILE)])
    assert " ".join(read(render_pdf(report))).count(HOSTILE) == 3


def test_letters_beyond_latin_are_written(read):
    report = make_document(make_scan(), identity=[Fact("Name", "Жуков Łukasz Ωmega")])
    pdf = render_pdf(report)
    assert "Жуков Łukasz Ωmega" in " ".join(read(pdf))
    assert pdf == render_pdf(report)


def test_no_row_is_cut_and_titles_are_repeated(read):
    pages = read(render_pdf(make_document(make_crowded_scan(300))))
    with_rows = [page for page in pages if re.search(r"^ *\d+ +.*(inside|at border)$", page, re.M)]
    assert len(with_rows) > 1
    assert all("Probability" in page for page in with_rows)


def test_a_curve_is_drawn_with_its_values(read):
    curve = Curve("Burden", (Point(0, 0.1, "day 0", "0.100"), Point(90, 0.3, "day 90", "0.300")))
    section = Section("change", "Change", curve=curve)
    report = make_document(make_scan(RIB))
    text = " ".join(read(render_pdf(_with_section(report, section))))
    assert "0.300" in text
    assert "day 90" in text


def _with_section(report, section):
    return type(report)(**{**vars(report), "sections": (*report.sections, section)})


def test_a_thousand_lesions_take_no_time():
    scan = make_crowded_scan(1000)
    _ = scan.findings, scan.burden
    start = time.process_time()
    render_pdf(make_document(scan))
    assert time.process_time() - start < 3  # 0.3 s where nobody else works
