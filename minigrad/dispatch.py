"""What NumPy's functions do when they meet a tensor: its two protocols lead here.

A function with a rule is looked up in the registry, the methods of ufuncs (`np.add.reduce`) like
any other; integers and booleans alone, which have no gradient, NumPy itself computes. Functions
whose result has no gradient are given the arrays. All else gives plain arrays as well, or an error
where a gradient would be lost.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.core.memory import locked
from minigrad.core.node import Node, leaf, meet
from minigrad.core.plain import check_plain
from minigrad.core.registry import rule_for
from minigrad.errors import LeavesGraphError
from minigrad.ops.arithmetic import as_type
from minigrad.ops.operands import of_all_pairs

PREDICATES = {
    # comparisons and tests
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor,
    np.isnan, np.isinf, np.isfinite, np.isneginf, np.isposinf, np.signbit,
    np.isreal, np.iscomplex, np.isrealobj, np.iscomplexobj,
    np.all, np.any, np.isclose, np.allclose, np.array_equal, np.array_equiv, np.isin,
    # places and counts
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort,
    np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted, np.digitize,
    np.tril_indices_from, np.triu_indices_from, np.diag_indices_from, np.linalg.matrix_rank,
    # shapes, dtypes, memory, text
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.min_scalar_type,
    np.zeros_like, np.ones_like, np.empty_like,
    np.shares_memory, np.may_share_memory, np.array2string, np.array_repr, np.array_str,
}  # fmt: skip

BROADCASTING = {np.isclose, np.allclose, np.array_equiv, np.where}  # beside the ufuncs
BROADCASTING_LISTS = {np.choose, np.select}  # what is in the lists that they are given
NUMBERS_OF_THEIR_OWN = {np.zeros_like, np.ones_like, np.empty_like}

NOT_OF_TENSORS = {"where", "casting", "order", "subok", "signature"}  # keywords of any ufunc
NOT_ONE_BY_ONE = (
    "a tensor's elements cannot be set one by one: its past would be wrong. Use "
    "np.where(mask, new, t), or t.assign(values) for a leaf."
)


def call_ufunc(ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`ufunc(...)`, or one of its methods, with a tensor among the arguments."""
    if rule_for(ufunc) is None and ufunc not in PREDICATES and "scipy.special" in sys.modules:
        import minigrad.ops.special  # noqa: F401  (its ufuncs get their rules on first use)
    for x in (*args, *kwargs.values()):
        check_plain(x)
    whole = ufunc if method == "__call__" else getattr(ufunc, method)
    if method == "outer" and rule_for(ufunc):
        x, y = args
        return of_all_pairs(ufunc, np.reshape(x, np.shape(x) + (1,) * np.ndim(y)), y, **kwargs)
    function = rule_for(whole)
    if function is None or "out" in kwargs:
        return without_rule(whole, args, kwargs)
    if method in ("reduce", "accumulate"):
        return function(*args, **{"axis": 0, **kwargs})
    if kwargs:
        refuse_keywords(called(ufunc), NOT_OF_TENSORS & kwargs.keys())
        dtype = kwargs.pop("dtype", None)
        args = tuple(as_type(x, dtype) for x in args)
    return function(*args, **kwargs)


def call_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Another function of NumPy with a tensor among the arguments."""
    for x in (*args, *kwargs.values()):
        check_plain(x)
    ours = rule_for(function)
    if ours is None or kwargs.get("out") is not None:
        return without_rule(function, args, kwargs)
    given = list(tensors_in((args, tuple(kwargs.values()))))
    if all(t._value.dtype.kind != "f" for t in given):
        return of_integers(function, given[0], args, kwargs)
    return ours(*args, **kwargs)


def of_integers(function: Any, like: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What NumPy makes of integers and booleans, which have no gradient, as tensors."""
    meet_in(function, (*unwrapped(args), *map(unwrapped, kwargs.values())))
    overwritten = "overwrite_input"  # leave to do so, which a tensor never makes use of
    plain = {key: unwrapped(value) for key, value in kwargs.items() if key != overwritten}
    return wrapped(function(*unwrapped(args), **plain), like)


def wrapped(result: Any, like: Node) -> Any:
    """The arrays of a result, one or a tuple or a list of them, as leaves; views are copied."""
    if isinstance(result, tuple | list):
        parts = [wrapped(part, like) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    if not isinstance(result, np.ndarray | np.generic):
        return result
    if result.dtype.kind not in "biuf":
        return result
    array = np.asarray(result)
    return leaf(like, array if array.base is None else array.copy())


def without_rule(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function without a rule: plain arrays out, or an error if a gradient were lost."""
    owner = getattr(function, "__self__", None)  # of a ufunc's method
    name = called(function) if owner is None else f"{called(owner)}.{function.__name__}"
    if name.endswith(".at") and isinstance(args[0], Node):  # it writes even into read-only arrays
        raise TypeError(NOT_ONE_BY_ONE)
    if kwargs.get("out") is not None and function not in PREDICATES:
        raise TypeError(
            f"{name} of tensors takes no out=: an array that is written into cannot remember how "
            f"it was computed (`array += t` asks for the same). Take the result: a = a + t."
        )
    tracked = any(t._tracked for t in tensors_in((args, tuple(kwargs.values()))))
    if tracked and function not in PREDICATES and owner not in PREDICATES:
        raise LeavesGraphError(
            f"{name} has no derivative rule in minigrad, and a tensor given to it requires a "
            f"gradient, which would be lost. Write it with functions that have one, state the op "
            f"yourself (mg.elementwise, mg.linear, mg.general), or pass t.numpy()."
        )
    arrays, keywords = unwrapped(args), {key: unwrapped(value) for key, value in kwargs.items()}
    meet_in(function, (*arrays, *keywords.values()))
    result = function(*arrays, **keywords)
    if tracked and function not in NUMBERS_OF_THEIR_OWN and holds_numbers(result):
        raise LeavesGraphError(
            f"{name} gave numbers here in which values of a tensor that requires a gradient would "
            f"leave the graph in silence. Pass t.numpy() if that is meant."
        )
    return result


def meet_in(function: Any, operands: tuple[Any, ...]) -> None:
    """Show the operands of a function that has no rule to whoever watches shapes."""
    if function in BROADCASTING_LISTS:
        parts = [x if isinstance(x, tuple | list) else (x,) for x in operands]
        meet(called(function), [x for part in parts for x in part])
    elif function in BROADCASTING or isinstance(function, np.ufunc):
        meet(called(function), operands)


def holds_numbers(result: Any) -> bool:
    """Whether a result is more than truths, places and counts."""
    numbers = isinstance(result, np.ndarray | np.generic | float)
    return numbers and np.asarray(result).dtype.kind not in "biu"


def called(function: Any) -> str:
    """The name of a function, as its caller writes it if it is NumPy's."""
    name: str = function.__name__
    return f"np.{name}" if getattr(np, name, None) is function else name


def refuse_keywords(name: str, keywords: set[str]) -> None:
    """Raise `TypeError` if there are any: they have no meaning in a graph."""
    if keywords:
        way = "np.where(mask, f(t), other) selects. " if "where" in keywords else ""
        raise TypeError(
            f"{name} of tensors takes no {', '.join(sorted(keywords))}= here. {way}Leave it out, "
            f"or compute on t.numpy()."
        )


def tensors_in(structure: Any) -> Iterator[Node]:
    """Every tensor in nested tuples and lists."""
    if isinstance(structure, Node):
        yield structure
    elif isinstance(structure, tuple | list):
        for part in structure:
            yield from tensors_in(part)


def unwrapped(structure: Any) -> Any:
    """The same nested tuples and lists with arrays for tensors; read-only, as tensors are."""
    if isinstance(structure, tuple | list):
        return type(structure)(unwrapped(part) for part in structure)
    if not isinstance(structure, Node):
        return structure
    return locked(structure._value)
