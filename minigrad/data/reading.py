"""Opening files that others have written, and how much memory one may take."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from minigrad.errors import DataError


class MissingFileError(DataError, FileNotFoundError):
    """A data file or a folder of data that is not there."""


def open_file(path: Path) -> BinaryIO:
    """The file, open to be read; it never waits, as the end of a pipe would.

    Raises MissingFileError if there is none, DataError if it is a folder, a pipe or a device, and
    what the system raises where reading is not permitted.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 (the caller closes it)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(
            f"{path} does not exist: check the name, and that it was fetched."
        ) from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder: pass one file.") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise DataError(f"{path} is no regular file but a pipe or a device: pass a file on a disk.")
    return file


def size_of(file: BinaryIO) -> int:
    """How many bytes an open file has."""
    return os.fstat(file.fileno()).st_size


def unpacked_limit(size: int) -> int:
    """How many bytes a compressed file of `size` bytes may hold: 100 times as many, or 1 MiB.

    Images and weights compress less than 20 times; 1,000 times is what zeros do, made to fill the
    memory of whoever unpacks them.

    >>> unpacked_limit(500), unpacked_limit(9_912_422)
    (1048576, 991242200)
    """
    return max(2**20, 100 * size)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
