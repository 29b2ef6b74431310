"""What an optimizer is given: parameters, rates; told apart from what is often given instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.core.node import Node, is_made
from minigrad.tensor import Tensor


def parameters_of(given: Iterable[Tensor], what: str) -> list[Tensor]:
    """The parameters in a list; a `TypeError` or `ValueError` for anything else says what to do.

    `what` is the name of the function that they were given to.
    """
    parameters = in_a_list(given, what)
    if not parameters:
        raise ValueError(
            f"{what}: there is nothing to optimize, the list of parameters is empty. Parameters "
            f"are tensors with requires_grad=True, and a generator is empty once it was used."
        )
    for i, p in enumerate(parameters):
        if not isinstance(p, Tensor) or not is_made(p) or not p.requires_grad:
            raise TypeError(
                f"{what} takes tensors made with requires_grad=True; number {i} of the list is "
                f"{described(p)}."
            )
    if len({id(p) for p in parameters}) < len(parameters):
        raise ValueError(
            f"{what}: a parameter is in the list more than once. Give each once, such as "
            f"list(dict.fromkeys(parameters))."
        )
    return parameters


def in_a_list(given: Any, what: str) -> list[Any]:
    """What was given, if one can go through it and it is no single thing."""
    if isinstance(given, Node):
        advice = f"a single tensor: put it in a list, {what}([w], ...)"
    elif callable(getattr(type(given), "named_parameters", None)):
        advice = f"a module: give {what}(module.parameters(), ...)"
    elif isinstance(given, Mapping):
        advice = f"a dict: give the tensors in it, {what}(list(d.values()), ...)"
    elif callable(given):
        advice = "a function or a method: call it, as in module.parameters()"
    elif isinstance(given, str | bytes | np.ndarray) or not isinstance(given, Iterable):
        advice = f"{a_thing(given)}: give {what}([w, b], ...), or module.parameters()"
    else:
        return list(given)
    raise TypeError(f"{what} takes a list of tensors; this is {advice}.")


def described(p: Any) -> str:
    """What is in the place of a parameter, and what to do about it."""
    if isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], str):
        return "a pair of a name and a tensor: give module.parameters(), which has no names"
    if isinstance(p, Mapping):
        return "a dict: give tensors, and make one optimizer for each group of settings"
    if isinstance(p, list | tuple):
        return f"a {type(p).__name__} itself: give one flat list, [*a, *b]"
    if callable(getattr(type(p), "named_parameters", None)):
        return "a module: give module.parameters(), or [*a.parameters(), *b.parameters()]"
    if isinstance(p, np.ndarray):
        return "an array: make it one with mg.Tensor(array, requires_grad=True)"
    if not isinstance(p, Tensor):
        return f"{a_thing(p)}: give the tensors themselves"
    if p.requires_grad:
        return (
            f"the result of a computation, of shape {p.shape}: give the tensors that it was "
            f"computed from"
        )
    return f"{called(p)} without requires_grad=True: make it with that, or leave it out"


def a_thing(thing: Any) -> str:
    """A thing by its kind, for a message."""
    if isinstance(thing, int | float | str) or thing is None:
        return repr(thing)[:40]
    return f"a {type(thing).__name__}"


def number(given: Any, what: str) -> float:
    """A number as a float; `TypeError`, which begins with `what` it is, for anything else."""
    if isinstance(given, str | bytes):
        raise TypeError(f"{what} is a number; got {given!r}, which is text: leave the quotes out.")
    try:
        return float(given)
    except (TypeError, ValueError):
        raise TypeError(f"{what} is a number; this is {a_thing(given)}.") from None


def check_numbers(**settings: Any) -> None:
    """Raise `TypeError` for a setting that is no number."""
    for name, value in settings.items():
        number(value, name)


def called(p: Tensor) -> str:
    """The parameter, for a message."""
    return repr(p.name) if p.name else f"a parameter of shape {p.shape}"
