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


def reads(rule: Callable[..., Any], position: int, op: Op) -> bool:
    """Whether `rule` reads the value at `position`: 0 for the result z, 1 for the first array."""
    return position in positions_read(rule, op.kind != "elementwise")


@lru_cache(maxsize=1024)
def positions_read(rule: Callable[..., Any], takes_cotangent: bool) -> frozenset[int]:
    """All positions whose value `rule` reads; every one, if it is not a Python function."""
    code = getattr(rule, "__code__", None)
    if code is None or code.co_flags & 0x04:  # *args: they could be any
        return frozenset(range(64))
    names = code.co_varnames[takes_cotangent : code.co_argcount]
    steps = list(dis.get_instructions(code))
    read = set(code.co_cellvars)  # used by an inner function
    for step, following in pairwise(steps):
        if not step.opname.startswith("LOAD_FAST"):
            continue
        loaded = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        measured = following.opname == "LOAD_ATTR" and following.argval in MEASURES
        read |= set(loaded[:-1] if measured else loaded)
    return frozenset(i for i, name in enumerate(names) if name in read)
