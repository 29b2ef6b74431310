"""SciPy's special functions: its ufuncs of real numbers that have a simple derivative.

SciPy is no dependency. This file is loaded when a ufunc that has no rule yet meets a tensor and
`scipy.special` is already there; so `scipy.special.gammaln(t)` works with no further import.

Orders and shape parameters whose derivative is not simple are settings: a tensor that requires a
gradient is refused there.
"""

from __future__ import annotations

from math import log, pi, sqrt

import numpy as np
import scipy.special as sp

from minigrad.core.op import elementwise, implements
from minigrad.core.registry import Function
from minigrad.core.samples import Domain, case, nonzero, positive, reals, unit
from minigrad.ops import exponential
from minigrad.ops.arithmetic import cbrt

probability = Domain(0.05, 0.95)
negative = Domain(-4.0, -0.2)

implements(sp.exp2)(exponential.exp2)  # SciPy has ufuncs of its own for these
implements(sp.expm1)(exponential.expm1)
implements(sp.log1p)(exponential.log1p)
implements(sp.cbrt)(cbrt)

# --- the error function and the normal distribution -----------------------------------------

erf = elementwise(sp.erf, lambda z, x: 2 / sqrt(pi) * np.exp(-x * x), samples=reals)
erfc = elementwise(sp.erfc, lambda z, x: -2 / sqrt(pi) * np.exp(-x * x), samples=reals)
erfi = elementwise(sp.erfi, lambda z, x: 2 / sqrt(pi) * np.exp(x * x), samples=unit)
erfcx = elementwise(sp.erfcx, lambda z, x: 2 * x * z - 2 / sqrt(pi), samples=reals)
dawsn = elementwise(sp.dawsn, lambda z, x: 1 - 2 * x * z, samples=reals)
erfinv = elementwise(sp.erfinv, lambda z, x: sqrt(pi) / 2 * np.exp(z * z), samples=unit)
erfcinv = elementwise(sp.erfcinv, lambda z, x: -sqrt(pi) / 2 * np.exp(z * z), samples=probability)

ndtr = elementwise(sp.ndtr, lambda z, x: np.exp(-x * x / 2) / sqrt(2 * pi), samples=reals)
ndtri = elementwise(sp.ndtri, lambda z, x: sqrt(2 * pi) * np.exp(z * z / 2), samples=probability)
log_ndtr = elementwise(  # density over distribution, without underflow
    sp.log_ndtr, lambda z, x: sqrt(2 / pi) / erfcx(-x / sqrt(2)), samples=reals
)
ndtri_exp = elementwise(
    sp.ndtri_exp, lambda z, x: sqrt(pi / 2) * erfcx(-z / sqrt(2)), samples=negative
)

# --- logistic -------------------------------------------------------------------------------

expit: Function = elementwise(sp.expit, lambda z, x: z * expit(-x), samples=reals)
logit = elementwise(sp.logit, lambda z, x: 1 / (x * (1 - x)), samples=probability)
log_expit = elementwise(sp.log_expit, lambda z, x: expit(-x), samples=reals)

# --- entropies: where x is 0 and the logarithm does not exist, derivatives are taken as 0 -----


def off(x, y):
    """Where `x * log(y)` is 0 although there is no logarithm."""
    return (x == 0) & (y <= 0)


xlogy = elementwise(
    sp.xlogy,
    lambda z, x, y: np.log(np.where(off(x, y), 1, y)),
    lambda z, x, y: x / np.where(off(x, y), 1, y),
    samples=(reals, positive),
)
xlog1py = elementwise(
    sp.xlog1py,
    lambda z, x, y: np.log1p(np.where(off(x, 1 + y), 0, y)),
    lambda z, x, y: x / np.where(off(x, 1 + y), 1, 1 + y),
    samples=(reals, positive),
)
entr = elementwise(sp.entr, lambda z, x: -np.log(x) - 1, samples=positive)
rel_entr = elementwise(
    sp.rel_entr, lambda z, x, y: np.log(x / y) + 1, lambda z, x, y: -x / y, samples=positive
)
kl_div = elementwise(
    sp.kl_div, lambda z, x, y: np.log(x / y), lambda z, x, y: 1 - x / y, samples=positive
)

# --- gamma and its kin ----------------------------------------------------------------------

gamma = elementwise(sp.gamma, lambda z, x: z * digamma(x), samples=positive)
gammaln = elementwise(sp.gammaln, lambda z, x: digamma(x), samples=positive)
loggamma = elementwise(sp.loggamma, lambda z, x: digamma(x), samples=positive)
gammasgn = elementwise(sp.gammasgn, 0, samples=positive)
digamma: Function = elementwise(sp.digamma, lambda z, x: polygamma(x, order=1), samples=positive)
polygamma: Function = elementwise(
    lambda x, *, order: sp.polygamma(order, x).astype(x.dtype),  # it gives float64 always
    lambda z, x, *, order: polygamma(x, order=order + 1),
    name="polygamma",
    samples=[case((2, 3), order=1, domain=positive), case((3,), order=2, domain=positive)],
)
beta = elementwise(
    sp.beta,
    lambda z, x, y: z * (digamma(x) - digamma(x + y)),
    lambda z, x, y: z * (digamma(y) - digamma(x + y)),
    samples=positive,
)
betaln = elementwise(
    sp.betaln,
    lambda z, x, y: digamma(x) - digamma(x + y),
    lambda z, x, y: digamma(y) - digamma(x + y),
    samples=positive,
)
binom = elementwise(
    sp.binom,
    lambda z, x, y: z * (digamma(x + 1) - digamma(x - y + 1)),
    lambda z, x, y: z * (digamma(x - y + 1) - digamma(y + 1)),
    samples=(Domain(4.2, 6.0), positive),
)
poch = elementwise(
    sp.poch,
    lambda z, x, y: z * (digamma(x + y) - digamma(x)),
    lambda z, x, y: z * digamma(x + y),
    samples=positive,
)

# --- powers, angles in degrees, losses ------------------------------------------------------

exp10 = elementwise(sp.exp10, lambda z, x: log(10) * z, samples=reals)
powm1 = elementwise(
    sp.powm1,
    lambda z, x, y: y * x ** (y - 1),
    lambda z, x, y: (z + 1) * np.log(x),
    samples=(positive, reals),
)
wrightomega = elementwise(sp.wrightomega, lambda z, x: z / (1 + z), samples=reals)

cosm1 = elementwise(sp.cosm1, lambda z, x: -np.sin(x), samples=reals)
sindg = elementwise(sp.sindg, lambda z, x: pi / 180 * cosdg(x), samples=reals)
cosdg: Function = elementwise(sp.cosdg, lambda z, x: -pi / 180 * sindg(x), samples=reals)
tandg = elementwise(sp.tandg, lambda z, x: pi / 180 * (1 + z * z), samples=reals)
cotdg = elementwise(sp.cotdg, lambda z, x: -pi / 180 * (1 + z * z), samples=Domain(40.0, 50.0))

huber = elementwise(  # x is delta
    sp.huber,
    lambda z, x, y: np.where(np.abs(y) > x, np.abs(y) - x, 0),
    lambda z, x, y: np.minimum(np.maximum(y, -x), x),
    samples=(positive, reals),
)
pseudo_huber = elementwise(  # x is delta
    sp.pseudo_huber,
    lambda z, x, y: 2 * z / x - y * y / np.hypot(x, y),
    lambda z, x, y: x * y / np.hypot(x, y),
    samples=(positive, reals),
)

# --- integrals ------------------------------------------------------------------------------

exp1 = elementwise(sp.exp1, lambda z, x: -np.exp(-x) / x, samples=positive)
expi = elementwise(sp.expi, lambda z, x: np.exp(x) / x, samples=positive)

sine_integral = elementwise(
    lambda x: sp.sici(x)[0], lambda z, x: np.sinc(x / pi), name="Si", samples=positive
)
cosine_integral = elementwise(
    lambda x: sp.sici(x)[1], lambda z, x: np.cos(x) / x, name="Ci", samples=positive
)
fresnel_sine = elementwise(
    lambda x: sp.fresnel(x)[0], lambda z, x: np.sin(pi / 2 * x * x), name="S", samples=reals
)
fresnel_cosine = elementwise(
    lambda x: sp.fresnel(x)[1], lambda z, x: np.cos(pi / 2 * x * x), name="C", samples=reals
)


@implements(sp.sici)
def sici(x):
    """The sine and the cosine integral; as `scipy.special.sici`.

    >>> import scipy.special, minigrad as mg
    >>> sine, cosine = scipy.special.sici(mg.Tensor(1.0))
    >>> sine
    Tensor(0.94608307)
    """
    return sine_integral(x), cosine_integral(x)


@implements(sp.fresnel)
def fresnel(x):
    """The Fresnel integrals S and C; as `scipy.special.fresnel`.

    >>> import scipy.special, minigrad as mg
    >>> sine, cosine = scipy.special.fresnel(mg.Tensor(1.0))
    >>> cosine
    Tensor(0.7798934)
    """
    return fresnel_sine(x), fresnel_cosine(x)


# --- functions of an order, which is a setting, and a number ------------------------------------


def of_order(ufunc, partial, domain=positive):
    """Register `ufunc(v, x)` with its partial derivative in x alone: `partial(z, x, v=v)`."""
    one, several = np.float32(1.5), np.arange(3, dtype=np.float32)
    op = elementwise(
        lambda x, *, v: ufunc(v, x),
        partial,
        name=ufunc.__name__,
        samples=[case((2, 3), v=one, domain=domain), case((3,), v=several, domain=domain)],
    )

    @implements(ufunc)
    def function(v, x):
        return op(x, v=np.array(v) if isinstance(v, np.ndarray | list) else v)

    function.op = op.op
    return function


jv: Function = of_order(sp.jv, lambda z, x, *, v: (jv(v - 1, x) - jv(v + 1, x)) / 2)
yv: Function = of_order(sp.yv, lambda z, x, *, v: (yv(v - 1, x) - yv(v + 1, x)) / 2)
iv: Function = of_order(sp.iv, lambda z, x, *, v: (iv(v - 1, x) + iv(v + 1, x)) / 2)
kv: Function = of_order(sp.kv, lambda z, x, *, v: -(kv(v - 1, x) + kv(v + 1, x)) / 2)
ive: Function = of_order(
    sp.ive, lambda z, x, *, v: (ive(v - 1, x) + ive(v + 1, x)) / 2 - np.sign(x) * z
)
kve: Function = of_order(sp.kve, lambda z, x, *, v: z - (kve(v - 1, x) + kve(v + 1, x)) / 2)

j0 = elementwise(sp.j0, lambda z, x: -j1(x), samples=reals)
j1: Function = elementwise(sp.j1, lambda z, x: (j0(x) - jv(2, x)) / 2, samples=reals)
y0 = elementwise(sp.y0, lambda z, x: -y1(x), samples=positive)
y1: Function = elementwise(sp.y1, lambda z, x: (y0(x) - yv(2, x)) / 2, samples=positive)
i0 = elementwise(sp.i0, lambda z, x: i1(x), samples=reals)
i1: Function = elementwise(sp.i1, lambda z, x: (i0(x) + iv(2, x)) / 2, samples=reals)
k0 = elementwise(sp.k0, lambda z, x: -k1(x), samples=positive)
k1: Function = elementwise(sp.k1, lambda z, x: -(k0(x) + kv(2, x)) / 2, samples=positive)
i0e = elementwise(sp.i0e, lambda z, x: i1e(x) - np.sign(x) * z, samples=nonzero)
i1e: Function = elementwise(
    sp.i1e, lambda z, x: (i0e(x) + ive(2, x)) / 2 - np.sign(x) * z, samples=nonzero
)
k0e = elementwise(sp.k0e, lambda z, x: z - k1e(x), samples=positive)
k1e: Function = elementwise(sp.k1e, lambda z, x: z - (k0e(x) + kve(2, x)) / 2, samples=positive)


def incomplete_gamma(sign):
    """The partial derivative in x of the incomplete gamma function and of its complement."""

    def partial(z, x, *, v):
        return sign * np.exp(sp.xlogy(v - 1, x) - x - sp.gammaln(v))

    return partial


gammainc = of_order(sp.gammainc, incomplete_gamma(1))
gammaincc = of_order(sp.gammaincc, incomplete_gamma(-1))
