import json

import pytest

from bonescan.studies.peers.steps import STEPS_FILE, Steps


def test_a_step_is_done_once_and_what_failed_is_done_again(tmp_path):
    calls, told = [], []

    def plan():
        calls.append("plan")
        return {"batch_size": 4}

    def fail():
        raise RuntimeError("killed")

    first = Steps(tmp_path / "new", {"profile": "fast"}, announce=told.append)
    assert first.do("plan", plan) == {"batch_size": 4}
    with pytest.raises(RuntimeError, match="killed"):
        first.do("train", fail)
    second = Steps(tmp_path / "new", {"profile": "fast"}, announce=told.append)
    assert second.do("plan", plan) == {"batch_size": 4}
    assert second.do("train", lambda: {"seconds": 2.5}) == {"seconds": 2.5}
    assert calls == ["plan"]
    assert told == ["plan ...", "train ...", "plan: done before", "train ..."]
    assert len(second.revisions) == 1


def test_a_folder_takes_one_comparison(tmp_path):
    Steps(tmp_path, {"profile": "fast", "nnunet": "2.8.1"}, announce=print).do("plan", dict)
    with pytest.raises(ValueError, match=f"{STEPS_FILE}: folder must hold .* of another nnunet; g"):
        Steps(tmp_path, {"profile": "fast", "nnunet": "2.8.2"}, announce=print)
    assert json.loads((tmp_path / STEPS_FILE).read_text())["done"] == {"plan": {}}
