from ignite.engine import Engine
from monai.engines.utils import IterationEvents
from torch import nn

from bonescan.studies.benchmark import results
from bonescan.studies.benchmark.results import DECIDE, FORWARD, MEASURE, READ, PartClock
from tests.report.scan_results import make_result

READ_S, FORWARD_S, DECIDE_S, WRITE_S, BARE_S = 7.0, 3.0, 0.5, 16.0, 32.0


def test_each_part_gets_its_own_time_and_the_bare_pass_none_of_it(clock, monkeypatch, tmp_path):
    class SlowWriter:
        def __call__(self, result, output_dir):
            clock.advance(WRITE_S)

    monkeypatch.setattr(results, "forward_pass", lambda *_: lambda: clock.advance(BARE_S))
    parts = PartClock(nn.Identity())
    writers = parts.wrap([SlowWriter(), SlowWriter()])

    def load():
        for _ in range(2):
            clock.advance(READ_S)
            yield None

    def infer(engine, _batch):
        clock.advance(FORWARD_S)
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        clock.advance(DECIDE_S)
        for writer in writers:
            writer(make_result(), tmp_path)

    engine = Engine(infer)
    engine.register_events(*IterationEvents)
    parts.attach(engine)
    engine.run(load(), epoch_length=2)
    assert parts.parts_s == {
        READ: [READ_S] * 2,
        FORWARD: [FORWARD_S] * 2,
        DECIDE: [DECIDE_S] * 2,
        MEASURE: [0.0] * 2,
        "SlowWriter": [WRITE_S] * 4,
    }
    assert parts.bare_s == [BARE_S] * 2
    assert parts.findings == [len(make_result().findings)] * 2
