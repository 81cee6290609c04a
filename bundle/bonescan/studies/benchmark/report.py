"""The results of a benchmark as JSON and Markdown, with the machine that they hold for."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch

from bonescan.files import write_json, write_text
from bonescan.studies.benchmark.measurement import Measurement

CPU_FACTS = Path("/proc/cpuinfo")
VERDICTS = {None: "", True: "met", False: "**missed**"}


def describe_machine() -> dict[str, Any]:
    """Return processor, memory, threads, load and versions."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_at_start": round(os.getloadavg()[0], 2),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _cpu_model() -> str:
    if CPU_FACTS.is_file():
        for line in CPU_FACTS.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def make_document(
    measurements: Sequence[Measurement], *, machine: Mapping[str, Any], command: str
) -> dict[str, Any]:
    """Return everything that is known of a benchmark, ready for JSON."""
    return {
        "machine": dict(machine),
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "measurements": [{**asdict(item), "met": item.met} for item in measurements],
    }


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out a document of make_document as Markdown."""
    machine = document["machine"]
    common = [item for item in document["measurements"] if item["system"] is None]
    of_systems = [item for item in document["measurements"] if item["system"] is not None]
    rows = [_row(item) for item in common]
    notes = [f"- {item['name']}: {item['how']}." for item in common]
    return "\n".join(
        [
            "# Benchmark",
            "",
            f"`{document['command']}` on {document['date']}: {machine['cpu']}, "
            f"{machine['cores']} cores, {machine['memory_gb']} GB; load {machine['load_at_start']} "
            f"before the start; torch {machine['torch']} with {machine['threads']} threads, "
            f"Python {machine['python']}.",
            "",
            "Medians of the repeats. The two sides of a ratio are timed in turn, so that what else "
            "the machine does slows both; a ratio is the median of the ratios of pairs.",
            "",
            "| what | value | unit | smallest to largest | repeats | target | |",
            "|---|---:|---|---:|---:|---:|---|",
            *rows,
            "",
            *_systems_table(of_systems),
            "## How each was measured",
            "",
            *notes,
            *_systems_notes(of_systems),
            "",
        ]
    )


def _systems_table(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lay out one row for each system; the spread of the repeats is in the JSON alone."""
    if not items:
        return []
    columns = list(dict.fromkeys((item["name"], item["unit"]) for item in items))
    found = {(item["system"], item["name"]): item for item in items}
    lines = [
        f"| {system} | {' | '.join(_number(found[system, name]) for name, _ in columns)} |"
        for system in dict.fromkeys(item["system"] for item in items)
    ]
    heads = [f"{name} ({unit})" for name, unit in columns]
    return [
        "## The systems beside each other",
        "",
        f"| configs/systems | {' | '.join(heads)} |",
        "|---|" + "---:|" * len(columns),
        *lines,
        "",
    ]


def _systems_notes(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say once how a column was measured, and of which systems if not of all."""
    systems: dict[tuple[str, str], list[str]] = {}
    for item in items:
        systems.setdefault((item["name"], item["how"]), []).append(item["system"])
    whole = len({item["system"] for item in items})
    return [
        f"- {name}{'' if len(those) == whole else ' of ' + ', '.join(those)}: {how}."
        for (name, how), those in systems.items()
    ]


def _number(item: Mapping[str, Any]) -> str:
    return "n/a" if item["value"] is None else f"{item['value']:.3g}"


def _row(item: Mapping[str, Any]) -> str:
    target = "" if item["target"] is None else f"at most {item['target']:g}"
    spread = "" if item["value"] is None else f"{item['low']:.3g} to {item['high']:.3g}"
    return (
        f"| {item['name']} | {_number(item)} | {item['unit']} | {spread} | {item['repeats']} "
        f"| {target} | {VERDICTS[item['met']]} |"
    )


def write_results(document: Mapping[str, Any], folder: Path, *, stem: str) -> None:
    """Write STEM.json and STEM.md, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{stem}.json", document)
    write_text(folder / f"{stem}.md", to_markdown(document))
