"""The results of a benchmark as JSON and Markdown, with the machine that they hold for."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch

from bundle.bench.measurement import Measurement

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
    rows = [_row(item) for item in document["measurements"]]
    notes = [f"- {item['name']}: {item['how']}." for item in document["measurements"]]
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
            "## How each was measured",
            "",
            *notes,
            "",
        ]
    )


def _row(item: Mapping[str, Any]) -> str:
    target = "" if item["target"] is None else f"at most {item['target']:g}"
    spread = f"{item['low']:.3g} to {item['high']:.3g}"
    return (
        f"| {item['name']} | {item['value']:.3g} | {item['unit']} | {spread} | {item['repeats']} "
        f"| {target} | {VERDICTS[item['met']]} |"
    )


def write_results(document: Mapping[str, Any], folder: Path) -> None:
    """Write benchmark.json and benchmark.md, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("benchmark.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n"),
        ("benchmark.md", to_markdown(document)),
    ):
        partial = folder / f"{name}.partial"
        partial.write_text(text, encoding="utf-8")
        partial.replace(folder / name)
