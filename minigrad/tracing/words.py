"""What a step does, as a line of code and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minigrad.core.op import Op
from minigrad.drawing.text import USUAL, setting, settings_of

BETWEEN = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "matmul": "@",
    "power": "**",
    "remainder": "%",
    "floor_divide": "//",
}

# what each input is given; those not named here are described by the kind of their op
WORDS: dict[str, tuple[str, ...]] = {
    "add": ("a sum passes the cotangent on to each term",),
    "subtract": ("a difference passes the cotangent on", "and with the sign turned"),
    "negative": ("the sign is turned",),
    "multiply": ("the cotangent times the other factor",),
    "divide": ("the cotangent over the denominator", "what a larger denominator takes away"),
    "matmul": (
        "each row of the cotangent, weighted by the other matrix transposed: g @ y.T",
        "each column, summed over all rows that it met: x.T @ g",
    ),
    "relu": ("passes where the input is positive, stops where it is not",),
    "maximum": ("goes to the larger one; a tie is shared",),
    "minimum": ("goes to the smaller one; a tie is shared",),
    "sum": ("every term gets the cotangent of the sum",),
    "mean": ("every term gets the cotangent over their number",),
    "mse": (
        "twice the difference, over the number of elements, times the cotangent",
        "the same with the sign turned",
    ),
    "cross_entropy": ("the probabilities minus 1 at the label, over the number of rows",),
    "reshape": ("the same numbers in the shape they came in",),
    "transpose": ("the same numbers with the axes put back",),
    "getitem": ("back to where each element was taken; repeats add up",),
    "concatenate": ("the part that came from here",),
    "maxpool": ("everything goes to the first largest element of each window",),
    "avgpool": ("shared equally among the window",),
    "conv2d": (
        "every output spreads back over the patch it saw, weighted by the filter",
        "every weight gathers over all positions: patch times cotangent",
        "the sum over images and positions",
    ),
    "tanh": ("times the slope 1 / cosh(x)^2: flat where the output is near -1 or 1",),
    "sigmoid": ("times the slope sigmoid(x) * sigmoid(-x): flat where it is near 0 or 1",),
    "exp": ("times the output itself: the exponential is its own slope",),
    "log": ("over the input",),
}

KINDS = {
    "elementwise": "the cotangent times the slope at each element",
    "linear": "the adjoint of the op, applied to the cotangent",
    "general": "the op's vector-Jacobian product with the cotangent",
}


def written(op: str, names: Sequence[str], settings: Mapping[str, Any]) -> str:
    """What an op computes, as one would write it: "x @ w1", "relu(a)", "-a".

    >>> written("matmul", ["x", "w1"], {}), written("sum", ["a"], {"axis": 1})
    ('x @ w1', 'sum(a, axis=1)')
    """
    if op in BETWEEN and len(names) == 2:
        return f"{names[0]} {BETWEEN[op]} {names[1]}"
    if op == "negative":
        return f"-{names[0]}"
    if op == "getitem" and set(settings) == {"index"}:
        return f"{names[0]}{settings_of(settings).removeprefix('index ')}"
    told = {key: setting(key, value) for key, value in settings.items()}
    given = [f"{key}={text}" for key, text in told.items() if USUAL.get(key) != text]
    return f"{op}({', '.join([*names, *given])})"


def said(op: Op | None, slot: int, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> str:
    """What a rule does for the input in `slot`, of shape `shapes[0]`, result `shapes[1]`."""
    if op is None:
        return ""
    words = WORDS.get(op.name, (KINDS[op.kind],))
    text = words[min(slot, len(words) - 1)]
    if op.broadcasts and op.name != "matmul" and shapes[0] != shapes[1]:
        text += f", summed over what was broadcast: {shapes[1]} -> {shapes[0]}"
    return text
