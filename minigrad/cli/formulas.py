"""Formulas from the command line, drawn and traced: "relu(x @ w + b)" x=4x2 w=2x3 b=3."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

import minigrad as mg
from minigrad.cli.output import saved
from minigrad.errors import FormulaError, ShapeError
from minigrad.formulas import Formula


def computed(
    text: str, inputs: Sequence[str], data: Sequence[str], seed: int
) -> tuple[mg.Tensor, str]:
    """The formula's result for these inputs, with every gradient of its sum; and a line that says
    what was filled at random, if anything was.
    """
    text, *inputs = map(as_typed, (text, *inputs))
    data = [*map(as_typed, data)]
    formula = mg.formula(text)
    named = dict(map(split, inputs))
    matched(formula, named, inputs, data)
    rng = np.random.default_rng(seed)
    tensors, filled = {}, []
    for name, value in named.items():
        shape = shape_in(name, value)
        array = numbers(name, value, name in data) if shape is None else rng.normal(size=shape)
        tensors[name] = mg.Tensor(array, requires_grad=name not in data, name=name)
        filled += [] if shape is None else [f"{name} {shape}"]
    result = formula(**{name: tensors[name] for name in formula.names})
    if not isinstance(result, mg.Tensor):
        raise FormulaError(f"formula: {text!r} gives a {type(result).__name__}, not a tensor.")
    if not result.requires_grad:
        raise FormulaError(f"formula: nothing in {text!r} requires a gradient.")
    result.backward(np.ones(result.shape))
    return result, f"\nFilled at random (seed {seed}): {', '.join(filled)}." if filled else ""


def as_typed(argument: str) -> str:
    """An argument as UTF-8, where Python left its bytes alone since the locale has ASCII only."""
    try:
        return argument.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeError:  # other halves of pairs, which no shell hands over
        return argument


def split(text: str) -> tuple[str, str]:
    """NAME=VALUE as its two sides."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as x=4x2 or x=0.5.")
    return name.strip(), value.strip()


def matched(
    formula: Formula, named: dict[str, str], inputs: Sequence[str], data: Sequence[str]
) -> None:
    """Raise unless every input of the formula is given, once, and no other."""
    if len(named) < len(inputs):
        names = [split(text)[0] for text in inputs]
        twice = next(name for name in names if names.count(name) > 1)
        raise click.BadParameter(f"{twice} is given more than once.")
    missing = [name for name in formula.names if name not in named]
    if missing:
        example = " ".join(f"{name}=2x2" for name in missing)
        raise click.BadParameter(f"the formula reads {', '.join(missing)}: add {example}.")
    unknown = [name for name in (*named, *data) if name not in formula.names]
    if unknown:
        reads = ", ".join(formula.names) or "no names"
        raise click.BadParameter(f"the formula reads {reads}, but not {', '.join(unknown)}.")


def shape_in(name: str, value: str) -> tuple[int, ...] | None:
    """The shape that a value names: 4x2, (4, 2), (3,), "()"; None for one that is numbers."""
    if not re.fullmatch(SHAPE, value, re.ASCII):
        return None
    sides = re.findall(r"\d+", value)
    if len(sides) > MOST_AXES or max(map(len, sides), default=0) > MOST_DIGITS:
        raise ShapeError(f"{name}: a shape has at most {MOST_AXES} axes, of 12 digits each.")
    shape = tuple(map(int, sides))
    if math.prod(shape) > LARGEST:
        raise ShapeError(f"{name}={value}: that is more than {LARGEST:,} numbers.")
    return shape


SHAPE = r"\d+(x\d+)+|\(\s*(\d+\s*,\s*)*\)|\(\s*\d+(\s*,\s*\d+)+\s*\)"
MOST_AXES, MOST_DIGITS = 64, 12  # NumPy's bound; more than any side has that fits in memory
LARGEST = 10_000_000


def numbers(name: str, value: str, data: bool) -> np.ndarray:
    """The numbers that a value holds, such as 0.5 or [[0, 1], [2, 3]]; of data, as integers if they
    are.
    """
    wrong = click.BadParameter(
        f"{name}={value!r} is neither numbers, such as 0.5 or [[0, 1]], nor a shape, such as 4x2 "
        f"or (3,)."
    )
    try:
        nested = json.loads(value) if value.startswith("[") else float(value)
        found = np.array(nested)
        if found.dtype.kind not in "if" or not only_numbers(nested):
            raise wrong
    except (ValueError, OverflowError, RecursionError):
        raise wrong from None
    return found if data and found.ndim else found.astype(float)


def only_numbers(nested: object) -> bool:
    """Whether nested lists hold nothing but numbers: NumPy would take True and None for such."""
    stack = [nested]
    while stack:
        thing = stack.pop()
        if isinstance(thing, list):
            stack.extend(thing)
        elif type(thing) not in (int, float):
            return False
    return True


def draw(result: mg.Tensor, out: Path | None, **settings: object) -> str:
    """Draw a result into a file, or as text; returns what to print."""
    drawing = mg.draw(result, grad=np.ones(result.shape), names={"result": result}, **settings)  # type: ignore[arg-type]  # click has checked them
    if out is None:
        return drawing.text
    return f"Wrote {saved(drawing, out)}"


def trace(result: mg.Tensor, out: Path) -> str:
    """Write a page that plays backprop step by step; returns what to print."""
    played = mg.trace(result, grad=np.ones(result.shape), names={"result": result})
    return f"Wrote {saved(played, out)}"
