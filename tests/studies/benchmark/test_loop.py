import pytest
from ignite.engine import Engine, Events

from bonescan.studies.benchmark.loop import LoopComparison

LOAD_S, STEP_S, BARE_S, SAVE_S = 7.0, 3.0, 0.5, 16.0


@pytest.mark.parametrize(
    ("until", "pairs"),
    [
        (Events.ITERATION_COMPLETED, [(LOAD_S + STEP_S, BARE_S)] * 2),
        (Events.EPOCH_COMPLETED, [(2 * (LOAD_S + STEP_S) + SAVE_S, 2 * BARE_S)]),
    ],
)
def test_all_but_the_bare_work_falls_to_the_loop(clock, until, pairs):
    def load():
        for _ in range(2):
            clock.advance(LOAD_S)
            yield None

    engine = Engine(lambda *_: clock.advance(STEP_S))
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda: clock.advance(SAVE_S))
    comparison = LoopComparison(lambda _: lambda: clock.advance(BARE_S), until)
    comparison.attach(engine)
    engine.run(load(), max_epochs=1, epoch_length=2)
    assert comparison.pairs == pairs
