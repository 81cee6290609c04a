"""A bank of projected bodies on disk, from which any number of patients can be drawn.

A body depends on preset, seed and its number only; its images serve patients with any uptake,
findings and counts. A patient of a given primary tumour gets a body of fitting sex and age.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bonescan.files import write_json
from bonescan.phantom.anatomy.person import Sex
from bonescan.phantom.body_source import draw_new_body, draw_primary
from bonescan.phantom.files.body_files import read_body, write_body
from bonescan.phantom.files.claim import claim_folder, make_once, read_settings, versions
from bonescan.phantom.groups import group_primaries
from bonescan.phantom.imaging.bases import Bases
from bonescan.phantom.presets import BankPart, Preset, Primary
from bonescan.processes import run_each

SETTINGS_FILE = "bank.yaml"
BODIES_FILE = "bodies.json"
"""Written last: a bank that has it is complete."""
BODY_STREAM = 4
"""Bodies have seeds [seed, number, stream], apart from those of a cohort's patients."""


VALIDATION_DIGIT, TEST_DIGIT = 9, 0
"""Last digits of the numbers of the bodies for validation and for testing."""


def part_of(number: int) -> BankPart:
    """Return the part that a body belongs to: one in ten for validation, one in ten for testing."""
    if number % 10 == VALIDATION_DIGIT:
        return "validation"
    return "test" if number % 10 == TEST_DIGIT else "training"


@dataclass(frozen=True)
class BankPlan:
    """What a bank is made from, and where.

    Attributes:
        preset: whose patients' bodies they are.
        bodies: how many, 1 or more.
        seed: 0 or more.
        folder: where the bank lies.
    """

    preset: Preset
    bodies: int
    seed: int
    folder: Path

    def __post_init__(self) -> None:
        if self.bodies < 1:
            raise ValueError(f"number of bodies must be 1 or more, got {self.bodies}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, got {self.seed}")

    @property
    def numbers(self) -> range:
        """Numbers of the bodies, from 1."""
        return range(1, self.bodies + 1)

    def settings(self) -> dict[str, Any]:
        """Return everything that decides the bytes of the bank, as plain values."""
        made_of = {
            "cameras": [asdict(camera) for camera in self.preset.cameras],
            "people": [
                {
                    "primary": primary.name,
                    "share": primary.share,
                    "female_share": primary.female_share,
                    "age_range": primary.age_range,
                }
                for primary in _mixture(self.preset)
            ],
        }
        return {
            "simulated": True,
            **versions(),
            "preset": self.preset.name,
            "benign": self.preset.benign,
            # Through JSON: no tuples, so that it equals what is read back from the file.
            **json.loads(json.dumps(made_of)),
            "bodies": self.bodies,
            "seed": self.seed,
        }


def _mixture(preset: Preset) -> tuple[Primary, ...]:
    """Return the primary tumours of a preset's patients, each with its share of them."""
    if not preset.groups:
        return preset.primaries
    return tuple(
        replace(primary, share=primary.share * group.patients)
        for group in preset.groups
        for primary in group_primaries(preset, group)
    )


def build_bank(plan: BankPlan, *, workers: int = 1, cluster: str | None = None) -> None:
    """Build the bodies that are missing, then the list of all of them.

    Args:
        plan: what to build and where; the folder is created.
        workers: processes that build; 1 builds in this process.
        cluster: address of a Dask cluster that builds instead.

    Raises:
        ValueError: if the folder holds something else, there are no workers, or the cluster is not
            fit.
        OSError: if the folder cannot be written.
    """
    if workers < 1:
        raise ValueError(f"number of workers must be 1 or more, got {workers}")
    claim_folder(plan.folder, SETTINGS_FILE, plan.settings(), "bank")
    missing = [number for number in plan.numbers if not (plan.folder / _name(number)).exists()]
    done = plan.bodies - len(missing)
    build = partial(build_one, plan.preset, plan.seed)
    with (
        tqdm(total=plan.bodies, initial=done, unit="body", desc="Build") as bar,
        closing(
            run_each(build, missing, plan.folder, workers=workers, cluster=cluster)
        ) as finished,
    ):
        for _ in finished:
            bar.update()
    bodies = [_entry(plan.folder / _name(number), plan.preset, number) for number in plan.numbers]
    write_json(plan.folder / BODIES_FILE, [asdict(body) for body in bodies], indent=1)


def build_one(preset: Preset, seed: int, number: int, folder: Path) -> str:
    """Build one body into a folder of the bank that appears only when complete.

    Returns:
        The name of the body's folder.
    """

    def write(partial_folder: Path) -> None:
        rng = np.random.default_rng([seed, number, BODY_STREAM])
        people = replace(preset, primaries=_mixture(preset))
        write_body(draw_new_body(preset, draw_primary(people, rng), rng), partial_folder)

    return make_once(folder, _name(number), write)


def _name(number: int) -> str:
    return f"body-{number:05d}"


@dataclass(frozen=True)
class BodyEntry:
    """What decides for whom a body may be.

    Attributes:
        number: of the body, from 1.
        sex: "F" or "M".
        age: years.
        camera: number of the camera in the bank's list, from 0.
        implants: how many the body has.
    """

    number: int
    sex: Sex
    age: float
    camera: int
    implants: int


def _entry(folder: Path, preset: Preset, number: int) -> BodyEntry:
    bases = read_body(folder, "")
    return BodyEntry(
        number=number,
        sex=bases.body.person.sex,
        age=bases.body.person.age,
        camera=preset.cameras.index(bases.camera),
        implants=len(bases.body.implants),
    )


@dataclass(frozen=True)
class Bank:
    """A complete bank, or a part of it: where patients get their bodies from.

    Attributes:
        folder: where the bank lies.
        settings: what it was made from.
        bodies: those of the part.
        part: which of BANK_PARTS it is.
    """

    folder: Path
    settings: Mapping[str, Any]
    bodies: tuple[BodyEntry, ...]
    part: BankPart

    @classmethod
    def open(cls, folder: Path, part: BankPart = "all") -> "Bank":
        """Open a complete bank of this version of the simulator.

        Raises:
            ValueError: if there is none, it is not complete, or of another version.
        """
        path = folder / SETTINGS_FILE
        if not path.is_file():
            raise ValueError(
                f"{folder} must be a bank of bodies, got a folder without {SETTINGS_FILE}; make "
                "one with `bonescan simulate --bodies 300 -o FOLDER`"
            )
        settings = read_settings(path, "bank")
        different = [name for name, value in versions().items() if settings.get(name) != value]
        if different:
            raise ValueError(
                f"{folder} must be a bank of the same {', '.join(different)} as this one, got a "
                "bank that was made otherwise; make it again in another folder"
            )
        if not (folder / BODIES_FILE).is_file():
            raise ValueError(
                f"{folder} must be a complete bank, got one whose making was interrupted; run the "
                "command that made it again"
            )
        entries = [BodyEntry(**each) for each in json.loads((folder / BODIES_FILE).read_text())]
        bodies = tuple(each for each in entries if part in ("all", part_of(each.number)))
        if not bodies:
            raise ValueError(
                f"part of the bank {folder} must hold a body, got {part!r} with none of "
                f"{len(entries)} bodies; make a bank of 10 bodies or more"
            )
        return cls(folder, settings, bodies, part)

    @cached_property
    def name(self) -> str:
        """Short name that no bank of other bodies has: of two alike one may have more of them."""
        made_of = {key: value for key, value in self.settings.items() if key != "bodies"}
        content = json.dumps(made_of, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def summary(self) -> dict[str, Any]:
        """Return what a cohort says of the bank that it was drawn from, as plain values."""
        keys = ("preset", "bodies", "seed")
        return {"name": self.name, **{key: self.settings[key] for key in keys}, "part": self.part}

    def check_fits(self, preset: Preset) -> None:
        """Refuse a preset for some of whose patients the bank has no body.

        Raises:
            ValueError: if a camera is missing, or bodies for a primary tumour.
        """
        cameras = self._cameras(preset)
        if len(cameras) < len(preset.cameras):
            known = ", ".join(camera["model"] for camera in self.settings["cameras"])
            raise ValueError(
                f"bank {self.folder} must have the cameras of preset {preset.name}, got {known}; "
                f"make a bank with `bonescan simulate --preset {preset.name} --bodies N`"
            )
        for primary in _mixture(preset):
            self._weights(preset, primary)

    def draw(self, preset: Preset, primary: Primary, rng: np.random.Generator) -> Bases:
        """Return a body for a patient of that preset with that primary tumour.

        Raises:
            ValueError: if the bank has none, or its files are broken.
        """
        weights = self._weights(preset, primary)
        return self.load(self.bodies[rng.choice(len(weights), p=weights)].number)

    def load(self, number: int) -> Bases:
        """Return the body of that number."""
        return read_body(self.folder / _name(number), f"{self.name}/{number}")

    def _weights(self, preset: Preset, primary: Primary) -> NDArray[np.float64]:
        """Return the chance of each body, so that sex and age are as the primary tumour has them.

        That is how likely they are with that tumour, over how often the bank has them.
        """
        cameras = self._cameras(preset)
        weights = np.array(
            [
                _density(vars(primary), body) / self._density(body)
                if body.camera in cameras and (preset.benign or not body.implants)
                else 0.0
                for body in self.bodies
            ]
        )
        if not weights.any():
            low, high = primary.age_range
            raise ValueError(
                f"bank {self.folder} must hold a body for {primary.name} cancer (age {low} to "
                f"{high}) under a camera of preset {preset.name} in its part {self.part!r}, got "
                f"none among {len(self.bodies)}; make a bank with more bodies or of that preset"
            )
        return weights / weights.sum()

    def _cameras(self, preset: Preset) -> set[int]:
        """Return the numbers of the bank's cameras that are the preset's."""
        wanted = [json.loads(json.dumps(asdict(camera))) for camera in preset.cameras]
        return {
            number for number, camera in enumerate(self.settings["cameras"]) if camera in wanted
        }

    def _density(self, body: BodyEntry) -> float:
        """Return how likely sex and age of a body are in the bank, in any unit."""
        return sum(person["share"] * _density(person, body) for person in self.settings["people"])


def summarise_bank(folder: str | Path) -> dict[str, Any]:
    """Return what a record says of the bank in a folder (see Bank.summary)."""
    return Bank.open(Path(folder)).summary()


def _density(person: Mapping[str, Any], body: BodyEntry) -> float:
    """Return how likely sex and age of a body are among patients, per year of age."""
    low, high = person["age_range"]
    share = person["female_share"] if body.sex == "F" else 1 - person["female_share"]
    return share / (high - low) if low <= body.age <= high else 0.0
