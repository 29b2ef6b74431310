"""Data to learn from: real digits in the package, IDX files, and batches of either."""

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
