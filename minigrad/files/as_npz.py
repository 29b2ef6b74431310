"""NumPy's own npz format: a zip archive with one npy file for each array. Nothing is unpickled."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import PureWindowsPath
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt

from minigrad.core.plain import REAL
from minigrad.core.trees import RESERVED
from minigrad.data.reading import unpacked_limit

Array = npt.NDArray[Any]
LONGEST_HEADER = 2000  # bytes of one array's, enough for 64 axes
OUR_MEMBER = f"{RESERVED}.json"


def encode(arrays: Mapping[str, Array], text: str) -> bytes:
    """A file of these arrays and of a text; equal ones give equal bytes."""
    whole = io.BytesIO()
    with ZipFile(whole, "w", ZIP_STORED) as archive:
        archive.writestr(ZipInfo(OUR_MEMBER), text)  # dated 1980, like all
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(ZipInfo(f"{name}.npy"), member.getvalue())
    return whole.getvalue()


def decode(file: BinaryIO, size: int) -> tuple[dict[str, Array], str | None]:
    """The arrays in a file of `size` bytes, and the text if it is one of ours."""
    with ZipFile(file) as archive:
        members = archive.infolist()
        check(members, size)
        arrays, text = {}, None
        for member in members:
            with archive.open(member) as packed:
                if member.filename == OUR_MEMBER:
                    text = packed.read().decode("ascii")
                else:
                    array = array_in(packed, member)
                    arrays[member.filename.removesuffix(".npy")] = array
    return arrays, text


def check(members: list[ZipInfo], size: int) -> None:
    """Raise `ValueError` for an archive that is no npz file, or unpacks to much more than it is."""
    names = [member.filename for member in members]
    for name in names:
        path = PureWindowsPath(name)  # which takes either slash
        if path.is_absolute() or path.root or ".." in path.parts:
            raise ValueError(f"a member has the name of another place, {name[:60]!r}")
        if not name.endswith(".npy") and name != OUR_MEMBER:
            raise ValueError(f"{name[:60]!r} is no array of NumPy's (.npy)")
    if len(set(names)) < len(names):
        raise ValueError("two members have one name")
    if any(member.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for member in members):
        raise ValueError("it is packed in a way that NumPy does not use")
    unpacked = sum(member.file_size for member in members)
    if unpacked > unpacked_limit(size):
        raise ValueError(
            f"it has {size} bytes, but holds {unpacked}; {unpacked_limit(size)} is the most that "
            f"it may. If it is what you want, read it with np.load"
        )


def array_in(packed: Any, member: ZipInfo) -> Array:
    """One array; its size is checked before its elements are read."""
    version = np.lib.format.read_magic(packed)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{member.filename[:60]!r} is of version {version}, unknown here")
    first = version == (1, 0)
    read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(packed, max_header_size=LONGEST_HEADER)
    if dtype.kind not in REAL:
        raise ValueError(f"{member.filename[:60]!r} holds {dtype}, not numbers")
    wanted, there = dtype.itemsize * math.prod(shape), member.file_size - packed.tell()
    if wanted != there or any(length < 0 for length in shape):
        raise ValueError(
            f"{member.filename[:60]!r} has {there} bytes, but {dtype} of shape {shape} has {wanted}"
        )
    data = bytearray(packed.read())
    array = np.ndarray(shape, dtype, data, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)
