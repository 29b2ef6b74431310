"""`Tensor`: an array that remembers how it was computed.

Operators, methods and NumPy's own functions (`np.exp(t)`, `np.sum(t, axis=1)`) all lead to the
same ops. The two NumPy protocols at the end of the class look them up in the registry.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minigrad.core.accumulating import accumulate
from minigrad.core.cuts import cut_off
from minigrad.core.fitting import fit
from minigrad.core.memory import locked
from minigrad.core.node import Array, Node, as_real_array, begin_write, follow, leaf, record_state
from minigrad.core.registry import publish, registry
from minigrad.core.sweep import seed, sweep
from minigrad.dispatch import NOT_ONE_BY_ONE, call_function, call_ufunc
from minigrad.elsewhere import OF_TENSORS, explain_absent, present
from minigrad.errors import GraphError, LeavesGraphError, ShapeError
from minigrad.methods import (
    changed,
    compared,
    in_place,
    leaving,
    length,
    of_bits,
    of_values,
    only_element,
    reflected,
    truth,
    unsettable,
)
from minigrad.ops import (
    arithmetic,
    cumulative,
    diagonals,
    indexing,
    joining,
    products,
    reductions,
    rounding,
    selecting,
    shaping,
    statistics,
)

if TYPE_CHECKING:
    import numpy.typing as npt


class Tensor(Node):
    """An array of real numbers that records what is computed from it.

    `data` (numbers, nested lists, an array, a tensor) is copied. With `requires_grad=True`,
    which needs a floating-point dtype, `backward()` of any result leaves the gradient in `grad`:
    an array of this shape and dtype. `name` is shown in diagrams and messages.

    Raises `GradientTypeError` (a `TypeError`) for complex or other data, and for integers or
    booleans that are to require a gradient; `LeavesGraphError` for a tensor that requires one;
    `DataError` for values that `dtype` cannot hold, such as 300 in uint8 or 0.5 in an integer.

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
        if isinstance(data, Node) and data._tracked:
            raise LeavesGraphError(
                "mg.Tensor(t) would take a tensor that requires a gradient out of the graph in "
                "silence. Use t.detach() or t.data if that is meant, t itself else."
            )
        self._become_leaf(as_real_array(data, dtype), requires_grad, name)

    # --- what it is

    @property
    def data(self) -> Array:
        """The values, as a read-only view: `w.assign(w.data + 1)` writes, `w.data += 1` cannot."""
        return locked(self._value)

    @data.setter
    def data(self, value: Any) -> NoReturn:
        raise unsettable("data", "t.assign(values)")

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient may be needed here: a leaf that asked for one, or made from one.

        To set it False freezes a leaf: its gradient is forgotten, and `backward()` and optimizers
        leave it alone. Set True, a view (`t.detach()`) takes memory of its own. Raises `GraphError`
        for results.

        >>> import minigrad as mg
        >>> layer = mg.nn.Linear(2, 1, rng=0)
        >>> layer.weight.requires_grad = False
        >>> [name for name, parameter in layer.named_parameters()]
        ['bias']
        """
        return self._tracked

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        follow(self, on)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._value.shape

    @shape.setter
    def shape(self, value: Any) -> NoReturn:
        raise unsettable("shape", "t = t.reshape(shape)")

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

    @dtype.setter
    def dtype(self, value: Any) -> NoReturn:
        raise unsettable("dtype", "t = t.astype(dtype)")

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return self._value.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self._value.nbytes

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

    __dir__ = present

    # --- gradients

    def backward(self, grad: Any = None, *, create_graph: bool = False) -> None:
        """Add the gradient of this tensor to the `grad` of every leaf that requires one.

        A tensor of more than one element needs the cotangent `grad`, of its shape. The graph
        stays as it is; calling again adds again. With `create_graph` the gradients are tensors
        to differentiate in turn, even under `no_grad`. If anything raises, no `grad` has changed.

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
        if create_graph:
            with record_state(True):
                reached = sweep([(self, seed(self, grad, record=True))], record=True)
                accumulate({x: arithmetic.positive_(g) for x, g in reached.items()})
        else:
            accumulate(sweep([(self, seed(self, grad))]))

    def detach(self) -> Tensor:
        """The same values without their past: a leaf that requires no gradient."""
        alone: Tensor = leaf(self, self._value, view=True)
        cut_off(alone, "detach", self)
        return alone

    def numpy(self) -> Array:
        """The values as a plain array, out of the graph: a read-only view."""
        return self.data

    item = only_element

    def assign(self, value: Any) -> None:
        """Write new values of the same shape into this leaf, in place.

        A later `backward()` that needs the values from before raises `OverwrittenError`. Raises
        `GraphError` for a result and for what shows the memory of another (`detach`), `ShapeError`
        for another shape, `DataError` for values beyond the dtype; then nothing has changed.

        >>> import minigrad as mg
        >>> w = mg.Tensor([1.0, 2.0], requires_grad=True)
        >>> w.assign(w.data - 0.5)
        >>> w
        Tensor([0.5, 1.5], requires_grad=True)
        """
        if self.op is not None or self._value.base is not None:
            raise GraphError(
                "assign: only a leaf can be written, and this is a result, or shows the memory of "
                "another tensor (a view, detach(), stop_gradient()), which would change with it. "
                "Write to that one, or make a leaf of its own with mg.Tensor(t.data)."
            )
        new = as_real_array(value)
        if new.shape != self.shape:
            raise ShapeError(f"assign: the tensor has shape {self.shape}, the value {new.shape}.")
        fitted = fit(new, self.dtype, "assign")
        self._written = begin_write()  # first: an interrupt in between may lose no write
        self._value[...] = fitted

    # --- operators

    __add__ = arithmetic.add
    __sub__ = arithmetic.subtract
    __mul__ = arithmetic.multiply
    __truediv__ = arithmetic.divide
    __floordiv__ = arithmetic.floor_divide
    __mod__ = arithmetic.remainder
    __divmod__ = arithmetic.divmod
    __matmul__ = products.matmul
    __pow__ = arithmetic.power_as_numpy_does
    __neg__ = arithmetic.negative
    __pos__ = arithmetic.positive_
    __abs__ = arithmetic.absolute
    __getitem__ = indexing.getitem
    __radd__ = reflected(arithmetic.add)
    __rsub__ = reflected(arithmetic.subtract)
    __rmul__ = reflected(arithmetic.multiply)
    __rtruediv__ = reflected(arithmetic.divide)
    __rfloordiv__ = reflected(arithmetic.floor_divide)
    __rmod__ = reflected(arithmetic.remainder)
    __rmatmul__ = reflected(products.matmul)
    __rpow__ = reflected(arithmetic.power)

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return arithmetic.floor_divide(other, self), arithmetic.remainder(other, self)

    __xor__ = __rxor__ = of_bits("^", "t ** n is a power, np.logical_xor(s, t) of truths")
    __and__ = __rand__ = __or__ = __ror__ = of_bits("& or |", "np.logical_and, np.logical_or do")

    # --- comparisons: plain boolean arrays

    __eq__ = compared(operator.eq)
    __ne__ = compared(operator.ne)
    __lt__ = compared(operator.lt)
    __le__ = compared(operator.le)
    __gt__ = compared(operator.gt)
    __ge__ = compared(operator.ge)
    __hash__ = object.__hash__

    # --- methods, as ndarray's

    sum = reductions.sum
    mean = reductions.mean
    max = reductions.max
    min = reductions.min
    prod = reductions.prod
    var = statistics.var
    std = statistics.std
    cumsum = cumulative.cumsum
    cumprod = cumulative.cumprod
    round = rounding.round
    dot = products.dot
    squeeze = shaping.squeeze
    swapaxes = shaping.swapaxes
    ravel = flatten = shaping.ravel
    repeat = joining.repeat
    diagonal = diagonals.diagonal
    trace = diagonals.trace
    take = selecting.take
    choose = selecting.choose
    clip = selecting.clip

    argmax = of_values("argmax")
    argmin = of_values("argmin")
    argsort = of_values("argsort")
    argpartition = of_values("argpartition")
    searchsorted = of_values("searchsorted")
    nonzero = of_values("nonzero")
    tolist = of_values("tolist")
    all = of_values("all")
    any = of_values("any")

    sort = in_place("sort", "np.sort(t)")
    partition = in_place("partition", "np.partition(t, kth)")
    fill = in_place("fill", "t.assign(values) for a leaf, or np.full_like(t, value)")
    put = in_place("put", "np.where(mask, new, t)")
    resize = in_place("resize", "t.reshape(shape), or np.pad(t, width)")

    def compress(self, condition: Any, axis: int | None = None, out: None = None) -> Tensor:
        """The values, or the slices along an axis, where the condition holds."""
        return selecting.compress(condition, self, axis, out)

    def reshape(self, *shape: Any, order: str = "C") -> Tensor:
        """The same values in another shape: `t.reshape(2, -1)` or `t.reshape((2, -1))`."""
        return shaping.reshape(self, shape[0] if len(shape) == 1 else shape, order)

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order: `t.transpose(1, 0)`, or reversed by default."""
        one = len(axes) == 1 and not isinstance(axes[0], int)
        return shaping.transpose(self, (axes[0] if one else axes) or None)

    def astype(self, dtype: npt.DTypeLike) -> Tensor:
        """The values in another type; the gradient comes back in this one.

        Raises `GradientTypeError` for integers or booleans where a gradient is required.
        """
        return arithmetic.as_type(self, np.dtype(dtype))

    def copy(self) -> Tensor:
        """The same values as a new result of the graph."""
        return arithmetic.positive_(self)

    # --- Python's protocols

    __len__ = length
    __bool__ = truth

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __round__(self, digits: int = 0) -> Tensor:
        return rounding.round(self, digits)

    def __float__(self) -> float:
        return float(self._leaving("float(t)", "np.exp(t) for math.exp(t)"))

    def __int__(self) -> int:
        return int(self._leaving("int(t)", "np.floor(t) for int(t)"))

    def __index__(self) -> int:
        return self._leaving("an index", "an op of NumPy's").__index__()

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        self._leaving("np.asarray(t)", "np.stack([s, t]) for a list of tensors")
        return np.array(self.data, dtype, copy=True if copy is None else copy)

    _leaving = leaving

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(NOT_ONE_BY_ONE)

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __imatmul__ = __ipow__ = changed

    # --- NumPy's protocols: its functions are the DSL

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs and ufunc in registry:
            return registry[ufunc](*args)
        return call_ufunc(ufunc, method, args, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return call_function(function, args, kwargs)


publish()  # what is loaded by now is found at once
explain_absent(Tensor, OF_TENSORS)
