"""How long patients without end take to reach a training, in one process or from several."""

import os
import resource
from collections.abc import Iterable

from torch.utils.data import DataLoader

from bonescan.phantom.bank import BankPlan, build_bank
from bonescan.phantom.presets import PRESETS
from bonescan.studies.benchmark.inputs import SEED, BenchmarkInputs, make_workflow, repeat_cohort
from bonescan.studies.benchmark.measurement import Measurement, time_s

PRESET = "he2024"
BODIES = 2
BATCH = 4
"""As in the fast profile; even, so that both views of a patient fall to one process."""
LOADERS = (0, 1, 2)
"""Processes that load data; with 0 the training draws its patients itself."""


def measure_endless(inputs: BenchmarkInputs) -> list[Measurement]:
    """Measure a pass of an endless set through the chain of the default system."""
    bank = inputs.folder / "bank"
    build_bank(BankPlan(PRESETS[PRESET], BODIES, SEED, bank))
    datalist = repeat_cohort(inputs.scans, inputs.folder / "cohort", 1)
    overrides = {
        "datalist": str(datalist),
        "bank": str(bank),
        "preset": PRESET,
        "patients": inputs.size.patients,
    }
    parser = make_workflow(["train", "endless"], overrides).parser
    dataset = parser.get_parsed_content("train#dataset")
    sampler = parser.get_parsed_content("sampler")
    return [
        _time_pass(
            DataLoader(dataset, BATCH, sampler=sampler, num_workers=number), dataset.patients
        )
        for number in LOADERS
    ]


def _time_pass(loader: DataLoader, patients: int) -> Measurement:
    before = _processor_s()
    wall_s = time_s(lambda: _exhaust(loader))
    each_s = (_processor_s() - before) / patients
    name = f"Patient without end, {loader.num_workers} loading processes"
    how = (
        f"processor time of all processes from the bank to samples of the default system, both "
        f"views of a patient; {patients / wall_s:.1f} patients a second on {os.cpu_count()} cores, "
        "with the start of the processes"
    )
    return Measurement(name, "s", [each_s], how)


def _exhaust(samples: Iterable[object]) -> None:
    for _ in samples:
        pass


def _processor_s() -> float:
    """Return the processor time of this process and of those that it has waited for."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)
