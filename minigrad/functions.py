"""What a transform is given, and what its function returns: checked, with words for mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.node import Node
from minigrad.errors import GradientTypeError, ShapeError
from minigrad.tensor import Tensor

Argnums = int | tuple[int, ...]
Function = Callable[..., Any]


def check_callable(f: Any) -> None:
    """Raise `TypeError` for what cannot be differentiated, as it is no function."""
    if callable(f):
        return
    if isinstance(f, Node):
        advice = "to differentiate a computed tensor call loss.backward(), then read w.grad"
    else:
        advice = "give one, such as mg.grad(lambda x: x**2)(3.0)"
    raise TypeError(
        f"only functions are differentiated, and this is a {type(f).__name__}: {advice}."
    )


def check_argnums(argnums: Any) -> None:
    """Raise `TypeError` for argnums that are no positions."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if chosen and all(isinstance(i, int | np.integer) and not isinstance(i, bool) for i in chosen):
        return
    if isinstance(argnums, list):
        advice = f"give a tuple, argnums={tuple(argnums)}"
    elif isinstance(argnums, str):
        advice = f"count where {argnums!r} stands among the arguments, from 0"
    else:
        advice = "the values go to the function that comes back, mg.grad(f)(x)"
    raise TypeError(
        f"argnums is the position of an argument, or a tuple of positions; got {argnums!r}: "
        f"{advice}."
    )


def in_a_tuple(what: str, given: Any) -> tuple[Any, ...]:
    """The arguments of a function; `TypeError` for one argument alone."""
    if isinstance(given, tuple | list):
        return tuple(given)
    raise TypeError(
        f"{what} holds one value for each argument of the function: for a single argument give "
        f"a tuple of one, (x,). This is a {type(given).__name__}."
    )


def as_output(x: Any, f: Function) -> Tensor:
    """What a function returned that is no tensor, as one; an error that names the function."""
    name = name_of(f)
    if x is None:
        raise GradientTypeError(
            f"{name} returned None: a function to differentiate must return its result. Is a "
            f"`return` missing?"
        )
    try:
        return Tensor(x)
    except GradientTypeError as error:
        raise GradientTypeError(f"{name} returned no number: {error}") from None


def not_one_number(outputs: list[Any]) -> ShapeError:
    """The error for a function of which `grad` cannot be taken."""
    shapes = ", ".join(str(x.shape) for x in outputs) or "nothing at all"
    if len(outputs) == 1:
        returned, advice = f"shape {shapes}", "Sum it"
    else:
        returned, advice = f"{len(outputs)} values, of shapes {shapes}", "Return the loss alone"
    return ShapeError(
        f"grad needs a function that returns one number; this one returned {returned}. {advice}, "
        f"or use mg.vjp or mg.jacobian."
    )


def name_of(f: Any) -> str:
    """What a function is called, for a message."""
    name: str = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else name
