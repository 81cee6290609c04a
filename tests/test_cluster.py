"""Work on two Dask workers of this machine, and clusters that are not fit for it."""

import contextlib
import hashlib
import os
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import pytest
from distributed import LocalCluster

from bonescan.cluster import cluster_pool
from bonescan.commands import main
from bonescan.phantom.cohort import Cohort, simulate_cohort
from bonescan.phantom.presets import PRESETS
from bonescan.processes import run_each
from bonescan.studies.experiments.execute import execute
from tests.cluster_work import die, die_once, note, perform

LOCAL = {"host": "127.0.0.1", "dashboard_address": ":0", "processes": True}


@pytest.fixture(scope="module")
def cluster():
    """Address of two workers with one thread each."""
    with LocalCluster(n_workers=2, threads_per_worker=1, **LOCAL) as made:
        yield made.scheduler_address


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_each_item_is_done_once_and_elsewhere(cluster, tmp_path):
    results = set(run_each(note, range(4), tmp_path, cluster=cluster))
    assert results == {0, 10, 20, 30}
    numbers, processes = zip(*(path.name.split("-") for path in tmp_path.iterdir()), strict=True)
    assert sorted(numbers) == ["0", "1", "2", "3"]
    assert str(os.getpid()) not in processes


@pytest.mark.slow
def test_a_failed_item_is_told_as_on_this_machine(cluster, tmp_path):
    with pytest.raises(ValueError, match=r"^patient 5 must have a spine, got none$"):
        list(run_each(note, [5], tmp_path, cluster=cluster))


@pytest.mark.slow
def test_what_a_lost_worker_had_is_given_to_another(cluster, tmp_path):
    assert list(run_each(die_once, [3], tmp_path, cluster=cluster)) == ["done by another"]


@pytest.mark.slow
def test_an_item_that_ends_its_workers_breaks_the_pool(cluster, tmp_path):
    with pytest.raises(BrokenProcessPool, match="those workers died"):
        list(run_each(die, [3], tmp_path, cluster=cluster))


@pytest.mark.slow
def test_a_cohort_has_the_same_bytes(cluster, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    simulate_cohort(Cohort(PRESETS["default"], 2, 11, tmp_path / "here"))
    words = ["simulate", "--patients", "2", "--seed", "11", "-o", "there", "--cluster", cluster]
    assert main(words) == 0
    assert "2 simulated patients in there" in capsys.readouterr().out
    assert tree(tmp_path / "there") == tree(tmp_path / "here")


@pytest.mark.slow
def test_a_grid_of_runs(cluster, tmp_path):
    needs = {"base": [], "prior": [], "next": ["prior"], "last": ["base"]}
    runs = [
        SimpleNamespace(
            label=name,
            folder=tmp_path / name,
            needs=tuple(tmp_path / other for other in others),
            parent=os.getpid(),
        )
        for name, others in needs.items()
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bonescan.studies.experiments.execute.perform", perform)
        lines: list[str] = []
        outcome = execute(runs, workers=1, cluster=cluster, announce=lines.append)
    assert [run.label for run, _ in outcome.failed] == ["base"]
    assert [run.label for run in outcome.skipped] == ["last"]
    assert {line.split("] ")[1].split(" (")[0] for line in lines} == {
        "base FAILED: training: out of memory", "prior: 1 s", "next: 1 s",
    }  # fmt: skip


@pytest.mark.slow
def test_other_software_is_refused(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("bonescan.versions.__version__", "99.0")
    message = r"workers of the cluster must have {'bonescan': '99.0'}, got one with {'bonescan': "
    with pytest.raises(ValueError, match=message), cluster_pool(cluster, tmp_path):
        pass


@pytest.mark.slow
def test_another_file_system_is_refused(cluster, tmp_path, monkeypatch):
    unseen = contextlib.nullcontext(SimpleNamespace(name=str(tmp_path / "unseen")))
    monkeypatch.setattr("tempfile.NamedTemporaryFile", lambda **_: unseen)
    message = "must be a folder that every worker of the cluster sees under the same name"
    with pytest.raises(ValueError, match=message), cluster_pool(cluster, tmp_path):
        pass


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "found"), [(0, "got no worker;"), (1, r"got \[2\];")])
def test_workers_of_several_threads_and_none_are_refused(tmp_path, workers, found):
    with LocalCluster(n_workers=workers, threads_per_worker=2, **LOCAL) as made:
        message = f"cluster .* must have workers of one thread each, {found} start them with: dask"
        with pytest.raises(ValueError, match=message):
            list(run_each(note, [1], tmp_path, cluster=made.scheduler_address))


def lose(cluster: LocalCluster, folder: Path) -> None:
    """Close a cluster that has work to do."""
    with cluster_pool(cluster.scheduler_address, folder) as pool:
        future = pool.submit(time.sleep, 60)
        cluster.close()
        future.result()


@pytest.mark.slow
def test_a_cluster_that_goes_away_is_told(tmp_path):
    message = "must stay until the work is done, but it has gone"
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, **LOCAL) as made,
        pytest.raises(RuntimeError, match=message),
    ):
        lose(made, tmp_path)


@pytest.mark.parametrize("address", ["127.0.0.1", "host:name", "", "tcp://127.0.0.1:9"])
def test_an_address_where_nobody_answers(address, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bonescan.cluster.CONNECT_S", 0.2)
    words = ["simulate", "--patients", "1", "-o", str(tmp_path / "new"), "--cluster", address]
    assert main(words) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: cluster must be the address of a Dask scheduler that answers")
    assert repr(address) in error


def test_a_missing_package_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ["simulate", "--patients", "1", "-o", str(tmp_path), "--cluster", "tcp://127.0.0.1:9"]
    assert main(words) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == (
        "error: --cluster must have the package distributed, which is not installed: "
        "pip install 'bone-scan-bundle[cluster]'"
    )


@pytest.mark.parametrize("command", [["simulate"], ["reproduce", "he2024_table2"]])
def test_processes_of_this_machine_and_a_cluster_are_not_both(command, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*command, "-o", str(tmp_path), "--workers", "2", "--cluster", "tcp://127.0.0.1:9"])
    assert "not allowed with argument --workers" in capsys.readouterr().err
