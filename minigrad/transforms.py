"""Derivatives of functions: each transform is a few lines over the one sweep.

They take functions of arrays, are pure, nest to any depth, and accept arrays or tensors. What
comes out is of the kind that `f` itself would return: arrays for arrays; tensors where a tensor
comes in, whether as an argument or from around `f`, and then the sweep records itself, which is
all there is to higher derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.node import Node, is_recording, leaf, record_state
from minigrad.core.sweep import Reach, dependents, seed, sweep
from minigrad.errors import ShapeError
from minigrad.ops.arithmetic import positive_ as alias
from minigrad.tensor import Tensor

Argnums = int | tuple[int, ...]
Pullback = Callable[..., tuple[Any, ...]]


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Pullback]:
    """The value `f(*primals)`, and the pullback: a cotangent -> one gradient per primal.

    The pullback can be called many times; without an argument it starts from 1 (scalars only).
    Raises `ShapeError` for a cotangent that has not the shape of the value, `GradientTypeError`
    for primals that are not floating-point. As `jax.vjp`.

    >>> import numpy as np, minigrad as mg
    >>> value, pullback = mg.vjp(lambda x, y: x * y, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    outer = is_recording()
    with record_state(True):
        variables = tuple(variable(p, outer) for p in primals)
        out = f(*variables)
        if not isinstance(out, Node):  # a result that depends on nothing
            out = Tensor(out)
    reach = dependents(out, variables)
    record = outer and reach.elsewhere
    kinds = [record or isinstance(p, Node) for p in primals]

    def pullback(cotangent: Any = None) -> tuple[Any, ...]:
        nested = isinstance(cotangent, Node)
        g = checked(cotangent, out) if nested else seed(out, cotangent)
        with record_state(record or nested):
            found = gradients(out, g, reach, record or nested)
        return tuple(
            handed_out(found.get(x.number, 0), x, kind or nested)
            for x, kind in zip(variables, kinds, strict=True)
        )

    return out if record else handed_out(out, out, any(kinds)), pullback


def variable(primal: Any, outer: bool) -> Any:
    """What `f` is given for a primal: a new node, so that nested derivatives never mix.

    It continues the graph of a tensor that an outer derivative is following; else it is a leaf.
    """
    if outer and isinstance(primal, Node) and primal._tracked:
        return alias(primal)
    return Tensor(primal, requires_grad=True)


def gradients(out: Node, g: Any, reach: Reach, record: bool) -> dict[int, Any]:
    """The cotangents that reach the variables, by node number."""
    if out.number not in reach.live:
        return {}
    return {x.number: c for x, c in sweep(out, g, within=reach, record=record)}


def handed_out(value: Any, like: Node, tensor: bool) -> Any:
    """A result as the caller wants it: a tensor, or a new array (a NumPy scalar if 0-d)."""
    if isinstance(value, Node):
        if tensor and value is not like:
            return value
        value = value._value
    array = np.empty(like._value.shape, like._value.dtype)
    array[...] = value
    return leaf(like, array) if tensor else array[()]


def checked(cotangent: Node, out: Node) -> Node:
    """The cotangent, if it has the shape of the value."""
    if cotangent._value.shape != out._value.shape:
        raise ShapeError(
            f"the cotangent has shape {cotangent._value.shape}, but the value it belongs to has "
            f"{out._value.shape}. They must be equal."
        )
    return cotangent


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns `f(...)` and its gradient in the arguments `argnums`.

    The gradient has the shape and dtype of its argument; for a tuple of argnums it is a tuple.
    `f` must return one number, else `ShapeError`. As `jax.value_and_grad`.

    >>> import numpy as np, minigrad as mg
    >>> mg.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        if not all(-len(args) <= i < len(args) for i in chosen):
            raise TypeError(
                f"argnums {argnums} names an argument that is not there: {len(args)} positional "
                f"arguments were given."
            )
        positions = [i % len(args) for i in chosen]

        def of_chosen(*variables: Any) -> Any:
            filled = dict(zip(positions, variables, strict=True))
            return f(*[filled.get(i, x) for i, x in enumerate(args)], **kwargs)

        value, pullback = vjp(of_chosen, *[args[i] for i in positions])
        if np.size(value) != 1:
            raise ShapeError(
                f"grad needs a function that returns one number; this one returned shape "
                f"{np.shape(value)}. Sum it, or use mg.vjp or mg.jacobian."
            )
        found = pullback()
        return value, found if isinstance(argnums, tuple) else found[0]

    return derivative


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the gradient of `f` in the arguments `argnums`.

    Nests to any order: `grad(grad(f))`. See `value_and_grad`; as `jax.grad`.

    >>> import numpy as np, minigrad as mg
    >>> mg.grad(mg.grad(np.tanh))(0.5)
    np.float64(-0.72686...)
    """
    derivative = value_and_grad(f, argnums)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return derivative(*args, **kwargs)[1]

    return gradient
