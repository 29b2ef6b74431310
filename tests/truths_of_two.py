"""What every elementwise function of two numbers and its derivatives are: x, y; then xx, xy, yy."""

import mpmath as mp
import numpy as np
from truths import LN2, ZERO, Truth, constant, logistic, sigmoid, sign
from truths_of_special import psi


def of_two(value, first, second, domain=None, **given):
    """The truth about a function of two numbers."""
    if domain is not None:
        given["domain"] = domain
    return Truth(value, first, second, **given)


def flat(value, x, y):
    """A function with constant slopes."""
    return of_two(value, (constant(x), constant(y)), (constant(0),) * 3)


def apart(x, y):
    return x != y


def chosen(larger):
    """max or min away from ties."""
    return of_two(
        None,
        (
            lambda x, y: mp.mpf(int((x > y) == larger)),
            lambda x, y: mp.mpf(int((y > x) == larger)),
        ),
        (constant(0),) * 3,
        apart,
    )


def squares(x, y):
    return x * x + y * y


def away_from_origin(x, y):
    return (x != 0) | (y != 0)


def log_sum(base):
    """log(exp(x) + exp(y)) in a base whose logarithm is given."""
    return of_two(
        None,
        (lambda x, y: sigmoid(base() * (x - y)), lambda x, y: sigmoid(base() * (y - x))),
        (
            lambda x, y: base() * logistic(base() * (x - y)),
            lambda x, y: -base() * logistic(base() * (x - y)),
            lambda x, y: base() * logistic(base() * (x - y)),
        ),
    )


def small(y):
    return np.abs(y) < 1e4  # x**y in a time that is not too long


POWER = of_two(
    mp.power,
    (lambda x, y: y * x ** (y - 1), lambda x, y: x**y * mp.log(x)),
    (
        lambda x, y: y * (y - 1) * x ** (y - 2),
        lambda x, y: x ** (y - 1) * (1 + y * mp.log(x)),
        lambda x, y: x**y * mp.log(x) ** 2,
    ),
    lambda x, y: (x > 0) & small(y) & (y != 0),
    factors=(np.power, lambda x, y: np.power(x, y - 1)),
)


def quotient(x, y):
    """The whole number before the remainder."""
    return mp.floor(x / y)


def cut(x, y):
    """The same, rounded towards 0."""
    return sign(x / y) * mp.floor(abs(x / y))


def cosine(x, y):
    return x / mp.sqrt(squares(x, y))


def inversion(x, y):
    return x / squares(x, y)


BINARY: dict[str, Truth] = {
    "arithmetic.add": flat(lambda x, y: x + y, 1, 1),
    "arithmetic.subtract": flat(lambda x, y: x - y, 1, -1),
    "exponential.difference": flat(lambda x, y: x - y, 1, -1),
    "arithmetic.multiply": of_two(
        lambda x, y: x * y,
        (lambda x, y: y, lambda x, y: x),
        (constant(0), constant(1), constant(0)),
    ),
    "arithmetic.divide": of_two(
        lambda x, y: x / y,
        (lambda x, y: 1 / y, lambda x, y: -x / y**2),
        (constant(0), lambda x, y: -1 / y**2, lambda x, y: 2 * x / y**3),
        lambda x, y: y != 0,
    ),
    "arithmetic.gated": of_two(
        lambda x, y: x * y,
        (lambda x, y: y, lambda x, y: x),
        (constant(0), constant(1), constant(0)),
        lambda x, y: np.abs(x) < 1e4,  # beyond it is cut off
    ),
    "arithmetic.power": POWER,
    "arithmetic.float_power": POWER,
    "arithmetic.maximum": chosen(True),
    "arithmetic.minimum": chosen(False),
    "arithmetic.fmax": chosen(True),
    "arithmetic.fmin": chosen(False),
    "arithmetic.remainder": of_two(
        None,
        (constant(1), lambda x, y: -quotient(x, y)),
        (constant(0),) * 3,
        lambda x, y: y != 0,
    ),
    "arithmetic.fmod": of_two(
        None,
        (constant(1), lambda x, y: -cut(x, y)),
        (constant(0),) * 3,
        lambda x, y: y != 0,
    ),
    "arithmetic.floor_divide": flat(None, 0, 0),
    "rounding.nextafter": flat(None, 1, 0),
    "rounding.copysign": of_two(
        lambda x, y: abs(x) * sign(y),
        (lambda x, y: sign(x) * sign(y), constant(0)),
        (constant(0),) * 3,
        lambda x, y: (x != 0) & (y != 0),
    ),
    "rounding.heaviside": of_two(
        None, (constant(0), constant(0)), (constant(0),) * 3, lambda x, y: x != 0
    ),
    "exponential.logaddexp": log_sum(lambda: mp.mpf(1)),
    "exponential.logaddexp2": log_sum(lambda: LN2),
    "trigonometry.hypot": of_two(
        lambda x, y: mp.sqrt(squares(x, y)),
        (cosine, lambda x, y: cosine(y, x)),
        (
            lambda x, y: y * y / mp.sqrt(squares(x, y)) ** 3,
            lambda x, y: -x * y / mp.sqrt(squares(x, y)) ** 3,
            lambda x, y: x * x / mp.sqrt(squares(x, y)) ** 3,
        ),
        away_from_origin,
    ),
    "trigonometry.arctan2": of_two(
        mp.atan2,
        (lambda y, x: inversion(x, y), lambda y, x: -inversion(y, x)),
        (
            lambda y, x: -2 * x * y / squares(x, y) ** 2,
            lambda y, x: (y - x) * (y + x) / squares(x, y) ** 2,
            lambda y, x: 2 * x * y / squares(x, y) ** 2,
        ),
        away_from_origin,
    ),
    "trigonometry.cosine": of_two(
        cosine,
        (
            lambda x, y: y * y / mp.sqrt(squares(x, y)) ** 3,
            lambda x, y: -x * y / mp.sqrt(squares(x, y)) ** 3,
        ),
        (
            lambda x, y: -3 * x * y * y / mp.sqrt(squares(x, y)) ** 5,
            lambda x, y: y * (2 * x * x - y * y) / mp.sqrt(squares(x, y)) ** 5,
            lambda x, y: x * (2 * y * y - x * x) / mp.sqrt(squares(x, y)) ** 5,
        ),
        away_from_origin,
    ),
    "trigonometry.inversion": of_two(
        inversion,
        (
            lambda x, y: (y - x) * (y + x) / squares(x, y) ** 2,
            lambda x, y: -2 * x * y / squares(x, y) ** 2,
        ),
        (
            lambda x, y: 2 * x * (x * x - 3 * y * y) / squares(x, y) ** 3,
            lambda x, y: 2 * y * (3 * x * x - y * y) / squares(x, y) ** 3,
            lambda x, y: 2 * x * (3 * y * y - x * x) / squares(x, y) ** 3,
        ),
        away_from_origin,
    ),
}


def off_zero(x, y):
    return (x > 0) & (y > 0)


def pseudo_huber_xx(x, y):
    """The second derivative in x of x (sqrt(x^2 + y^2) - x): 3 c - c^3 - 2, c = cosine(x, y)."""
    h = mp.sqrt(squares(x, y))
    missing = y * y / (h * (h + x))  # 1 - c
    return -missing * missing * (3 - missing)


def psi_difference(n, x, y):
    """psi_n(x + y) - psi_n(x), of which y / x may be as small as it likes."""
    with mp.workdps(70):
        return psi(n, x + y) - psi(n, x)


def moderate(low, high):
    return lambda x, y: (x > low) & (x < high) & (y > low) & (y < high)


def beta_slopes(x, y):
    """The first derivatives of betaln."""
    return -psi_difference(0, x, y), -psi_difference(0, y, x)


def beta_second(x, y):
    """Its second ones: xx, xy, yy."""
    return -psi_difference(1, x, y), -psi(1, x + y), -psi_difference(1, y, x)


def exponential_of(value, first, second, domain):
    """The truth about f = exp(h), of the value of f and the derivatives of h."""
    slopes = [lambda x, y, i=i: value(x, y) * first(x, y)[i] for i in (0, 1)]
    pairs = [(0, 0), (0, 1), (1, 1)]

    def bend(k):
        i, j = pairs[k]
        return lambda x, y: value(x, y) * (first(x, y)[i] * first(x, y)[j] + second(x, y)[k])

    return of_two(value, tuple(slopes), tuple(bend(k) for k in range(3)), domain)


SPECIAL_BINARY: dict[str, Truth] = {
    "special.xlogy": of_two(
        lambda x, y: x * mp.log(y),
        (lambda x, y: mp.log(y), lambda x, y: x / y),
        (constant(0), lambda x, y: 1 / y, lambda x, y: -x / y**2),
        lambda x, y: y > 0,
    ),
    "special.xlog1py": of_two(
        lambda x, y: x * mp.log1p(y),
        (lambda x, y: mp.log1p(y), lambda x, y: x / (1 + y)),
        (constant(0), lambda x, y: 1 / (1 + y), lambda x, y: -x / (1 + y) ** 2),
        lambda x, y: y > -1,
    ),
    "special.rel_entr": of_two(
        lambda x, y: x * mp.log(x / y),
        (lambda x, y: mp.log(x / y) + 1, lambda x, y: -x / y),
        (lambda x, y: 1 / x, lambda x, y: -1 / y, lambda x, y: x / y**2),
        off_zero,
    ),
    "special.kl_div": of_two(
        lambda x, y: x * mp.log(x / y) - x + y,
        (lambda x, y: mp.log(x / y), lambda x, y: (y - x) / y),
        (lambda x, y: 1 / x, lambda x, y: -1 / y, lambda x, y: x / y**2),
        off_zero,
    ),
    "special.log_ratio": of_two(
        lambda x, y: mp.log(x / y),
        (lambda x, y: 1 / x, lambda x, y: -1 / y),
        (lambda x, y: -1 / x**2, constant(0), lambda x, y: 1 / y**2),
        off_zero,
    ),
    "special.powm1": of_two(
        lambda x, y: x**y - 1,
        POWER.first,
        POWER.second,
        POWER.domain,
        factors=POWER.factors,
    ),
    "special.huber": of_two(  # x is delta
        None,
        (
            lambda x, y: max(abs(y) - x, ZERO),
            lambda x, y: min(max(y, -x), x),
        ),
        (
            lambda x, y: mp.mpf(-int(abs(y) > x)),
            lambda x, y: sign(y) * int(abs(y) > x),
            lambda x, y: mp.mpf(int(abs(y) < x)),
        ),
        lambda x, y: (x > 0) & (np.abs(y) != x),
    ),
    "special.pseudo_huber": of_two(  # x is delta
        lambda x, y: x * y * y / (mp.sqrt(squares(x, y)) + x),
        (
            lambda x, y: y**4 / ((mp.sqrt(squares(x, y)) + x) ** 2 * mp.sqrt(squares(x, y))),
            lambda x, y: x * y / mp.sqrt(squares(x, y)),
        ),
        (
            pseudo_huber_xx,
            lambda x, y: y**3 / mp.sqrt(squares(x, y)) ** 3,
            lambda x, y: x**3 / mp.sqrt(squares(x, y)) ** 3,
        ),
        lambda x, y: x > 0,
    ),
    "special.betaln": of_two(
        lambda x, y: mp.log(mp.beta(x, y)),
        (lambda x, y: beta_slopes(x, y)[0], lambda x, y: beta_slopes(x, y)[1]),
        tuple(lambda x, y, k=k: beta_second(x, y)[k] for k in range(3)),
        moderate(1e-20, 1e20),
    ),
    "special.beta": exponential_of(mp.beta, beta_slopes, beta_second, moderate(1e-20, 100)),
    "special.poch": exponential_of(
        mp.rf,
        lambda x, y: (psi_difference(0, x, y), psi(0, x + y)),
        lambda x, y: (psi_difference(1, x, y), psi(1, x + y), psi(1, x + y)),
        moderate(1e-20, 100),
    ),
    "special.binom": exponential_of(
        mp.binomial,
        lambda x, y: (
            psi_difference(0, x - y + 1, y),
            psi_difference(0, y + 1, x - 2 * y),
        ),
        lambda x, y: (
            psi_difference(1, x - y + 1, y),
            psi(1, x - y + 1),
            -psi(1, x - y + 1) - psi(1, y + 1),
        ),
        lambda x, y: (y > 1e-20) & (x > y) & (x < 100),
    ),
}
