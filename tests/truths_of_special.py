"""What SciPy's special functions of one number and their derivatives are, stated in mpmath.

Orders are half a whole number where they are a setting, 0 and 1 in the functions of that name.
"""

from functools import lru_cache, wraps

import mpmath as mp
import numpy as np
import scipy.special as sp
from truths import (
    DEGREE,
    LN10,
    SIGMOID,
    UNARY,
    WORDS,
    ZERO,
    Truth,
    above,
    bell,
    cumulative,
    flat,
    inside,
    of_one,
    sign,
)

HALF = mp.mpf(1) / 2
ROOT_PI = mp.sqrt(mp.pi)


def digits(number):
    """Decorate a function that is computed with so many digits, of which some are lost."""

    def decorate(f):
        @wraps(f)
        def computed(*x, **settings):
            with mp.workdps(number):
                return f(*x, **settings)

        return computed

    return decorate


def below(high):
    return lambda x: np.abs(x) < high


FROM = 1e-100  # nearer to 0 SciPy's own values of some Bessel functions are 0, nan or infinite


def beyond(low):
    return lambda x: np.abs(x) > low


def between(low, high):
    return lambda x: (np.abs(x) > low) & (np.abs(x) < high)


def rising(x, n):
    """x (x + 1) ... of n factors, n at most 2."""
    return (1, x, x * (x + 1))[n]


# --- the error function and the normal distribution -------------------------------------------


@digits(120)
def mills(u, order=0):
    """A derivative of M(u) = (1 - Phi(u)) / phi(u), for which M' = u M - 1."""
    if u < 18:
        m = mp.exp(u * u / 2) * mp.sqrt(mp.pi / 2) * mp.erfc(u / mp.sqrt(2))
        m1 = u * m - 1
        return (m, m1, m + u * m1)[order]
    total, term = mp.mpf(0), mp.mpf(1)  # of (-1)^k (2k - 1)!! / u^(2k + 1), each differentiated
    for k in range(160):
        part = term * (-1) ** order * rising(2 * k + 1, order)
        total += part
        if abs(part) < 1e-60 * abs(total):
            break
        term *= -(2 * k + 1) / u**2
    return total / u ** (order + 1)


def erfcx(x, order=0):
    root = mp.sqrt(2)
    return 2 / mp.sqrt(2 * mp.pi) * root**order * mills(root * x, order)


@digits(120)
def dawson(x, order=0):
    if abs(x) < 13:
        d = ROOT_PI / 2 * mp.exp(-x * x) * mp.erfi(x)
        d1 = 1 - 2 * x * d
        return (d, d1, -2 * d - 2 * x * d1)[order]
    total, term = mp.mpf(0), mp.mpf(1) / 2  # of (2k - 1)!! / (2^(k + 1) x^(2k + 1))
    for k in range(160):
        part = term * (-1) ** order * rising(2 * k + 1, order)
        total += part
        if abs(part) < 1e-60 * abs(total):
            break
        term *= (2 * k + 1) / (2 * x**2)
    return total / x ** (order + 1)


def newton(f, slope, start):
    """A root of f, from a start of some digits."""
    x = mp.mpf(start)
    for _ in range(6):
        step = f(x) / slope(x)
        x -= step
        if abs(step) < mp.mpf(10) ** -40 * max(1, abs(x)):
            break
    return x


def erfinv(x):
    if abs(x) < 0.9:
        return newton(
            lambda y: mp.erf(y) - x, lambda y: 2 / ROOT_PI * mp.exp(-y * y), sp.erfinv(float(x))
        )
    return sign(x) * erfcinv(1 - abs(x))


def erfcinv(x):
    if x > 0.5:
        return erfinv(1 - x)
    return -normal_quantile(x / 2) / mp.sqrt(2)


def normal_quantile(p):
    """The number below which a standard normal one is with probability p."""
    if p == HALF:
        return mp.mpf(0)
    if p > HALF:
        return -normal_quantile(1 - p)
    return quantile_of_log(mp.log(p), sp.ndtri_exp(float(mp.log(p))))


def quantile_of_log(x, start):
    """The same of p = exp(x), from a start."""
    constant = mp.log(2 * mp.pi) / 2
    return newton(
        lambda y: mp.log(mills(-y)) - y * y / 2 - constant - x, lambda y: 1 / mills(-y), start
    )


def ndtri_exp(x):
    if x > -0.5:
        return -normal_quantile(-mp.expm1(x))
    return quantile_of_log(x, sp.ndtri_exp(float(x)))


def log_ndtr2(x):
    return mills(-x, 1) / mills(-x) ** 2


# --- gamma and its kin --------------------------------------------------------------------------

BERNOULLI = [mp.bernoulli(2 * k) for k in range(1, 31)]


@lru_cache(10_000)
def psi(n, x):
    """The polygamma function: the sum over 1 / (x + k)^(n + 1), its tail by Euler and Maclaurin."""
    if n == 0:
        return mp.digamma(x)
    total, start = mp.mpf(0), x
    while start < 25:
        total += start ** -(n + 1)
        start += 1
    total *= mp.factorial(n)
    total += mp.factorial(n - 1) / start**n + mp.factorial(n) / (2 * start ** (n + 1))
    term = mp.factorial(n - 1) / start**n
    for k, number in enumerate(BERNOULLI, 1):
        term *= mp.mpf((2 * k + n - 1) * (2 * k + n - 2)) / ((2 * k) * (2 * k - 1)) / start**2
        total += number * term
        if abs(term * number) < 1e-55 * total:
            break
    return (-1) ** (n + 1) * total


# --- Bessel functions ---------------------------------------------------------------------------


def slope_of(f, v, x, order, lower, upper):
    """A derivative of a Bessel function from those of neighboring order."""
    if order == 0:
        return f(v, x)
    left, right = (slope_of(f, w, x, order - 1, lower, upper) for w in (v - 1, v + 1))
    return (lower * left + upper * right) / 2


@lru_cache(10_000)
def bessel_y(v, x):
    with mp.workdps(60):
        return mp.bessely(v, x)


def of_y(v):
    """Y_0 and Y_1 with their derivatives, which all are made of these two."""

    def derivative(order):
        def of(x):
            y0, y1 = bessel_y(0, x), bessel_y(1, x)
            first, second = y0 - y1 / x, -y1 - y0 / x + 2 * y1 / x**2
            return ((y0, -y1, -first), (y1, first, second))[v][order]

        return of

    return of_one(*map(derivative, range(3)), domain=inside(FROM, 1e3))


def bessel(f, v, lower, upper, **given):
    value, first, second = (
        digits(90)(lambda x, order=order: slope_of(f, v, x, order, lower, upper))
        for order in range(3)
    )
    return of_one(value, first, second, **given)


@digits(70)
def scaled_k(v, x, order=0):
    """A derivative of exp(x) K_v(x)."""
    if v == 1.5:
        root, w = mp.sqrt(mp.pi / 2), 1 / x
        return (
            root
            * (
                mp.sqrt(w) * (1 + w),
                -(w**1.5) * (HALF + 1.5 * w),
                w**2.5 * (0.75 + 3.75 * w),
            )[order]
        )
    if x < 2:
        return sum(mp.binomial(order, k) * mp.exp(x) * small_k(v, x, k) for k in range(order + 1))
    return integral_of_k(v, x, order)


def integral_of_k(v, x, order):
    """The integral over (1 - cosh t)^order exp(-x (cosh t - 1)) cosh(vt), by trapezoids."""
    width = mp.acosh(1 + 140 / x)
    n = 80
    step = width / n
    total = mp.mpf(0)
    for i in range(n + 1):
        rise = 2 * mp.sinh(i * step / 2) ** 2
        part = (-rise) ** order * mp.exp(-x * rise) * mp.cosh(v * i * step)
        total += part / 2 if i == 0 else part
    return total * step


def small_k(v, x, order):
    """A derivative of K_0 or K_1 by the series at 0; K_1 = -K_0', K_1' = -K_0 - K_1 / x."""
    if v == 0 and order == 0:
        q, term, harmonic, total = x * x / 4, mp.mpf(1), mp.mpf(0), mp.mpf(0)
        bessel_i = mp.mpf(1)
        for k in range(1, 60):
            term *= q / k**2
            harmonic += mp.mpf(1) / k
            bessel_i += term
            total += harmonic * term
        return total - (mp.log(x / 2) + mp.euler) * bessel_i
    if v == 0:
        return -small_k(1, x, order - 1)
    k0, k1 = small_k(0, x, 0), small_k1(x)
    return (k1, -k0 - k1 / x, k1 * (1 + 2 / x**2) + k0 / x)[order]


def small_k1(x):
    q, term, harmonic = x * x / 4, mp.mpf(1), mp.mpf(0)
    total, bessel_i = mp.mpf(0), mp.mpf(0)
    for k in range(60):  # term: q^k / (k! (k + 1)!)
        total += term * (2 * harmonic + mp.mpf(1) / (k + 1))
        bessel_i += term
        harmonic += mp.mpf(1) / (k + 1)
        term *= q / ((k + 1) * (k + 2))
    return 1 / x + x / 2 * bessel_i * (mp.log(x / 2) + mp.euler) - x / 4 * total


def series_of_i(v, x, order):
    """A derivative of I_v by its power series, all terms of which are positive."""
    total, term = mp.mpf(0), (x / 2) ** v / mp.gamma(v + 1)
    for k in range(1000):
        part = term * rising(2 * k + v - order + 1, order)
        total += part
        if k > x / 2 and k > 2 and part < total * mp.mpf(10) ** -75:
            break
        term *= x * x / (4 * (k + 1) * (k + 1 + v))
    return total / x**order if total else total


@digits(80)
def scaled_i(v, x, order=0):
    """A derivative of exp(-|x|) I_v(x)."""
    if x < 0:
        return (-1) ** (v + order) * scaled_i(v, -x, order)
    if x < 150:
        signs = [(-1) ** (order - k) * mp.binomial(order, k) for k in range(order + 1)]
        return mp.exp(-x) * sum(c * series_of_i(v, x, k) for k, c in enumerate(signs))
    total, term = mp.mpf(0), mp.mpf(1)
    for k in range(200):
        part = term * (-1) ** order * rising(k + HALF, order)
        total += part
        if abs(part) < 1e-60 * abs(total):
            break
        term *= -(4 * mp.mpf(v) ** 2 - (2 * k + 1) ** 2) / (8 * (k + 1) * x)
    return total / mp.sqrt(2 * mp.pi * x) / x**order


def scaled(f, v, **given):
    value, first, second = (lambda x, order=order: f(v, x, order) for order in range(3))
    return of_one(value, first, second, **given)


def unscaled_k(v, order):
    """A derivative of K_v."""

    def derivative(x):
        scaled = [scaled_k(v, x, k) * mp.binomial(order, k) for k in range(order + 1)]
        parts = [(-1) ** (order - k) * part for k, part in enumerate(scaled)]
        return mp.exp(-x) * sum(parts)

    return derivative


def unscaled_i(v, order):
    """A derivative of I_v."""

    def derivative(x):
        if abs(x) < 1:
            return sign(x) ** int(v + order) * series_of_i(v, abs(x), order)
        scaled = [scaled_i(v, x, k) * mp.binomial(order, k) for k in range(order + 1)]
        return mp.exp(abs(x)) * sum(sign(x) ** (order - k) * part for k, part in enumerate(scaled))

    return derivative


def bessel_i(v, domain):
    return of_one(*(unscaled_i(v, order) for order in range(3)), domain=domain)


def bessel_k(v):
    return of_one(*(unscaled_k(v, order) for order in range(3)), domain=inside(FROM, 1e3))


# --- others ---------------------------------------------------------------------------------------


def omega(x):
    """y where y + log(y) = x."""
    if x > 1e4:
        return newton(lambda y: y + mp.log(y) - x, lambda y: 1 + 1 / y, float(x) - np.log(float(x)))
    start = float(x) if x < -30 else np.log(sp.wrightomega(float(x)))
    return mp.exp(newton(lambda w: w + mp.exp(w) - x, lambda w: 1 + mp.exp(w), start))


def sine_ratio(x, order=0):
    """A derivative of sin(x) / x."""
    with mp.workdps(90):
        if abs(x) < 1e-20:
            return (mp.mpf(1), -x / 3)[order]
        return (mp.sin(x) / x, mp.cos(x) / x - mp.sin(x) / x**2)[order]


def half_square(x):
    """x^2 / 2, and a multiple of 2 where x is one."""
    return x * x / 2 if abs(x) < 2**60 else ZERO


def density_of_gamma(v):
    return lambda x: x ** (v - 1) * mp.exp(-x) / mp.gamma(v)


ORDER = 1.5
density = density_of_gamma(mp.mpf(ORDER))
angle = below(1e14)  # where SciPy gives a value


def slope_of_density(x):
    return density(x) * ((ORDER - 1) / x - 1)


def tangent(x):
    return mp.sinpi(x / 180) / mp.cospi(x / 180)


SPECIAL_UNARY: dict[str, Truth] = {
    "special_normal.erf": UNARY["error_function.erf"],
    "special_normal.erfc": UNARY["error_function.erfc"],
    "special_normal.erfi": of_one(
        mp.erfi,
        lambda x: 2 / ROOT_PI * mp.exp(x * x),
        lambda x: 4 * x / ROOT_PI * mp.exp(x * x),
        below(1e4),
    ),
    "special_normal.erfcx": of_one(
        erfcx, lambda x: erfcx(x, 1), lambda x: erfcx(x, 2), lambda x: np.less(-1e4, x)
    ),
    "special_normal.dawsn": of_one(
        dawson, lambda x: dawson(x, 1), lambda x: dawson(x, 2), special=(0.924138873, 1.5019752682)
    ),
    "special_normal.erfinv": of_one(
        erfinv,
        lambda x: ROOT_PI / 2 * mp.exp(erfinv(x) ** 2),
        lambda x: mp.pi / 2 * erfinv(x) * mp.exp(2 * erfinv(x) ** 2),
        inside(-1, 1),
    ),
    "special_normal.erfcinv": of_one(
        erfcinv,
        lambda x: -ROOT_PI / 2 * mp.exp(erfcinv(x) ** 2),
        lambda x: mp.pi / 2 * erfcinv(x) * mp.exp(2 * erfcinv(x) ** 2),
        inside(0, 2),
    ),
    "special_normal.ndtr": UNARY["error_function.normal_cdf"],
    "special_normal.ndtri": of_one(
        normal_quantile,
        lambda x: 1 / bell(normal_quantile(x)),
        lambda x: normal_quantile(x) / bell(normal_quantile(x)) ** 2,
        inside(0, 1),
    ),
    "special_normal.log_ndtr": of_one(
        lambda x: mp.log(cumulative(x)),
        lambda x: 1 / mills(-x),
        log_ndtr2,
        lambda x: np.less(x, 1e4),
    ),
    "special_normal.ndtri_exp": of_one(
        ndtri_exp,
        lambda x: mills(-ndtri_exp(x)),
        lambda x: -mills(-ndtri_exp(x)) * mills(-ndtri_exp(x), 1),
        lambda x: x < 0,
    ),
    "special.expit": SIGMOID,
    "special.logit": of_one(
        lambda x: mp.log(x / (1 - x)),
        lambda x: 1 / (x * (1 - x)),
        lambda x: (2 * x - 1) / (x * (1 - x)) ** 2,
        inside(0, 1),
    ),
    "special.log_expit": WORDS["log_sigmoid"],
    "special.entr": of_one(
        lambda x: -x * mp.log(x),
        lambda x: -mp.log(x) - 1,
        lambda x: -1 / x,
        above(0),
        special=(np.exp(-1),),
    ),
    "special.gamma": of_one(
        mp.gamma,
        lambda x: mp.gamma(x) * psi(0, x),
        lambda x: mp.gamma(x) * (psi(0, x) ** 2 + psi(1, x)),
        inside(0, 300),
        special=(1.4616321449683622,),
    ),
    "special.gammaln": of_one(
        mp.loggamma,
        lambda x: psi(0, x),
        lambda x: psi(1, x),
        above(0),
        special=(1.4616321449683622,),
    ),
    "special.loggamma": of_one(
        mp.loggamma,
        lambda x: psi(0, x),
        lambda x: psi(1, x),
        above(0),
        special=(1.4616321449683622,),
    ),
    "special.gammasgn": flat(None, domain=above(0)),
    "special.psi": of_one(
        mp.digamma,
        lambda x: psi(1, x),
        lambda x: psi(2, x),
        above(0),
        special=(1.4616321449683622,),
    ),
    "special.exp10": of_one(
        lambda x: mp.mpf(10) ** x,
        lambda x: LN10 * mp.mpf(10) ** x,
        lambda x: LN10**2 * mp.mpf(10) ** x,
    ),
    "special.wrightomega": of_one(
        omega, lambda x: omega(x) / (1 + omega(x)), lambda x: omega(x) / (1 + omega(x)) ** 3
    ),
    "special.cosm1": UNARY["trigonometry.cos"],
    "special.sindg": of_one(
        lambda x: mp.sinpi(x / 180),
        lambda x: DEGREE * mp.cospi(x / 180),
        lambda x: -(DEGREE**2) * mp.sinpi(x / 180),
        angle,
        special=(30.0, 60.0, 90.0, 180.0, 270.0),
    ),
    "special.cosdg": of_one(
        lambda x: mp.cospi(x / 180),
        lambda x: -DEGREE * mp.sinpi(x / 180),
        lambda x: -(DEGREE**2) * mp.cospi(x / 180),
        angle,
        special=(30.0, 60.0, 90.0, 180.0, 270.0),
    ),
    "special.tandg": of_one(
        tangent,
        lambda x: DEGREE * (1 + tangent(x) ** 2),
        lambda x: 2 * DEGREE**2 * tangent(x) * (1 + tangent(x) ** 2),
        lambda x: angle(x) & (x % 180 != 90),
        special=(45.0, 90.0, 135.0, 180.0),
    ),
    "special.cotdg": of_one(
        lambda x: 1 / tangent(x),
        lambda x: -DEGREE / mp.sinpi(x / 180) ** 2,
        lambda x: 2 * DEGREE**2 / tangent(x) / mp.sinpi(x / 180) ** 2,
        lambda x: angle(x) & (x % 180 != 0) & (np.abs(x) > 1e-11),  # where SciPy's is not inf
        special=(45.0, 90.0, 135.0, 180.0),
    ),
    "special.exp1": of_one(
        mp.e1,
        lambda x: -mp.exp(-x) / x,
        lambda x: mp.exp(-x) * (x + 1) / x**2,
        above(0),
    ),
    "special.expi": of_one(
        mp.ei,
        lambda x: mp.exp(x) / x,
        lambda x: mp.exp(x) * (x - 1) / x**2,
        lambda x: x != 0,
        special=(709.5, 710.5, 715.0),
    ),
    "special.Si": of_one(
        mp.si,
        sine_ratio,
        lambda x: sine_ratio(x, 1),
        special=tuple(np.pi * np.arange(1, 9)),
    ),
    "special.Ci": of_one(
        mp.ci,
        lambda x: mp.cos(x) / x,
        lambda x: -mp.sin(x) / x - mp.cos(x) / x**2,
        above(0),
    ),
    "special.S": of_one(
        mp.fresnels,
        lambda x: mp.sinpi(half_square(x)),
        lambda x: mp.pi * x * mp.cospi(half_square(x)),
    ),
    "special.C": of_one(
        mp.fresnelc,
        lambda x: mp.cospi(half_square(x)),
        lambda x: -mp.pi * x * mp.sinpi(half_square(x)),
    ),
    "special_bessel.jv": bessel(mp.besselj, ORDER, 1, -1, domain=inside(FROM, 1e3)),
    "special_bessel.yv": bessel(mp.bessely, ORDER, 1, -1, domain=inside(FROM, 1e3)),
    "special_bessel.iv": bessel_i(ORDER, inside(FROM, 1e3)),
    "special_bessel.kv": bessel_k(ORDER),
    "special_bessel.ive": scaled(
        scaled_i, mp.mpf(ORDER), domain=above(FROM), special=(24.0, 27.25, 30.0)
    ),
    "special_bessel.kve": scaled(scaled_k, ORDER, domain=above(FROM), special=(24.0, 27.25, 30.0)),
    "special_bessel.j0": bessel(mp.besselj, 0, 1, -1, domain=between(FROM, 1e3)),
    "special_bessel.j1": bessel(mp.besselj, 1, 1, -1, domain=between(FROM, 1e3)),
    "special_bessel.y0": of_y(0),
    "special_bessel.y1": of_y(1),
    "special_bessel.i0": bessel_i(0, between(FROM, 1e3)),
    "special_bessel.i1": bessel_i(1, between(FROM, 1e3)),
    "special_bessel.k0": bessel_k(0),
    "special_bessel.k1": bessel_k(1),
    "special_bessel.i0e": scaled(
        scaled_i, 0, domain=beyond(FROM), special=(24.0, 25.0, 30.0), kinks=(0.0,)
    ),
    "special_bessel.i1e": scaled(
        scaled_i, 1, domain=beyond(FROM), special=(24.0, 26.0, 30.0), kinks=(0.0,)
    ),
    "special_bessel.k0e": scaled(scaled_k, 0, domain=above(FROM), special=(24.0, 25.0, 30.0)),
    "special_bessel.k1e": scaled(scaled_k, 1, domain=above(FROM), special=(24.0, 26.0, 30.0)),
    "special_bessel.gammainc": of_one(None, density, slope_of_density, above(0)),
    "special_bessel.gammaincc": of_one(
        None, lambda x: -density(x), lambda x: -slope_of_density(x), above(0)
    ),
}
