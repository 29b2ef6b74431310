"""Hypothesis profiles: "ci", the default, tries the same few examples each time; "long" many.

`pytest -m long --hypothesis-profile=long` runs what takes minutes.
"""

import pytest
from hypothesis import settings

settings.register_profile("ci", max_examples=25, derandomize=True, deadline=None)
settings.register_profile("long", max_examples=500, deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("hypothesis_profile", None):
        settings.load_profile("ci")
