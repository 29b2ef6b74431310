"""How an op is stated.

An op states its value and its derivative once, in plain NumPy, in one of three ways:

- `elementwise(value, *partials)`: one partial derivative per array, `partial(z, x, ...)`;
- `linear(value, *adjoints)`: linear in each array; one adjoint each, `adjoint(g, z, x, ...)`;
- `general(value, *vjps)`: anything else; one vjp per array, `vjp(g, z, x, ...)`.

Here `g` is the cotangent of the result, `z` the result, `x, y, ...` the arrays in call order;
settings follow by keyword. An op has as many arrays as it has rules; its further parameters are
settings. A rule may be `None`: that array never has a gradient (a mask, a label). Rules never
mention broadcasting, dtypes or accumulation: the sweep takes care of those.

A function that is not the library's own is given arrays it cannot write to, and what it returns is
copied, see `minigrad.core.memory`; settings are copied where the op is applied. What a function
reads beside its arguments (arrays and lists around it) is its own affair: give them as settings.

Each of the three returns a plain function: given arrays it is the value function itself; given a
tensor among them it also records. Further rules can be added with the decorators `.partial`,
`.adjoint` and `.vjp`, so that a long one stands below the value as a function of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial, update_wrapper
from inspect import CO_VARARGS, CO_VARKEYWORDS, Parameter, signature
from types import FunctionType
from typing import Any

import numpy as np

from minigrad.core.apply import recorder
from minigrad.core.memory import NUMPY_FUNCTIONS, guarded
from minigrad.core.node import Node
from minigrad.core.printable import printable
from minigrad.core.pull import shortest
from minigrad.core.registry import Function, register, rule_for
from minigrad.core.samples import Samples

Rule = Callable[..., Any]


class Op:
    """An op as data: its name, its value function, and its rule for each array."""

    def __init__(
        self,
        kind: str,
        value: Callable[..., Any],
        name: str | None = None,
        samples: Samples = None,
        broadcasts: bool = False,
        explain: Callable[..., str] | None = None,
        jointly: bool = False,
    ) -> None:
        self.kind = kind
        self.value = value
        self.name = printable(name or getattr(value, "__name__", "") or type(value).__name__)
        self.samples = samples
        self.broadcasts = broadcasts  # its arrays broadcast, so the sweep sums cotangents back
        self.explain = explain  # (*shapes, **settings) -> advice, asked when the value refused
        self.jointly = jointly  # linear in all its arrays at once, not in each beside the others
        self.matrices = False  # broadcasts in the axes before the last two
        self.composed = False  # of ops that were applied on their own
        self.aligned = False  # its rules are given the cotangent laid out in memory as the result
        self.worth: Callable[..., int] | None = None  # (z, x, ...) -> threads, its rules at once
        self.function: Function = value  # the recording function
        self.compute = guarded(value, f"the value function of {self.name}", values=True)
        self.rules: list[Any] = []  # as stated, to be read
        self.calls: list[Any] = []  # the same as they are called
        self.pullbacks: list[Rule | None] = []  # and as vjps
        self.parameters: list[str] = []  # positional: first the arrays, then settings
        self.defaults: dict[str, Any] = {}  # of settings
        self.starred = False  # a function of *arrays
        self.variadic = False  # takes any number of arrays, and its one rule the number of one
        self.has_settings = False
        if not isinstance(value, np.ufunc):
            self._read_signature(value)
        self.pull = shortest(self)  # (op, g, node) -> a contribution for each input

    def _read_signature(self, value: Callable[..., Any]) -> None:
        if isinstance(value, FunctionType) and not hasattr(value, "__wrapped__"):
            code = value.__code__  # by hand: `signature` takes ten times as long, and `import
            # minigrad` states every op
            self.parameters = list(code.co_varnames[: code.co_argcount])
            given = value.__defaults__ or ()
            optional = self.parameters[code.co_argcount - len(given) :]
            self.defaults = dict(zip(optional, given, strict=True))
            self.defaults |= value.__kwdefaults__ or {}
            self.starred = bool(code.co_flags & CO_VARARGS)
            self.has_settings = bool(
                self.defaults or code.co_kwonlyargcount or code.co_flags & CO_VARKEYWORDS
            )
            return
        for name, parameter in signature(value).parameters.items():
            if parameter.kind is Parameter.VAR_POSITIONAL:
                self.starred = True
            elif parameter.kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD):
                self.has_settings = True
            else:
                self.parameters.append(name)
            if parameter.default is not Parameter.empty:
                self.defaults[name] = parameter.default
                self.has_settings = True

    def __repr__(self) -> str:
        return f"<{self.kind} op {self.name}>"

    def add_rule(self, rule: Any) -> Any:
        """State the rule of the next array; returns it, so that it can be a decorator."""
        call = guarded(rule, f"the rule of array {len(self.rules)} of {self.name}")
        elementwise = self.kind == "elementwise"
        self.rules.append(rule)
        self.calls.append(call)
        self.pullbacks.append(pullback_of_partial(call, self.has_settings) if elementwise else call)
        if self.starred:
            self.variadic = len(self.rules) == 1 and (rule is None or takes_argument(rule))
            if not self.variadic:
                self.parameters = [f"array_{i}" for i in range(len(self.rules))]
        self.pull = shortest(self)
        return rule

    def pullbacks_of(self, node: Node) -> list[Rule | None]:
        """One vjp for each input of `node`; an op of many arrays has one rule for them all."""
        return each(self.pullbacks[0], len(node.inputs)) if self.variadic else self.pullbacks

    def stated_pullbacks_of(self, node: Node) -> list[Rule | None]:
        """The same, of the rules as they are stated: not guarded, for those who check them."""
        vjps = [
            pullback_of_partial(r, self.has_settings) if self.kind == "elementwise" else r
            for r in self.rules
        ]
        return each(vjps[0], len(node.inputs)) if self.variadic else vjps

    def rules_of(self, node: Node) -> list[Any]:
        """The rules as stated, one for each input of `node`."""
        return self.rules * len(node.inputs) if self.variadic else self.rules

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        """Split a call's arguments into the arrays and the settings, defaults filled in."""
        if self.variadic:
            return args, {**self.defaults, **kwargs}
        number = len(self.rules)
        if len(args) == number:  # nothing to sort out: settings are given by name, if at all
            return args, {**self.defaults, **kwargs} if kwargs else self.defaults
        if len(args) > len(self.parameters):
            raise TypeError(
                f"{self.name} takes {len(self.parameters)} positional arguments "
                f"({', '.join(self.parameters)}), but {len(args)} were given."
            )
        names = self.parameters[:number]
        arrays = args[:number] + tuple(kwargs.pop(n) for n in names[len(args) :] if n in kwargs)
        settings = dict(zip(self.parameters[number:], args[number:], strict=False))
        twice = settings.keys() & kwargs
        if twice:
            raise TypeError(f"{self.name} got {', '.join(twice)} both by position and by name.")
        return arrays, {**self.defaults, **settings, **kwargs}


def takes_argument(rule: Any) -> bool:
    """Whether a rule is told which of many arrays it is asked for."""
    if isinstance(rule, FunctionType) and not hasattr(rule, "__wrapped__"):
        code = rule.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        return "argument" in names or bool(code.co_flags & CO_VARKEYWORDS)
    if not callable(rule):
        return False
    parameters = signature(rule).parameters
    return "argument" in parameters or any(
        p.kind is Parameter.VAR_KEYWORD for p in parameters.values()
    )


@lru_cache(maxsize=256)
def each(rule: Rule | None, number: int) -> list[Rule | None]:
    """The rule of an op of many arrays, once for each: it is told which by `argument`."""
    return [rule and partial(rule, argument=i) for i in range(number)]


def pullback_of_partial(rule: Any, has_settings: bool) -> Rule | None:
    """The vjp of an elementwise op: the cotangent times the partial, which may be a constant."""
    if rule is None:
        return None
    if not callable(rule):
        return pullback_of_constant(rule, has_settings)

    def unary_pullback(g: Any, z: Any, x: Any) -> Any:
        return g * rule(z, x)

    def binary_pullback(g: Any, z: Any, x: Any, y: Any) -> Any:
        return g * rule(z, x, y)

    def pullback(g: Any, *values: Any, **settings: Any) -> Any:
        return g * rule(*values, **settings)

    code = getattr(rule, "__code__", None)
    if has_settings or code is None or code.co_flags & 0x0C:  # *args, **kwargs
        return pullback
    return {2: unary_pullback, 3: binary_pullback}.get(code.co_argcount, pullback)


def pullback_of_constant(partial: int, has_settings: bool) -> Rule:
    """The vjp of an elementwise op whose partial is 1, -1 or 0 everywhere."""
    if has_settings:
        plain = pullback_of_constant(partial, False)
        return lambda g, *values, **settings: plain(g, *values)
    if partial == 1:
        return lambda g, z, x=None, y=None, *more: g
    if partial == -1:
        return lambda g, z, x=None, y=None, *more: -g
    if partial == 0:
        return lambda g, z, x=None, y=None, *more: np.zeros(g.shape, g.dtype)
    raise ValueError(f"a constant partial is 1, -1 or 0; got {partial}. Else give a function.")


def elementwise(
    value: Callable[..., Any],
    *partials: Any,
    name: str | None = None,
    samples: Samples = None,
) -> Function:
    """State an elementwise op by its partial derivatives, one per array: `partial(z, x, ...)`.

    A partial may also be one of the constants 1, -1 and 0, or None for an array that has no
    gradient. `value` is a NumPy ufunc or a function of arrays; `samples` gives the domain of
    each array for the tests. Returns the recording function.

    >>> import minigrad as mg
    >>> cube = mg.elementwise(lambda x: x**3, lambda z, x: 3 * x**2, name="cube")
    >>> mg.grad(cube)(2.0)
    np.float64(12.0)
    """
    return state(Op("elementwise", value, name, samples, broadcasts=True), partials)


def linear(
    value: Callable[..., Any],
    *adjoints: Any,
    name: str | None = None,
    samples: Samples = None,
    broadcasts: bool = False,
    explain: Callable[..., str] | None = None,
    jointly: bool = False,
) -> Function:
    """State an op that is linear in each of its arrays by its adjoints, `adjoint(g, z, x, ...)`.

    The adjoint of array i maps a cotangent of the result to one of that array, the others held.
    `jointly` says that it is linear in all arrays at once (as `where`), not a product of them
    (as `matmul`).

    >>> import minigrad as mg
    >>> double = mg.linear(lambda x: x + x, lambda g, z, x: g + g, name="double")
    >>> mg.grad(double)(5.0)
    np.float64(2.0)
    """
    return state(Op("linear", value, name, samples, broadcasts, explain, jointly), adjoints)


def general(
    value: Callable[..., Any],
    *vjps: Any,
    name: str | None = None,
    samples: Samples = None,
    broadcasts: bool = False,
    explain: Callable[..., str] | None = None,
) -> Function:
    """State any op by its vector-Jacobian products, one per array: `vjp(g, z, x, ...)`.

    >>> import minigrad as mg
    >>> import numpy as np
    >>> unit = mg.general(
    ...     lambda x: x / np.sqrt(np.sum(x * x)),
    ...     lambda g, z, x: (g - z * np.sum(g * z)) / np.sqrt(np.sum(x * x)),
    ...     name="unit",
    ... )
    >>> y, pullback = mg.vjp(unit, np.array([3.0, 4.0]))
    >>> pullback(np.array([1.0, 0.0]))
    (array([ 0.128, -0.096]),)
    """
    return state(Op("general", value, name, samples, broadcasts, explain), vjps)


def state(op: Op, rules: tuple[Any, ...]) -> Function:
    """Build the op's recording function; the first for a NumPy function is registered under it."""
    for rule in rules:
        op.add_rule(rule)
    function = recorder(op, len(rules))
    if isinstance(op.value, NUMPY_FUNCTIONS):
        function.__doc__ = f"`numpy.{op.name}`, recorded."
    else:
        update_wrapper(function, op.value)
    function.__name__ = function.__qualname__ = op.name
    function.op = op
    op.function = function
    setattr(function, RULE_NAMES[op.kind], op.add_rule)
    if isinstance(op.value, NUMPY_FUNCTIONS) and rule_for(op.value) is None:
        register(op.value, function)  # any further op of it is a function by itself
    return function


RULE_NAMES = {"elementwise": "partial", "linear": "adjoint", "general": "vjp"}


def implements(*numpy_functions: Callable[..., Any]) -> Callable[[Function], Function]:
    """Register a function as what the given NumPy functions do when they meet a tensor."""

    def registered(function: Function) -> Function:
        for numpy_function in numpy_functions:
            register(numpy_function, function)
        return function

    return registered
