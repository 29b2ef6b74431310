"""The pages' code runs in an empty folder, so that the files it writes are in nobody's way."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change into a new folder for one page."""
    monkeypatch.chdir(tmp_path)
