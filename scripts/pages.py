"""Write the pages of published results anew from their JSON, after a change of their wording.

Where the images of an experiment lie beside its JSON, its figures are first computed from them.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bonescan.commands.command import PUBLISHED, HelpFormatter
from bonescan.files import write_text
from bonescan.studies.benchmark import report
from bonescan.studies.experiments import (
    correlation_page,
    costs,
    decision_page,
    markdown,
    therapy_page,
    time_page,
)
from bonescan.studies.experiments.figures import find_deviations
from bonescan.studies.experiments.row_images import IMAGES_ENDING, read_published_images
from bonescan.studies.peers import page

LAYOUTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "correlations": correlation_page.to_markdown,
    "costs": costs.to_markdown,
    "decisions": decision_page.to_markdown,
    "therapy": therapy_page.to_markdown,
    "times": time_page.to_markdown,
    "experiment": markdown.to_markdown,
    "measurements": report.to_markdown,
    "peer": page.to_markdown,
}
"""How a document is laid out that has this key, the first of them if it has several."""


def lay_out(path: Path) -> str | None:
    """Return the page of a JSON document; None if it is of another kind.

    Raises:
        ValueError: if its figures are not those of the images beside it.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    images = path.with_name(f"{path.stem}{IMAGES_ENDING}")
    if images.is_file():
        deviations = list(find_deviations(document, read_published_images(images)))
        if deviations:
            raise ValueError(
                f"{path} must hold what {images.name} gives, got other "
                f"{'; '.join(deviations)}: run the experiment again"
            )
    layouts = [layout for key, layout in LAYOUTS.items() if key in document]
    return layouts[0](document) if layouts else None


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument(
        "--folder", type=Path, default=PUBLISHED, metavar="DIR", help="of the documents"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    for path in sorted(make_parser().parse_args(arguments).folder.glob("*.json")):
        text = lay_out(path)
        if text is not None:
            write_text(path.with_suffix(".md"), text)
            print(path.with_suffix(".md"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
