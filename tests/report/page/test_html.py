import base64
import hashlib
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from bonescan.data.origin import Origin
from bonescan.report.page.document import make_document
from bonescan.report.page.html import render_html
from bonescan.report.page.model import Fact
from bonescan.report.page.pictures import make_pictures
from tests.report.page.scans import (
    HOSTILE,
    make_crowded_scan,
    make_scan,
    trained_on,
    with_system,
)
from tests.report.scan_results import take_view

RIB = ("anterior", 50, 20, 0.9)
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """The elements of a page with their attributes and texts; checks that tags match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and data.strip():
            self.texts.setdefault(self._open[-1], []).append(data.strip())

    def all(self, *tags: str) -> list[dict]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def said(self) -> str:
        return " ".join(
            text
            for tag, texts in self.texts.items()
            if tag not in {"style", "script"}
            for text in texts
        )


def render(scan, **changes) -> str:
    return render_html(make_document(scan, **changes))


@pytest.fixture(scope="module")
def text() -> str:
    return render(make_scan(RIB, ("posterior", 60, 38, 0.4)))


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


def test_page_says_what_it_is_and_is_not(page):
    said = page.said()
    assert "Research use only, not for diagnosis" in said
    assert "does not replace the reading by a physician" in said
    assert "Simulated scan of no patient" in said
    assert "Simulated" not in Page(render(make_scan(simulated=False))).said()


def test_page_says_above_the_impression_what_was_trained_on():
    scan = trained_on(Origin.SIMULATED, make_scan(RIB))
    header, rest = render(scan).split("<main>")
    assert "This system was trained on simulated scans only." in header
    assert "Impression" in rest
    own = trained_on(Origin.UNMARKED, make_scan(RIB))
    assert "was trained on" not in render(own)


def test_page_has_landmarks_and_headings_in_order(page):
    for tag in ("header", "main", "footer", "h1", "title"):
        assert len(page.all(tag)) == 1, tag
    assert page.all("html") == [{"lang": "en"}]
    sections = page.all("section")
    assert [part["id"] for part in sections][:3] == ["impression", "warnings", "images"]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = {part["aria-labelledby"] for part in sections}
    assert named == {heading["id"] for heading in page.all("h2")}


def test_every_input_has_a_label_and_can_be_reached(page):
    labelled = {label["for"] for label in page.all("label") if "for" in label}
    for attributes in page.all("input"):
        inside = attributes["type"] == "checkbox"  # its label is around it
        assert inside or attributes["id"] in labelled
        assert attributes.get("tabindex") != "-1"
    assert len(page.all("label")) == len(page.all("input"))
    assert all(attributes["type"] == "button" for attributes in page.all("button"))
    (form,) = page.all("form")
    assert "hidden" in form  # until the script runs, which moves them


def test_every_table_has_a_caption_and_titles_with_scope(page):
    tables = page.all("table")
    assert len(tables) == len(page.all("caption")) == 2
    assert all(cell.get("scope") in {"col", "row", "rowgroup"} for cell in page.all("th"))


def test_pictures_have_a_text_that_names_their_sides(page):
    anterior, posterior = [attributes["aria-label"] for attributes in page.all("svg")]
    assert anterior.startswith("Anterior view of the scan")
    assert "with one outlined lesion; patient's right on the left" in anterior
    assert "patient's left on the left of the picture" in posterior
    frames = [each for each in page.all("div") if each.get("class") in {"frame", "scroll"}]
    assert all(each["tabindex"] == "0" and each["aria-label"] for each in frames)


def test_page_loads_nothing(text, page):
    assert not page.all("link", "iframe", "object", "embed", "img")
    for _, attributes in page.elements:
        for name in ("href", "src", "action"):
            assert attributes.get(name, "data:").startswith("data:"), attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert "style" not in attributes  # the policy would refuse it
    assert not re.search(r"https?://|@import|url\((?!#)", text)


def test_policy_allows_the_pages_own_script_and_style_alone(text, page):
    (policy,) = [each["content"] for each in page.all("meta") if "http-equiv" in each]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_hostile_texts_stay_texts():
    scan = with_system(make_scan(RIB, field=HOSTILE), HOSTILE, **{HOSTILE: 0.5})
    text = render(scan, identity=[Fact(HOSTILE, HOSTILE, HOSTILE)])
    page = Page(text)
    assert len(page.all("script")) == 1
    assert not page.all("b")
    assert page.said().count("alert('x')") > 5
    assert "<script>alert" not in text


def test_equal_reports_are_equal_pages():
    assert render(make_scan(RIB)) == render(make_scan(RIB))


def test_filter_shows_the_window_that_the_pdf_shows(text):
    picture = make_pictures(make_scan(RIB, ("posterior", 60, 38, 0.4)))[0]
    gain = float(re.search(r'data-gain="([\d.]+)"', text).group(1))
    png = re.search(r'data:image/png;base64,([^"]+)"', text).group(1)
    level = np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))) / 255
    shown = 255 * np.clip(1 - gain * level**2, 0, 1)  # gamma of SVG: amplitude, exponent, offset
    assert f'amplitude="-{gain}" exponent="2" offset="1"' in text
    assert np.abs(shown - picture.grey(picture.limit)).max() <= 0.51


def test_one_view_and_no_view_of_the_other():
    (image,) = Page(render(one_view())).all("svg")
    assert image["aria-label"].startswith("Posterior")


def one_view():
    scan = make_scan(("posterior", 60, 38, 0.9))
    return take_view(scan, scan.views[1])


def test_doubtful_views_are_marked():
    text = render(make_scan(RIB, view_source="guess"))
    assert "Anterior (?)" in text
    assert "Anterior (?)" not in render(make_scan(RIB))


def test_a_thousand_lesions_keep_the_page_small():
    text = render(make_crowded_scan(1000))
    assert len(text) < 3_000_000
    assert len(Page(text).all("tr")) < 100
    assert "The 60 largest of 1,000 lesions" in text


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        *((ink, ground, 4.5) for ink in ("ink", "quiet", "link") for ground in ("paper", "ground")),
        ("alert-ink", "alert-ground", 4.5),
        ("alert-ink", "ground", 4.5),
        ("notice-ink", "notice-ground", 4.5),
        ("simulated-ink", "simulated-ground", 4.5),
        ("lesion", "paper", 4.5),
        ("edge", "paper", 3),  # of controls
        ("link", "alert-ground", 3),  # the ring of the focus
    ],
)
def test_contrast_is_that_of_wcag_aa(text, ink, ground, least):
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text))
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast(colours[ink], colours[ground]) >= least


def test_texts_have_no_other_colours_than_those_that_are_checked(text):
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    named = {"var(--ink)", "var(--quiet)", "var(--link)", "var(--alert-ink)"}
    named |= {"var(--notice-ink)", "var(--simulated-ink)", "#4f5c69"}
    assert set(re.findall(r"[{;\s]color: ([^;}]+)", style)) <= named
