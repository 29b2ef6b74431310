"""`check_op`: everything that can be checked about an op, from the samples that it states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from minigrad import transforms
from minigrad.core.node import Array
from minigrad.core.op import Op, each
from minigrad.core.reads import reads
from minigrad.core.samples import Case, Samples
from minigrad.errors import DerivativeError
from minigrad.tensor import Tensor
from minigrad.testing.comparison import split, unit_directions
from minigrad.testing.differences import differences
from minigrad.testing.findings import Report
from minigrad.testing.gradients import MODES, check_point, check_request
from minigrad.testing.inputs import cases_of, domains_of, draw, is_shape, tied
from minigrad.testing.layouts import LAYOUTS, repeated
from minigrad.testing.point import Point, is_floating


def check_op(
    op: Any,
    samples: Samples = None,
    *,
    order: int = 2,
    modes: Sequence[str] = MODES,
    seed: int = 0,
) -> Report:
    """Check everything about an op, at its own sample inputs; raise `DerivativeError` if wrong.

    All that `check_grads` checks, and: ties, and the points that its domains avoid (kinks); every
    subset of its arrays requiring a gradient; the same tensor given twice; Fortran, strided,
    reversed and read-only arrays and cotangents; float32; `backward()`. That nothing could be
    compared is an error, too.

    `op` is what `mg.elementwise`, `mg.linear` or `mg.general` returned. `samples` replaces the
    samples that it states. Raises `ValueError` if there are none, `TypeError` for what is no op.

    >>> import minigrad as mg
    >>> cube = mg.elementwise(lambda x: x**3, lambda z, x: 3 * x**2, samples=mg.testing.reals)
    >>> print(mg.testing.check_op(cube))
    right: forward and reverse, to order 2, ...
    """
    op = getattr(op, "op", op)
    if not isinstance(op, Op):
        raise TypeError(
            f"check_op: takes what mg.elementwise, mg.linear or mg.general returned; got {op!r}. "
            f"Use check_grads(f, *arrays) for any other function."
        )
    check_request("check_op", order, modes)
    rng = np.random.default_rng(seed)
    report = Report(1, ())
    for case in cases_of(op, samples):
        arrays = draw(case, rng)
        call = Call(op, case, arrays)
        check_value(call)
        check_without_rule(call)
        if not call.places:
            continue
        report += check_point(call.point(), order, tuple(modes), call.name(), seed)
        report += check_ties(call, tuple(modes), rng, seed)
        for check in (check_layouts, check_reads, check_subsets, check_same_twice, check_float32):
            check(call, rng)
    if not report:
        raise DerivativeError(
            f"{op.name}: nothing could be compared at its samples. They need arrays of floats, not "
            f"empty, for which a rule is stated, and at which it is finite and has a derivative."
        )
    return report


class Call:
    """One sample call of an op: which arrays can have a gradient, and the call as a function."""

    def __init__(self, op: Op, case: Case, arrays: list[Any]) -> None:
        self.op = op
        self.case = case
        self.arrays = arrays
        rules = op.rules * len(arrays) if op.variadic else op.rules
        self.places = [
            i
            for i, (rule, x) in enumerate(zip(rules, arrays, strict=False))
            if rule is not None and is_floating(x)
        ]

    def function(self, *chosen: Any) -> Any:
        """The op, of those of its arrays that can have a gradient."""
        filled = dict(zip(self.places, chosen, strict=True))
        arrays = [filled.get(i, x) for i, x in enumerate(self.arrays)]
        return (self.op.function(*arrays, **self.case.settings),)

    def chosen(self, dtype: Any = np.float64) -> tuple[Array, ...]:
        """Those arrays."""
        return tuple(np.array(self.arrays[i], dtype) for i in self.places)

    def point(self) -> Point:
        """The call as a function and where to check it."""
        known = self.op.parameters
        names = [known[i] if i < len(known) else f"array {i}" for i in self.places]
        return Point(self.function, self.chosen(), tuple(names))

    def recorded(self) -> Tensor:
        """The result of the call on tensors of which all that can require a gradient do."""
        tensors = [
            Tensor(x, requires_grad=True) if i in self.places else x
            for i, x in enumerate(self.arrays)
        ]
        result: Tensor = self.op.function(*tensors, **self.case.settings)
        return result

    def name(self) -> str:
        """The call as it is written, shapes for arrays."""
        shapes = [str(np.shape(x)) for x in self.arrays]
        settings = [f"{key}={value!r}" for key, value in self.case.settings.items()]
        return f"{self.op.name}({', '.join(shapes + settings)})"

    def wrong(self, problem: str) -> DerivativeError:
        """The error that names this call."""
        return DerivativeError(f"{self.name()}: {problem}.")


def check_value(call: Call) -> None:
    """Check that an op returns one array, with a derivative if some of its arrays can have one."""
    op, number = call.op, len(call.arrays)
    if not op.variadic and len(op.rules) != number:
        raise call.wrong(f"its sample gives {number} arrays, but {len(op.rules)} rules are stated")
    z = op.function(*call.arrays, **call.case.settings)
    if not isinstance(z, np.ndarray | np.generic | float):
        raise call.wrong(f"its value is {type(z).__name__}; an op returns one array")
    if call.places and np.asarray(z).dtype.kind != "f":
        raise call.wrong(
            f"its value is {np.asarray(z).dtype}, which has no derivative, but rules are stated. "
            f"Return floats, or state None"
        )


def check_without_rule(call: Call) -> None:
    """Check that the result does not depend on numbers for which no rule is stated."""
    rules = call.op.rules * len(call.arrays) if call.op.variadic else call.op.rules
    for i, (rule, given) in enumerate(zip(rules, call.case.inputs, strict=False)):
        x = call.arrays[i]
        if rule is not None or not is_shape(given) or not is_floating(x):
            continue
        others = [x + 1e-3 if k == i else y for k, y in enumerate(call.arrays)]
        z, moved = (call.op.function(*a, **call.case.settings) for a in (call.arrays, others))
        if not np.array_equal(z, moved, equal_nan=True):
            raise call.wrong(
                f"the result depends on array {i}, for which the rule is None. State its rule, or "
                f"give integers or booleans as its samples"
            )


def check_ties(call: Call, modes: tuple[str, ...], rng: np.random.Generator, seed: int) -> Report:
    """Check the first derivative where elements are equal, and at the points to keep away from.

    An element at which both the slope and the rule are infinite stays where it was.
    """
    there = Call(call.op, call.case, tied(call.case, call.arrays, rng))
    if all(x is y for x, y in zip(there.arrays, call.arrays, strict=True)):
        return Report(1, modes)
    try:
        with np.errstate(all="ignore"):
            if not np.isfinite(there.point().flat(there.chosen())).all():
                return Report(1, modes)
            found = gradients(there, cotangent(there, rng), there.chosen())
            if not all(np.isfinite(g).all() for g in found):
                nowhere = without_derivative(there.point())
                for i, g, no_slope in zip(there.places, found, nowhere, strict=True):
                    pole = no_slope & ~np.isfinite(g)
                    there.arrays[i] = np.where(pole, call.arrays[i], there.arrays[i])
            return check_point(there.point(), 1, modes, f"{call.name()} with ties", seed)
    except np.linalg.LinAlgError:  # equal rows: no inverse
        return Report(1, modes)


def without_derivative(point: Point) -> list[Array]:
    """At which elements of the arrays some result has no derivative."""
    directions = unit_directions(point.arrays)
    if not directions:
        return [np.zeros(x.shape, bool) for x in point.arrays]
    oracle = differences(point.flat, point.arrays, directions, analytic=False)
    return split(np.any(oracle.undefined, axis=0), point.arrays)


def check_layouts(call: Call, rng: np.random.Generator) -> None:
    """Check that the value and the rules do not depend on how arrays lie in memory."""
    op, plain = call.op, [np.asarray(x) for x in call.arrays]
    settings = call.recorded().settings
    value = np.asarray(op.value(*plain, **settings))
    g = rng.normal(size=value.shape).astype(value.dtype)
    for name, layout in LAYOUTS.items():
        same = [layout(x) for x in plain]
        other = np.asarray(op.value(*same, **settings))
        if not close(value, other):
            raise call.wrong(f"another value for arrays with {name}")
        for i in call.places:
            pullback = pullback_at(op, i, len(plain))
            expected = pullback(g, value, *plain, **settings)
            if not close(expected, pullback(layout(g), layout(value), *same, **settings)):
                raise call.wrong(f"array {i} has another gradient for arrays with {name}")
    for i in call.places:
        pullback = pullback_at(op, i, len(plain))
        expected = pullback(repeated(g).copy(), value, *plain, **settings)
        if not close(expected, pullback(repeated(g), value, *plain, **settings)):
            raise call.wrong(f"array {i} has another gradient for a cotangent with stride 0")


def check_reads(call: Call, rng: np.random.Generator) -> None:
    """Check that a rule depends on no value which the engine takes it not to read.

    An overwritten value is a mistake only if a rule reads it: told from its bytecode.
    """
    op, z = call.op, call.recorded()
    values = [np.asarray(x) for x in (z.data, *call.arrays)]
    g = rng.normal(size=z.shape).astype(z.dtype)
    for i in call.places:
        pullback = pullback_at(op, i, len(call.arrays))
        expected = pullback(g, *values, **z.settings)
        for position, value in enumerate(values):
            if reads(op, i, position) or value.dtype.kind != "f":
                continue
            others = [*values[:position], 1.5 * value + 0.5, *values[position + 1 :]]
            if not np.array_equal(expected, pullback(g, *others, **z.settings), equal_nan=True):
                what = f"array {position - 1}" if position else "the result"
                raise call.wrong(f"the rule of array {i} depends on {what}, which goes unnoticed")


def pullback_at(op: Op, i: int, number: int) -> Callable[..., Any]:
    """The rule of array `i` as a vjp."""
    rule = each(op.pullbacks[0], number)[i] if op.variadic else op.pullbacks[i]
    assert rule is not None
    return rule


def close(x: Any, y: Any, relative: float = 1e-10) -> bool:
    """Whether two arrays are equal up to rounding."""
    scale = np.max(np.abs(x), initial=0.0) if np.size(x) else 0.0
    return np.shape(x) == np.shape(y) and np.allclose(
        x, y, rtol=relative, atol=relative * scale, equal_nan=True
    )


def gradients(call: Call, g: Array, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """The gradient of the call in each of the arrays given, for the cotangent `g`."""
    found: tuple[Any, ...] = transforms.vjp(call.function, *arrays)[1]((g,))
    return found


def cotangent(call: Call, rng: np.random.Generator) -> Array:
    """A random cotangent of the call's result."""
    (value,) = call.point().results()
    return rng.normal(size=value.shape).astype(value.dtype)


def check_subsets(call: Call, rng: np.random.Generator) -> None:
    """Check that a gradient does not depend on which other arrays require one."""
    g = cotangent(call, rng)
    whole = dict(zip(call.places, gradients(call, g, call.chosen()), strict=True))
    for number in range(1, len(call.places)):
        for some in combinations(call.places, number):
            tensors = [
                Tensor(x, requires_grad=i in some) if is_floating(x) else x
                for i, x in enumerate(call.arrays)
            ]
            call.op.function(*tensors, **call.case.settings).backward(g)
            for i in call.places:
                expected = whole[i] if i in some else None
                if (expected is None) != (tensors[i].grad is None):
                    raise call.wrong(
                        f"with a gradient required by {some}, array {i} is treated wrongly"
                    )
                if expected is not None and not close(expected, tensors[i].grad):
                    raise call.wrong(f"array {i} has another gradient when only {some} require one")


def check_same_twice(call: Call, rng: np.random.Generator) -> None:
    """Check that a tensor given as two arrays is given the sum of both gradients."""
    domains = domains_of(call.case)
    for i, j in combinations(call.places, 2):
        x, y = call.arrays[i], call.arrays[j]
        drawn = is_shape(call.case.inputs[i]) and is_shape(call.case.inputs[j])
        if not drawn or np.shape(x) != np.shape(y) or domains[i] != domains[j]:
            continue
        arrays = [x if k == j else a for k, a in enumerate(call.arrays)]
        same = Call(call.op, call.case, arrays)
        try:
            g = cotangent(same, rng)
        except np.linalg.LinAlgError:
            continue
        each_of_them = dict(zip(same.places, gradients(same, g, same.chosen()), strict=True))
        twice = Tensor(x, requires_grad=True)
        mixed = [twice if k in (i, j) else a for k, a in enumerate(arrays)]
        call.op.function(*mixed, **call.case.settings).backward(g)
        if not close(each_of_them[i] + each_of_them[j], twice.grad):
            raise call.wrong(f"one tensor given as arrays {i} and {j} has a wrong gradient")


def check_float32(call: Call, rng: np.random.Generator) -> None:
    """Check that float32 stays float32, and comes out the same as far as it reaches."""
    g = cotangent(call, rng)
    if g.dtype != np.float64:
        return
    expected = gradients(call, g, call.chosen())
    tensors = [
        Tensor(np.asarray(x, np.float32), requires_grad=True) if i in call.places else x
        for i, x in enumerate(call.arrays)
    ]
    z = call.op.function(*tensors, **call.case.settings)
    if z.dtype != np.float32 and not isinstance(call.op.value, np.ufunc):  # NumPy has its reasons
        raise call.wrong(f"the result of float32 arrays is {z.dtype}")
    z.backward(g.astype(z.dtype))
    for i, wanted in zip(call.places, expected, strict=True):
        found = tensors[i].grad
        if found.dtype != np.float32 or not close(wanted, found, 2e-3):
            raise call.wrong(f"in float32, array {i} has the gradient {found}, not {wanted}")
