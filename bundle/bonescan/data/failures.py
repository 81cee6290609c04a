"""Go on where a scan cannot be read, and say why it cannot."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monai.data import Dataset, list_data_collate

from bonescan.data.scan_reference import file_names
from bonescan.errors import one_line, root_cause
from bonescan.keys import FAILURE, IMAGE, IMAGE_PATH, META_SOURCES
from bonescan.run_folder import name_input

logger = logging.getLogger(__name__)


class TolerantDataset(Dataset):
    """A dataset in which an item that cannot be made is a record of why, not an exception.

    The record is {FAILURE: one line, IMAGE_PATH: file or files}.

    Args:
        data: entries with `image`.
        transform: the whole chain.
    """

    def __init__(self, data: Sequence[Mapping[str, Any]], transform: Callable[[Any], Any]) -> None:
        super().__init__(data=data, transform=transform)

    def _transform(self, index: int) -> Any:
        entry = self.data[index]
        try:
            return super()._transform(index)
        except (ValueError, RuntimeError) as err:  # MONAI wraps whatever a transform raises
            reason = one_line(root_cause(err))
            logger.debug("failure in the chain", exc_info=True)
            logger.warning("scan %d of %d left out: %s", index + 1, len(self), reason)
            return {FAILURE: reason, IMAGE_PATH: ", ".join(file_names(entry.get(IMAGE, "")))}


def tolerant_collate(batch: Sequence[Mapping[str, Any]]) -> Any:
    """Collate a batch of one sample; a failure passes as it is.

    Raises:
        ValueError: if the batch has more than one sample.
    """
    if len(batch) != 1:
        raise ValueError(f"batch must hold one scan, got {len(batch)}; set batch_size: 1")
    return dict(batch[0]) if FAILURE in batch[0] else list_data_collate(batch)


def make_failure(err: BaseException, meta: Mapping[str, Any]) -> dict[str, str]:
    """Return the record of a scan that was read and failed later on.

    Args:
        err: what happened.
        meta: of the scan, or of a batch of this scan alone.
    """
    sources = meta[META_SOURCES]
    text = sources if isinstance(sources, str) else sources[0]
    files = {source["path"] for source in json.loads(text).values()}
    return {FAILURE: one_line(root_cause(err)), IMAGE_PATH: name_input(files)}
