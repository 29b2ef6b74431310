"""A function of arrays and the point at which its derivatives are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter, signature
from typing import Any

import numpy as np

from minigrad import transforms
from minigrad.core.node import Array, Node
from minigrad.core.trees import flatten
from minigrad.errors import DerivativeError

Results = tuple[Any, ...]


@dataclass(frozen=True)
class Point:
    """A function from floating-point arrays to a tuple of such, and the arrays to begin from."""

    function: Callable[..., Results]
    arrays: tuple[Array, ...]
    names: tuple[str, ...]
    precision: float = float(np.finfo(np.float64).eps)  # of what is computed along the way

    def results(self) -> list[Array]:
        """What the function returns for plain arrays."""
        return [np.asarray(x) for x in self.function(*self.arrays)]

    def flat(self, arrays: Sequence[Array]) -> Array:
        """All results as one vector."""
        results = [np.ravel(x) for x in self.function(*arrays)]
        return np.concatenate(results) if results else np.zeros(0)

    def rounding(self) -> float:
        """The largest relative rounding error of the results, and of what they come from."""
        return max([self.precision, *[float(np.finfo(x.dtype).eps) for x in self.results()]])

    def at(self, arrays: Sequence[Array]) -> Point:
        """The same function elsewhere."""
        return replace(self, arrays=tuple(arrays))

    def derivative(self, mode: str, rng: np.random.Generator) -> Point:
        """The pullback ("reverse") or the tangent ("forward") as a function itself.

        Of the arrays and of the cotangents or tangents, which are random.
        """
        like = self.results() if mode == "reverse" else self.arrays
        given = tuple(rng.normal(size=x.shape) for x in like)
        kind, function = ("cotangent", pulled) if mode == "reverse" else ("tangent", pushed)
        names = [kind if len(given) == 1 else f"{kind}[{i}]" for i in range(len(given))]
        number = len(self.arrays)
        return Point(
            partial(function, self.function, number),
            (*self.arrays, *given),
            (*self.names, *names),
            self.rounding(),
        )


def pulled(f: Callable[..., Results], number: int, *arrays: Any) -> Results:
    """The gradients of `f` at the first arrays, for the cotangents that follow them."""
    return transforms.vjp(f, *arrays[:number])[1](arrays[number:])


def pushed(f: Callable[..., Results], number: int, *arrays: Any) -> Results:
    """The change of `f` at the first arrays, along the tangents that follow them."""
    tangents: Results = transforms.jvp(f, arrays[:number], arrays[number:])[1]
    return tangents


def point_of(f: Callable[..., Any], args: tuple[Any, ...]) -> Point:
    """`f` at `args` as a function of its floating-point arrays alone, in float64.

    Other arguments, and other results, are held apart: they have no derivative.
    """
    leaves, rebuild = flatten(args)
    leaves = [np.array(x._value) if isinstance(x, Node) else x for x in leaves]
    places = [i for i, x in enumerate(leaves) if is_floating(x)]

    def function(*arrays: Any) -> Results:
        filled = dict(zip(places, arrays, strict=True))
        result = f(*rebuild([filled.get(i, x) for i, x in enumerate(leaves)]))
        return floating_results(f, result)

    names = names_of(f, args)
    arrays = tuple(np.array(leaves[i], np.float64) for i in places)
    return Point(function, arrays, tuple(names[i] for i in places))


def floating_results(f: Callable[..., Any], result: Any) -> Results:
    """Those of a function's results that have a derivative.

    Raises `DerivativeError` if there are none, or if one could hide some: then nothing is proved.
    """
    leaves = flatten(result)[0]
    found = tuple(x for x in leaves if is_floating(x))
    hiding = [x for x in leaves if x is not None and kind_of(x) not in "fcbiuUS"]
    if found and not hiding:
        return found
    kinds = ", ".join(dict.fromkeys(named(x) for x in hiding or leaves)) or "nothing"
    raise DerivativeError(
        f"{called(f)}: there is no derivative to check of what it returns: {kinds}. Return "
        f"floating-point arrays, or lists, tuples and dicts of them."
    )


def is_floating(x: Any) -> bool:
    """Whether it can have a derivative: floating-point (or complex, for a complex step)."""
    return kind_of(x) in "fc"


def kind_of(x: Any) -> str:
    """NumPy's letter for a kind of numbers; "O" is anything else."""
    kind: str = x.dtype.kind if hasattr(x, "dtype") else np.asarray(x).dtype.kind
    return kind


def named(x: Any) -> str:
    """What kind of thing it is."""
    if hasattr(x, "dtype"):
        return f"{x.dtype} of shape {x.shape}"
    return "None" if x is None else type(x).__name__


def called(f: Callable[..., Any]) -> str:
    """The name of a function."""
    return getattr(f, "__name__", type(f).__name__)


def names_of(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """What to call each array: the name of its parameter, numbered if the argument holds many."""
    try:
        parameters = list(signature(f).parameters.values())
    except (TypeError, ValueError):  # ufuncs and other functions in C tell no names
        parameters = []
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    known = [p.name for p in parameters if p.kind in positional]
    names = []
    for i, arg in enumerate(args):
        name = known[i] if i < len(known) else f"argument {i}"
        number = len(flatten(arg)[0])
        names += [name] if number == 1 else [f"{name}[{k}]" for k in range(number)]
    return names
