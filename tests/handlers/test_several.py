from ignite.engine import Engine, Events

from bonescan.handlers.several import Several


class Noting:
    def __init__(self, name, notes):
        self.name, self.notes = name, notes

    def attach(self, engine):
        engine.add_event_handler(Events.STARTED, lambda: self.notes.append(self.name))


def test_each_is_attached_in_order():
    notes = []
    engine = Engine(lambda _engine, _batch: None)
    Several([Noting("b", notes), Noting("a", notes)]).attach(engine)
    engine.run([0])
    assert notes == ["b", "a"]
