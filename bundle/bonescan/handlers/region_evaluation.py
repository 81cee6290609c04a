"""How well a network tells bones apart, by bone, on patients that it has not seen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.utils import convert_to_tensor
from numpy.typing import NDArray

from bonescan import run_folder
from bonescan.files import write_json, write_text
from bonescan.handlers.distributed import gather
from bonescan.keys import IMAGE, LABEL, META_SCAN_ID, META_SIMULATED, PRED, patient_of
from bonescan.labels import REGION_GROUPS
from bonescan.metrics.bootstrap import bootstrap_interval, ratio
from bonescan.report.tables import markdown_table
from bonescan.transforms.regions import to_channels

POOLED = "all bones"


class RegionReport:
    """Gather the overlap of all scans and write the Dice of each bone, pooled over pixels.

    Written into `output_dir`: a summary as JSON and as a page, with
    95 % intervals over patients.

    Args:
        output_dir: folder to write to.
        name: what the system is called in the tables.
        keys: prediction and truth in a sample: masks (group, view, row, column), or region maps
            (view, row, column), int64.
        optional: leave out scans without truth, as most real ones are, in place of refusing them;
            where none is left, nothing is written.
        file_stem: of the files that are written.
    """

    def __init__(
        self,
        *,
        output_dir: str | Path,
        name: str,
        keys: Sequence[str] = (PRED, LABEL),
        optional: bool = False,
        file_stem: str = Path(run_folder.SUMMARY_JSON).stem,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.name = name
        self.pred_key, self.truth_key = keys
        self.optional = optional
        self.file_stem = file_stem

    def attach(self, engine: Engine) -> None:
        """Register on the events of the evaluation."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _start(self) -> None:
        # patient, whether it is simulated, and (2, group): twice the common pixels, those of both
        self.rows: list[tuple[str, bool, NDArray[np.int64]]] = []

    def _collect(self, engine: Engine) -> None:
        for entry, output in zip(engine.state.batch, engine.state.output, strict=True):
            sample = {**entry, **output}  # what was loaded stays in the batch
            meta = sample[IMAGE].meta
            if not isinstance(sample.get(self.truth_key), torch.Tensor):
                if self.optional:
                    continue
                raise ValueError(
                    "an entry that is evaluated must name its map of regions (`regions`), which "
                    f"simulated patients have; scan {meta[META_SCAN_ID]} has none"
                )
            pred, truth = (_to_masks(sample[key]) for key in (self.pred_key, self.truth_key))
            patient = patient_of(entry, str(meta[META_SCAN_ID]))
            self.rows.append((patient, bool(meta[META_SIMULATED]), count_overlap(pred, truth)))

    def _finish(self, engine: Engine) -> None:
        self.rows = sorted(gather(self.rows), key=lambda row: row[0])
        if engine.state.rank != 0 or not self.rows:
            return
        patients, simulated, overlaps = zip(*self.rows, strict=True)
        summary = summarise_regions(patients, np.stack(overlaps))
        document = {
            "patients": len(set(patients)),
            "scans": len(patients),
            "simulated": all(simulated),
            "dice": summary,
        }
        path = self.output_dir / self.file_stem
        write_json(path.with_suffix(".json"), {self.name: document}, indent=1)
        write_text(path.with_suffix(".md"), _page(self.name, document))


def _to_masks(maps: torch.Tensor) -> NDArray[np.bool_]:
    plain = convert_to_tensor(maps, track_meta=False).cpu()
    return np.asarray(to_channels(plain) if plain.dtype == torch.int64 else plain) > 0


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
