import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bonescan.files import read_rows
from bonescan.run_folder import name_input
from bonescan.workflow.archive import find_pending, take_share
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import ROOT

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
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'bundle'}",
        },
    )  # fmt: skip
    return done.stdout


def inputs(output: Path, table: str = "summary.csv") -> list[str]:
    return sorted(Path(row["input"]).parent.name for row in read_rows(output / table))


@pytest.mark.slow
def test_processes_leave_one_table_and_go_on_with_it(cohort, tmp_path):
    run, archive, output = tmp_path / "run", tmp_path / "archive", tmp_path / "output"
    run.mkdir()
    (run / "system.json").write_text(json.dumps({"network_def": NETWORK}))
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
