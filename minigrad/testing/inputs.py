"""Arrays drawn from the samples that an op states: away from its kinks, or right on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.core.node import Array
from minigrad.core.op import Op
from minigrad.core.samples import Case, Domain, Samples

MARGIN = 0.1  # kept from the points that a domain avoids
SHAPES: list[
    list[tuple[int, ...]]
] = [  # of the arrays of an elementwise op, in turn: alike, broadcast, 0-d, empty, size 1
    [(2, 3), (2, 3)],
    [(2, 1), (3,), (2, 1, 1)],
    [()],
    [(2,), ()],
    [(0, 3), (3,)],
    [(1, 1)],
]


def cases_of(op: Op, samples: Samples = None) -> list[Case]:
    """The sample calls of an op; `samples` replaces those that it states.

    Raises `ValueError` for an op that states none.
    """
    samples = op.samples if samples is None else samples
    if isinstance(samples, list) and samples:
        return samples
    if not isinstance(samples, Domain | tuple) or samples == ():
        raise ValueError(
            f"{op.name} states no samples, so nothing is known to check it with. Give "
            f"samples=mg.testing.reals (or positive, nonzero, Domain(low, high, avoid)) to an "
            f"elementwise op, to any other a list of mg.testing.case((2, 3), axis=0)."
        )
    number = max(len(op.rules), 1)
    domains = samples if isinstance(samples, tuple) else (samples,) * number
    if len(domains) != number:
        raise ValueError(f"{op.name} has {number} rules, but {len(domains)} domains are given.")
    turns = [tuple(some[i % len(some)] for i in range(number)) for some in SHAPES]
    return [Case(turn, {}, domains) for turn in dict.fromkeys(turns)]


def draw(case: Case, rng: np.random.Generator) -> list[Any]:
    """The arrays of a call: as given, or drawn from its domain.

    All that come from one domain are drawn together, one from each of as many equal parts of it,
    so that no two are near to each other: what depends on their order has no kink near.
    """
    domains = domains_of(case)
    drawn = [x if not is_shape(x) else None for x in case.inputs]
    for domain in dict.fromkeys(
        d for d, x in zip(domains, case.inputs, strict=True) if is_shape(x)
    ):
        places = [i for i, x in enumerate(case.inputs) if is_shape(x) and domains[i] == domain]
        sizes = [int(np.prod(case.inputs[i])) for i in places]
        values = spaced(domain, sum(sizes), rng)
        for i, part in zip(places, np.split(values, np.cumsum(sizes)[:-1]), strict=True):
            drawn[i] = part.reshape(case.inputs[i])
    return drawn


def domains_of(case: Case) -> tuple[Domain | None, ...]:
    """The domain of each input."""
    if isinstance(case.domain, Domain):
        return (case.domain,) * len(case.inputs)
    return case.domain


def is_shape(given: Any) -> bool:
    """Whether an input of a case is a shape to draw, and no array."""
    return isinstance(given, tuple)


def spaced(domain: Domain | None, number: int, rng: np.random.Generator) -> Array:
    """So many numbers of a domain in random order, no two of them near to each other."""
    if domain is None:  # an array without a gradient: a mask
        return rng.random(number) < 0.5
    pieces = allowed(domain)
    if not pieces and number:
        raise ValueError(
            f"a domain from {domain.low} to {domain.high} has no point that keeps {MARGIN} away "
            f"from {', '.join(map(str, domain.avoid))}. Make it wider."
        )
    lengths = np.array([high - low for low, high in pieces])
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    parts = (np.arange(number) + rng.uniform(0.25, 0.75, number)) / max(number, 1) * starts[-1]
    which = np.clip(np.searchsorted(starts, parts, side="right") - 1, 0, len(pieces) - 1)
    lows = np.array([low for low, _ in pieces])
    return rng.permutation(lows[which] + parts - starts[which])


def allowed(domain: Domain) -> list[tuple[float, float]]:
    """The parts of a domain that keep away from the points it avoids."""
    pieces = []
    low = domain.low
    for point in sorted(domain.avoid):
        if low < point - MARGIN and point < domain.high + MARGIN:
            pieces.append((low, min(point - MARGIN, domain.high)))
        low = max(low, point + MARGIN)
    if low < domain.high:
        pieces.append((low, domain.high))
    return pieces


def tied(case: Case, arrays: list[Any], rng: np.random.Generator) -> list[Any]:
    """The same call with equal elements, and elements right on the points that are avoided."""
    domains = domains_of(case)
    drawn = [x for x, given in zip(arrays, case.inputs, strict=True) if is_shape(given)]
    shared = next((x.ravel() for x in drawn if x.size), np.zeros(0))
    changed = []
    for x, given, domain in zip(arrays, case.inputs, domains, strict=True):
        if not is_shape(given) or domain is None or x.size == 0:
            changed.append(x)
            continue
        equal = rng.choice(np.array([*inside(domain), *shared[:2]], float), x.shape)
        changed.append(np.where(rng.random(x.shape) < 0.7, equal, x))
    return changed


def inside(domain: Domain) -> Iterable[float]:
    """The avoided points that lie in the domain, and 0."""
    return sorted(a for a in {0.0, *domain.avoid} if domain.low <= a <= domain.high)
