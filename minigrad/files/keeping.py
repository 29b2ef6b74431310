"""`save` and `load`: a file for the weights of a network, or for a whole training."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from minigrad.core.node import begin_write
from minigrad.data.reading import open_file, size_of
from minigrad.errors import DataError
from minigrad.files import as_npz, as_safetensors
from minigrad.files.atomic import write_file
from minigrad.files.filling import Filling, clear, nested
from minigrad.files.packing import Packing, text_of, tree_of, unpacked

FORMATS = {".safetensors": as_safetensors, ".npz": as_npz}


def save(path: str | PathLike[str], thing: Any) -> None:
    """Write a module, an optimizer, or a structure of such things to a file at `path`.

    The end of the name says in which format: `.safetensors`, or NumPy's `.npz`. A structure is a
    dict, list or tuple of modules, optimizers, random generators, batches, tensors, arrays, plain
    numbers, texts and None, nested as you like. Of a module its tensors are kept, by their dotted
    names, and its generators (dropout's); of an optimizer its settings, counts and running means;
    of batches their shuffling. So a training that goes on from a file is the same to the last bit.

    The file is written whole or not at all: if the process is killed, the disk is full, or writing
    is not permitted (`OSError`), the old file is still there. Raises `DataError` for another end of
    the name, `TypeError` for what a file cannot hold.

    >>> import minigrad as mg, tempfile, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "training.safetensors")
    >>> network = mg.nn.Linear(2, 1, rng=0)
    >>> optimizer = mg.optim.Adam(network.parameters())
    >>> mg.save(path, {"network": network, "optimizer": optimizer, "epoch": 3})
    >>> fresh = mg.nn.Linear(2, 1, rng=1)
    >>> training = {"network": fresh, "optimizer": mg.optim.Adam(fresh.parameters()), "epoch": 0}
    >>> mg.load(path, training)["epoch"]
    3
    >>> bool((fresh.weight == network.weight).all())
    True
    >>> folder.cleanup()
    """
    path = Path(path)
    form = format_of(path)
    packing = Packing()
    tree = packing.pack(thing)
    write_file(path, form.encode(packing.arrays, text_of(tree, packing.arrays)))


def load(path: str | PathLike[str], thing: Any = None) -> Any:
    """Read a file that `save` wrote, or one of tensors from another program, into `thing`.

    What has a state is filled in place: modules, optimizers, generators, batches, tensors and
    arrays. `thing` is returned, with the numbers, texts and lists of them that the file holds in
    place of its own. Where it has None, whatever the file holds there comes back: arrays, and
    dicts of arrays by name for what has a state. So `load(path)` alone shows all of the file.

    Nothing changes unless everything fits: `DataError` with a table of what is missing, too much,
    or of another shape or dtype (float32 and float64 are converted, unless a number is too large);
    `DataError` as well for a file that is missing, damaged or made to do harm, which takes no more
    memory than its size allows, and nothing of which is ever run. `GraphError` for a tensor that
    is no leaf.

    Files of other programs hold tensors by name, as `safetensors.torch.save_file` writes them. The
    layouts are theirs: PyTorch's `Linear.weight` is (outputs, inputs), minigrad's the other way.

    >>> import minigrad as mg, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "layer.safetensors")
    ...     mg.save(path, mg.nn.Linear(2, 1, rng=0))
    ...     mg.load(path)["bias"]
    array([0.])
    """
    path = Path(path)
    stored, foreign = read(path)
    if thing is None:
        return stored
    filling = Filling(foreign)
    filled = filling.fill(thing, nested(thing, stored) if foreign else stored)
    filling.check(path)
    filling.write(begin_write())
    return filled


def read(path: Path) -> tuple[Any, bool]:
    """What a file holds, and whether another program wrote it: then tensors by name."""
    form = format_of(path)
    with open_file(path) as file:
        try:
            arrays, text = form.decode(file, size_of(file))
            for name, array in arrays.items():
                if array.dtype == bool and (array.view("u1") > 1).any():
                    raise ValueError(f"{name} holds booleans that are neither True nor False")
            if text is None:
                return arrays, True
            used: set[str] = set()
            stored = unpacked(tree_of(text, arrays), arrays, used)
            if used != arrays.keys():
                raise ValueError("it holds tensors that its table of contents does not know")
            return stored, False
        except Exception as error:  # whatever goes wrong in there, the file is to blame
            raise DataError(
                f"{path} is no {path.suffix} file, or damaged: {clear(reason(error))}. Nothing was "
                f"changed."
            ) from error


def reason(error: Exception) -> str:
    """Why a file could not be read, in the words of whoever noticed."""
    return str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"


def format_of(path: Path) -> ModuleType:
    """The module that encodes and decodes files whose name ends like this."""
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise DataError(
            f"{path}: the end of the name says in which format a file is; .safetensors and .npz "
            f"are known."
        )
    return form
