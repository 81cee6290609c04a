"""Where the fixtures are: in tests/fixtures.py, for whoever runs tests."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Load the fixtures, but not in the process that only hands tests out: torch takes seconds.

    Last, when coverage is measured: it counts the lines that importing runs.
    """
    config = session.config
    hands_out = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if not hands_out:
        config.pluginmanager.import_plugin("tests.fixtures")
