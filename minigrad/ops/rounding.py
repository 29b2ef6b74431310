"""Rounding, signs and steps: the derivative is 0 between the jumps, and taken as 0 at them.

Also what takes a number apart into a whole part and a rest (`modf`, `frexp`).
"""

from __future__ import annotations

import numpy as np

from minigrad.core.op import elementwise, implements, linear
from minigrad.core.samples import Domain, case, nonzero, reals
from minigrad.ops.operands import refuse_out, values

between_integers = Domain(-2.9, 2.9, avoid=(-2.0, -1.0, 0.0, 1.0, 2.0))
between_halves = Domain(-2.4, 2.4, avoid=(-1.5, -0.5, 0.5, 1.5))

floor = elementwise(np.floor, 0, samples=between_integers)
ceil = elementwise(np.ceil, 0, samples=between_integers)
trunc = elementwise(np.trunc, 0, samples=between_integers)
rint = elementwise(np.rint, 0, samples=between_halves)
spacing = elementwise(np.spacing, 0, samples=between_integers)
nextafter = elementwise(np.nextafter, 1, 0, samples=reals)

sign = elementwise(np.sign, 0, samples=nonzero)
copysign = elementwise(  # |x| with the sign of y: at x = 0 the first is 0
    np.copysign,
    lambda z, x, y: np.sign(z) * np.sign(x),
    0,
    samples=nonzero,
)
heaviside = elementwise(  # y where x is 0
    np.heaviside,
    0,
    lambda z, x, y: x == 0,
    samples=(nonzero, reals),
)


@implements(np.round, np.around)
def round(a, decimals=0, out=None):
    """To the nearest number of that many decimals, halves to even; as `numpy.round`.

    >>> import numpy as np, minigrad as mg
    >>> np.round(mg.Tensor([1.25, 2.75]), 1)
    Tensor([1.2, 2.8])
    """
    refuse_out("round", out)
    return to_decimals(a, decimals=decimals)


to_decimals = elementwise(
    lambda x, *, decimals: np.round(x, decimals),
    0,
    name="round",
    samples=[case((2, 3), decimals=-1)],
)


@implements(np.fix)
def fix(x, out=None):
    """Rounded towards 0; as `numpy.fix`.

    >>> import numpy as np, minigrad as mg
    >>> np.fix(mg.Tensor([-1.7, 1.7]))
    Tensor([-1.,  1.])
    """
    refuse_out("fix", out)
    return trunc(x)


# --- taking a number apart ------------------------------------------------------------------

fraction = elementwise(
    lambda x: np.modf(x)[0],
    1,
    name="fraction",
    samples=between_integers,
)


@implements(np.modf)
def modf(x):
    """The fractional part and the whole part, both with the sign of x; as `numpy.modf`.

    >>> import numpy as np, minigrad as mg
    >>> np.modf(mg.Tensor([-1.5, 2.25]))
    (Tensor([-0.5 ,  0.25]), Tensor([-1.,  2.]))
    """
    return fraction(x), trunc(x)


times_power_of_two = linear(
    np.ldexp,
    lambda g, z, x, i: np.ldexp(g, i),
    None,
    samples=[case((2, 3), np.array([0, 4, -2]))],
    broadcasts=True,
)


@implements(np.ldexp)
def ldexp(x, i):
    """x * 2**i for whole numbers i, which have no gradient; as `numpy.ldexp`.

    >>> import numpy as np, minigrad as mg
    >>> np.ldexp(mg.Tensor([1.0, 3.0]), 2)
    Tensor([ 4., 12.])
    """
    return times_power_of_two(x, values(i))


@implements(np.frexp)
def frexp(x):
    """The mantissa in [0.5, 1) and the exponent of two, a plain array; as `numpy.frexp`.

    >>> import numpy as np, minigrad as mg
    >>> np.frexp(mg.Tensor([6.0, 0.25]))
    (Tensor([0.75, 0.5 ]), array([ 3, -1], dtype=int32))
    """
    _, exponent = np.frexp(np.asarray(x.detach()))
    return np.ldexp(x, -exponent), exponent
