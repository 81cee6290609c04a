"""Published parameters and test times beside our own: systems are measured, none is trained."""

import statistics
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from bonescan.files import write_json, write_text
from bonescan.notice import RESEARCH_USE
from bonescan.report.tables import markdown_table
from bonescan.studies.benchmark.measurement import time_s
from bonescan.studies.benchmark.report import describe_machine
from bonescan.studies.experiments.experiment import COSTS, PARAMETERS, TEST_S, Experiment, Row
from bonescan.studies.experiments.grid import CONFIGS, ROOT
from bonescan.workflow.command import lay_files
from bonescan.workflow.run_record import git_revision

TURNS = 3
"""Times that each system is measured, in turn with the others, so that what else the machine does
slows all alike. A default of ours."""
VIEWS = 2


def write_costs(experiment: Experiment, output: Path, *, command: str) -> Path:
    """Measure the rows of an experiment and write `NAME.json` and `NAME.md`.

    Returns:
        The Markdown file.
    """
    measured = measure_costs(experiment.rows)
    machine = describe_machine()
    document = {
        "costs": list(COSTS),
        "title": experiment.title,
        "source": experiment.source,
        "remarks": list(experiment.remarks),
        "rows": [
            {"name": row.name, "published": dict(row.published), "measured": measured[row.id]}
            for row in experiment.rows
        ],
        "machine": {key: machine[key] for key in ("cpu", "cores", "threads", "torch")},
        "command": command,
        "written_with": git_revision(ROOT),
    }
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / f"{experiment.name}.json", document)
    page = output / f"{experiment.name}.md"
    write_text(page, to_markdown(document))
    return page


def measure_costs(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Count the parameters of systems, and time a scan of two views through each.

    A time is that of network and inferer on the CPU, without reading and cropping, with random
    weights, on which it does not depend: the median of TURNS after a pass that warms up.

    Returns:
        COSTS by id of the row.
    """
    passes, parameters = {}, {}
    for row in rows:
        parser = read_system(row.system)
        network = parser.get_parsed_content("network_def").eval()
        size = parser.get_parsed_content("size")
        inferer = parser.get_parsed_content("inferer")
        passes[row.id] = partial(_infer, inferer, torch.rand(1, VIEWS, *size), network)
        parameters[row.id] = sum(weights.numel() for weights in network.parameters())
    turns = [{name: time_s(each) for name, each in passes.items()} for _ in range(TURNS + 1)]
    return {
        name: {
            PARAMETERS: parameters[name],
            TEST_S: statistics.median(turn[name] for turn in turns[1:]),
        }
        for name in passes
    }


def read_system(name: str) -> ConfigParser:
    """Read a file of configs/systems, without ending, laid over inference."""
    path = CONFIGS / "systems" / f"{name}.yaml"
    parser = ConfigParser()
    parser.read_config(list(lay_files([str(CONFIGS / "inference.yaml")], [path])))
    system = ConfigParser.load_config_file(str(path))
    parser.update({key: system[key] for key in system if key != "config_file"})
    return parser


@torch.no_grad()
def _infer(inferer: Any, views: torch.Tensor, network: torch.nn.Module) -> None:
    inferer(views, network)


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out what was measured as Markdown.

    Args:
        document: as write_costs writes it.
    """
    rows, machine = document["rows"], document["machine"]
    first = {kind: rows[0][kind] for kind in ("published", "measured")}
    lines = [
        [
            row["name"],
            *[f"{row[kind][PARAMETERS] / 1e6:.3f} M" for kind in first],
            *[f"{row[kind][TEST_S]:.2f} s" for kind in first],
            *[f"{row[kind][TEST_S] / first[kind][TEST_S]:.2f}" for kind in first],
        ]
        for row in rows
    ]
    header = [
        "system", "parameters, published", "parameters, ours", "test time, published",
        "test time, ours", "over that of the first, published", "over that of the first, ours",
    ]  # fmt: skip
    parts = [
        f"# {document['title']}: parameters and test time",
        f"{document['source']}. Nothing is trained here: parameters are counted at the paper's "
        f"size, and a time is that of one scan of {VIEWS} views through network and inferer, "
        f"without reading and cropping, with random weights: the median of {TURNS}.",
        markdown_table(header, lines),
        "\n".join(f"- {remark}" for remark in document["remarks"]),
        f"Made with `{document['command']}` on {machine['cpu']}, {machine['cores']} cores, "
        f"threads: {machine['threads']}, torch {machine['torch']}; the machine was shared. Page "
        f"written with revision {document['written_with']}.",
        f"{RESEARCH_USE}.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"
