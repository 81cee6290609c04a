"""Build the site of the documents, which needs no network to be read.

The files stay as they are read in the repository. Here README.md becomes the first page and
docs/README.md the model card, and links are led to where their pages lie in the site.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bonescan.commands.command import HelpFormatter
from bonescan.files import write_text

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "README.md": "index.md",
    "docs/README.md": "model-card.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "LICENSE": "LICENSE",
}
"""Where files lie in the site that do not keep their place below docs."""
FOLDERS = ("docs", "models")
"""Folders whose pages and pictures the site has; below docs they lose its name."""
NOT_SHOWN = ("*.md", "*.pt", "*.json", "*.csv")
"""Files of models that are no pictures; pages are written anew."""
CONFIG = "zensical.toml"

LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)")
BLOCK_START = re.compile(r"(?:[-*+] |\d+\. |\|)")
"""How a line begins that GitHub, not Python-Markdown, lets follow on a paragraph: list, table."""


def place_in_site(source: str) -> str:
    """Return where a file of the repository lies in the site.

    Raises:
        ValueError: if the site does not have it.
    """
    if source in PAGES:
        return PAGES[source]
    if Path(source).parts[0] not in FOLDERS:
        raise ValueError(f"a page must link to pages of the site, got {source}: name it instead")
    return source.removeprefix("docs/")


def lead_links(text: str, source: str) -> str:
    """Return the text of a page with its links as they are in the site; others are left alone."""
    page = place_in_site(source)

    def lead(match: re.Match[str]) -> str:
        target = os.path.normpath(Path(source).parent / match[1])
        if not (ROOT / target).is_file():
            return match[0]
        return os.path.relpath(place_in_site(target), Path(page).parent)

    return LINK.sub(lead, text)


def part_blocks(text: str) -> str:
    """Put the blank line before lists and tables that Python-Markdown asks for."""
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        before = lines[-1] if lines else ""
        if line.lstrip().startswith("```"):
            in_code = not in_code
        ends_paragraph = before.strip() and before[0] not in " #" and not BLOCK_START.match(before)
        if ends_paragraph and BLOCK_START.match(line) and not in_code:
            lines.append("")
        lines.append(line)
    return "\n".join(lines) + "\n"


def lay_out(folder: Path) -> None:
    """Write the sources of the site into a folder, in place of what it holds."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    shutil.copytree(ROOT / "docs", pages, ignore=shutil.ignore_patterns("*.md", CONFIG))
    shutil.copytree(ROOT / "models", pages / "models", ignore=shutil.ignore_patterns(*NOT_SHOWN))
    shutil.copy(ROOT / "docs" / CONFIG, folder)
    shutil.copy(ROOT / "LICENSE", pages)
    documents = [ROOT / name for name in PAGES if name.endswith(".md")]
    for path in {*documents, *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))}:
        source = path.relative_to(ROOT).as_posix()
        text = part_blocks(lead_links(path.read_text(encoding="utf-8"), source))
        write_text(pages / place_in_site(source), text)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("site"), metavar="DIR")
    parser.add_argument(
        "--sources", type=Path, default=Path("build/site"), metavar="DIR", help="laid out for it"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code, which is that of zensical."""
    options = make_parser().parse_args(arguments)
    lay_out(options.sources)
    zensical = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    code = subprocess.run(zensical, cwd=options.sources, check=False).returncode  # noqa: S603
    if code == 0:
        shutil.rmtree(options.output, ignore_errors=True)
        shutil.move(options.sources / "site", options.output)
        print(f"To read it, with its search: python -m http.server --directory {options.output}")
    return code


if __name__ == "__main__":
    sys.exit(main())
