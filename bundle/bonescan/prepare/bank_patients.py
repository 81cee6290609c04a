"""Patients whose bodies come from the training part of a bank."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bonescan.data.datalist import read_datalist
from bonescan.dicom.scan import View
from bonescan.keys import BODY_OF
from bonescan.phantom.bank import Bank
from bonescan.phantom.body_source import BodySource
from bonescan.phantom.groups import find_group
from bonescan.phantom.patient import SimulatedPatient, draw_anyone
from bonescan.phantom.presets import BankPart, find_preset
from bonescan.prepare.device_bases import DeviceBodies

ENDLESS_STREAM = 5
"""Last of the words that a patient is drawn from, which no cohort and no bank has."""
PART: BankPart = "training"
WITHOUT_FILES = {
    "added_section": None,
    "labelled_only": True,
    "labelled_fraction": 1.0,
    "patches": False,
}
"""Keys of configs/train.yaml that choose files or what is cut of them, with the value that asks for
nothing."""


class BankPatients:
    """Draw patients of a preset, both views each, with bodies that are for training.

    Args:
        bank: folder of the bank.
        preset: name of the preset.
        datalist: of the run, whose patients validate and test.
        of_files: settings of the run that say which files of the datalist it trains on, by key:
            those of WITHOUT_FILES at most.
        device: where patients are summed up and counts are drawn, such as "cuda"; by NumPy if not
            given. The same patients with other noise.

    Raises:
        ValueError: if the bank is not fit (see `bonescan.phantom.bank.Bank`), no patient of the
            preset has a metastasis, the datalist has patients with bodies for training, or the
            run asks for files of its own.
    """

    def __init__(
        self,
        bank: str | Path,
        preset: str,
        datalist: str | Path,
        *,
        of_files: Mapping[str, Any],
        device: str | None = None,
    ) -> None:
        self.preset = find_preset(preset)
        if self.preset.free_share == 1:
            raise ValueError(
                f"preset of an endless training set must have metastases, got {preset!r}"
            )
        for key, value in of_files.items():
            if value != WITHOUT_FILES[key]:
                raise ValueError(
                    f"{key} must be {WITHOUT_FILES[key]} in an endless training, which takes no "
                    f"scan of the datalist, got {value!r}"
                )
        self.bank = Bank.open(Path(bank), PART)
        self.bank.check_fits(self.preset)
        self._check_apart(Path(datalist))
        source = self.bank.draw
        self.bodies: BodySource = source if device is None else DeviceBodies(source, device)

    def draw(self, words: Sequence[int], *, number: int) -> SimulatedPatient:
        """Draw a patient; the same arguments give the same one."""
        rng = np.random.default_rng([*words, ENDLESS_STREAM])
        return draw_anyone(
            self.preset,
            find_group(self.preset, number),
            tuple(View),
            rng,
            unit=int(rng.integers(2**31)),
            bodies=self.bodies,
        )

    def _check_apart(self, datalist: Path) -> None:
        """Check that nobody in a datalist has a body for training."""
        own = {f"{self.bank.name}/{body.number}" for body in self.bank.bodies}
        entries = [entry for section in read_datalist(datalist).values() for entry in section]
        shared = sum(entry.get(BODY_OF) in own for entry in entries)
        if shared:
            raise ValueError(
                f"{datalist}: patients must have other bodies than those that are trained on, got "
                f"{shared} of {len(entries)} with bodies of the bank's training part; draw them "
                "with `bonescan simulate --from-bank BANK --part validation`, or anew"
            )
