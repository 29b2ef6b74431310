"""Why a gradient is None, zero or nan, in words: what stands between a tensor and the result."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.core.anomaly import Anomaly, Backward, first_recorded, not_finite
from minigrad.core.cuts import Cut, cut_of
from minigrad.core.names import Names, name_of_each, named, variables
from minigrad.core.node import Array, Node
from minigrad.core.overwritten import changed_values, gone
from minigrad.core.places import place_of, where
from minigrad.core.printable import printable
from minigrad.core.reach import below
from minigrad.core.sweep import Step, sweep
from minigrad.core.traps import given, told
from minigrad.drawing.causes import Blocker, cause, dead_units
from minigrad.drawing.snapshot import not_a_tensor
from minigrad.drawing.text import number as short
from minigrad.errors import OverwrittenError

MOST = 5  # causes that are told of


@dataclass(frozen=True, slots=True, repr=False)
class Reason:
    """Why a gradient is as it is: in one word or two, and in sentences."""

    reason: str
    text: str

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


def why(t: Any, result: Any = None) -> Reason:
    """Why the gradient of `t` is None, zero or nan, in words: print it, or ask for its `.reason`.

    `result` is what `backward()` was called on; without it, the latest result among the caller's
    variables. The backward pass is run again for it, and nothing is written. Reasons: "integer",
    "constant" (no gradient was asked for), "detached", "no_grad", "not reached", "no rule",
    "overwritten", "no backward", "dead relu", "zero factor", "flat", "not chosen", "cancels";
    "nan" or "infinite" where it holds such; and "partly zero" or "not zero" where it is a number.

    Raises `TypeError` unless `t` is a tensor.

    >>> import minigrad as mg
    >>> w = mg.Tensor([-1.0, -2.0], requires_grad=True)
    >>> loss = mg.sum(mg.relu(w))
    >>> loss.backward()
    >>> mg.why(w).reason
    'dead relu'
    >>> mg.why(w)
    The gradient of w is zero: relu (#2) stops it: all 2 elements of x are <= 0 (the largest is -1).
    """
    for x in (t, result):
        if not isinstance(x, Node) and not (x is None and x is result):
            raise TypeError(not_a_tensor(x, "why: takes a tensor and its result"))
    scopes = variables(sys._getframe(1))
    if not t._tracked:
        return untracked(t, scopes)
    known = [x for scope in scopes for x in tensors_in(scope)]
    if result is None:
        results = [x for x in known if x.op is not None and x._tracked and x is not t]
        result = max(results, key=lambda x: x.number, default=None)
    if result is None:
        name = f"The gradient of {called(t, scopes)}"
        return Reason("not reached", f"{name}: no result is in sight. Give it: why(t, loss).")
    graph = Graph(result, scopes, t)
    if t.number not in graph.nodes:
        return unreached(t, graph, known)
    return reached(t, graph)


class Graph:
    """The graph of a result, what the sweep did in it, and how its nodes are called."""

    def __init__(self, root: Node, scopes: tuple[Names, ...], t: Node) -> None:
        nodes = below(root)
        self.root = root
        self.changed = changed_values(nodes)
        self.nodes = {x.number: x for x in nodes}
        self.number = {x.number: i for i, x in enumerate(nodes, start=1)}
        self.names = dict(zip(self.nodes, name_of_each(nodes, None, scopes), strict=True))
        self.names.setdefault(t.number, name_of_each([t], None, scopes)[0])
        self.users: dict[int, list[tuple[Node, int]]] = {x.number: [] for x in nodes}
        for x in nodes:
            for slot, y in enumerate(x.inputs):
                self.users[y.number].append((x, slot))
        self.steps: dict[int, Step] = {}
        self.found: dict[int, Array] = {}
        self.anomalies: list[Anomaly] = []  # of the sweep

    def run(self) -> None:
        """Run the sweep, with a cotangent of ones."""
        value = self.root._value

        backward = Backward()

        def keep(step: Step) -> None:
            self.steps[step.node.number] = step
            self.found[step.node.number] = step.cotangent
            self.anomalies += backward.at(step)

        arrived = sweep([(self.root, np.ones(value.shape, value.dtype))], on_step=keep)
        self.found |= {x.number: g for x, g in arrived.items()}

    def holds_odd(self, x: Node) -> bool:
        """Whether a node is known to have held nan or infinity when it was used."""
        return x.number not in self.changed and not_finite(x._value) is not None

    def label(self, x: Node) -> str:
        """How a node is called: its name or its op, the number it has in the drawing, its line."""
        name = self.names.get(x.number) or (x.op.name if x.op else "a leaf")
        number = f" (#{self.number[x.number]})" if x.number in self.number else ""
        place = place_of(x)
        return f"{name}{number}" + (f" at {where(place)}" if place else "")

    def op(self, x: Node) -> str:
        """How an op is called: "relu (#2)"."""
        return f"{x.op.name if x.op else 'leaf'} (#{self.number[x.number]})" + (
            f" at {where(place)}" if (place := place_of(x)) else ""
        )

    @property
    def result(self) -> str:
        """How the result is called."""
        return self.names[self.root.number] or f"the result of {self.op(self.root)}"


def tensors_in(scope: Names) -> Iterator[Node]:
    """The tensors that the variables of a scope hold, also in lists and tuples."""
    for value in list(scope.values()):
        for x in value if isinstance(value, list | tuple) else (value,):
            if isinstance(x, Node):
                yield x


def called(t: Node, scopes: tuple[Names, ...]) -> str:
    """The name of a tensor among the variables, or its shape."""
    found = {n: name for scope in reversed(scopes) for n, name in reversed(list(named(scope)))}
    return printable(t.name or found.get(t.number) or f"this tensor of shape {t._value.shape}")


# --- tensors that need none, or that the result does not depend on


def untracked(t: Node, scopes: tuple[Names, ...]) -> Reason:
    """Why a tensor requires no gradient."""
    name = called(t, scopes)
    cut = cut_of(t)
    if cut is not None:
        return Reason(kind_of(cut[0]), f"{name} has no gradient: {lost(cut[0])}")
    if t._value.dtype.kind != "f":
        return Reason(
            "integer",
            f"{name} has no gradient: it is {t._value.dtype}. An index or a count has no slope; "
            f"only floating-point tensors can have a gradient.",
        )
    return Reason(
        "constant",
        f"{name} has no gradient: it was made without requires_grad=True, from numbers or from "
        f"tensors that require none.",
    )


def kind_of(cut: Cut) -> str:
    """The reason that a cut is."""
    return "no_grad" if cut.how == "no_grad" else "detached"


def lost(cut: Cut) -> str:
    """What a cut did, and where."""
    at = where(cut.place)
    if cut.how == "no_grad":
        return f"it was computed under the no_grad() of {at}, where nothing is recorded."
    return f"{cut.how}() at {at} took it out of the graph."


def unreached(t: Node, graph: Graph, known: list[Node]) -> Reason:
    """Why a result does not depend on a tensor: a cut on the way to it, or no way at all."""
    name = graph.names[t.number] or f"this tensor of shape {t._value.shape}"
    start = f"No gradient reaches {name} from {graph.result}"
    depend = dependents_of(t, known)
    cuts = [(x, cut) for x in graph.nodes.values() if (cut := cut_of(x)) is not None]
    for x, (by, numbers) in cuts:
        if depend & set(numbers):
            what = graph.names[x.number] or f"#{graph.number[x.number]}"
            return Reason(kind_of(by), f"{start}: it was computed from {what}, and {lost(by)}")
    text = f"{start}: it was not computed from {name}."
    for x, (by, _) in cuts:
        what = graph.names[x.number] or f"#{graph.number[x.number]}"
        text += f" What {what} was computed from is not known: {lost(by)}"
    twins = [x for x in graph.nodes.values() if x.name and x.name == t.name]
    if twins:
        text += f" Another tensor called {t.name!r} is in its graph: was this one made anew?"
    elif not cuts:
        text += " Values taken out by .data, .numpy() or .item() keep no past."
    return Reason("not reached", text)


def dependents_of(t: Node, known: list[Node]) -> set[int]:
    """The numbers of all tensors in sight that were computed from one, and its own."""
    everything: dict[int, Node] = {}
    stack = [x for x in known if x.number not in everything]
    while stack:
        x = stack.pop()
        if x.number not in everything:
            everything[x.number] = x
            stack.extend(x.inputs)
    found = {t.number}
    for number in sorted(everything):
        if any(x.number in found for x in everything[number].inputs):
            found.add(number)
    return found


# --- tensors that the result depends on


def reached(t: Node, graph: Graph) -> Reason:
    """What the backward pass brings a tensor of the graph, and what it is stopped by."""
    name = graph.names[t.number] or f"#{graph.number[t.number]}"
    try:
        graph.run()
    except OverwrittenError as error:
        return Reason("overwritten", f"The gradient of {name} cannot be computed: {error}")
    g = graph.found.get(t.number)
    if g is None:
        return without_rule(t, name, graph)
    if not_finite(g) is not None:
        return spoiled(t, name, g, graph)
    zeros = g.size - int(np.count_nonzero(g))
    if zeros < g.size:
        return not_zero(t, name, g, zeros, graph)
    return stopped(t, name, graph)


def without_rule(t: Node, name: str, graph: Graph) -> Reason:
    """The ops that give no gradient to what they were computed from."""
    texts = []
    for x, slot in ways(t, graph, through=lambda user: user.number not in graph.steps):
        if x.number in graph.steps:
            names = x.op.parameters if x.op and not x.op.variadic else ()
            which = f"its input {names[slot]!r}" if slot < len(names) else f"its input {slot + 1}"
            texts.append(f"{graph.op(x)} has no derivative in {which}")
    return Reason("no rule", f"No gradient reaches {name}: {joined(texts)}.")


def not_zero(t: Node, name: str, g: Array, zeros: int, graph: Graph) -> Reason:
    """A gradient that is there: where it went, and what part of it is zero."""
    size = short(float(np.sqrt(np.sum(np.square(g, dtype=float)))))
    text = f"{name} gets a gradient from {graph.result} (its norm is {size})"
    if zeros:
        text += f"; {zeros:,} of its {g.size:,} elements are zero"
        dead = [graph.op(x) + dead_units(x) for x in graph.nodes.values() if dead_units(x)]
        text += f": {joined(dead)}" if dead else ""
    if t.op is not None:
        text += ". It is the result of an op: backward() writes only into leaves, draw() shows it"
    elif t.grad is None:
        return Reason("no backward", f"{text}. {graph.result}.backward() has not been run yet, "
                      f"or its gradient was cleared since.")  # fmt: skip
    return Reason("partly zero" if zeros else "not zero", f"{text}.")


def spoiled(t: Node, name: str, g: Array, graph: Graph) -> Reason:
    """Which op made the nan or the infinity that a gradient holds."""
    odd = ~np.isfinite(g)
    first = tuple(np.argwhere(odd)[0].tolist())
    reason = "nan" if np.isnan(g[first]) else "infinite"
    count = f" at {np.count_nonzero(odd):,} of its {g.size:,} elements" if g.ndim else ""
    return Reason(reason, f"The gradient of {name} is {reason}{count}: {origin_of(t, graph)}")


def origin_of(t: Node, graph: Graph) -> str:
    """The first op, forward or backward, that spoiled what comes to a node."""
    met, passed = spoiled_on_the_way(t, graph)
    before = {y.number: y for x in passed for y in below(x)}
    forward = first_recorded([before[number] for number in sorted(before)])
    there = {x.number for x in passed}
    backward = [
        a
        for a in graph.anomalies
        if (a.inputs[a.slot].number in met if a.phase == "sum" else a.node.number in there)
        and given(a) == "finite"
    ]
    if forward is not None and not graph.holds_odd(graph.root):
        anomaly = backward[0] if backward else forward  # what it made was dropped on the way
    else:
        anomaly = forward or (backward[0] if backward else None)
    if anomaly is not None:
        return told(anomaly, lambda x: graph.names.get(x.number, ""), graph.op(anomaly.node))
    leaves = [x for x in before.values() if x.op is None and graph.holds_odd(x)]
    held = [f"{graph.label(x)} holds nan or infinity itself" for x in leaves]
    lost = [f"{graph.label(x)} {gone(x)}" for x in before.values() if x.number in graph.changed]
    return joined(held or [f"it comes through {graph.op(x)}" for x in passed] + lost) + "."


def spoiled_on_the_way(t: Node, graph: Graph) -> tuple[set[int], list[Node]]:
    """The nodes on the ways to one at which what arrives is not finite, by number, and the ops on
    them out of which it comes so.
    """

    def odd(x: Node) -> bool:
        return not_finite(graph.found[x.number]) is not None

    met, passed = {t.number}, []
    for x, slot in ways(t, graph, through=odd):
        step = graph.steps.get(x.number)
        c = None if step is None else step.contributions[slot]
        if c is not None and not_finite(c) is not None:
            passed.append(x)
        if x.number in graph.found and odd(x):
            met.add(x.number)
    return met, passed


def stopped(t: Node, name: str, graph: Graph) -> Reason:
    """Where a gradient that comes as far as some op turns to zero."""
    found: list[tuple[str, str]] = []
    for x, slot in ways(t, graph, through=lambda user: not graph.found[user.number].any()):
        step = graph.steps.get(x.number)
        if step is None or step.contributions[slot] is None or not step.cotangent.any():
            continue
        if step.contributions[slot].any():
            y = graph.label(x.inputs[slot])
            found.append(("cancels", f"what arrives at {y} by several ways adds up to 0"))
        else:
            reason, text = cause(Blocker(x, slot, step.cotangent))
            found.append((reason, f"{graph.op(x)} stops it: {text}"))
    reasons = list(dict.fromkeys(found))
    reason = reasons[0][0] if reasons else "flat"
    return Reason(
        reason, f"The gradient of {name} is zero: {joined([text for _, text in reasons])}."
    )


def ways(t: Node, graph: Graph, through: Any) -> Iterator[tuple[Node, int]]:
    """The ops on all ways from a node up to the first that the gradient does not get `through`."""
    seen = {t.number}
    stack = [t]
    while stack:
        for user, slot in graph.users[stack.pop().number]:
            if not user._tracked:
                continue
            yield user, slot
            arrives = user.number in graph.found
            if user.number not in seen and (not arrives or through(user)):
                seen.add(user.number)
                stack.append(user)


def joined(texts: list[str]) -> str:
    """Several causes as one sentence."""
    texts = list(dict.fromkeys(texts))
    more = f"; and {len(texts) - MOST:,} more" if len(texts) > MOST else ""
    return "; ".join(texts[:MOST]) + more
