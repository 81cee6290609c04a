"""Draw which room of the package uses which, from the imports, for docs/explanation.

An arrow that follows from two others is left out: what uses the report uses the metrics, too.
"""

import argparse
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import grimp
import networkx as nx
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from bonescan.report.drawing import new_figure, save_png

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "bonescan"
BASE = "base"
"""Stands for the modules beside the rooms: keys, labels, errors, files, ..."""

Arrows = Mapping[tuple[str, str], int]

WIDTH_PX, LAYER_PX = 900, 84
BOX = (0.135, 0.42)
"""Width and height of a box, in the picture's width and in layers."""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/explanation/architecture.png")
    return parser


def read_layers() -> list[list[str]]:
    """Read the layers of the contract in pyproject.toml, from the highest to the base."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    names = [[part.strip() for part in re.split("[|:]", layer)] for layer in layers]
    prefix = f"{PACKAGE}."
    rooms = [
        [name.removeprefix(prefix) for name in row if name.startswith(prefix)] for row in names
    ]
    return [row for row in rooms if row]


def count_arrows(layers: Sequence[Sequence[str]]) -> Arrows:
    """Count the imports from each room into each other room; the last layer counts as one room."""
    room_of = {room: room for layer in layers for room in layer}
    room_of |= dict.fromkeys(layers[-1], BASE)
    graph = grimp.build_graph(PACKAGE)
    arrows: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            user, used = (room_of.get(f"{name}.".split(".")[1]) for name in (module, imported))
            if user and used and user != used:
                arrows[user, used] += 1
    return arrows


def place_rooms(layers: Sequence[Sequence[str]]) -> dict[str, tuple[float, float]]:
    """Return the middle of each room's box: x in 0..1, y in layers from the lowest."""
    centres = {}
    for level, rooms in enumerate(reversed([*layers[:-1], [BASE]])):
        for number, room in enumerate(rooms):
            shift = 0.06 if level % 2 else -0.06  # so that arrows do not run through boxes
            x = (number + 0.5) / len(rooms) + (shift if len(rooms) == 1 else 0)
            centres[room] = (x, level + 0.5)
    return centres


def draw(arrows: Arrows, layers: Sequence[Sequence[str]], path: Path) -> None:
    """Draw rooms in their layers, with an arrow wherever one uses another."""
    figure = new_figure(WIDTH_PX, LAYER_PX * len(layers))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, len(layers))
    axes.set_axis_off()
    centres = place_rooms(layers)
    for user, used in sorted(nx.transitive_reduction(nx.DiGraph(list(arrows))).edges):
        draw_arrow(axes, centres[user], centres[used], arrows[user, used])
    for room, centre in centres.items():
        draw_box(axes, room, centre)
    save_png(figure, path)


def draw_arrow(
    axes: Axes, user: tuple[float, float], used: tuple[float, float], number: int
) -> None:
    """Draw an arrow from the lower edge of a room to the upper edge of one that it uses."""
    half = BOX[1] / 2
    axes.add_patch(
        FancyArrowPatch(
            (user[0], user[1] - half),
            (used[0], used[1] + half),
            arrowstyle="-|>",
            mutation_scale=9,
            lw=0.6 + min(number, 20) / 10,
            color="#4c72b0",
            alpha=0.55,
            shrinkA=0,
            shrinkB=0,
        )
    )


def draw_box(axes: Axes, room: str, centre: tuple[float, float]) -> None:
    """Draw a room."""
    x, y = centre
    axes.add_patch(
        FancyBboxPatch(
            (x - BOX[0] / 2, y - BOX[1] / 2),
            *BOX,
            boxstyle="round,pad=0,rounding_size=0.01",
            facecolor="#f4f1ea" if room != BASE else "#e3e3e3",
            edgecolor="#333333",
            lw=1,
            mutation_aspect=WIDTH_PX / LAYER_PX,
        )
    )
    name = "keys, labels, files, ..." if room == BASE else room
    axes.text(x, y, name, ha="center", va="center", size=11 if room != BASE else 8)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    chosen = make_parser().parse_args(arguments)
    layers = read_layers()
    arrows = count_arrows(layers)
    draw(arrows, layers, chosen.output)
    print(f"{sum(arrows.values())} imports between rooms, drawn in {chosen.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
