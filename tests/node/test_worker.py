import pytest

from bonescan.node.worker import AttemptFailedError, ScanRefusedError, Worker
from tests.factories import save
from tests.node.fakes import FakeLoader, make_scan
from tests.privacy import assert_silent


@pytest.fixture(scope="module")
def worker():
    worker = Worker(FakeLoader(), limit_s=6.0)
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def infer(worker, tmp_path):
    """Infer on a scan that tells the inference what to do."""

    def infer(word):
        file, folder = tmp_path / "scan.dcm", tmp_path / f"results of {word}"
        save(make_scan(1, SeriesDescription=word), file)
        folder.mkdir()
        worker.infer([file], folder)
        return sorted(path.name for path in folder.glob("*/*"))

    return infer


def test_results_are_written(infer, worker):
    assert infer("good") == ["measurements.dcm", "overlay.dcm"]
    assert worker.description["system"] == "Fake"


@pytest.mark.parametrize(
    ("word", "error", "told"),
    [
        ("refuse", ScanRefusedError, "scan.dcm: no bone scan"),
        ("break", AttemptFailedError, "RuntimeError"),
        ("die", AttemptFailedError, "the process of the inference died"),
        ("sleep 60", AttemptFailedError, r"nothing after 6 s"),
    ],
)
def test_what_goes_wrong_is_told_and_the_next_scan_is_inferred(infer, word, error, told):
    with pytest.raises(error, match=told) as raised:
        infer(word)
    assert_silent(str(raised.value))
    assert len(infer("good")) == 2


def test_a_system_that_cannot_be_loaded_is_told():
    with pytest.raises(RuntimeError, match="the system cannot be loaded: wrong weights"):
        Worker(FakeLoader("wrong weights"), limit_s=1.0).start()
