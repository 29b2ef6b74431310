"""Derivatives of functions: each transform is a few lines over the two sweeps.

They take functions of arrays, are pure, nest to any depth, and accept arrays or tensors, also in
nested lists, tuples and dicts. What comes out is of the kind that `f` itself would return: arrays
for arrays; tensors where a tensor comes in, whether as an argument or from around `f`, and then
the sweep records itself, which is all there is to higher derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.cuts import cut_off
from minigrad.core.node import Node, as_real_array, is_recording, leaf, record_state
from minigrad.core.push import push
from minigrad.core.reach import Reach, dependents
from minigrad.core.sweep import seed, sweep
from minigrad.core.trees import Rebuild, flatten
from minigrad.errors import ShapeError
from minigrad.functions import (
    Argnums,
    Function,
    as_output,
    check_argnums,
    check_callable,
    in_a_tuple,
    name_of,
    not_one_number,
)
from minigrad.ops.arithmetic import positive_ as alias
from minigrad.tensor import Tensor


class Recorded(NamedTuple):
    """A function as recorded once, at one point: it can be pulled back and pushed forward."""

    inputs: list[Any]  # as given, flat
    variables: list[Any]  # what the function was given in their place
    rebuild_inputs: Rebuild
    outputs: list[Any]  # tensors, flat
    rebuild_outputs: Rebuild
    reach: Reach
    record: bool  # an outer derivative follows what is computed here

    def value(self) -> Any:
        """What the function returned, as tensors or arrays."""
        tensors = self.tensors()
        values = [x if self.record else handed_out(x._value, x, tensors) for x in self.outputs]
        return self.rebuild_outputs(values)

    def tensors(self) -> bool:
        """Whether tensors are to come out, as some came in."""
        return self.record or any(isinstance(x, Node) for x in self.inputs)

    def pull(self, cotangents: list[Any]) -> list[Any]:
        """One gradient per input, of its shape and dtype."""
        nested = self.record or any(isinstance(g, Node) for g in cotangents)
        roots = [
            (out, g)
            for out, g in zip(self.outputs, cotangents, strict=True)
            if out.number in self.reach.live
        ]
        with record_state(nested and is_recording()):
            reached = sweep(roots, within=self.reach, record=nested)
        found = {x.number: g for x, g in reached.items()}
        return [
            handed_out(found.get(v.number, 0), v, nested or isinstance(x, Node))
            for v, x in zip(self.variables, self.inputs, strict=True)
        ]

    def push(self, tangents: list[Any]) -> list[Any]:
        """One tangent per output, of its shape and dtype."""
        nested = self.record or any(isinstance(t, Node) for t in tangents)
        tensors = nested or any(isinstance(x, Node) for x in self.inputs)
        given = {v.number: t for v, t in zip(self.variables, tangents, strict=True)}
        with record_state(nested and is_recording()):
            found = push(self.reach, given, record=nested)
        return [handed_out(found.get(x.number, 0), x, tensors) for x in self.outputs]


def record(f: Function, primals: Any) -> Recorded:
    """Call `f(*primals)` and keep its graph."""
    check_callable(f)
    outer = is_recording()
    inputs, rebuild_inputs = flatten(primals)
    with record_state(True):
        variables = [variable(p, outer) for p in inputs]
        outputs, rebuild_outputs = flatten(f(*rebuild_inputs(variables)))
        outputs = [x if isinstance(x, Node) else as_output(x, f) for x in outputs]
    reach = dependents(outputs, variables)
    return Recorded(
        inputs,
        variables,
        rebuild_inputs,
        outputs,
        rebuild_outputs,
        reach,
        record=outer and bool(reach.outside),
    )


def variable(primal: Any, outer: bool) -> Any:
    """What `f` is given for a primal: a new node, so that nested derivatives never mix.

    It continues the graph of a tensor that an outer derivative is following; else it is a leaf.
    """
    if outer and isinstance(primal, Node) and primal._tracked:
        return alias(primal)
    values = primal._value if isinstance(primal, Node) else primal
    fresh = Tensor(values, requires_grad=True)
    fresh._cut = ()  # it stands for the primal, and is nobody's parameter
    return fresh


def handed_out(value: Any, like: Node, tensor: bool) -> Any:
    """A result as the caller wants it: a tensor, or a new array (a NumPy scalar if 0-d)."""
    if isinstance(value, Node):
        if tensor:
            return value if value.op is not None else alias(value)  # a leaf may be shared
        value = value._value
    array = np.empty(like._value.shape, like._value.dtype)
    array[...] = value
    return leaf(like, array) if tensor else array[()]


def fitting(what: str, given: Any, whose: list[Any], starting: bool) -> list[Any]:
    """Cotangents or tangents, flat and checked against what they belong to; None may be 1."""
    if given is None and starting:
        return [seed(x, None) for x in whose]
    flat, _ = flatten(given)
    if len(flat) != len(whose):
        raise ShapeError(f"{len(whose)} {what}s are needed, one for each array; got {len(flat)}.")
    return [matching(what, g, x) for g, x in zip(flat, whose, strict=True)]


def matching(what: str, given: Any, whose: Node) -> Any:
    """A cotangent or tangent of the shape of what it belongs to: a tensor as it is, or an array."""
    shape = given._value.shape if isinstance(given, Node) else np.shape(given)
    if shape != whose._value.shape:
        raise ShapeError(
            f"the {what} has shape {shape}, but what it belongs to has {whose._value.shape}. "
            f"They must be equal."
        )
    return given if isinstance(given, Node) else as_real_array(given, whose._value.dtype)


# --- the public transforms --------------------------------------------------------------------


def vjp(f: Function, *primals: Any) -> tuple[Any, Callable[..., tuple[Any, ...]]]:
    """The value `f(*primals)`, and the pullback: a cotangent -> one gradient per primal.

    The pullback can be called many times; without an argument it starts from 1 (scalars only).
    Raises `ShapeError` for a cotangent that has not the shape of the value, `GradientTypeError`
    for primals that are not floating-point. As `jax.vjp`.

    >>> import numpy as np, minigrad as mg
    >>> value, pullback = mg.vjp(lambda x, y: x * y, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    recorded = record(f, primals)

    def pullback(cotangent: Any = None) -> tuple[Any, ...]:
        cotangents = fitting("cotangent", cotangent, recorded.outputs, starting=True)
        gradients: tuple[Any, ...] = recorded.rebuild_inputs(recorded.pull(cotangents))
        return gradients

    return recorded.value(), pullback


def jvp(f: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """The value `f(*primals)` and its change along `tangents`: forward mode.

    Tangents have the shapes of the primals, else `ShapeError`. As `jax.jvp`.

    >>> import minigrad as mg
    >>> mg.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (np.float64(6.0), np.float64(23.0))
    """
    recorded = record(f, in_a_tuple("primals", primals))
    given = in_a_tuple("tangents", tangents)
    pushed = recorded.push(fitting("tangent", given, recorded.variables, starting=False))
    return recorded.value(), recorded.rebuild_outputs(pushed)


def value_and_grad(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns `f(...)` and its gradient in the arguments `argnums`.

    The gradient has the shape and dtype of its argument; for a tuple of argnums it is a tuple.
    `f` must return one number, else `ShapeError`. As `jax.value_and_grad`.

    >>> import numpy as np, minigrad as mg
    >>> mg.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    check_callable(f)
    check_argnums(argnums)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        recorded = record(*of_arguments(f, argnums, args, kwargs))
        if len(recorded.outputs) != 1 or recorded.outputs[0].size != 1:
            raise not_one_number(recorded.outputs)
        found = recorded.rebuild_inputs(recorded.pull([seed(recorded.outputs[0], None)]))
        return recorded.value(), found if isinstance(argnums, tuple) else found[0]

    return derivative


def of_arguments(
    f: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Function, tuple[Any, ...]]:
    """`f` as a function of the chosen arguments alone, and those arguments."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(-len(args) <= i < len(args) for i in chosen):
        by_name = f" ({', '.join(kwargs)} came by name: give it by position)" if kwargs else ""
        raise TypeError(
            f"argnums {argnums} names an argument that is not there: {len(args)} positional "
            f"argument{'s were' if len(args) != 1 else ' was'} given, counted from 0{by_name}."
        )
    positions = [i % len(args) for i in chosen]
    if len(set(positions)) < len(positions):
        raise TypeError(f"argnums {argnums} names an argument twice: each has one gradient.")

    def of_chosen(*variables: Any) -> Any:
        filled = dict(zip(positions, variables, strict=True))
        return f(*[filled.get(i, x) for i, x in enumerate(args)], **kwargs)

    of_chosen.__name__ = name_of(f)
    return of_chosen, tuple(args[i] for i in positions)


def grad(f: Function, argnums: Argnums = 0) -> Function:
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


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns every partial derivative: shape (*output shape, *input shape).

    `f` is recorded once. Its columns are pushed forward where there are no more inputs than
    outputs; else its rows are pulled back. For a tuple of argnums, or for nested structures, the
    result has the structure of the output with that of the input in place of each array.

    >>> import numpy as np, minigrad as mg
    >>> mg.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    check_callable(f)
    check_argnums(argnums)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        recorded = record(*of_arguments(f, argnums, args, kwargs))
        ins, outs = recorded.variables, recorded.outputs
        forward = sum(x.size for x in ins) <= sum(x.size for x in outs)
        blocks = columns(recorded) if forward else rows(recorded)
        nested = [recorded.rebuild_inputs(row) for row in blocks]
        if not isinstance(argnums, tuple):
            nested = [row[0] for row in nested]
        return recorded.rebuild_outputs(nested)

    return derivative


def rows(recorded: Recorded) -> list[list[Any]]:
    """The Jacobian's blocks, one row for each output element at a time, in reverse mode."""
    blocks = []
    for i, out in enumerate(recorded.outputs):
        pulled = []
        for basis in unit_arrays(out):
            cotangents = [basis if j == i else zeros(x) for j, x in enumerate(recorded.outputs)]
            pulled.append(recorded.pull(cotangents))
        blocks.append(
            [
                piled(recorded, [row[k] for row in pulled], out._value.shape, v, first=True)
                for k, v in enumerate(recorded.variables)
            ]
        )
    return blocks


def columns(recorded: Recorded) -> list[list[Any]]:
    """The Jacobian's blocks, one column for each input element at a time, in forward mode."""
    by_input = []
    for i, v in enumerate(recorded.variables):
        pushed = []
        for basis in unit_arrays(v):
            tangents = [basis if j == i else zeros(x) for j, x in enumerate(recorded.variables)]
            pushed.append(recorded.push(tangents))
        by_input.append(
            [
                piled(recorded, [column[k] for column in pushed], v._value.shape, out, first=False)
                for k, out in enumerate(recorded.outputs)
            ]
        )
    return [list(row) for row in zip(*by_input, strict=True)]


def unit_arrays(like: Node) -> list[Any]:
    """One array per element of `like`: 1 there and 0 elsewhere."""
    size, shape = like._value.size, like._value.shape
    return list(np.eye(size, dtype=like._value.dtype).reshape(size, *shape))


def zeros(like: Node) -> Any:
    """Zeros of its shape and dtype."""
    return np.zeros(like._value.shape, like._value.dtype)


def piled(
    recorded: Recorded, parts: list[Any], shape: tuple[int, ...], like: Node, first: bool
) -> Any:
    """Arrays shaped as `like`, one per element of `shape`, as one array: `shape` first or last."""
    whole_shape = (*shape, *like._value.shape) if first else (*like._value.shape, *shape)
    if not parts:  # of no elements
        whole = np.zeros(whole_shape, like._value.dtype)
        return leaf(like, whole) if recorded.tensors() else whole
    return np.reshape(np.stack(parts, 0 if first else -1), whole_shape)


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the second derivatives of a scalar `f`: (*shape, *shape).

    The Jacobian of the gradient; for a tuple of argnums a tuple of tuples. As `jax.hessian`.

    >>> import numpy as np, minigrad as mg
    >>> mg.hessian(lambda x: x[0] * x[1] ** 2)(np.array([1.0, 3.0]))
    array([[0., 6.],
           [6., 2.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, ...]:
    """The Hessian of a scalar `f` at `primals` times `tangents`, without forming the Hessian.

    Forward over reverse: a few times the cost of `f`, whatever its size. One array per primal.

    >>> import numpy as np, minigrad as mg
    >>> mg.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([  6., 120.]),)
    """
    everything = tuple(range(len(in_a_tuple("primals", primals))))
    products: tuple[Any, ...] = jvp(grad(f, everything), primals, tangents)[1]
    return products


def stop_gradient(x: Any) -> Any:
    """The same values, held constant: no gradient flows back through them. Arrays stay as they are.

    >>> import minigrad as mg
    >>> mg.grad(lambda x: x * mg.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    leaves, rebuild = flatten(x)
    held = [leaf(t, t._value, view=True) if isinstance(t, Node) else t for t in leaves]
    for t, constant in zip(leaves, held, strict=True):
        if isinstance(t, Node):
            cut_off(constant, "stop_gradient", t)
    return rebuild(held)
