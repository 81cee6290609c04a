"""The results of a benchmark as JSON and Markdown, with the machine that they hold for."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch

from bonescan.files import write_json, write_text
from bonescan.report.tables import UNDEFINED, markdown_table
from bonescan.studies.benchmark.measurement import Measurement

CPU_FACTS = Path("/proc/cpuinfo")


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
        "measurements": [measurement.to_entry() for measurement in measurements],
    }


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out a document of make_document as Markdown."""
    machine, entries = document["machine"], document["measurements"]
    common = [entry for entry in entries if entry["system"] is None]
    of_systems = [entry for entry in entries if entry["system"] is not None]
    parts = [
        "# Benchmark",
        f"Made with `{document['command']}` on {document['date']}: {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, load {machine['load_at_start']} "
        f"before the start; torch {machine['torch']} with {machine['threads']} threads, "
        f"Python {machine['python']}.",
        "Values are medians of the repeats. The two sides of a ratio are timed in turn, so that "
        "other load on the machine slows both; a ratio is the median of the ratios of pairs.",
        _table(common) if common else "",
        f"## Comparison of the systems\n{_systems_table(of_systems)}" if of_systems else "",
        f"## How each quantity was measured\n{_notes([*common, *of_systems])}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _table(entries: Sequence[Mapping[str, Any]]) -> str:
    header = ["measured quantity", "median", "unit", "range", "repeats", "target"]
    rows = [
        [
            entry["name"],
            _format(entry["value"]),
            entry["unit"],
            "" if entry["value"] is None else f"{entry['low']:.3g} to {entry['high']:.3g}",
            str(entry["repeats"]),
            _format_target(entry),
        ]
        for entry in entries
    ]
    return markdown_table(header, rows)


def _format(value: float | None) -> str:
    return UNDEFINED if value is None else f"{float(f'{value:.3g}'):g}"


def _format_target(entry: Mapping[str, Any]) -> str:
    if entry["target"] is None:
        return ""
    verdict = {None: "not measured", True: "met", False: "**missed**"}[entry["met"]]
    return f"at most {entry['target']:g}: {verdict}"


def _systems_table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Lay out one row for each system; the spread of the repeats is in the JSON alone."""
    units = {entry["name"]: entry["unit"] for entry in entries}
    values: dict[str, dict[str, float | None]] = {}
    for entry in entries:
        values.setdefault(entry["system"], {})[entry["name"]] = entry["value"]
    header = ["file in configs/systems", *(f"{name} ({unit})" for name, unit in units.items())]
    rows = [[system, *(_format(row[name]) for name in units)] for system, row in values.items()]
    return markdown_table(header, rows)


def _notes(entries: Sequence[Mapping[str, Any]]) -> str:
    """Say once how a quantity was measured, and of which systems if not of all."""
    systems: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        systems.setdefault((entry["name"], entry["how"]), []).append(entry["system"])
    total = len({entry["system"] for entry in entries} - {None})
    lines = []
    for (name, how), named in systems.items():
        of_all = named == [None] or len(named) == total
        lines.append(f"- {name}{'' if of_all else ' of ' + ', '.join(named)}: {how}.")
    return "\n".join(lines)


def write_results(document: Mapping[str, Any], folder: Path, *, stem: str) -> None:
    """Write STEM.json and STEM.md, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{stem}.json", document)
    write_text(folder / f"{stem}.md", to_markdown(document))
