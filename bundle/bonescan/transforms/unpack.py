"""Take apart what an inferer gives in one piece."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.transforms import MapTransform
from monai.utils import TransformBackends


class Unpackd(MapTransform):
    """Put the items of an entry that is a dictionary in its place, under their own names.

    Args:
        keys: entries to unpack.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's name and type

    def __init__(self, keys: Sequence[str] | str) -> None:
        super().__init__(keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the sample with the items as entries of their own."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample |= sample.pop(key)
        return sample
