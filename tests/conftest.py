"""Where the fixtures are: in tests/fixtures.py, for whoever runs tests."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures, but not in the process that only hands tests out: torch takes seconds."""
    hands_out = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if not hands_out:
        config.pluginmanager.import_plugin("tests.fixtures")
