"""SciPy's special functions: its ufuncs of real numbers that have a simple derivative.

SciPy is no dependency. This file is loaded when a ufunc that has no rule yet meets a tensor and
`scipy.special` is already there; so `scipy.special.gammaln(t)` works with no further import.

Orders and shape parameters whose derivative is not simple are settings: a tensor that requires a
gradient is refused there.
"""

from __future__ import annotations

from math import factorial, log, pi, sqrt

import numpy as np
import scipy.special as sp

from minigrad.core.op import elementwise, implements
from minigrad.core.registry import Function
from minigrad.core.samples import Domain, case, positive, reals
from minigrad.ops import exponential, special_bessel, special_normal  # noqa: F401
from minigrad.ops.activations import logistic
from minigrad.ops.arithmetic import base, cbrt
from minigrad.ops.trigonometry import cosine

probability = Domain(0.05, 0.95)

implements(sp.exp2)(exponential.exp2)  # SciPy has ufuncs of its own for these
implements(sp.expm1)(exponential.expm1)
implements(sp.log1p)(exponential.log1p)
implements(sp.cbrt)(cbrt)

# --- logistic -------------------------------------------------------------------------------

expit: Function = elementwise(sp.expit, lambda z, x: logistic(x), samples=reals)
logit = elementwise(sp.logit, lambda z, x: 1 / x + 1 / (1 - x), samples=probability)
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
entr = elementwise(sp.entr, lambda z, x: entropy_slope(x), samples=positive)
rel_entr = elementwise(
    sp.rel_entr, lambda z, x, y: log_ratio(x, y) + 1, lambda z, x, y: -x / y, samples=positive
)
kl_div = elementwise(
    sp.kl_div, lambda z, x, y: log_ratio(x, y), lambda z, x, y: missing_part(x, y), samples=positive
)


@elementwise
def missing_part(x, y):
    """What x lacks of y, as a part of y."""
    return np.subtract(y, x) / y


missing_part.partial(lambda z, x, y: -1 / y)
missing_part.partial(lambda z, x, y: x / y / y)
missing_part.op.samples = positive


@elementwise
def entropy_slope(x):
    """-log(x) - 1, of which no narrow dtype makes 0."""
    return (-np.log(x, dtype=np.float64) - 1).astype(x.dtype)


entropy_slope.partial(lambda z, x: -1 / x)
entropy_slope.op.samples = positive


@elementwise
def log_ratio(x, y):
    """log(x / y), where x / y may be too large or too small, and to the last digits near 1."""
    with np.errstate(all="ignore"):
        r = np.divide(x, y)
        z = np.where((r > 0.5) & (r < 2), np.log1p(np.subtract(x, y) / y), np.log(r))
        fits = (r > np.finfo(r.dtype).tiny) & (r < np.inf)
        return np.where(fits, z, np.log(x) - np.log(y))


log_ratio.partial(lambda z, x, y: 1 / x)
log_ratio.partial(lambda z, x, y: -1 / y)
log_ratio.op.samples = positive

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
    lambda z, x, y: -z * polygamma_difference(x, y, order=0),
    lambda z, x, y: -z * polygamma_difference(y, x, order=0),
    samples=positive,
)
betaln = elementwise(
    sp.betaln,
    lambda z, x, y: -polygamma_difference(x, y, order=0),
    lambda z, x, y: -polygamma_difference(y, x, order=0),
    samples=positive,
)
binom = elementwise(
    sp.binom,
    lambda z, x, y: z * polygamma_difference(x - y + 1, y, order=0),
    lambda z, x, y: z * polygamma_difference(y + 1, x - 2 * y, order=0),
    samples=(Domain(4.2, 6.0), positive),
)
poch = elementwise(
    sp.poch,
    lambda z, x, y: z * polygamma_difference(x, y, order=0),
    lambda z, x, y: z * digamma(x + y),
    samples=positive,
)


@elementwise
def polygamma_difference(x, y, *, order):
    """polygamma(order, x + y) - polygamma(order, x), to the last digits where y is small.

    For x and x + y above 0 by the sum and the asymptotic series of which each is made (Abramowitz
    and Stegun 6.4.10 and 6.4.11), taking the differences of their terms.
    """
    start, width = np.asarray(x, np.float64), np.asarray(y, np.float64)
    low, width, sign = np.where(width < 0, start + width, start), np.abs(width), np.sign(width)
    usual = low > 0
    near = np.where(usual, low, 1)
    far = near + 10
    terms = [factorial(order) * fall(near + k, width, order + 1) for k in range(10)]
    tail = np.log1p(width / far) if order == 0 else factorial(order - 1) * fall(far, width, order)
    z = sum(terms) + tail + factorial(order) / 2 * fall(far, width, order + 1)
    for k, number in enumerate(sp.bernoulli(20)[2::2], 1):
        power = 2 * k + order
        z = z + number * factorial(power - 1) / factorial(2 * k) * fall(far, width, power)
    z = (-1) ** order * sign * z
    plain = sp.polygamma(order, start + y) - sp.polygamma(order, start)
    return np.where(usual, z, plain).astype(np.result_type(x, y))


def fall(x, y, power):
    """1 / x^power - 1 / (x + y)^power"""
    return -np.expm1(-power * np.log1p(y / x)) / x**power


polygamma_difference.partial(lambda z, x, y, *, order: polygamma_difference(x, y, order=order + 1))
polygamma_difference.partial(lambda z, x, y, *, order: polygamma(x + y, order=order + 1))
polygamma_difference.op.samples = [
    case((2, 3), (2, 3), order=0, domain=positive),
    case((3,), (3,), order=1, domain=positive),
]

# --- powers, angles in degrees, losses ------------------------------------------------------

exp10 = elementwise(sp.exp10, lambda z, x: log(10) * z, samples=reals)
powm1 = elementwise(
    sp.powm1,
    lambda z, x, y: y * base(x, y) ** (y - 1),
    lambda z, x, y: x**y * np.log(x),
    samples=(positive, reals),
)
wrightomega = elementwise(sp.wrightomega, lambda z, x: saturated(z), samples=reals)


@elementwise
def saturated(x):
    """x / (1 + x), and 1 at infinity."""
    return np.where(x > 1, 1 / (1 + 1 / np.maximum(x, 1)), x / (1 + x))


saturated.partial(lambda z, x: (1 / (1 + x)) ** 2)
saturated.op.samples = positive

cosm1 = elementwise(sp.cosm1, lambda z, x: -np.sin(x), samples=reals)
sindg = elementwise(sp.sindg, lambda z, x: pi / 180 * cosdg(x), samples=reals)
cosdg: Function = elementwise(sp.cosdg, lambda z, x: -pi / 180 * sindg(x), samples=reals)
tandg = elementwise(sp.tandg, lambda z, x: (sqrt(pi / 180) / cosdg(x)) ** 2, samples=reals)
cotdg = elementwise(
    sp.cotdg, lambda z, x: -((sqrt(pi / 180) / sindg(x)) ** 2), samples=Domain(40.0, 50.0)
)

huber = elementwise(  # x is delta
    sp.huber,
    lambda z, x, y: np.where(np.abs(y) > x, np.abs(y) - x, 0),
    lambda z, x, y: np.minimum(np.maximum(y, -x), x),
    samples=(positive, reals),
)
pseudo_huber = elementwise(  # x is delta
    sp.pseudo_huber,
    lambda z, x, y: y * np.square(y / 4 / (np.hypot(x / 4, y / 4) + x / 4)) * cosine(y, x),
    lambda z, x, y: np.where(np.abs(y) < x, y * cosine(x, y), x * cosine(y, x)),
    samples=(positive, reals),
)

# --- integrals ------------------------------------------------------------------------------

exp1 = elementwise(sp.exp1, lambda z, x: -np.exp(-x) / x, samples=positive)
expi = elementwise(sp.expi, lambda z, x: exponential_ratio(x), samples=positive)

sine_integral = elementwise(
    lambda x: sp.sici(x)[0], lambda z, x: sine_ratio(x), name="Si", samples=positive
)
cosine_integral = elementwise(
    lambda x: sp.sici(x)[1], lambda z, x: np.cos(x) / x, name="Ci", samples=positive
)
fresnel_sine = elementwise(
    lambda x: sp.fresnel(x)[0], lambda z, x: sine_of_square(x), name="S", samples=reals
)
fresnel_cosine = elementwise(
    lambda x: sp.fresnel(x)[1], lambda z, x: cosine_of_square(x), name="C", samples=reals
)


@elementwise
def exponential_ratio(x):
    """exp(x) / x, which is finite a little beyond exp(x)."""
    root = np.exp(x / 2)
    return root / x * root


exponential_ratio.partial(lambda z, x: z * ((x - 1) / x))


@elementwise
def sine_ratio(x):
    """sin(x) / x, and 1 at 0."""
    return sp.spherical_jn(0, np.asarray(x, np.float64)).astype(x.dtype)


@elementwise
def sine_ratio_slope(x):
    """(x cos(x) - sin(x)) / x^2, and 0 at 0."""
    wide = np.asarray(x, np.float64)
    square = np.minimum(np.square(wide), 1.0)
    near = -wide / 3 * (1 - square / 10 * (1 - square / 28))
    return np.where(np.abs(wide) < 0.01, near, -sp.spherical_jn(1, wide)).astype(x.dtype)


sine_ratio.partial(lambda z, x: sine_ratio_slope(x))
sine_ratio_slope.partial(
    lambda z, x: -sine_ratio(x) - 2 * np.where(x == 0, -1 / 3, z / np.where(x == 0, 1, x))
)


def degrees_of_square(x):
    """90 x^2 without whole turns, which is all that there is where x is a multiple of 2."""
    wide = np.asarray(x, np.float64)
    return 90 * np.fmod(np.square(np.where(np.abs(wide) < 2.0**53, wide, 0)), 4)


@elementwise
def sine_of_square(x):
    """sin(pi / 2 x^2)"""
    return sp.sindg(degrees_of_square(x)).astype(x.dtype)


@elementwise
def cosine_of_square(x):
    """cos(pi / 2 x^2)"""
    return sp.cosdg(degrees_of_square(x)).astype(x.dtype)


sine_of_square.partial(lambda z, x: pi * (x * cosine_of_square(x)))
cosine_of_square.partial(lambda z, x: -pi * (x * sine_of_square(x)))
exponential_ratio.op.samples = positive
for function in (sine_ratio, sine_ratio_slope, sine_of_square, cosine_of_square):
    function.op.samples = reals


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
