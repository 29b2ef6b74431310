"""What pytest leaves out when it collects the examples in docstrings, and where pages run."""

from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore_glob = [] if find_spec("scipy") else ["minigrad/ops/special*.py"]


@pytest.fixture(autouse=True)
def pages_run_in_an_empty_folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that a page's code writes are in nobody's way."""
    if request.path.suffix == ".md":
        monkeypatch.chdir(tmp_path)
