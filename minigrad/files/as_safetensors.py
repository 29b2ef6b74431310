"""The format safetensors: a header in JSON, then the elements of all tensors, nothing to run.

Source: https://github.com/huggingface/safetensors, whose package writes the bytes and reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from minigrad.core.trees import RESERVED

Array = npt.NDArray[Any]
LONGEST_HEADER = 100_000_000  # bytes, as the format has it
OUR_KEY = "minigrad"
DTYPES = {
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    **{f"I{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    "BOOL": "|b1",
    "BF16": "<u2",  # the upper half of a float32
}
KNOWN = {np.dtype(letters) for name, letters in DTYPES.items() if name != "BF16"}


def encode(arrays: Mapping[str, Array], text: str) -> bytes:
    """A file of these arrays, in C order, and of a text."""
    from safetensors.numpy import save

    for name, array in arrays.items():
        if array.dtype not in KNOWN:
            raise TypeError(
                f"{name}: a file of the format safetensors cannot hold {array.dtype}. Give the "
                f"file a name that ends in .npz."
            )
    return save(dict(arrays), {OUR_KEY: text})


def decode(file: BinaryIO, size: int) -> tuple[dict[str, Array], str | None]:
    """The arrays in a file of `size` bytes, and the text if it is one of ours."""
    from safetensors import deserialize

    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > min(size - 8, LONGEST_HEADER):
        raise ValueError(f"it has {size} bytes, of which the header alone has {length}")
    header = json.loads(file.read(length).decode(), object_pairs_hook=without_repeats)
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    notes = header.pop(RESERVED, {})
    end = max((end_of(name, entry) for name, entry in header.items()), default=0)
    if 8 + length + end != size:
        raise ValueError(f"it has {size} bytes, but its header calls for {8 + length + end}")
    file.seek(0)
    arrays = {name: as_array(name, **found) for name, found in deserialize(file.read())}
    return arrays, notes.get(OUR_KEY) if isinstance(notes, dict) else None


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A table of the header; `ValueError` for a key that is there twice."""
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            raise ValueError(f"{key[:60]!r} is there twice")
        table[key] = value
    return table


def end_of(name: str, entry: Any) -> int:
    """Where the bytes of a tensor end."""
    match entry:
        case {"dtype": str(), "shape": list(), "data_offsets": [int(start), int(end)]}:
            if entry["dtype"] not in DTYPES:
                raise ValueError(f"{name[:60]!r} is {entry['dtype'][:20]}, unknown to NumPy")
            if 0 <= start <= end:
                return end
    raise ValueError(f"its header says nothing sensible of {name[:60]!r}")


def as_array(name: str, dtype: str, shape: list[int], data: bytearray) -> Array:
    """One tensor as an array of the machine's own dtype; bfloat16 becomes float32, exactly."""
    array = np.frombuffer(data, DTYPES[dtype])
    if dtype == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.reshape(shape).astype(array.dtype.newbyteorder("="), copy=False)
