"""Every rule of the library broken in turn: `check_op` must notice each time."""

from contextlib import contextmanager
from functools import wraps

import pytest

from minigrad.core.op import Op
from minigrad.errors import DerivativeError
from minigrad.testing import check_op, library_ops


def multiplied(factor):
    """What makes of a rule the same rule times a factor."""

    def mutate(rule):
        if not callable(rule):
            return (lambda *values, **settings: rule * factor) if rule else 1

        @wraps(rule)
        def wrong(*values, **settings):
            return rule(*values, **settings) * factor

        return wrong

    return mutate


MUTATIONS = {
    "sign flipped": multiplied(-1.0),
    "a thousandth more": multiplied(1.001),
    "dropped": multiplied(0.0),
}
RULES = [
    (f"{family}.{op.name}[{number}]", op, array)
    for family, ops in library_ops().items()
    for number, op in enumerate(ops)
    for array, rule in enumerate(op.rules)
    if rule is not None
]


@contextmanager
def broken(op: Op, array: int, mutate):
    """The op with the rule of one array broken, for a while."""
    rules, pullbacks, calls, pull = op.rules[:], op.pullbacks[:], op.calls[:], op.pull
    try:
        op.rules.clear()
        op.pullbacks.clear()
        op.calls.clear()
        for i, rule in enumerate(rules):
            op.add_rule(mutate(rule) if i == array else rule)
        yield
    finally:
        op.rules[:], op.pullbacks[:], op.calls[:], op.pull = rules, pullbacks, calls, pull


@pytest.fixture(autouse=True)
def _without_looking_for_the_smallest_input(monkeypatch):
    monkeypatch.setattr("minigrad.testing.smallest.ATTEMPTS", 0)


@pytest.mark.long
@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize(
    ("op", "array"), [r[1:] for r in RULES], ids=[f"{name}-{array}" for name, _, array in RULES]
)
def test_a_broken_rule_is_noticed(op, array, mutation):
    with broken(op, array, MUTATIONS[mutation]), pytest.raises(DerivativeError):
        check_op(op)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_whatever_the_numbers_one_mode_is_enough(mode, seed):
    for name, op, array in RULES:
        if op.kind == "linear" and mode == "forward":
            continue  # forward mode of it is the op itself, its adjoint takes no part
        with broken(op, array, multiplied(1.001)):
            try:
                check_op(op, modes=(mode,), order=1, seed=seed)
            except DerivativeError:
                continue
        pytest.fail(f"a rule of {name} for array {array} may be wrong by a thousandth")
