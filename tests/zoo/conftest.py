from collections.abc import Iterator

import pytest

from bonescan.zoo import package


@pytest.fixture(scope="module")
def _as_it_stands() -> Iterator[None]:
    """Leave the code of the package as it stands: to format all of it takes ten seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "format_code", lambda text: text)
        yield
