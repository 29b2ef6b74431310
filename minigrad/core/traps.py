"""What an anomaly is told as: the op, the numbers at hand, and the known trap behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.core.anomaly import Anomaly, not_finite, pointwise, values_used
from minigrad.core.broadcasting import broadcasts_to
from minigrad.core.node import Array, Node
from minigrad.core.overwritten import gone, value_used
from minigrad.core.source import formula_of

ABOVE_0 = (
    "Keep it above 0, as in np.log(x + 1e-12); of probabilities, mg.log_softmax, mg.cross_entropy "
    "and mg.binary_cross_entropy take logits and need no logarithm of yours"
)
LARGEST = "Subtract the largest number first, as mg.softmax and mg.logsumexp do"
REMEDIES = {  # by op
    **dict.fromkeys(("log", "log2", "log10"), ABOVE_0),
    **dict.fromkeys(("exp", "exp2", "expm1", "sinh", "cosh"), LARGEST),
    "divide": "Keep the divisor away from 0, as in x / (y + 1e-12) or x / np.where(y == 0, 1, y)",
    "sqrt": "Add a small number under the root, as in np.sqrt(x + 1e-12); np.linalg.norm needs "
    "none, its gradient at 0 is 0",
    "reciprocal": "Keep it away from 0, as in 1 / (x + 1e-12) or 1 / np.where(x == 0, 1, x)",
    "power": "Keep the base above 0, as in (x + 1e-12) ** y",
    "slogdet": "The matrix is singular: add to its diagonal, as in x + 1e-6 * np.eye(n)",
    "mean": "Of nothing there is no mean: is a selection empty?",
}
WHERE = (
    "The result does not depend on it (np.where or a mask has dropped it), but 0 times an infinite "
    "derivative is nan: choose before the op as well, np.where(ok, f(np.where(ok, x, 1)), other)"
)
INFINITE = "It is given infinity, set on purpose or by what overflowed before; inf - inf is nan"
SCALE = "Scale the numbers down, or compute in a wider dtype"

NameOf = Callable[[Node], str]
Index = tuple[int, ...]


def told(a: Anomaly, name_of: NameOf, called: str) -> str:
    """An anomaly in sentences: `called` is what its op is called, `name_of` gives inputs' names."""
    name = name_of(a.inputs[a.slot]) or letters(a)[a.slot]
    number = short(a.made[a.first])
    what = {
        "forward": f"{called} makes {number} out of {given(a)} numbers",
        "backward": f"{called} makes {number} in the backward pass, in the gradient of {name}",
        "sum": f"the gradients of the uses of {name}, {called} the last, add up to {number}",
        "tangent": f"{called} makes {number} in forward mode, in the tangent of its result",
    }[a.phase]
    count = int(np.count_nonzero(a.where)) - 1
    more = f" (and at {count:,} more of its {a.where.size:,} elements)" if count else ""
    sentences = [f"{what}{at(a)}{more}: {', '.join(numbers(a, name_of))}", *trap(a)]
    return ". ".join(part for part in sentences if part) + "."


def brief(a: Anomaly) -> str:
    """The same in a few words, for a picture."""
    number = short(a.made[a.first])
    if a.phase == "forward":
        return f"makes {number} out of {given(a)} numbers{at(a)}"
    if a.phase == "sum":
        return f"gradients add up to {number} in {letters(a)[a.slot]}{at(a)}"
    return f"makes {number} in the gradient of {letters(a)[a.slot]}{at(a)}"


def at(a: Anomaly) -> str:
    """Where the first element is."""
    return f" at [{', '.join(map(str, a.first))}]" if a.first else ""


def given(a: Anomaly) -> str:
    """What kind of numbers an op made it of."""
    if not np.isnan(a.made[a.first]):
        return "finite"
    there = place(a)
    operands = [x for x in (*values_used(a.node, a.inputs), *a.arrived) if x is not None]
    if there is not None:
        operands = [operand_at(x, there) for x in operands]
    return "finite" if all(not_finite(x) is None for x in operands) else "infinite"


def letters(a: Anomaly) -> list[str]:
    """What the op calls its inputs."""
    known = a.op.parameters or ["x", "y", "w"]
    one_by_one = not a.op.variadic and len(known) >= len(a.inputs)
    return [known[i] if one_by_one else f"input {i + 1}" for i in range(len(a.inputs))]


def values(a: Anomaly) -> list[Any]:
    """The inputs of the op, to compute with: of those overwritten since no rule makes use."""
    return [x._value for x in a.inputs]


# --- the numbers


def numbers(a: Anomaly, name_of: NameOf) -> Iterator[str]:
    """What the op was given at the place, or from where to where that reaches."""
    if a.phase == "sum":
        yield f"each is finite, but the largest {a.made.dtype} is {largest(a)}"
        return
    there = place(a)
    for letter, x in zip(letters(a), a.inputs, strict=True):
        value = value_used(x, a.node)
        yield f"{name_of(x) or letter} {gone(x) if value is None else amount(value, there)}"
    for letter, c in zip(letters(a), a.arrived, strict=False):
        if c is not None:
            what = "the cotangent" if a.phase == "backward" else f"the tangent of {letter}"
            yield f"{what} {amount(c, there)}"


def amount(x: Any, there: Index | None) -> str:
    """An operand at a place in the result, or its range."""
    x = x if there is None else operand_at(x, there)
    if not x.size:
        return f"is empty, of shape {x.shape}"
    low, high = short(x.min()), short(x.max())
    if x.size == 1:
        return f"= {low}"
    return f"of shape {x.shape} is {low}" + (f" to {high}" if low != high else " everywhere")


def operand_at(x: Any, there: Index) -> Any:
    """The element of an operand that was broadcast to a place in the result."""
    own = there[len(there) - x.ndim :]
    return x[tuple(0 if n == 1 else i for i, n in zip(own, x.shape, strict=True))]


def place(a: Anomaly) -> Index | None:
    """The place in the op's result; None if that has not come of the inputs one by one."""
    shape = a.node._value.shape
    if not pointwise(a.op) or a.phase == "sum":
        return None
    if a.made.shape == shape:
        return a.first
    terms = contribution(a)  # it is a sum of these: find the one
    if terms.shape != shape or not broadcasts_to(a.made.shape, shape):
        return None
    own = np.zeros(a.made.shape, bool)
    own[a.first] = True
    found = np.argwhere(own & ~np.isfinite(terms))
    return tuple(found[0].tolist()) if len(found) else None


def contribution(a: Anomaly) -> Any:
    """What the rule returns for the input, before it is summed back."""
    rule = a.op.pullbacks_of(a.node)[a.slot]
    with np.errstate(all="ignore"):
        return rule(a.arrived[0], a.node._value, *values(a), **a.settings)


def short(x: Any) -> str:
    """A number in four digits."""
    return f"{float(x):.4g}" if np.asarray(x).dtype.kind == "f" else str(x)


def largest(a: Anomaly) -> str:
    """The largest number of a dtype."""
    return short(np.finfo(a.made.dtype).max)


# --- the trap


def trap(a: Anomaly) -> list[str]:
    """What the numbers mean, and what to do about them."""
    if a.phase == "sum":
        return [SCALE]
    if a.phase == "forward":
        return of_value(a)
    return of_derivative(a)


def of_value(a: Anomaly) -> list[str]:
    """Of a result: NumPy's own floating-point flags tell what happened."""
    if given(a) == "infinite":
        return [INFINITE]
    there = place(a)
    arrays = values(a) if there is None else [operand_at(x, there) for x in values(a)]
    raised = flags(lambda: a.op.compute(*arrays, **a.settings))
    remedy = REMEDIES.get(a.op.name, "")
    if np.isnan(a.made[a.first]):
        return [f"{a.op.name} is not defined there", remedy]
    if "divide by zero" in raised or not finite_if_small(a, arrays):
        return [f"{a.op.name} is infinite there", remedy]
    tall = f"The largest {a.made.dtype} is {largest(a)}"
    return [tall, remedy if remedy is LARGEST else SCALE]


def finite_if_small(a: Anomaly, arrays: list[Any]) -> bool:
    """Whether scaling the numbers down would help: if not, it is a pole and no overflow. They are
    scaled by powers of two, so that what was singular remains so.
    """
    small = [
        np.ldexp(x, -np.frexp(np.max(np.abs(x[np.isfinite(x)]), initial=0))[1])
        if x.dtype.kind == "f"
        else x
        for x in map(np.asarray, arrays)
    ]
    with np.errstate(all="ignore"):
        z = np.asarray(a.op.compute(*small, **a.settings))
    return bool(np.isfinite(z[a.first] if z.shape == a.made.shape else z).all())


def of_derivative(a: Anomaly) -> list[str]:
    """Of a cotangent or a tangent: the slope it is multiplied by, and whether that mattered."""
    arrived = a.arrived[a.slot if a.phase == "tangent" else 0]
    there = place(a)
    text = formula(a)
    sentences = [f"Its rule is {text}" if text else ""]
    if given(a) == "infinite":
        return [*sentences, INFINITE]
    slope = slope_at(a, there)
    if slope is not None:
        sentences = [f"Its derivative{f', {text},' if text else ''} is {short(slope)} there"]
        if np.isfinite(slope):
            return [*sentences, SCALE]
    reached = arrived if there is None or arrived is None else operand_at(arrived, there)
    dropped = reached is not None and not np.any(reached)
    return [*sentences, WHERE if dropped else REMEDIES.get(a.op.name, "")]


def formula(a: Anomaly) -> str:
    """The rule's own source, if it is one line."""
    rule = a.op.rules_of(a.node)[a.slot]
    text = formula_of(rule) if callable(rule) else ""
    return "" if "\n" in text or len(text) > 80 else text


def slope_at(a: Anomaly, there: Index | None) -> Any:
    """The partial derivative of an elementwise op at a place in its result."""
    rule = a.op.rules_of(a.node)[a.slot]
    if a.op.kind != "elementwise" or there is None or not callable(rule):
        return None
    with np.errstate(all="ignore"):
        slope: Array = np.asarray(rule(a.node._value, *values(a), **a.settings))
    return operand_at(slope, there)


def flags(compute: Callable[[], Any]) -> set[str]:
    """The flags of IEEE 754 that a computation raises: "divide by zero", "overflow", ..."""
    raised: set[str] = set()
    before = np.seterrcall(lambda flag, _: raised.add(flag))
    try:
        with np.errstate(all="call"):
            compute()
    finally:
        np.seterrcall(before)
    return raised
