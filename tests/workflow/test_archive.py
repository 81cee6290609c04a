import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pydicom
import pytest

from bonescan.files import read_rows
from bonescan.report.scan_result import ScanResult
from bonescan.run_folder import name_input
from bonescan.workflow.archive import find_pending, take_share
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import ROOT, describe_system

ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "GLOO_SOCKET_IFNAME": "lo",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONPATH": f"{ROOT}:{ROOT / 'bundle'}",
}
ENTRIES = [{"image": f"scan {number}.dcm"} for number in range(11)]


@pytest.mark.parametrize("processes", [1, 2, 3, 7, 11, 12, 40])
def test_each_scan_is_in_one_share_whatever_their_number(processes):
    shares = [take_share(ENTRIES, process, processes) for process in range(processes)]
    taken = [entry["image"] for share in shares for entry in share]
    assert sorted(taken) == sorted(entry["image"] for entry in ENTRIES)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("process", [-1, 3])
def test_there_are_as_many_shares_as_processes(process):
    with pytest.raises(ValueError, match=f"process must be 0 to 2, got {process}"):
        take_share(ENTRIES, process, 3)


def test_shares_stay_the_same_while_others_are_done(cohort, tmp_path):
    def shares(**how):
        return [
            find_pending(cohort, output_dir=tmp_path, process=number, processes=2, **how)
            for number in (0, 1)
        ]

    whole = shares()
    (tmp_path / "summary.csv").write_text(f"input\n{name_input([whole[1][0]['image']])}\n")
    assert shares(resume=True) == [whole[0], whole[1][1:]]


def infer(run: Path, archive: Path, output: Path, *words: str, processes: int) -> str:
    """Infer by torchrun, tables alone; return what is printed."""
    outputs = '[{"_target_": "bonescan.report.writers.SummaryWriter"}]'
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone",
            f"--nproc_per_node={processes}", "-m", "bonescan", "infer", "--trust", str(run),
            str(archive), "-o", str(output), *words, "--set", f"outputs={outputs}",
        ],
        check=False,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        env=ENVIRONMENT,
    )  # fmt: skip
    return done.stdout


def inputs(output: Path, table: str = "summary.csv") -> list[str]:
    return sorted(Path(row["input"]).parent.name for row in read_rows(output / table))


@pytest.mark.slow
def test_processes_leave_one_table_and_go_on_with_it(cohort, tmp_path):
    run, archive, output = tmp_path / "run", tmp_path / "archive", tmp_path / "output"
    run.mkdir()
    (run / "system.json").write_text(describe_system(network_def=NETWORK))
    save_weights(run / "model.pt", 0.9)
    names = [f"sim-000{number}" for number in (1, 2, 3)]
    for name in names:
        shutil.copytree(cohort / name, archive / name)
    broken = archive / "broken" / "scan.dcm"
    broken.parent.mkdir()
    broken.write_bytes(b"no DICOM")

    said = infer(run, archive, output, processes=2)
    assert inputs(output) == names, said
    assert inputs(output, "failures.csv") == ["broken"]
    assert said.count("1 of 4 inputs failed; see") == 1

    kept = read_rows(output / "summary.csv")
    shutil.copytree(cohort / "sim-0004", archive / "sim-0004")
    shutil.rmtree(broken.parent)
    said = infer(run, archive, output, "--resume", processes=2)  # one has nothing to do
    assert inputs(output) == [*names, "sim-0004"], said
    assert read_rows(output / "summary.csv")[:3] == kept
    assert not (output / "failures.csv").exists()
    assert not (output / ".lock").exists()


SCANS = 160
KILLED_AT, WARM_AT = 40, 50
"""Scans after which the first run is killed, and after which the second has all that it needs."""
MOST_MB = 25.0
"""That memory may grow by over 110 scans; ours: a quarter of what the writer below leaves."""


class MemoryWriter:
    """Note each scan and the most memory in MB that the process has had so far; die after some.

    It leaves 1 MB in objects that refer to each other, as pictures do.
    """

    def __init__(self, path: str, killed_at: int = 0) -> None:
        self.path = Path(path)
        self.killed_at = killed_at

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        cycle: list[Any] = [bytearray(1_000_000)]
        cycle.append(cycle)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        with self.path.open("a") as file:
            file.write(f"{result.scan_id} {peak_mb}\n")
        if len(self.path.read_text().splitlines()) == self.killed_at:
            os.kill(os.getpid(), signal.SIGKILL)


def fill_archive(source: Path, folder: Path, scans: int) -> None:
    """Write copies of a scan at half of its rows and columns, each of another patient."""
    image = pydicom.dcmread(source)
    frames = image.pixel_array[:, ::2, ::2]
    image.Rows, image.Columns = frames.shape[1:]
    image.PixelSpacing = [2 * float(mm) for mm in image.PixelSpacing]
    image.PixelData = frames.tobytes()
    for number in range(scans):
        uid = f"1.2.{number + 1}"
        image.PatientID = f"P{number}"
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
        image.StudyInstanceUID = f"{uid}.1"
        (folder / f"{number:03d}").mkdir(parents=True)
        image.save_as(folder / f"{number:03d}" / "scan.dcm")


@pytest.mark.slow
def test_memory_is_flat_and_a_killed_run_goes_on(trained_system, cohort, tmp_path):
    archive, output = tmp_path / "archive", tmp_path / "output"
    fill_archive(cohort / "sim-0001" / "scan.dcm", archive, SCANS)

    def infer_with(name: str, *words: str, **values: int) -> list[list[str]]:
        told = tmp_path / name
        witness = {"_target_": f"{__name__}.MemoryWriter", "path": str(told), **values}
        summary = {"_target_": "bonescan.report.writers.SummaryWriter"}
        label_map = {"_target_": "bonescan.report.writers.LabelMapWriter"}
        command = [
            sys.executable, "-m", "bonescan", "infer", "--trust",
            str(trained_system("lin2020_unet_res")), str(archive), "-o", str(output), *words,
            "--set", f"outputs={json.dumps([label_map, witness, summary])}",
        ]  # fmt: skip
        subprocess.run(command, check=False, cwd=ROOT, env=ENVIRONMENT, timeout=600)
        return [line.split() for line in told.read_text().splitlines()]

    first = infer_with("first", killed_at=KILLED_AT)
    kept = read_rows(output / "summary.csv")
    assert len(first) == KILLED_AT
    assert len(kept) == KILLED_AT - 1, "the scan in hand had no row yet"
    second = infer_with("second", "--resume")
    rows = read_rows(output / "summary.csv")
    assert rows[: len(kept)] == kept
    assert inputs(output) == [f"{number:03d}" for number in range(SCANS)], "each once"
    done = Counter(scan_id for scan_id, _ in first[:-1] + second)
    assert set(done.values()) == {1}, "none twice but the one in hand"
    assert len(list(output.glob("*/*_label.nii.gz"))) == SCANS
    peaks = [float(peak_mb) for _, peak_mb in second]
    assert peaks[-1] - peaks[WARM_AT] < MOST_MB
