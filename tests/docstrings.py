"""The calls in the examples of NumPy's own docstrings, each run with arrays and with tensors.

The examples are parsed, and every call in them is rewritten to `called(f, *args)`, which computes
it as it stands and notes the function, its arguments (copied before anything is written to) and
the result. What a call gives with tensors in place of arrays can then be held against that.
"""

import ast
import copy
import doctest
import io
import warnings
from contextlib import redirect_stdout
from types import BuiltinMethodType, ModuleType

import numpy as np

MODULES = (np, np.linalg)
NOT_RUN = {"memmap", "fromfile", "load", "save", "savez", "tofile", "info", "show_config", "test"}
LONG = 1000  # lists that take seconds to copy


class Call:
    """One call: what was called, by which name, with what, and what came of it."""

    def __init__(self, function, name, args, kwargs, result):
        self.function = function
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self.result = result

    def __repr__(self):
        given = [repr(x) for x in self.args] + [f"{k}={x!r}" for k, x in self.kwargs.items()]
        return f"{self.name}({', '.join(given)})"


class Rewritten(ast.NodeTransformer):
    """Every call `f(x)` as `called(f, x)`."""

    def visit_Call(self, node):
        self.generic_visit(node)
        name = ast.Name("called", ast.Load())
        return ast.copy_location(ast.Call(name, [node.func, *node.args], node.keywords), node)


def documented():
    """Every function of NumPy that has examples."""
    for module in MODULES:
        for name in sorted(dir(module)):
            function = getattr(module, name)
            wanted = callable(function) and not isinstance(function, type | ModuleType)
            if wanted and name not in NOT_RUN and ">>>" in (function.__doc__ or ""):
                yield function


def own(x):
    """A copy of an argument where it holds arrays; anything else as it is."""
    if isinstance(x, list | tuple) and type(x) in (list, tuple):
        return type(x)(own(part) for part in x)
    return copy.deepcopy(x) if type(x) is np.ndarray else x


def calls_in(docstring):
    """The calls that the examples of a docstring make, in order; those that fail are left out."""
    found = []

    def called(function, *args, **kwargs):
        if any(isinstance(x, list) and len(x) > LONG for x in args):
            return function(*args, **kwargs)
        before, named = own(args), {key: own(x) for key, x in kwargs.items()}
        result = function(*args, **kwargs)
        if function is not np.info:
            found.append(Call(function, name_of(function), before, named, own(result)))
        return result

    names = {"np": np, "called": called}
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return found
    for example in examples:
        try:
            tree = ast.fix_missing_locations(Rewritten().visit(ast.parse(example.source)))
            with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                exec(compile(tree, "<example>", "exec"), names)
        except Exception:
            continue
    return found


def name_of(function):
    """How a reader would write it: `np.add.reduce`, `ndarray.sum`."""
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", type(function).__name__)
    if isinstance(owner, np.ufunc):
        return f"{owner.__name__}.{name}"
    if isinstance(function, BuiltinMethodType) and isinstance(owner, np.ndarray):
        return f"ndarray.{name}"
    return name
