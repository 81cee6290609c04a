"""The site is built of all documents, and a link that leads nowhere is an error."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scripts import build_site
from scripts.build_site import lay_out, lead_links, main, part_blocks, place_in_site

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))


class Loaded(HTMLParser):
    """Collects what a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"script": "src", "link": "href", "img": "src", "iframe": "src"}.get(tag)
        self.addresses += [value for name, value in attrs if name == wanted and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Return the site, built once."""
    folder = tmp_path_factory.mktemp("site")
    arguments = ["-o", str(folder / "site"), "--sources", str(folder / "sources")]
    assert main(arguments) == 0
    return folder / "site"


@pytest.mark.parametrize(
    ("source", "link", "led"),
    [
        ("README.md", "docs/README.md", "model-card.md"),
        ("README.md", "docs/results/realism.png", "results/realism.png"),
        ("docs/README.md", "../README.md", "index.md"),
        ("docs/explanation/architecture.md", "../../CONTRIBUTING.md", "../contributing.md"),
        ("docs/reference/dicom.md", "report.md#what", "report.md#what"),
        ("README.md", "https://monai.io/docs/README.md", "https://monai.io/docs/README.md"),
        ("README.md", "missing.md", "missing.md"),
    ],
)
def test_links_are_led_to_the_pages_of_the_site(source, link, led):
    assert lead_links(f"see [it]({link}), too", source) == f"see [it]({led}), too"


def test_a_link_to_what_the_site_lacks_is_refused():
    with pytest.raises(ValueError, match=r"must link to pages of the site, got Makefile: name it"):
        lead_links("[it](Makefile)", "README.md")


def test_no_two_pages_have_one_place():
    places = [place_in_site(path.relative_to(ROOT).as_posix()) for path in PAGES]
    places += build_site.PAGES.values()
    assert len(set(places)) == len(places) - 1, "only docs/README.md is in both"


@pytest.mark.parametrize("start", ["- a", "1. a", "| a |", "* a"])
def test_a_list_or_table_gets_its_blank_line(start):
    assert part_blocks(f"# T\n{start}\n") == f"# T\n{start}\n"
    assert part_blocks(f"Said:\n{start}\n{start}\n") == f"Said:\n\n{start}\n{start}\n"
    assert part_blocks(f"{start}\n  more\n{start}\n") == f"{start}\n  more\n{start}\n"
    assert part_blocks(f"```\nSaid:\n{start}\n```\n") == f"```\nSaid:\n{start}\n```\n"


def test_old_sources_do_not_stay(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/old.md").write_text("# Old")
    lay_out(tmp_path)
    assert not (tmp_path / "pages/old.md").exists()
    assert (tmp_path / "pages/index.md").read_text().startswith("# Bone scan bundle")


@pytest.mark.slow
def test_every_document_is_a_page_that_the_navigation_names(site):
    start = (site / "index.html").read_text(encoding="utf-8")
    for path in PAGES:
        place = place_in_site(path.relative_to(ROOT).as_posix())
        page = "results/index.html" if place == "results/README.md" else f"{place[:-3]}.html"
        assert (site / page).is_file()
        part = Path(page).parent.as_posix()
        beside = start if part == "." else next((site / part).glob("*.html")).read_text()
        assert Path(page).name in beside, f"{page} is in no navigation"


@pytest.mark.slow
def test_nothing_is_loaded_from_a_network(site):
    addresses = []
    for page in site.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        addresses += loaded.addresses
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    addresses += re.findall(r"(?:url\(|@import )[\"']?([^\"')]+)", styles)
    assert len(addresses) > 100
    assert [one for one in addresses if re.match(r"(https?:)?//", one)] == []


@pytest.mark.slow
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path, monkeypatch, capfd):
    def lay_out_with_a_broken_link(folder: Path) -> None:
        lay_out(folder)
        with (folder / "pages/index.md").open("a", encoding="utf-8") as page:
            page.write("\n[away](gone.md)\n")

    monkeypatch.setattr(build_site, "lay_out", lay_out_with_a_broken_link)
    code = main(["-o", str(tmp_path / "site"), "--sources", str(tmp_path / "sources")])
    assert code != 0
    assert "page does not exist" in capfd.readouterr().err
    assert not (tmp_path / "site").exists()
