"""Which of its arguments a rule reads, told from its own bytecode.

Only the value counts: `x.shape` may be asked of an overwritten tensor, `x * g` may not.
"""

from __future__ import annotations

import dis
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minigrad.core.op import Op

MEASURES = {"shape", "ndim", "size", "dtype"}


def reads(op: Op, array: int, position: int) -> bool:
    """Whether the rule of an array of `op` reads the value at `position`.

    Position 0 is the result z, position 1 the array 0, and so on. The adjoint of an op that is
    linear in an array can depend neither on that array nor on the result.
    """
    rule = rule_of(op, array)
    if not callable(rule):  # a constant
        return False
    if op.kind == "linear":
        if position in (0, array + 1):
            return False
        if op.jointly and rule_of(op, position - 1) is not None:  # linear in that one as well
            return False
    names, read = names_read(rule)
    if names is None:
        return True
    place = position + (op.kind != "elementwise")  # the cotangent comes first
    return names[min(place, len(names) - 1)] in read


def rule_of(op: Op, array: int) -> Any:
    """The rule of an array; an op of many arrays has one for them all."""
    return op.rules[0 if op.variadic else array]


@lru_cache(maxsize=1024)
def names_read(rule: Callable[..., Any]) -> tuple[tuple[str, ...] | None, set[str]]:
    """A rule's positional parameters, `*arrays` last, and the names whose value it reads.

    None for the parameters if it is not a Python function: it could read any.
    """
    code = getattr(rule, "__code__", None)
    if code is None:
        return None, set()
    steps = list(dis.get_instructions(code))
    read = set(code.co_cellvars)  # used by an inner function
    for step, following in pairwise(steps):
        if "LOAD_FAST" not in step.opname:  # from Python 3.13 on, one instruction may load two
            continue
        loaded = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        measured = following.opname == "LOAD_ATTR" and following.argval in MEASURES
        read |= set(loaded[:-1] if measured else loaded)
    names = code.co_varnames[: code.co_argcount]
    if code.co_flags & 0x04:  # *arrays
        names += (code.co_varnames[code.co_argcount + code.co_kwonlyargcount],)
    return names, read
