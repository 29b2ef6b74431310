"""Which elements of its inputs each element of a result depends on, and by which factor.

Told by the engine's own rules, not by the values at hand: an accidental zero (a dead relu, a zero
weight) does not hide a dependence.

- An elementwise op depends as its arrays broadcast. Its factors are its partials.
- Any other op is asked for its Jacobian at generic points, one row or column at a time. Where an
  op is affine in an input, the sparsity of that Jacobian is the answer; else an element counts as
  used where changing it, a little or a lot, changes the result (the loser of a `maxpool` window is
  looked at as well).
- Where the factors are elements of another input (a product of matrices, a convolution), it is
  found out which: the other input is filled with 1, 2, 3, ..., and the factor says where it
  came from.

The columns of each row are kept as an offset and one of few templates, since regular ops repeat
themselves: a convolution over a thousand positions has one template inside and eight at the edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.core.broadcasting import sum_to
from minigrad.core.node import Array, Node
from minigrad.core.op import Op

MOST_INPUTS = 16  # of an op that is followed
PROBES = 8_000  # evaluations of an op, at most, to learn about one input
ENTRIES = 3_000_000  # pairs of elements, at most
FACTORS = 60_000  # factors that are written down one by one, at most
SAMPLE = 24  # rows on which a guess is tried before it is trusted


@dataclass(frozen=True)
class Pattern:
    """How the elements of a result depend on those of one input."""

    kind: str  # "broadcast", "rows" or "unknown"
    templates: tuple[tuple[int, ...], ...] = ()  # columns, from the first one of the row on
    which: Array | None = None  # the template of each row
    first: Array | None = None  # the first column of each row
    other: int | None = None  # the input whose elements are the factors
    other_templates: tuple[tuple[int, ...], ...] = ()
    other_first: Array | None = None
    constant: float | None = None  # all factors, if they are one number
    factors: Array | None = None  # one by one, in the order of the rows
    note: str = ""

    def columns(self, row: int) -> list[int]:
        """The elements of the input that an element of the result depends on (of "rows")."""
        if self.which is None or self.first is None:
            raise TypeError(f'only a pattern of kind "rows" has columns; this is {self.kind!r}.')
        start = int(self.first[row])
        return [start + step for step in self.templates[self.which[row]]]


@dataclass
class Local:
    """One op with its inputs, to be asked about one of them."""

    op: Op
    pullback: Any
    settings: Mapping[str, Any]
    slot: int
    values: list[Array]
    outcome: Array
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(20240607))

    @property
    def rows(self) -> int:
        """Elements of the result."""
        return self.outcome.size

    @property
    def columns(self) -> int:
        """Elements of the input asked about."""
        return self.values[self.slot].size

    def result(self, values: list[Array]) -> Array:
        """The op's value."""
        with np.errstate(all="ignore"):
            return np.asarray(self.op.value(*values, **self.settings))

    def row(self, j: int, values: list[Array], z: Array) -> Array:
        """One row of the Jacobian, by the op's own rule."""
        g = np.zeros(z.shape, z.dtype)
        g.reshape(-1)[j] = 1
        with np.errstate(all="ignore"):
            c = np.asarray(self.pullback(g, z, *values, **self.settings))
        shape = self.values[self.slot].shape
        return np.asarray(c if c.shape == shape else sum_to(c, shape)).reshape(-1)

    def jacobian(self, values: list[Array], rows: Any) -> Iterator[tuple[int, Array]]:
        """Some rows of the Jacobian."""
        z = self.result(values)
        for j in rows:
            yield int(j), self.row(j, values, z)

    def near(self) -> list[Array]:
        """Values like those at hand, moved so that none is zero or like another.

        As far as the op goes along: a matrix that must be positive definite moves less.
        """
        for far in (1.0, 0.1, 0.01, 0.001):
            moved = [self.moved(x, far) for x in self.values]
            try:
                if np.isfinite(self.result(moved)).all():
                    return moved
            except np.linalg.LinAlgError:
                continue
        return self.values

    def moved(self, x: Array, far: float) -> Array:
        """Floating-point values, moved by up to a tenth of the largest."""
        if x.dtype.kind != "f":
            return x
        size = np.max(np.abs(x), initial=0) or 1.0
        return x + far * size * self.rng.uniform(0.01, 0.1, x.shape)

    def with_input(self, values: list[Array], slot: int, new: Array) -> list[Array]:
        """The values with another one in a slot."""
        return [new if i == slot else x for i, x in enumerate(values)]


def pattern_of(node: Node, slot: int, values: list[Array], outcome: Array) -> Pattern:
    """How the result of `node` depends on its input in `slot`.

    `values` are those of its inputs, `outcome` is its own, all as they were when it was traced.
    """
    op = node.op
    if op is None:
        return Pattern("unknown", note="a leaf")
    rule = op.pullbacks_of(node)[slot]
    if op.kind == "elementwise":
        return elementwise(node, slot, values, outcome)
    if len(values) > MOST_INPUTS:  # each is probed beside all others
        return Pattern("unknown", note="too many inputs to follow")
    exact = [v.astype(float) if v.dtype.kind == "f" else v for v in values]
    local = Local(op, rule, node.settings, slot, exact, outcome)
    if rule is None or values[slot].dtype.kind != "f":
        return Pattern("unknown", note="an input without a gradient")
    if local.rows > PROBES or local.rows * local.columns > 40 * ENTRIES:
        return Pattern("unknown", note="too large to follow")
    generic = local.near()
    if is_affine(local, generic):
        return affine(local, generic)
    return general(local, generic)


def elementwise(node: Node, slot: int, values: list[Array], outcome: Array) -> Pattern:
    """As its arrays broadcast; the factors are the partial derivatives."""
    rule = node.op.rules_of(node)[slot]  # type: ignore[union-attr]  # a leaf is not asked
    if rule is None:
        return Pattern("broadcast", note="an input without a gradient")
    if not callable(rule):
        return Pattern("broadcast", constant=float(rule))
    with np.errstate(all="ignore"):
        partial = np.asarray(rule(outcome, *values, **node.settings))
    if partial.ndim == 0:
        return Pattern("broadcast", constant=float(partial))
    return Pattern("broadcast", factors=np.broadcast_to(partial, outcome.shape))


def sample(local: Local) -> Array:
    """Some rows, chosen at random; all if they are few."""
    few = local.rows <= SAMPLE
    return np.arange(local.rows) if few else local.rng.choice(local.rows, SAMPLE, replace=False)


def is_affine(local: Local, values: list[Array]) -> bool:
    """Whether the op is a linear function of this input, plus a constant."""
    if local.op.kind == "linear":
        return True
    x = values[local.slot]
    moved = local.with_input(values, local.slot, x * local.rng.uniform(-2, 2, x.shape))
    rows = sample(local)
    try:
        pairs = zip(local.jacobian(values, rows), local.jacobian(moved, rows), strict=True)
        return all(np.allclose(a, b, rtol=1e-9, atol=0) for (_, a), (_, b) in pairs)
    except np.linalg.LinAlgError:  # not an input for this op, as it would be for a linear one
        return False


def affine(local: Local, generic: list[Array]) -> Pattern:
    """The Jacobian's sparsity, and where its factors come from."""
    other = factors_from(local, generic)
    if other is not None:
        generic = local.with_input(generic, other, numbered(generic[other]))
    table = Table(local.rows, of_other=other is not None)
    for j, row in local.jacobian(generic, range(local.rows)):
        table.add(j, row)
        if table.entries > ENTRIES:
            return Pattern("unknown", note="too large to follow")
    if other is not None:
        return table.pattern(other=other)
    constant = table.same_factor()
    if constant is not None:
        return table.pattern(constant=constant)
    return with_factors(local, table)


def general(local: Local, generic: list[Array]) -> Pattern:
    """Used where the Jacobian is not zero, or where changing an element changes the result."""
    used = np.zeros((local.rows, local.columns), bool)
    for j, row in local.jacobian(generic, range(local.rows)):
        used[j] = row != 0
    if not used.all():
        if local.columns * 3 > PROBES:
            return Pattern("unknown", note="too large to follow")
        for i in range(local.columns):
            used[:, i] |= changed_by(local, generic, i)
    if np.count_nonzero(used) > ENTRIES:
        return Pattern("unknown", note="too large to follow")
    table = Table(local.rows)
    for j in range(local.rows):
        table.add(j, used[j])
    return with_factors(local, table)


def changed_by(local: Local, values: list[Array], i: int) -> Array:
    """Which elements of the result change with element `i` of the input."""
    before = local.result(values).reshape(-1)
    size = np.max(np.abs(values[local.slot]), initial=1.0)
    changed = np.zeros(before.shape, bool)
    for change in (0.003 * size, 1e3 * size, -1e3 * size):
        x = values[local.slot].copy()
        x.reshape(-1)[i] += change
        try:
            after = local.result(local.with_input(values, local.slot, x)).reshape(-1)
        except np.linalg.LinAlgError:  # nothing is left of any element
            return np.ones(before.shape, bool)
        changed |= after != before  # what is not a number any more has changed as well
    return changed


def factors_from(local: Local, generic: list[Array]) -> int | None:
    """The input whose elements are the factors, tried on a sample of the rows."""
    rows = sample(local)
    for other, x in enumerate(generic):
        if other == local.slot or x.dtype.kind != "f" or not x.size:
            continue
        counted = local.with_input(generic, other, numbered(x))
        drawn = local.with_input(generic, other, local.rng.uniform(1, 2, x.shape))
        found, checked = local.jacobian(counted, rows), local.jacobian(drawn, rows)
        there = drawn[other].reshape(-1)
        try:
            pairs = zip(found, checked, strict=True)
            if all(agree(a, b, there) for (_, a), (_, b) in pairs):
                return other
        except np.linalg.LinAlgError:  # 1, 2, 3, ... is no input for this op
            continue
    return None


def numbered(x: Array) -> Array:
    """1, 2, 3, ... in the shape of an array."""
    return np.arange(1.0, x.size + 1).reshape(x.shape)


def agree(counted: Array, drawn: Array, values: Array) -> bool:
    """Whether each factor is the element of `values` that its number says."""
    there = counted != 0
    k = np.rint(counted[there]).astype(int) - 1
    if not there.any() or k.min() < 0 or k.max() >= values.size:
        return False
    return bool(np.all(counted[there] == k + 1) and np.array_equal(drawn[there], values[k]))


def with_factors(local: Local, table: Table) -> Pattern:
    """The factors at the values at hand, one by one if they are not too many."""
    if table.entries > FACTORS:
        return table.pattern(note="too many factors to list")
    factors = [row[table.columns[j]] for j, row in local.jacobian(local.values, range(local.rows))]
    return table.pattern(factors=np.concatenate([*factors, np.empty(0)]))


class Table:
    """Rows of a Jacobian as they come: where they are not zero, and what is there."""

    def __init__(self, rows: int, of_other: bool = False) -> None:
        self.columns: list[Array] = []
        self.numbers: list[Array] = []
        self.of_other = of_other
        self.entries = 0
        self.low, self.high = np.inf, -np.inf

    def add(self, j: int, row: Array) -> None:
        """Take the next row."""
        columns = np.flatnonzero(row)
        self.columns.append(columns)
        self.entries += len(columns)
        if self.of_other:
            self.numbers.append(row[columns].astype(int) - 1)
        elif row.dtype != bool and len(columns):
            self.low = min(self.low, float(row[columns].min()))
            self.high = max(self.high, float(row[columns].max()))

    def same_factor(self) -> float | None:
        """The one number that all factors are, if they are."""
        return self.low if self.low == self.high else None

    def pattern(self, **settings: Any) -> Pattern:
        """The rows, as offsets and templates."""
        known: dict[tuple[bytes, bytes], int] = {}
        templates: list[tuple[int, ...]] = []
        others: list[tuple[int, ...]] = []
        which = np.empty(len(self.columns), np.uint32)
        first = np.zeros(len(self.columns), np.int32)
        other_first = np.zeros(len(self.columns), np.int32)
        for j, columns in enumerate(self.columns):
            steps = columns - columns[0] if len(columns) else columns
            numbers = self.numbers[j] if self.of_other else columns[:0]
            other_steps = numbers - numbers[0] if len(numbers) else numbers
            key = (steps.tobytes(), other_steps.tobytes())
            if key not in known:
                known[key] = len(templates)
                templates.append(tuple(steps.tolist()))
                others.append(tuple(other_steps.tolist()))
            which[j] = known[key]
            first[j] = columns[0] if len(columns) else 0
            other_first[j] = numbers[0] if len(numbers) else 0
        if self.of_other:
            settings |= {"other_templates": tuple(others), "other_first": other_first}
        return Pattern("rows", tuple(templates), which, first, **settings)
