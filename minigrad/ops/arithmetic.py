"""Arithmetic, elementwise: each op with its partial derivatives."""

from __future__ import annotations

import numpy as np

from minigrad.core.node import Node, leaf
from minigrad.core.op import elementwise, implements, linear
from minigrad.core.samples import case, nonzero, positive, reals
from minigrad.errors import GradientTypeError

add = elementwise(np.add, 1, 1, samples=reals)
subtract = elementwise(np.subtract, 1, -1, samples=reals)
negative = elementwise(np.negative, -1, samples=reals)
positive_ = elementwise(np.positive, 1, samples=reals)
conjugate = elementwise(np.conjugate, 1, samples=reals)  # of real numbers

multiply = elementwise(
    np.multiply,
    lambda z, x, y: y,
    lambda z, x, y: x,
    samples=reals,
)
divide = elementwise(
    np.divide,
    lambda z, x, y: 1 / y,
    lambda z, x, y: -z / y,
    samples=(reals, nonzero),
)
reciprocal = elementwise(np.reciprocal, lambda z, x: -z * z, samples=nonzero)


def divisor(r):
    """r, and inf in place of 0: dividing by it gives 0 there."""
    return np.where(r == 0, np.inf, r)


@elementwise
def near(x):
    """x, cut off at 10,000: for products with what is 0 beyond, which infinity makes nan."""
    return np.minimum(np.maximum(x, -1e4), 1e4)


near.partial(1)


@elementwise
def gated(x, p):
    """x * p, for a p(x) that goes to 0 as x goes to -inf, and with it the product.

    Beyond |x| = 10,000 the derivative of p must be 0.
    """
    return np.where(np.equal(p, 0), 0, x) * p


gated.partial(lambda z, x, p: p)
gated.partial(lambda z, x, p: near(x))

near.op.samples = gated.op.samples = reals

# --- powers and roots -----------------------------------------------------------------------

square = elementwise(np.square, lambda z, x: 2 * x, samples=reals)
sqrt = elementwise(np.sqrt, lambda z, x: 0.5 / z, samples=positive)
cbrt = elementwise(np.cbrt, lambda z, x: 1 / (3 * z * z), samples=nonzero)


def base(x, y):
    """x, and 1 where y is 0 and x has no reciprocal: there y * x**(y - 1) is 0."""
    tiny = np.finfo(x.dtype).tiny
    return np.where((y == 0) & (x < tiny) & (x > -tiny), 1, x)


def with_logarithm(z, x, y):
    """x, and 1 where z = x**y is 0, or 1 as 0**0: there z * log(x) is 0."""
    return np.where((z == 0) | ((x == 0) & (y == 0)), 1, x)


power = elementwise(
    np.power,
    lambda z, x, y: y * base(x, y) ** (y - 1),
    lambda z, x, y: z * np.log(with_logarithm(z, x, y)),
    samples=(positive, reals),
)
float_power = elementwise(  # in float64, whatever the dtypes
    np.float_power,
    lambda z, x, y: y * np.float_power(base(x, y), y - 1),
    lambda z, x, y: z * np.log(with_logarithm(z, x, y)),
    samples=(positive, reals),
)


def power_as_numpy_does(x, y):
    """`x ** y`: for the exponents 2, 0.5 and -1 the op of that name, as in `ndarray.__pow__`."""
    floats = y.__class__ in (int, float) and x.dtype.kind == "f"
    special = {2: square, 0.5: sqrt, -1: reciprocal}.get(y) if floats else None
    return power(x, y) if special is None else special(x)


# --- absolute values and extremes -----------------------------------------------------------

absolute = elementwise(np.absolute, lambda z, x: np.sign(x), samples=nonzero)  # 0 at 0
fabs = elementwise(np.fabs, lambda z, x: np.sign(x), samples=nonzero)  # 0 at 0


def attained(z, x, y):
    """The share of x in z, one of the two: 1 where it is z, half where both are. nan is nan."""
    return same(x, z) * np.where(same(y, z), 0.5, 1)


def same(x, z):
    """Where two are equal, or both nan."""
    return (x == z) | ((x != x) & (z != z))


shares = attained, lambda z, x, y: attained(z, y, x)
maximum = elementwise(np.maximum, *shares, samples=reals)
minimum = elementwise(np.minimum, *shares, samples=reals)
fmax = elementwise(np.fmax, *shares, samples=reals)  # as maximum, but a number beats nan
fmin = elementwise(np.fmin, *shares, samples=reals)  # as minimum, but a number beats nan

# --- division with a remainder: x = q * y + r, with a constant q between the jumps --------------

remainder = elementwise(
    np.remainder,
    1,
    lambda z, x, y: -np.floor_divide(x, y),
    samples=(reals, positive),
)
fmod = elementwise(  # z has the sign of x
    np.fmod,
    1,
    lambda z, x, y: -np.rint((x - z) / y),
    samples=(reals, positive),
)
floor_divide = elementwise(np.floor_divide, 0, 0, samples=(reals, positive))


@implements(np.divmod)
def divmod(x, y):
    """The quotient rounded down, whose derivative is 0, and the remainder; as `numpy.divmod`.

    >>> import numpy as np, minigrad as mg
    >>> np.divmod(mg.Tensor([7.5, -1.0]), 2.0)
    (Tensor([ 3., -1.]), Tensor([1.5, 1. ]))
    """
    return np.floor_divide(x, y), np.remainder(x, y)


# --- choosing, and the element type ---------------------------------------------------------


@implements(np.where)
def where(condition, x=None, y=None, /):
    """`x` where the condition holds, else `y`; as `numpy.where`. Without both: `np.nonzero`.

    Both branches are computed, so a derivative that is infinite in the branch not taken still
    meets a zero cotangent: `where(x > 0, sqrt(x), 0)` has the gradient 0 * inf = nan at x = 0.
    The way out is to make the argument harmless first: `sqrt(where(x > 0, x, 1))` inside.

    >>> import minigrad as mg
    >>> mg.where(mg.Tensor([1.0, -1.0]) > 0, 10.0, 20.0)
    array([10., 20.])
    """
    if x is None and y is None:
        return np.nonzero(condition)
    if x is None or y is None:
        raise ValueError("where: takes a condition and both of x and y, or a condition alone.")
    return choose_between(condition, x, y)


choose_between = linear(
    lambda condition, x, y: np.where(condition, x, y),
    None,
    lambda g, z, condition, x, y: np.where(condition, g, 0),
    lambda g, z, condition, x, y: np.where(condition, 0, g),
    name="where",
    samples=[case(np.array([[True], [False]]), (2, 3), (3,))],
    broadcasts=True,
    jointly=True,
)


@linear
def cast(x, *, dtype):
    """The values in another floating-point type: `t.astype(dtype)`."""
    if dtype.kind != "f":
        raise GradientTypeError(
            f"a tensor that requires a gradient stays floating-point; {dtype} has none. Use "
            f"t.detach() first, or t.numpy()."
        )
    return x.astype(dtype)


cast.adjoint(lambda g, z, x, *, dtype: g)
cast.op.samples = [case((2, 3), dtype=np.dtype(np.float32))]


def as_type(x, dtype):
    """A tensor or anything array-like in the type that a `dtype=` asks for; None keeps it.

    Only a tensor that requires no gradient can become integers or booleans, else `TypeError`.
    """
    if dtype is None:
        return x
    if not isinstance(x, Node):
        return np.asarray(x, dtype)
    if np.dtype(dtype).kind in "biu" and not x._tracked:
        return leaf(x, x._value.astype(dtype))
    return cast(x, dtype=np.dtype(dtype))
