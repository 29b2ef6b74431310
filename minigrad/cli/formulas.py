"""Formulas from the command line, drawn and traced: "relu(x @ w + b)" x=4x2 w=2x3 b=3."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import numpy as np

import minigrad as mg
from minigrad.errors import FormulaError, ShapeError
from minigrad.formulas import Formula


def computed(text: str, inputs: tuple[str, ...], data: tuple[str, ...], seed: int) -> mg.Tensor:
    """The formula's result for these inputs, with every gradient of its sum."""
    formula = mg.formula(text)
    named = dict(map(split, inputs))
    matched(formula, named)
    rng = np.random.default_rng(seed)
    tensors = {
        name: mg.Tensor(array(name, value, rng), requires_grad=name not in data, name=name)
        for name, value in named.items()
    }
    result = formula(**{name: tensors[name] for name in formula.names})
    if not isinstance(result, mg.Tensor):
        raise FormulaError(f"formula: {text!r} gives a {type(result).__name__}, not a tensor.")
    if not result.requires_grad:
        raise FormulaError(f"formula: nothing in {text!r} requires a gradient.")
    result.backward(np.ones(result.shape))
    return result


def split(text: str) -> tuple[str, str]:
    """NAME=VALUE as its two sides."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise click.BadParameter(f"{text!r} is not NAME=SHAPE, such as x=4x2.")
    return name.strip(), value.strip()


def matched(formula: Formula, named: dict[str, str]) -> None:
    """Raise unless every input of the formula is given, and no other."""
    missing = [name for name in formula.names if name not in named]
    if missing:
        example = " ".join(f"{name}=2x2" for name in missing)
        raise click.BadParameter(f"the formula reads {', '.join(missing)}: add {example}.")
    unknown = [name for name in named if name not in formula.names]
    if unknown:
        reads = ", ".join(formula.names) or "no names"
        raise click.BadParameter(f"the formula reads {reads}, but not {', '.join(unknown)}.")


def array(name: str, value: str, rng: np.random.Generator) -> np.ndarray:
    """Random numbers of a shape (4x2, 3, "()"), or the numbers themselves ([[0, 1]], 0.5)."""
    if value in ("()", "scalar"):
        return np.asarray(rng.normal())
    if re.fullmatch(r"\d+(x\d+)*", value, re.ASCII):
        shape = tuple(map(int, value.split("x")))
        if np.prod([float(n) for n in shape]) > LARGEST:
            raise ShapeError(f"{name}={value}: that is more than {LARGEST:,} numbers.")
        return rng.normal(size=shape)
    try:
        return np.array(json.loads(value), dtype=float)
    except (ValueError, TypeError):
        raise click.BadParameter(
            f"{name}={value!r} is neither a shape, such as 4x2, nor numbers, such as [[0, 1]] or "
            f"0.5."
        ) from None


LARGEST = 10_000_000


def draw(result: mg.Tensor, out: Path | None, **settings: object) -> str:
    """Draw a result into a file, or as text; returns what to print."""
    drawing = mg.draw(result, grad=np.ones(result.shape), names={"result": result}, **settings)  # type: ignore[arg-type]  # click has checked them
    if out is None:
        return drawing.text
    drawing.save(out)
    return f"Wrote {out}"


def trace(result: mg.Tensor, out: Path) -> str:
    """Write a page that plays backprop step by step; returns what to print."""
    mg.trace(result, grad=np.ones(result.shape), names={"result": result}).save(out)
    return f"Wrote {out}"
