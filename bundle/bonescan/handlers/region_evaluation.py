"""How well a network tells bones apart, by bone, on patients that it has not seen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from bonescan import run_folder
from bonescan.files import write_json, write_text
from bonescan.handlers.distributed import gather
from bonescan.keys import IMAGE, LABEL, META_SCAN_ID, META_SIMULATED, PRED, patient_of
from bonescan.labels import REGION_GROUPS
from bonescan.metrics.bootstrap import bootstrap_interval, ratio
from bonescan.report.tables import markdown_table

POOLED = "all bones"


class RegionReport:
    """Gather the overlap of all scans and write the Dice of each bone, pooled over pixels.

    Written into `output_dir` (names in bonescan.run_folder): a summary as JSON and as a page, with
    95 % intervals over patients.

    Args:
        output_dir: folder to write to.
        name: what the system is called in the tables.
    """

    def __init__(self, *, output_dir: str | Path, name: str) -> None:
        self.output_dir = Path(output_dir)
        self.name = name

    def attach(self, engine: Engine) -> None:
        """Register on the events of the evaluation."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _start(self) -> None:
        # patient, whether it is simulated, and (2, group): twice the common pixels, those of both
        self.rows: list[tuple[str, bool, NDArray[np.int64]]] = []

    def _collect(self, engine: Engine) -> None:
        for entry, sample in zip(engine.state.batch, engine.state.output, strict=True):
            meta = sample[IMAGE].meta
            if not isinstance(sample.get(LABEL), torch.Tensor):
                raise ValueError(
                    "an entry that is evaluated must name its map of regions (`regions`), which "
                    f"simulated patients have; scan {meta[META_SCAN_ID]} has none"
                )
            pred, truth = (np.asarray(sample[key].cpu()) > 0 for key in (PRED, LABEL))
            patient = patient_of(entry, str(meta[META_SCAN_ID]))
            self.rows.append((patient, bool(meta[META_SIMULATED]), count_overlap(pred, truth)))

    def _finish(self, engine: Engine) -> None:
        self.rows = sorted(gather(self.rows), key=lambda row: row[0])
        if engine.state.rank != 0:
            return
        patients, simulated, overlaps = zip(*self.rows, strict=True)
        summary = summarise_regions(patients, np.stack(overlaps))
        document = {
            "patients": len(set(patients)),
            "scans": len(patients),
            "simulated": all(simulated),
            "dice": summary,
        }
        write_json(self.output_dir / run_folder.SUMMARY_JSON, {self.name: document}, indent=1)
        write_text(self.output_dir / run_folder.SUMMARY_PAGE, _page(self.name, document))


def count_overlap(pred: NDArray[np.bool_], truth: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count pixels by group.

    Args:
        pred: predicted masks (group, view, row, column).
        truth: true masks, the same shape.

    Returns:
        (2, group): twice the common pixels, and the pixels of both.

    Raises:
        ValueError: if the shapes differ.
    """
    if pred.shape != truth.shape:
        raise ValueError(f"prediction must have the truth's shape {truth.shape}, got {pred.shape}")
    pixels = tuple(range(1, pred.ndim))
    return np.stack([2 * (pred & truth).sum(pixels), pred.sum(pixels) + truth.sum(pixels)])


def summarise_regions(
    patients: Sequence[str], overlaps: NDArray[np.integer]
) -> dict[str, dict[str, Any]]:
    """Return the pooled Dice of each group and of all together, with intervals over patients.

    Args:
        patients: the patient of each scan.
        overlaps: (scan, 2, group) of count_overlap.

    Returns:
        By name of the group: `value` and `interval`; None where no scan shows or is said to show
        the group, or there is one patient only.
    """
    summed = np.concatenate([overlaps, overlaps.sum(axis=2, keepdims=True)], axis=2)

    def dice(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        common, both = (np.tensordot(weights, summed[:, part], axes=1) for part in range(2))
        return ratio(common, both)

    values = dice(np.ones(len(patients)))
    bounds = bootstrap_interval(dice, patients)
    names = (*REGION_GROUPS, POOLED)
    return {
        name: {"value": _plain(values[number]), "interval": list(map(_plain, bounds[:, number]))}
        for number, name in enumerate(names)
    }


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _page(name: str, document: Mapping[str, Any]) -> str:
    """Lay out a summary as Markdown."""
    origin = "simulated scans" if document["simulated"] else "scans"
    head = (
        f"{name}: {document['scans']} {origin} of {document['patients']} patients; pixels pooled, "
        "95 % intervals over patients."
    )
    rows = [
        [group.replace("_", " "), *map(_format, (each["value"], *each["interval"]))]
        for group, each in document["dice"].items()
    ]
    return f"{head}\n\n{markdown_table(['Bone', 'Dice', 'from', 'to'], rows)}\n"


def _format(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
