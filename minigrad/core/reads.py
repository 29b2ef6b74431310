"""Which values a derivative reads, told from the bytecode of the rule it asks.

Only the value counts: `x.shape` may be asked of an overwritten tensor, `x * g` may not. A plain
function is read; of anything else (a method, a `partial`, an object that can be called), and of a
function that can see its variables by other ways than their names, all arrays count as read.
"""

from __future__ import annotations

import builtins
import dis
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from minigrad.core.memory import is_checked

if TYPE_CHECKING:
    from minigrad.core.op import Op

MEASURES = {"shape", "ndim", "size", "dtype"}
ANY_NAME = {"locals", "vars", "eval", "exec", "breakpoint"}  # they see all variables
FRAMES = {"_getframe", "currentframe", "_current_frames", "stack", "f_locals", "settrace"}
SEE_ALL = {getattr(builtins, name) for name in ANY_NAME}


def reads(op: Op, array: int, position: int) -> bool:
    """Whether the rule of an array of `op` reads the value at `position`.

    Position 0 is the result z, position 1 the array 0, and so on. The adjoint of an op that is
    linear in an array can depend neither on that array nor on the result.
    """
    rule = rule_of(op, array)
    if not callable(rule):  # a constant
        return False
    if op.kind == "linear" and is_checked(rule):
        if position in (0, array + 1):
            return False
        if op.jointly and rule_of(op, position - 1) is not None:  # linear in that one as well
            return False
    if not isinstance(rule, FunctionType):
        return True
    names, read = names_read(rule)
    place = position + (op.kind != "elementwise")  # the cotangent comes first
    return not names or names[min(place, len(names) - 1)] in read


def reads_forward(op: Op, array: int, position: int) -> bool:
    """The same where the tangent of an array is pushed forward, see `minigrad.core.push`.

    A linear op is applied to the tangent and to the other inputs; else the rule is asked.
    """
    if op.kind != "linear":
        return reads(op, array, position)
    if position == 0:
        return False
    if op.jointly:
        return rule_of(op, position - 1) is None
    return position != array + 1


def closed_over(op: Op, array: int, forward: bool) -> list[Any]:
    """What the function that is asked for a derivative names beside its arguments: the values of
    the variables around it, its defaults, and what it finds in its module. Of a user's function.
    """
    asked = op.value if forward and op.kind == "linear" else rule_of(op, array)
    if not isinstance(asked, FunctionType) or is_checked(asked):
        return []
    defaults = [*(asked.__defaults__ or ()), *(asked.__kwdefaults__ or {}).values()]
    return [*defaults, *named(asked)]


def named(function: FunctionType) -> list[Any]:
    """The values of the variables around a function, and of the names it looks up in its module;
    an empty cell is one too.
    """
    found = [function.__globals__.get(name) for name in function.__code__.co_names]
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:
            found.append(cell)
    return found


def rule_of(op: Op, array: int) -> Any:
    """The rule of an array; an op of many arrays has one for them all."""
    return op.rules[0 if op.variadic else array]


@lru_cache(maxsize=1024)
def names_read(rule: Callable[..., Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    """A function's positional parameters, `*arrays` last, and the names whose value it reads."""
    code: CodeType = rule.__code__
    names = code.co_varnames[: code.co_argcount]
    if code.co_flags & 0x04:  # *arrays
        names += (code.co_varnames[code.co_argcount + code.co_kwonlyargcount],)
    if sees_all(rule, code):
        return names, frozenset(names)
    read = set(code.co_cellvars)  # used by an inner function
    for step, following in pairwise(dis.get_instructions(code)):
        if "LOAD_FAST" not in step.opname:  # from Python 3.13 on, one instruction may load two
            continue
        loaded = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        measured = following.opname == "LOAD_ATTR" and following.argval in MEASURES
        read |= set(loaded[:-1] if measured else loaded)
    return names, frozenset(read)


def sees_all(rule: Any, code: CodeType) -> bool:
    """Whether a function may look at its variables without naming them (`locals()`, `eval`)."""
    if not (ANY_NAME | FRAMES).isdisjoint(code.co_names):
        return True
    known = named(rule)  # under another name; an empty cell may come to hold anything
    return any(isinstance(x, CellType) or x is seer for x in known for seer in SEE_ALL)
