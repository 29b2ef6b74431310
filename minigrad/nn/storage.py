"""Keeping a module's values in a file: NumPy's own npz format."""

from __future__ import annotations

from os import PathLike
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt

from minigrad.core.fitting import fit
from minigrad.errors import DataError
from minigrad.nn.module import Module

Path = str | PathLike[str]


def save(path: Path, module: Module) -> None:
    """Write every tensor of the module under its dotted name to an npz file at `path`.

    >>> import minigrad as mg, tempfile, pathlib
    >>> layer, twin = mg.nn.Linear(2, 1, rng=0), mg.nn.Linear(2, 1, rng=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.save(pathlib.Path(folder) / "layer.npz", layer)
    ...     _ = mg.load(pathlib.Path(folder) / "layer.npz", twin)
    >>> bool((twin.weight == layer.weight).all())
    True
    """
    with ZipFile(path, "w") as archive:  # np.savez cannot store an array named "file"
        for name, t in module.named_tensors():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, t.numpy())


def load(path: Path, module: Module | None = None) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of a file that `save` wrote, and put them into `module` if one is given.

    Raises `DataError`, and changes nothing, where names or shapes are not those of the module,
    or a value does not fit into its dtype.
    """
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    if module is None:
        return arrays
    tensors = dict(module.named_tensors())
    if tensors.keys() != arrays.keys():
        missing, extra = sorted(tensors.keys() - arrays), sorted(arrays.keys() - tensors)
        raise DataError(f"{path}: not of this module: missing {missing}, not expected {extra}.")
    for name, t in tensors.items():
        if arrays[name].shape != t.shape:
            raise DataError(
                f"{path}: {name} has shape {arrays[name].shape}, the module's has {t.shape}."
            )
        fit(arrays[name], t.dtype, f"{path}: {name}")
    for name, t in tensors.items():
        t.assign(arrays[name])
    return arrays
