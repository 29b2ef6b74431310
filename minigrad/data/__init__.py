"""Data to learn from: real digits in the package, IDX files, and batches of either."""

from typing import NoReturn

from minigrad.data.batches import Batches, batches, split
from minigrad.data.digits import digits
from minigrad.data.idx import load_idx, read_idx
from minigrad.data.reading import MissingFileError

__all__ = [
    "Batches",
    "MissingFileError",
    "batches",
    "digits",
    "load_idx",
    "read_idx",
    "split",
]


def __getattr__(name: str) -> NoReturn:
    """Say what to write for a word that is not here."""
    from minigrad.elsewhere import absent

    raise absent(__name__, name)
