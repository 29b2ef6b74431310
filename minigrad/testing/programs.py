"""Random programs: straight-line NumPy text of a few steps, to differentiate in every way.

A program is its source, so that a failing one can be read, run and shortened by hand. The same
steps can be written in another library's words: `program.source(words)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.core.node import Array

Shape = tuple[int, ...]
Choose = Callable[[Sequence[Any]], Any]  # one of several
Settings = dict[str, Any]
Fit = Callable[[Choose, list[Shape]], Settings | None]  # None: these shapes will not do

LARGEST = 24  # elements of a result
STRONGEST = 6.0  # a larger number is damped, so that derivatives stay within bounds


@dataclass(frozen=True)
class Word:
    """One thing that a step can do: its text, how many values it takes, and its settings."""

    text: str  # {0}, {1}: the values
    values: int = 1
    fit: Fit = lambda choose, shapes: {}


@dataclass(frozen=True)
class Step:
    """One word applied to earlier values, counted from the first input."""

    word: str
    values: tuple[int, ...]
    settings: Settings


@dataclass(frozen=True, repr=False)
class Program:
    """A function of arrays: steps, each of earlier values; it returns what is used by no step."""

    inputs: int
    steps: tuple[Step, ...]

    def name(self, number: int) -> str:
        """The name of a value."""
        return f"x{number}" if number < self.inputs else f"v{number - self.inputs}"

    def results(self) -> list[int]:
        """The values that no step uses."""
        used = {value for step in self.steps for value in step.values}
        return [v for v in range(self.inputs, self.inputs + len(self.steps)) if v not in used]

    def source(self, words: Mapping[str, str] | None = None) -> str:
        """The program as the text of a function, in NumPy or in other words."""
        texts = {name: word.text for name, word in WORDS.items()} if words is None else words
        lines = [f"def program({', '.join(self.name(i) for i in range(self.inputs))}):"]
        for number, step in enumerate(self.steps, self.inputs):
            values = [self.name(v) for v in step.values]
            text = texts[step.word].format(*values, **step.settings)
            lines.append(f"    {self.name(number)} = {text}")
        lines.append(f"    return {', '.join(self.name(v) for v in self.results())}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.source()

    def compiled(self, words: Mapping[str, str] | None = None, **names: Any) -> Callable[..., Any]:
        """The function that the source defines, with what its text refers to."""
        space: dict[str, Any] = names or {"np": np, "mg": mg}
        exec(self.source(words), space)
        function: Callable[..., Any] = space["program"]
        return function

    def __call__(self, *arrays: Any) -> Any:
        """Run the program."""
        return self.compiled()(*arrays)


def write(choose: Choose, arrays: Sequence[Array], steps: int) -> Program:
    """A random program for these inputs; `choose` makes every choice."""
    inputs, values = len(arrays), list(arrays)
    written: list[Step] = []
    names = list(WORDS)
    while len(written) < steps:
        unused = Program(inputs, tuple(written)).results() or list(range(len(values)))
        word = choose(names)
        first = choose(unused)
        operands = (first, *[choose(range(len(values))) for _ in range(WORDS[word].values - 1)])
        settings = WORDS[word].fit(choose, [values[i].shape for i in operands])
        if settings is None:
            word, operands, settings = "sine", (first,), {}
        step = Step(word, operands, settings)
        value = outcome(step, [values[i] for i in operands])
        if value.size > LARGEST:
            step = Step("mean", (first,), {"axis": None, "keepdims": False})
            value = outcome(step, [values[first]])
        written.append(step)
        values.append(value)
        if np.max(np.abs(value), initial=0) > STRONGEST:
            written.append(Step("tanh", (len(values) - 1,), {}))
            values.append(np.tanh(value))
    return Program(inputs, tuple(written))


def outcome(step: Step, values: Sequence[Array]) -> Array:
    """What one step makes of its values."""
    alone = Program(len(values), (Step(step.word, tuple(range(len(values))), step.settings),))
    return np.asarray(alone(*values))


# --- which shapes a word takes --------------------------------------------------------------


def alike(choose: Choose, shapes: list[Shape]) -> Settings | None:
    """Shapes that broadcast together."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return None
    return {}


def matrices(choose: Choose, shapes: list[Shape]) -> Settings | None:
    """A product of matrices and vectors."""
    x, y = shapes
    return {} if x and y and x[-1] == y[0] and len(x) <= 2 and len(y) <= 2 else None


def any_axis(choose: Choose, shapes: list[Shape]) -> Settings | None:
    """An axis or none, and `keepdims`."""
    if 0 in shapes[0]:
        return None
    axis = choose([None, *range(-len(shapes[0]), len(shapes[0]))])
    return {"axis": axis, "keepdims": choose([False, True])}


def an_axis(choose: Choose, shapes: list[Shape]) -> Settings | None:
    """An axis that is there, of any length but 0."""
    if not shapes[0] or 0 in shapes[0]:
        return None
    return {"axis": choose(range(-len(shapes[0]), len(shapes[0])))}


def same_shape(choose: Choose, shapes: list[Shape]) -> Settings | None:
    """Two values of one shape, and an axis of it."""
    return an_axis(choose, shapes) if shapes[0] == shapes[1] else None


def an_order(choose: Choose, shapes: list[Shape]) -> Settings | None:
    """An order of the axes."""
    axes = list(range(len(shapes[0])))
    order = []
    while axes:
        order.append(choose(axes))
        axes.remove(order[-1])
    return {"axes": tuple(order)}


def an_index(choose: Choose, shapes: list[Shape]) -> Settings | None:
    """Whole numbers into the first axis, with repeats."""
    if not shapes[0] or not shapes[0][0]:
        return None
    length = shapes[0][0]
    return {"index": [choose(range(-length, length)) for _ in range(choose([1, 2, 3]))]}


def not_empty(choose: Choose, shapes: list[Shape]) -> Settings | None:
    """At least one axis, and elements."""
    return {} if shapes[0] and 0 not in shapes[0] else None


WORDS = {
    "tanh": Word("np.tanh({0})"),
    "sine": Word("np.sin({0})"),
    "exponential": Word("np.exp(-{0} * {0})"),
    "arctan": Word("np.arctan({0})"),
    "logarithm": Word("np.log1p({0} ** 2)"),
    "root": Word("np.sqrt(1 + {0} ** 2)"),
    "cube": Word("{0} ** 3 / 9"),
    "reciprocal": Word("1 / (2 + np.cos({0}))"),
    "absolute": Word("np.abs({0})"),
    "relu": Word("mg.relu({0})"),
    "sigmoid": Word("mg.sigmoid({0})"),
    "softplus": Word("mg.softplus({0})"),
    "gelu": Word("mg.gelu({0})"),
    "clip": Word("np.clip({0}, -0.7, 0.9)"),
    "add": Word("{0} + {1}", 2, alike),
    "subtract": Word("{0} - {1}", 2, alike),
    "multiply": Word("{0} * {1}", 2, alike),
    "divide": Word("{0} / (1 + {1} ** 2)", 2, alike),
    "power": Word("np.power(1.5 + np.sin({0}), {1})", 2, alike),
    "maximum": Word("np.maximum({0}, {1})", 2, alike),
    "minimum": Word("np.minimum({0}, {1})", 2, alike),
    "hypot": Word("np.hypot(1 + {0} ** 2, {1})", 2, alike),
    "arctan2": Word("np.arctan2({0}, 2 + np.cos({1}))", 2, alike),
    "logaddexp": Word("np.logaddexp({0}, {1})", 2, alike),
    "where": Word("np.where({0} > 0, {0} * {1}, 0.0)", 2, alike),
    "matmul": Word("{0} @ {1}", 2, matrices),
    "einsum": Word("np.einsum('...i,...i->...', {0}, {1})", 2, same_shape),
    "outer": Word("np.outer({0}, {1})", 2),
    "sum": Word("np.sum({0}, axis={axis}, keepdims={keepdims})", 1, any_axis),
    "mean": Word("np.mean({0}, axis={axis}, keepdims={keepdims})", 1, any_axis),
    "max": Word("np.max({0}, axis={axis})", 1, an_axis),
    "min": Word("np.min({0}, axis={axis})", 1, an_axis),
    "prod": Word("np.prod({0}, axis={axis})", 1, an_axis),
    "variance": Word("np.var({0}, axis={axis})", 1, an_axis),
    "logsumexp": Word("mg.logsumexp({0}, axis={axis})", 1, an_axis),
    "softmax": Word("mg.softmax({0}, axis={axis})", 1, an_axis),
    "log_softmax": Word("mg.log_softmax({0}, axis={axis})", 1, an_axis),
    "cumsum": Word("np.cumsum({0}, axis={axis})", 1, an_axis),
    "sort": Word("np.sort({0}, axis={axis})", 1, an_axis),
    "transpose": Word("np.transpose({0}, {axes})", 1, an_order),
    "ravel": Word("np.reshape({0}, -1)"),
    "column": Word("np.reshape({0}, (-1, 1))"),
    "flip": Word("np.flip({0}, axis={axis})", 1, an_axis),
    "roll": Word("np.roll({0}, 1, axis={axis})", 1, an_axis),
    "take": Word("{0}[{index}]", 1, an_index),
    "last": Word("{0}[..., -1:]", 1, not_empty),
    "backwards": Word("{0}[..., ::-1]", 1, not_empty),
    "stack": Word("np.stack([{0}, {1}], axis={axis})", 2, same_shape),
    "concatenate": Word("np.concatenate([{0}, {1}], axis={axis})", 2, same_shape),
    "pad": Word("np.pad({0}, 1)", 1, not_empty),
}
