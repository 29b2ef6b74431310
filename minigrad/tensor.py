"""`Tensor`: an array that remembers how it was computed.

Operators, methods and NumPy's own functions (`np.exp(t)`, `np.sum(t, axis=1)`) all lead to the
same ops. The two NumPy protocols at the end of the class look them up in the registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from minigrad.core.node import Array, Node, Write, as_real_array, leaf
from minigrad.core.op import registry
from minigrad.core.sweep import seed, sweep
from minigrad.errors import GraphError, LeavesGraphError, ShapeError
from minigrad.ops import arithmetic, indexing, products, reductions, shaping


class Tensor(Node):
    """An array of real numbers that records what is computed from it.

    `data` (numbers, nested lists, an array, a tensor) is copied. With `requires_grad=True`,
    which needs a floating-point dtype, `backward()` of any result leaves the gradient in `grad`:
    an array of this shape and dtype. `name` is shown in diagrams and messages.

    Raises `GradientTypeError` (a `TypeError`) for complex or other data, and for integers or
    booleans that are to require a gradient.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ()

    def __init__(
        self,
        data: Any,
        *,
        requires_grad: bool = False,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        self._become_leaf(as_real_array(data, dtype), requires_grad, name)

    # --- what it is

    @property
    def data(self) -> Array:
        """The values, as a read-only view; `assign` writes."""
        view = self._value.view()
        view.flags.writeable = False
        return view

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient may be needed here: a leaf that asked for one, or made from one."""
        return self._tracked

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._value.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._value.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type."""
        return self._value.dtype

    @property
    def T(self) -> Tensor:  # noqa: N802  (ndarray's name)
        """The axes reversed."""
        return shaping.transpose(self)

    @property
    def mT(self) -> Tensor:  # noqa: N802  (ndarray's name)
        """The last two axes exchanged: each matrix transposed."""
        if self.ndim < 2:
            raise ShapeError(f"mT needs a matrix, two axes or more; got shape {self.shape}.")
        return shaping.transpose(self, (*range(self.ndim - 2), self.ndim - 1, self.ndim - 2))

    def __repr__(self) -> str:
        values = np.array2string(self._value, separator=", ", prefix="Tensor(")
        dtype = "" if self.dtype in (np.float64, np.int64, np.bool_) else f", dtype={self.dtype}"
        name = f", name={self.name!r}" if self.name else ""
        tracked = ", requires_grad=True" if self._tracked else ""
        return f"Tensor({values}{dtype}{name}{tracked})"

    # --- gradients

    def backward(self, grad: Any = None, *, create_graph: bool = False) -> None:
        """Add the gradient of this tensor to the `grad` of every leaf that requires one.

        A tensor of more than one element needs the cotangent `grad`, of its shape. The graph
        stays as it is; calling again adds again. With `create_graph` the gradients are tensors
        that can be differentiated in turn. If anything raises, no `grad` has changed.

        Raises `ShapeError` for a cotangent that is missing or of another shape, `GraphError`
        where nothing requires a gradient.

        >>> import minigrad as mg
        >>> x = mg.Tensor(3.0, requires_grad=True, name="x")
        >>> (x**2 + x).backward()
        >>> x.grad
        array(7.)
        """
        if not self._tracked:
            raise GraphError(
                "backward: this tensor was not computed from any tensor that requires a gradient "
                "(or under no_grad). Make the parameters with requires_grad=True."
            )
        cotangent = seed(self, grad, record=create_graph)
        reached = sweep([(self, cotangent)], record=create_graph)
        written = [(x, accumulated(x, g, create_graph)) for x, g in reached]
        for x, total in written:
            x.grad = total

    def detach(self) -> Tensor:
        """The same values without their past: a leaf that requires no gradient."""
        return leaf(self, self._value.view(), view=True)

    def numpy(self) -> Array:
        """The values as a plain array, out of the graph: a read-only view."""
        return self.data

    def item(self) -> float:
        """The only element as a Python number; `ValueError` if there are more."""
        return self._value.item()

    def assign(self, value: Any) -> None:
        """Write new values of the same shape into this leaf, in place.

        A later `backward()` that needs the values from before raises `OverwrittenError`.
        Raises `GraphError` for the result of an op, `ShapeError` for another shape.

        >>> import minigrad as mg
        >>> w = mg.Tensor([1.0, 2.0], requires_grad=True)
        >>> w.assign(w.data - 0.5)
        >>> w
        Tensor([0.5, 1.5], requires_grad=True)
        """
        if self.op is not None or self._value.base is not None:
            raise GraphError(
                "assign: only a leaf can be written, not a result or a view of one. Make a leaf "
                "of its own with mg.Tensor(t.data)."
            )
        new = as_real_array(value)
        if new.shape != self.shape:
            raise ShapeError(f"assign: the tensor has shape {self.shape}, the value {new.shape}.")
        self._value[...] = new
        self._written = Write.now()

    # --- operators

    __add__ = arithmetic.add
    __sub__ = arithmetic.subtract
    __mul__ = arithmetic.multiply
    __truediv__ = arithmetic.divide
    __matmul__ = products.matmul
    __pow__ = arithmetic.power_as_numpy_does
    __neg__ = arithmetic.negative
    __pos__ = arithmetic.positive_
    __abs__ = arithmetic.absolute
    __getitem__ = indexing.getitem

    def __radd__(self, other: Any) -> Tensor:
        return arithmetic.add(other, self)

    def __rsub__(self, other: Any) -> Tensor:
        return arithmetic.subtract(other, self)

    def __rmul__(self, other: Any) -> Tensor:
        return arithmetic.multiply(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return arithmetic.divide(other, self)

    def __rmatmul__(self, other: Any) -> Tensor:
        return products.matmul(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return arithmetic.power(other, self)

    # --- comparisons: plain boolean arrays

    def __eq__(self, other: Any) -> Any:
        return self._value == plain(other)

    def __ne__(self, other: Any) -> Any:
        return self._value != plain(other)

    def __lt__(self, other: Any) -> Any:
        return self._value < plain(other)

    def __le__(self, other: Any) -> Any:
        return self._value <= plain(other)

    def __gt__(self, other: Any) -> Any:
        return self._value > plain(other)

    def __ge__(self, other: Any) -> Any:
        return self._value >= plain(other)

    __hash__ = object.__hash__

    # --- methods, as ndarray's

    sum = reductions.sum
    mean = reductions.mean
    max = reductions.max
    min = reductions.min
    dot = products.dot
    squeeze = shaping.squeeze

    def reshape(self, *shape: Any, order: str = "C") -> Tensor:
        """The same values in another shape: `t.reshape(2, -1)` or `t.reshape((2, -1))`."""
        return shaping.reshape(self, shape[0] if len(shape) == 1 else shape, order)

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order: `t.transpose(1, 0)`, or reversed by default."""
        one = len(axes) == 1 and not isinstance(axes[0], int)
        return shaping.transpose(self, (axes[0] if one else axes) or None)

    def ravel(self) -> Tensor:
        """All values along one axis."""
        return shaping.reshape(self, -1)

    flatten = ravel

    def astype(self, dtype: npt.DTypeLike) -> Tensor:
        """The values in another floating-point type; the gradient comes back in this one."""
        return arithmetic.cast(self, dtype=np.dtype(dtype))

    def argmax(self, axis: int | None = None) -> Any:
        """The index of the largest value: a plain array, as there is no gradient of it."""
        return self._value.argmax(axis)

    def argmin(self, axis: int | None = None) -> Any:
        """The index of the smallest value: a plain array, as there is no gradient of it."""
        return self._value.argmin(axis)

    def copy(self) -> Tensor:
        """The same values as a new result of the graph."""
        return arithmetic.positive_(self)

    # --- Python's protocols

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec else self, spec)

    def __float__(self) -> float:
        return float(self._leaving("float(t)"))

    def __int__(self) -> int:
        return int(self._leaving("int(t)"))

    def __index__(self) -> int:
        return self._leaving("an index").__index__()

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        self._leaving("np.asarray(t)")
        return np.array(self.data, dtype, copy=True if copy is None else copy)

    def _leaving(self, how: str) -> Array:
        if self._tracked:
            raise LeavesGraphError(
                f"{how} would take a tensor that requires a gradient out of the graph in silence. "
                f"Use t.numpy() or t.item() if that is meant, else a NumPy function of tensors."
            )
        return self._value

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(NOT_ONE_BY_ONE)

    def _in_place(self, other: Any) -> Any:
        if self._tracked and self.op is None:
            raise TypeError(
                "`w += ...` would make w a new tensor and leave the parameter as it was. Write "
                "w.assign(w.data + ...) to update it, or w = w + ... for a new tensor."
            )
        return NotImplemented  # Python goes on with `t = t + other`

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __imatmul__ = __ipow__ = _in_place

    # --- NumPy's protocols: its functions are the DSL

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc not in registry or kwargs:
            return without_rule(ufunc, method, args, kwargs)
        return registry[ufunc](*args)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if function in registry:
            return registry[function](*args, **kwargs)
        return without_rule(function, "__call__", args, kwargs)


NOT_ONE_BY_ONE = (
    "a tensor's elements cannot be set one by one: its past would be wrong. Use "
    "np.where(mask, new, t), or t.assign(values) for a leaf."
)


def plain(x: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return x._value if isinstance(x, Node) else x


def accumulated(x: Node, g: Any, create_graph: bool) -> Any:
    """The new `grad` of a leaf: what it had plus `g`, never memory that anything else uses."""
    if x.grad is not None:
        return x.grad + g
    return arithmetic.positive_(g) if create_graph else np.array(g)


PREDICATES = {
    np.greater,
    np.greater_equal,
    np.less,
    np.less_equal,
    np.equal,
    np.not_equal,
    np.isnan,
    np.isinf,
    np.isfinite,
    np.signbit,
    np.logical_and,
    np.logical_or,
    np.logical_not,
    np.logical_xor,
    np.argmax,
    np.argmin,
    np.argsort,
    np.nonzero,
    np.flatnonzero,
    np.count_nonzero,
    np.searchsorted,
    np.all,
    np.any,
    np.isclose,
    np.allclose,
    np.array_equal,
    np.shape,
    np.ndim,
    np.size,
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.full_like,
    np.result_type,
    np.can_cast,
    np.array2string,
    np.array_repr,
    np.array_str,
    np.shares_memory,
    np.may_share_memory,
}  # fmt: skip  (functions whose result has no gradient: they are given the arrays)


def without_rule(function: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A NumPy function without a rule: plain arrays out, or an error if a gradient were lost."""
    tensors = list(tensors_in((args, tuple(kwargs.values()))))
    name = getattr(function, "__name__", str(function)) + (
        "" if method == "__call__" else f".{method}"
    )
    if method == "at" and isinstance(args[0], Node):  # it writes even into read-only arrays
        raise TypeError(NOT_ONE_BY_ONE)
    if "out" in kwargs or (kwargs and function in registry):
        raise TypeError(
            f"np.{name} of tensors takes no {', '.join(kwargs)}= here. Leave it out, or compute "
            f"on t.numpy()."
        )
    if function not in PREDICATES and any(t._tracked for t in tensors):
        raise LeavesGraphError(
            f"np.{name} has no derivative rule in minigrad, and a tensor given to it requires a "
            f"gradient, which would be lost. Write it with functions that have one, state the op "
            f"yourself (mg.elementwise, mg.linear, mg.general), or pass t.numpy()."
        )
    call = function if method == "__call__" else getattr(function, method)
    return call(*unwrapped(args), **{key: unwrapped(value) for key, value in kwargs.items()})


def tensors_in(structure: Any) -> Iterator[Node]:
    """Every tensor in nested tuples and lists."""
    if isinstance(structure, Node):
        yield structure
    elif isinstance(structure, tuple | list):
        for part in structure:
            yield from tensors_in(part)


def unwrapped(structure: Any) -> Any:
    """The same nested tuples and lists with arrays for tensors; read-only, as tensors are."""
    if isinstance(structure, tuple | list):
        return type(structure)(unwrapped(part) for part in structure)
    return structure.numpy() if isinstance(structure, Tensor) else structure
