import time

import psutil
import pytest
import torch
from ignite.engine import Engine, Events

from bonescan.handlers.effort import EpochEffort, count_images, peak_memory_mb


def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_each_epoch_has_its_images_and_its_processor_time():
    rows = []
    engine = Engine(lambda engine, _: spin(0.1) if engine.state.epoch == 1 else time.sleep(0.1))
    effort = EpochEffort()
    effort.attach(engine)
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda: rows.append(effort.columns))
    batches = [{"image": torch.zeros(n, 1, 4, 5), "label": torch.zeros(7)} for n in (4, 4, 3)]
    engine.run(batches, max_epochs=2)
    assert [row["images"] for row in rows] == ["11", "11"], "the last batch may be smaller"
    busy, asleep = (float(row["processor_seconds"]) for row in rows)
    assert 0.3 <= busy < 1.0
    assert asleep < 0.15
    assert float(rows[0]["memory_mb"]) == pytest.approx(peak_memory_mb(), rel=0.05)


def test_a_batch_without_names_is_counted_by_its_first_part():
    assert count_images([torch.zeros(3, 2), torch.zeros(5)]) == 3


def test_memory_is_in_megabytes():
    now_mb = psutil.Process().memory_info().rss / 1e6
    assert 0.98 * now_mb <= peak_memory_mb() < 50 * now_mb
