"""Arrays in IDX files, the format of MNIST and Fashion-MNIST.

An IDX file is two zero bytes, one byte for the element type, one for the number of axes, each
axis's length as a big-endian uint32, then the elements, big-endian, in C order. Source: Y. LeCun,
C. Cortes and C. Burges, The MNIST database, http://yann.lecun.com/exdb/mnist/.
"""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, Literal, cast

import numpy as np

from minigrad.data.reading import MissingFileError, open_file, size_of, unpacked_limit
from minigrad.errors import DataError

ELEMENT_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"
PREFIXES = {"train": "train", "test": "t10k"}


def load_idx(
    folder: str | os.PathLike[str], split: Literal["train", "test"] = "train"
) -> tuple[np.ndarray, np.ndarray]:
    """Load one half of MNIST, or of a set named and stored like it, as `(images, labels)`.

    Images are (N, 1, H, W) float32 in [0, 1], one channel, 1 where the file has 255; labels are
    (N,) int64. The folder holds `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, or
    `t10k-...` for the test half; a dot may stand before `idx`, and `.gz` at the end.

    Raises MissingFileError if a file or the folder is not there, and DataError if a file is
    malformed, is not of unsigned bytes in 3 axes (labels: 1), or if the two counts differ.

    Sets to download: https://github.com/zalandoresearch/fashion-mnist, which Debian and Ubuntu
    package as `dataset-fashion-mnist`, in `/usr/share/datasets/fashion-mnist`.

    >>> import pathlib, tempfile
    >>> from minigrad.data import load_idx
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     header = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2])
    ...     _ = (folder / "train-images-idx3-ubyte").write_bytes(header + bytes([0, 255]))
    ...     _ = (folder / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))
    ...     load_idx(folder)
    (array([[[[0., 1.]]]], dtype=float32), array([7]))
    """
    if split not in PREFIXES:
        raise DataError(f'split={split!r} is unknown: pass "train" or "test".')
    images_path = _find(Path(folder), f"{PREFIXES[split]}-images", axes=3)
    labels_path = _find(Path(folder), f"{PREFIXES[split]}-labels", axes=1)
    images, labels = _read_bytes(images_path, axes=3), _read_bytes(labels_path, axes=1)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images, but {labels_path} {len(labels)} labels: "
            "they are not of one set. Fetch both from one source."
        )
    return images[:, np.newaxis] / np.float32(255), labels.astype(np.int64)


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read the array in an IDX file: any element type, any number of axes, gzipped or not.

    Returns an array of its own, writeable, in the machine's byte order: uint8, int8, int16, int32,
    float32 or float64. What is gzipped is told by its content, never by its name.

    Raises MissingFileError if there is no such file, and DataError if it is not an IDX file, is
    corrupt, or has more or fewer bytes than its header calls for. All that is known before memory
    is taken for the elements; a gzipped file may hold 100 times its own size (or 1 MiB), no more.

    >>> import pathlib, tempfile
    >>> from minigrad.data import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "two-shorts")
    ...     _ = path.write_bytes(bytes([0, 0, 0x0B, 1, 0, 0, 0, 2, 0, 7, 1, 0]))
    ...     read_idx(path)
    array([  7, 256], dtype=int16)
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder: pass one file of it, or use load_idx(folder).")
    with open_file(path) as file:
        size = size_of(file)
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not packed:
            return _array(path, file, size, None)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _array(path, cast(BinaryIO, unpacked), None, unpacked_limit(size))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(
                f"{path}, {size} bytes of gzip, is corrupt: {error}. Fetch it again."
            ) from error


def _array(path: Path, file: BinaryIO, length: int | None, limit: int | None) -> np.ndarray:
    """The array in an open file of `length` bytes, or of not more than `limit` where packed."""
    dtype, shape = _header(path, file)
    start = 4 + 4 * len(shape)
    size = start + dtype.itemsize * math.prod(shape)
    calls = f"its header, {dtype.name} of shape {shape}, calls for {size}"
    if limit is not None and size > limit:
        raise DataError(
            f"{path} is not read: {calls} bytes, but a gzip file of its size may hold {limit} at "
            "most. If it is what you want, unpack it with gunzip first."
        )
    if length is None or length == size:  # one byte more than wanted shows what is too long
        content = file.read(size - start + 1)
        length = start + len(content)
    if length != size:
        many = f"{length - size} too many" if length > size else f"{size - length} missing"
        raise DataError(
            f"{path} has {'at least ' if limit and length > size else ''}{length} bytes, but "
            f"{calls}: {many}. Fetch it again."
        )
    try:
        array = np.ndarray(shape, dtype, content)
    except ValueError as error:  # more axes than NumPy has, or an empty array with huge ones
        raise DataError(f"{path} is of a shape that NumPy cannot hold ({error}).") from error
    return array.astype(dtype.newbyteorder("="))


def _find(folder: Path, stem: str, axes: int) -> Path:
    """Return the first file in `folder` that has one of the usual names."""
    if not folder.is_dir():
        raise MissingFileError(f"{folder} is not a folder: pass the folder that holds {stem}-...")
    names = [f"{stem}{mark}idx{axes}-ubyte{end}" for end in ("", ".gz") for mark in "-."]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise MissingFileError(f"{folder} holds none of {', '.join(names)}: put one of them there.")


def _read_bytes(path: Path, axes: int) -> np.ndarray:
    """Read an IDX file that has to hold unsigned bytes in so many axes."""
    array = read_idx(path)
    if array.dtype != np.uint8 or array.ndim != axes:
        raise DataError(
            f"{path} holds {array.dtype} of shape {array.shape}; its name promises uint8 "
            f"of ndim {axes}. Check that images and labels are not swapped."
        )
    return array


def _header(path: Path, file: BinaryIO) -> tuple[np.dtype, tuple[int, ...]]:
    """Read the element type as stored, big-endian, and the length of each axis."""
    begin = file.read(4)
    if len(begin) < 4:
        raise DataError(
            f"{path} has {len(begin)} bytes; an IDX file has at least 4. Fetch it again."
        )
    zeros, code, axes = struct.unpack(">HBB", begin)
    if zeros != 0 or code not in ELEMENT_TYPES:
        raise DataError(
            f"{path} begins with {begin.hex(' ')}; an IDX file begins with 00 00, then "
            f"{bytes(ELEMENT_TYPES).hex('|')} for its type. Check that this is the right file."
        )
    lengths = file.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise DataError(
            f"{path} has {4 + len(lengths)} bytes, but the header alone, of {axes} axes, "
            f"has {4 + 4 * axes}. Fetch it again."
        )
    return np.dtype(ELEMENT_TYPES[code]), struct.unpack(f">{axes}I", lengths)
