import pytest

from bonescan.node.queue import Queue, State, StoredObject, wait_before


@pytest.fixture
def queue(tmp_path):
    queue = Queue(tmp_path / "queue.sqlite")
    yield queue
    queue.close()


def stored(digest, received=0.0):
    return StoredObject(digest, f"{digest}-x.dcm", "1.2.840.10008.5.1.4.1.1.20", received)


def add_job(queue, *digests):
    for digest in digests:
        assert queue.add_object(stored(digest, float(len(digest))))
    return queue.add_job(digests)


def bring(queue, job, *states):
    for state in states:
        queue.start(job) if state is State.RUNNING else queue.move(job, state)


def test_objects_wait_in_the_order_in_which_they_came(queue):
    for digest, received in (("b", 5.0), ("a", 7.0), ("c", 2.0)):
        queue.add_object(stored(digest, received))
    assert [one.digest for one in queue.unassigned()] == ["c", "b", "a"]
    queue.add_job(["b"])
    assert [one.digest for one in queue.unassigned()] == ["c", "a"]
    assert queue.counts()["waiting"] == 2
    assert queue.pending_objects() == 3


def test_an_object_belongs_to_one_job(queue):
    job = add_job(queue, "a", "bb")
    assert queue.files_of(job) == ("a-x.dcm", "bb-x.dcm")
    queue.add_object(stored("c"))
    with pytest.raises(ValueError, match="must belong to no other, got a"):
        queue.add_job(["c", "a"])
    assert [one.digest for one in queue.unassigned()] == ["c"], "all of it or nothing"
    assert queue.counts()["received"] == 1


def test_an_object_is_added_once_unless_its_scan_has_failed(queue):
    job = add_job(queue, "a")
    assert queue.knows("a")
    assert not queue.add_object(stored("a"))
    bring(queue, job, State.RUNNING, State.FAILED)
    assert not queue.knows("a")
    assert queue.add_object(stored("a"))
    assert queue.files_of(job) == ()
    assert [one.digest for one in queue.unassigned()] == ["a"]


WAY = (State.RUNNING, State.READY, State.SENT, State.DONE)


@pytest.mark.parametrize("steps", range(len(WAY) + 1))
@pytest.mark.parametrize("state", State)
def test_states_follow_one_another_in_one_order(queue, steps, state):
    job = add_job(queue, "a")
    bring(queue, job, *WAY[:steps])
    allowed = {
        0: {State.RUNNING},
        1: {State.READY, State.RECEIVED, State.FAILED},
        2: {State.SENT},
        3: {State.DONE},
        4: set(),
    }[steps]
    if state in allowed:
        queue.move(job, state)
        assert queue.state_of(job) is state
    else:
        with pytest.raises(ValueError, match=rf"must come .*, got {state} \(job {job}\)"):
            queue.move(job, state)


def test_a_job_that_is_put_off_waits_while_the_next_one_is_due(queue):
    first, second = add_job(queue, "a"), add_job(queue, "bb")
    queue.start(first)
    queue.put_off(first, State.RECEIVED, wait_s=60.0, reason="no memory")
    assert queue.next_job(State.RECEIVED).number == second
    queue.start(second)
    assert queue.next_job(State.RECEIVED) is None
    assert queue.last_reason() == "no memory"
    queue.put_off(first, State.RECEIVED, wait_s=0.0, reason="again")
    again = queue.next_job(State.RECEIVED)
    assert (again.number, again.attempts) == (first, 2)
    queue.start(first)
    queue.move(first, State.READY)
    assert queue.next_job(State.READY).attempts == 0, "they count anew in each state"


def test_what_was_running_is_received_again_after_a_kill(tmp_path):
    before = Queue(tmp_path / "queue.sqlite")
    first, second, third = (add_job(before, digest) for digest in ("a", "bb", "ccc"))
    before.start(first)
    before.start(second)
    before.finish(second, ["overlay.dcm", "measurements.dcm"])
    before.note_sent(second, "overlay.dcm")
    after = Queue(tmp_path / "queue.sqlite")  # the first one is not closed, as after a kill
    assert after.recover() == 1
    states = [after.state_of(job) for job in (first, second, third)]
    assert states == [State.RECEIVED, State.READY, State.RECEIVED]
    assert after.unsent(second) == ["measurements.dcm"]
    assert after.needed_files() == {"a-x.dcm", "bb-x.dcm", "ccc-x.dcm"}
    after.close()
    before.close()


def test_files_are_needed_until_their_job_is_final(queue):
    done, failed = add_job(queue, "a"), add_job(queue, "bb")
    queue.add_object(stored("ccc"))
    bring(queue, done, *WAY)
    bring(queue, failed, State.RUNNING, State.FAILED)
    assert queue.needed_files() == {"ccc-x.dcm"}
    assert queue.done_files() == {"a-x.dcm"}
    assert queue.pending_objects() == 1
    assert queue.last_success() is not None


def test_waits_double_up_to_an_hour():
    assert [wait_before(attempts, 5.0) for attempts in (1, 2, 3, 11, 900)] == [
        5,
        10,
        20,
        3600,
        3600,
    ]
