import os

import pytest
from ignite.engine import Engine

from bonescan.handlers.distributed import StopWhenOrphaned


def test_a_process_ends_when_its_parent_has_gone(monkeypatch):
    done = []
    engine = Engine(lambda _, batch: done.append(batch))
    StopWhenOrphaned().attach(engine)
    engine.run([1, 2])
    monkeypatch.setattr(os, "getppid", lambda: 1)
    with pytest.raises(RuntimeError, match="is gone"):
        engine.run([3])
    assert done == [1, 2]
