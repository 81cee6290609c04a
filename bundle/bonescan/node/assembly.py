"""Which received objects make up a scan, and when it is complete."""

import time

from bonescan.data.find import are_pair, is_result, read_single_view
from bonescan.dicom.header import ImageHeader
from bonescan.node.folder import NodeFolder
from bonescan.node.queue import Queue, State, StoredObject


class Assembler:
    """Makes jobs of objects.

    A file of two views is a scan, and so is whatever cannot be read: inference will say why. A file
    of one view waits for the other one of its study; after a quiet time it is a scan by itself.

    Args:
        folder: of the node.
        queue: of the node.
        quiet_s: seconds since the last single view of its study after which a view stays alone.
    """

    def __init__(self, folder: NodeFolder, queue: Queue, *, quiet_s: float) -> None:
        self._folder = folder
        self._queue = queue
        self._quiet_s = quiet_s
        self._headers: dict[str, ImageHeader] = {}

    def step(self) -> None:
        """Make all jobs that can be made now."""
        singles = [one for one in self._queue.unassigned() if self._is_single(one)]
        self._headers = {one.file: self._headers[one.file] for one in singles}
        while singles:
            first = singles.pop(0)
            other = next((one for one in singles if self._are_pair(first, one)), None)
            if other is not None:
                singles.remove(other)
                self._queue.add_job([first.digest, other.digest])
            elif self._is_quiet(first):
                self._queue.add_job([first.digest])

    def _is_single(self, stored: StoredObject) -> bool:
        """Say whether an object is one view alone; make a job of any other."""
        if stored.file in self._headers:
            return True
        path = self._folder.objects / stored.file
        header = read_single_view(path)
        if header is not None:
            self._headers[stored.file] = header
            return True
        # An archive may send on to us all that comes in, our own results among it.
        state = State.DONE if is_result(path) else State.RECEIVED
        self._queue.add_job([stored.digest], state=state)
        if state is State.DONE:
            self._folder.remove_objects([stored.file])
        return False

    def _are_pair(self, first: StoredObject, second: StoredObject) -> bool:
        return are_pair(self._headers[first.file], self._headers[second.file])

    def _is_quiet(self, stored: StoredObject) -> bool:
        """Say whether nothing of an object's study has come for the quiet time."""
        owner = self._headers[stored.file].owner
        last = max(
            one.received
            for one in self._queue.unassigned()
            if one.file in self._headers and self._headers[one.file].owner == owner
        )
        return time.time() - last >= self._quiet_s
