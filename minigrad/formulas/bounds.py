"""How much a formula may take, counted before it is taken.

A call costs the elements of the largest array that it is given or makes. What is up to `FREE` times
as large as all inputs together is free: it follows from the caller's own sizes, as the columns of
a convolution do. What is larger is paid from a purse that each call of the formula has, so that a
short text cannot ask for gigabytes (`one_hot([0], 300000000)`) or for hours.

Most words make an array of the shape that their arguments broadcast to, or as many elements as
they were given. The table `MAKES` says it for the others, from the arguments of the call; a test
calls all words with hostile numbers, and holds the table to what they really take.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

from minigrad.errors import FormulaError
from minigrad.formulas.words import words
from minigrad.tensor import Tensor

FREE = 32  # times the inputs' own size
PURSE = 4_000_000  # elements beyond it: 32 MB of float64
HEAVY = 300  # a decomposition of an n x n matrix costs about n / HEAVY times a pass over it
LOOP = 500  # an item of a Python loop costs as much as so many elements

Count = Callable[..., float]


class Purse:
    """What one call of a formula may still take."""

    def __init__(self, inputs: Iterable[Any]) -> None:
        self.free = FREE * sum(size(x) for x in inputs)
        self.left: float = PURSE

    def pay(self, name: str, parts: list[Any], keywords: tuple[str, ...]) -> None:
        """Pay for a call; `FormulaError` if it asks for more than is left."""
        taken: float = max(map(size, parts), default=0)
        with suppress(TypeError, ValueError, LookupError, AttributeError):  # the word itself will
            makes = MAKES.get(name, broadcast)  # say what is wrong with its arguments
            taken = max(taken, makes(*in_order(name, parts, keywords)))
        if taken <= self.free:
            return
        self.left -= taken * (effort(parts) if name in DECOMPOSITIONS else 1)
        if self.left < 0:
            raise FormulaError(
                f"formula: this asks for {count(taken)} numbers, far beyond the size of its "
                f"inputs; a formula has {PURSE:,} such numbers for all its parts together."
            )


def in_order(name: str, parts: list[Any], keywords: tuple[str, ...]) -> Iterable[Any]:
    """The arguments of a call as its word names them, in that order, None for what is left out."""
    if not keywords:
        return parts
    first = len(parts) - len(keywords)
    signature = inspect.signature(words()[name])
    bound = signature.bind(*parts[:first], **dict(zip(keywords, parts[first:], strict=True)))
    bound.apply_defaults()
    return *bound.args, *bound.kwargs.values()


def count(number: float) -> str:
    """A number of elements, as it reads best."""
    return f"{int(number):,}" if number < 1e15 else f"{float(number):.1e}"


# --- what is counted


def shape(x: Any) -> tuple[int, ...]:
    """The shape of an array, or of a nested list of numbers and arrays."""
    if isinstance(x, Tensor | np.ndarray):
        return x.shape
    if isinstance(x, list | tuple):
        return (len(x), *(shape(x[0]) if x else ()))
    return ()


def size(x: Any) -> int:
    """The elements of an array, or of all arrays and numbers in nested lists."""
    total, stack = 0, [x]
    while stack:
        part = stack.pop()
        if isinstance(part, Tensor | np.ndarray):
            total += part.size
        elif isinstance(part, list | tuple):
            stack.extend(part)
        else:
            total += 1
    return total


def largest(x: Any) -> float:
    """The largest of the numbers in an argument, at least 1."""
    values = np.abs(np.asarray(x._value if isinstance(x, Tensor) else x, dtype=float))
    return max(1.0, float(values.max(initial=0.0)))


def product(numbers: Any) -> float:
    """The product of lengths, of which -1 and 0 may be some."""
    with np.errstate(over="ignore"):
        return float(np.prod(np.maximum(np.abs(np.asarray(numbers, dtype=float)), 1.0)))


def broadcast(*args: Any) -> float:
    """The elements of the shape that all arguments broadcast to; of all where one is empty."""
    shapes = [shape(x) for x in args if isinstance(x, Tensor | np.ndarray | list | tuple)]
    width = max(map(len, shapes), default=0)
    padded = [(1,) * (width - len(s)) + s for s in shapes]
    together = [max(lengths) for lengths in zip(*padded, strict=True)]
    return float(prod(together)) if all(map(all, shapes)) else float(size(list(args)))


def matmul(a: Any, b: Any, *rest: Any) -> float:
    """Batches that broadcast, rows of one and columns of the other."""
    first, second = shape(a), shape(b)
    batch = broadcast(np.empty(first[:-2]), np.empty(second[:-2]))
    return batch * prod(first[-2:-1]) * prod(second[-1:] if len(second) > 1 else ())


def every_pair(a: Any, b: Any, *rest: Any) -> float:
    """An element for each pair of elements."""
    return float(size(a)) * size(b)


def dot(a: Any, b: Any, *rest: Any) -> float:
    """`dot`, `inner`: every pair, without the axis that is summed over."""
    summed = max(*shape(a)[-1:], 1)
    return every_pair(a, b) / summed ** (2 if shape(b) else 0)


def tensordot(a: Any, b: Any, axes: Any = 2) -> float:
    """Every pair, without the axes that are summed over."""
    if isinstance(axes, int):
        summed = prod(shape(a)[len(shape(a)) - axes :]) if axes > 0 else 1
    else:
        of_a = axes[0] if isinstance(axes[0], list | tuple) else [axes[0]]
        summed = prod(shape(a)[i] for i in of_a)
    return every_pair(a, b) / max(summed, 1) ** 2


def einsum(subscripts: Any, *operands: Any) -> float:
    """A multiplication for each combination of the indices, ten to an element."""
    if not isinstance(subscripts, str):
        return prod(float(size(x)) for x in (subscripts, *operands))
    lengths: dict[str, int] = {}
    batch = 1.0
    for term, operand in zip(subscripts.split("->")[0].split(","), operands, strict=True):
        before, dots, after = term.replace(" ", "").partition("...")
        lengths |= dict(zip(before, shape(operand), strict=False))
        lengths |= dict(zip(after[::-1], shape(operand)[::-1], strict=False))
        batch = max(batch, float(size(operand))) if dots else batch
    made = prod(float(lengths.get(letter, 1)) for letter in subscripts.partition("->")[2])
    work = prod(map(float, lengths.values())) * batch / 10
    return max(work, made * batch, float(size(list(operands))))


def convolve(a: Any, v: Any, *rest: Any) -> float:
    """A multiplication for each pair, a hundred to an element."""
    return max(size(a) + size(v), every_pair(a, v) / 100)


def conv(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, *rest: Any) -> float:
    """A column for each place of the filter, and the result."""
    filters, channels, *sizes = shape(w)
    border = sizes if isinstance(padding, str) else 2 * np.broadcast_to(padding, len(sizes))
    places = float(shape(x)[0])
    for n, more, s in zip(shape(x)[2:], border, np.broadcast_to(stride, len(sizes)), strict=True):
        places *= max((n + float(more)) / max(float(s), 1.0), 1.0)
    return places * max(filters, channels * prod(sizes))


def conv_transpose(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0,
                   output_padding: Any = 0, dilation: Any = 1, *rest: Any) -> float:  # fmt: skip
    """The result, and the columns that are folded into it."""
    _, outputs, *sizes = shape(w)
    settings = [np.broadcast_to(s, len(sizes)) for s in (stride, dilation, output_padding)]
    places = float(shape(x)[0])
    for n, k, s, d, more in zip(shape(x)[2:], sizes, *settings, strict=True):
        places *= float(n) * largest(s) + largest(d) * k + largest(more)
    return max(places, float(size(x)) * prod(sizes)) * outputs


def attention(query: Any, key: Any, *rest: Any) -> float:
    """A score for each query and key of a batch."""
    return matmul(query, np.swapaxes(np.broadcast_to(0, shape(key)), -1, -2))


def svd(a: Any, full: Any = True, *rest: Any) -> float:
    """Square matrices as long as the longer side, unless they are not asked for; as of `qr`."""
    if full not in (False, "reduced", "r", "raw"):
        return float(prod(shape(a)[:-2])) * max(shape(a)[-2:]) ** 2
    return float(size(a))


def lstsq(a: Any, b: Any, *rest: Any) -> float:
    """A solution for each column of b."""
    return float(shape(a)[-1]) * prod(shape(b)[1:])


def repeat(a: Any, repeats: Any, *rest: Any) -> float:
    """Each element as often as the largest of the numbers says."""
    return size(a) * largest(repeats)


def tile(a: Any, reps: Any) -> float:
    """The array as often as the product of the numbers says."""
    return size(a) * product(reps)


def in_shape(a: Any, lengths: Any, *rest: Any) -> float:
    """The elements of the shape that is asked for; its lengths are gone through one by one."""
    return max(product(lengths), LOOP * float(size(lengths)))


def full_like(a: Any, fill_value: Any, dtype: Any = None, order: Any = None, subok: Any = None,
              shape: Any = None, *rest: Any) -> float:  # fmt: skip
    """The elements of the shape that is asked for, or of the array."""
    return size(a) if shape is None else product(shape)


def pad(array: Any, width: Any, *rest: Any) -> float:
    """The largest width on all sides."""
    return prod(n + 2 * largest(width) for n in shape(array))


def diag(v: Any, k: Any = 0) -> float:
    """A square matrix around a vector."""
    return float(size(v) + abs(k)) ** 2 if len(shape(v)) == 1 else size(v)


def diagflat(v: Any, k: Any = 0) -> float:
    """A square matrix around all elements."""
    return float(size(v) + abs(k)) ** 2


def triangle(m: Any, *rest: Any) -> float:
    """Of a vector a row for each element, else the matrices themselves."""
    return float(size(m)) ** 2 if len(shape(m)) == 1 else size(m)


def one_hot(labels: Any, classes: Any, *rest: Any) -> float:
    """A number for each label and class."""
    return size(labels) * largest(classes) * size(classes)


def embedding(labels: Any, table: Any) -> float:
    """A row of the table for each label."""
    return float(size(labels)) * prod(shape(table)[1:])


def take(a: Any, indices: Any, axis: Any = None, *rest: Any) -> float:
    """For each index an element, or a slice of the array."""
    return size(indices) * (1.0 if axis is None else size(a) / max(shape(a)[axis], 1))


def getitem(a: Any, index: Any) -> float:
    """Arrays in the index broadcast together, and each stands for its axes."""
    if isinstance(a, tuple | list):
        return 1
    rest, arrays, axis = float(max(size(a), 1)), [], 0
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, list | np.ndarray | Tensor):
            chosen = part._value if isinstance(part, Tensor) else np.asarray(part)
            arrays.append(chosen)
            axes = chosen.ndim if chosen.dtype == bool else 1
            rest /= prod(max(n, 1) for n in shape(a)[axis : axis + axes])
            axis += axes
        elif part is not None and part is not Ellipsis:
            axis += 1
    return rest * broadcast(*arrays) if arrays else 1


def diff(a: Any, n: Any = 1, *rest: Any) -> float:
    """A pass over the array for each order."""
    return (size(a) + LOOP) * largest(n)


def split(a: Any, sections: Any, *rest: Any) -> float:
    """Results of which each is an array of its own."""
    parts = size(sections) if isinstance(sections, list | tuple | np.ndarray | Tensor) else sections
    return max(float(size(a)), LOOP * largest(parts))


def unstack(x: Any, axis: Any = 0) -> float:
    """An array for each item."""
    return max(float(size(x)), LOOP * float(shape(x)[axis]))


def meshgrid(*xi: Any) -> float:
    """For each vector an array as large as all of them make."""
    return len(xi) * prod(float(size(x)) for x in xi)


def broadcast_arrays(*arrays: Any) -> float:
    """Each array in the shape of all."""
    return len(arrays) * broadcast(*arrays)


def quantile(a: Any, q: Any, axis: Any = None, *rest: Any) -> float:
    """For each quantile the array without the axis."""
    return max(float(size(a)), size(q) * (1.0 if axis is None else float(size(a))))


def joined(arrays: Any, *rest: Any) -> float:
    """All elements of a list; an array in its place is read as a list, item by item."""
    loops = LOOP * shape(arrays)[0] if isinstance(arrays, Tensor | np.ndarray) else 0
    return max(float(size([arrays, *rest])), loops)


def choose(a: Any, choices: Any, *rest: Any) -> float:
    """For each choice the shape that it and the places, or conditions, broadcast to."""
    each = list(choices) if isinstance(choices, list | tuple) else [np.empty(shape(choices)[1:])]
    places = list(a) if isinstance(a, list | tuple) else [a]
    return max(len(choices) * broadcast(*places, *each), joined(choices))


def multi_dot(arrays: Any, *rest: Any) -> float:
    """The largest of the products, in whatever order: rows of one and columns of another."""
    sides = [n for x in arrays for n in shape(x)[-2:]]
    return max(joined(arrays), float(max(sides, default=1)) ** 2)


MAKES: dict[str, Count] = {
    "matmul": matmul, "solve": matmul, "matvec": every_pair, "vecmat": every_pair,
    "dot": dot, "inner": dot, "tensordot": tensordot, "einsum": einsum,
    "outer": every_pair, "kron": every_pair, "convolve": convolve, "correlate": convolve,
    "conv1d": conv, "conv2d": conv, "conv3d": conv, "conv_transpose2d": conv_transpose,
    "scaled_dot_product_attention": attention, "svd": svd, "qr": svd, "lstsq": lstsq,
    "repeat": repeat, "tile": tile, "resize": in_shape, "broadcast_to": in_shape, "pad": pad,
    "full_like": full_like, "diag": diag, "diagflat": diagflat, "tril": triangle, "triu": triangle,
    "one_hot": one_hot, "embedding": embedding, "take": take, "getitem": getitem,
    "diff": diff, "meshgrid": meshgrid,
    "split": split, "array_split": split, "hsplit": split, "vsplit": split, "dsplit": split,
    "unstack": unstack, "broadcast_arrays": broadcast_arrays,
    "quantile": quantile, "percentile": quantile,
    "nanquantile": quantile, "nanpercentile": quantile,
    "concatenate": joined, "concat": joined, "stack": joined, "hstack": joined, "vstack": joined,
    "dstack": joined, "column_stack": joined, "block": joined, "multi_dot": multi_dot,
    "select": choose, "choose": choose,
}  # fmt: skip
DECOMPOSITIONS = {
    *("svd", "svdvals", "qr", "eigh", "eigvalsh", "inv", "pinv", "solve", "det", "slogdet"),
    *("cholesky", "lstsq", "cond", "norm", "matrix_norm", "matrix_power", "tensorinv"),
    *("tensorsolve", "multi_dot"),
}


def effort(parts: list[Any]) -> float:
    """How many passes over its array a decomposition costs."""
    sides = [min(shape(x)[-2:]) for x in parts if len(shape(x)) > 1]
    return 1 + max(sides, default=0) / HEAVY
