"""Activation functions.

One that is a formula of others is written as that formula. One with two branches is an op of its
own: as `where` of two formulas it would compute, and store, both.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Literal

import numpy as np

from minigrad.core.broadcasting import number, zeros
from minigrad.core.op import elementwise
from minigrad.core.reals import real
from minigrad.core.samples import Domain, nonzero, reals
from minigrad.ops.arithmetic import gated
from minigrad.ops.error_function import normal_cdf
from minigrad.ops.trigonometry import tanh

# --- rectifiers -----------------------------------------------------------------------------


# the loop for two arrays is up to 4 times as fast as that for an array and a number; but
FEW = 600  # values or fewer: finding the zeros takes longer
IN_CACHE = 2**19  # bytes or more: reading the zeros takes longer


@elementwise
def relu(x):
    """max(x, 0), elementwise. At 0 the derivative is taken as 0.

    >>> import minigrad as mg
    >>> mg.relu(mg.Tensor([-1.0, 2.0]))
    Tensor([0., 2.])
    """
    x = np.asarray(x)
    if x.size > FEW and x.nbytes < IN_CACHE:
        return np.maximum(x, zeros(x.shape, x.strides, x.dtype))
    return np.maximum(x, number(0, x.dtype))


def positive(z):
    """1 where z, which is not negative, is positive, nan where it is nan, else 0."""
    if z.__class__ is np.ndarray and z.size > 3000 and not np.isnan(z.max()):
        return (z != 0).astype(z.dtype)
    return np.sign(z)


relu.partial(lambda z, x: positive(z))


@real("x")
@elementwise
def leaky_relu(x, slope=0.01):
    """x where it is positive, else slope * x. At 0 the derivative is the slope.

    As `torch.nn.functional.leaky_relu`; Maas et al. 2013.

    >>> import minigrad as mg
    >>> mg.leaky_relu(mg.Tensor([-1.0, 2.0]), 0.1)
    Tensor([-0.1,  2. ])
    """
    return np.where(np.greater(x, 0), x, np.multiply(x, slope))


leaky_relu.partial(lambda z, x, slope: np.where(x > 0, 1, slope))


@real("x")
@elementwise
def elu(x, alpha=1.0):
    """x where it is positive, else alpha * (exp(x) - 1). At 0 the derivative is alpha.

    As `torch.nn.functional.elu`; Clevert et al. 2016.

    >>> import minigrad as mg
    >>> mg.elu(mg.Tensor([-1.0, 2.0]))
    Tensor([-0.63212056,  2.        ])
    """
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0)))


elu.partial(lambda z, x, alpha: np.where(x > 0, 1, alpha * np.exp(np.where(x > 0, 0, x))))

SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


@real("x")
def selu(x):
    """The ELU scaled so that layers keep mean 0 and variance 1: 1.0507 * elu(x, 1.6733).

    As `torch.nn.functional.selu`; Klambauer et al. 2017, whose constants these are.

    >>> import minigrad as mg
    >>> mg.selu(mg.Tensor([-1.0, 2.0]))
    Tensor([-1.11133074,  2.10140197])
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


@real("x")
def celu(x, alpha=1.0):
    """The ELU with a derivative that has no jump: x, or alpha * (exp(x / alpha) - 1) below 0.

    As `torch.nn.functional.celu`; Barron 2017.

    >>> import minigrad as mg
    >>> mg.celu(mg.Tensor([-1.0, 2.0]), 0.5)
    Tensor([-0.43233236,  2.        ])
    """
    return alpha * elu(x / alpha)


relu.op.samples = leaky_relu.op.samples = elu.op.samples = nonzero


# --- the logistic function and its kin ------------------------------------------------------


@real("x")
@elementwise
def sigmoid(x):
    """1 / (1 + exp(-x)), elementwise, without overflow.

    >>> import minigrad as mg
    >>> mg.sigmoid(mg.Tensor([0.0, -1000.0]))
    Tensor([0.5, 0. ])
    """
    e = np.exp(-np.abs(x))  # in (0, 1]
    return np.where(np.asarray(x) >= 0, 1, e) / (1 + e)


sigmoid.partial(lambda z, x: logistic(x))


@elementwise
def logistic(x):
    """The derivative of the sigmoid to the last digits: the density of the logistic distribution.

    Not z * (1 - z), of which nothing is left where the sigmoid z is rounded to 1.
    """
    e = np.asarray(np.abs(x))
    np.exp(np.negative(e, out=e), out=e)  # in (0, 1]; in place, as fresh memory costs as much
    s = 1 + e
    return e / np.square(s, out=s if s.ndim else None)


logistic.partial(lambda z, x: -z * tanh(x / 2))


@real("x")
@elementwise
def softplus(x):
    """log(1 + exp(x)), elementwise, without overflow: a smooth relu.

    A primitive for its stability: its derivative is the sigmoid. As
    `torch.nn.functional.softplus`.

    >>> import minigrad as mg
    >>> mg.softplus(mg.Tensor([0.0, 1000.0, -1000.0]))
    Tensor([6.93147181e-01, 1.00000000e+03, 0.00000000e+00])
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


softplus.partial(lambda z, x: sigmoid(x))

sigmoid.op.samples = logistic.op.samples = softplus.op.samples = reals


@real("x")
def log_sigmoid(x):
    """log(sigmoid(x)), elementwise, without underflow: -softplus(-x).

    As `torch.nn.functional.logsigmoid`.

    >>> import minigrad as mg
    >>> mg.log_sigmoid(mg.Tensor([0.0, -1000.0]))
    Tensor([-6.93147181e-01, -1.00000000e+03])
    """
    return -softplus(-x)


@real("x")
def silu(x):
    """x * sigmoid(x), elementwise; also called swish.

    As `torch.nn.functional.silu`; Hendrycks and Gimpel 2016, Ramachandran et al. 2017.

    >>> import minigrad as mg
    >>> mg.silu(mg.Tensor([0.0, 1.0]))
    Tensor([0.        , 0.73105858])
    """
    return gated(x, sigmoid(x))


@real("x")
def mish(x):
    """x * tanh(softplus(x)), elementwise. As `torch.nn.functional.mish`; Misra 2019.

    >>> import minigrad as mg
    >>> mg.mish(mg.Tensor([0.0, 1.0]))
    Tensor([0.        , 0.86509839])
    """
    return gated(x, tanh(softplus(x)))


@real("x")
def gelu(x, *, approximate: Literal["none", "tanh"] = "none"):
    """x times the probability that a standard normal number is at most x, elementwise.

    With approximate="tanh" that probability is (1 + tanh(u)) / 2, u = sqrt(2 / pi) * (x +
    0.044715 x^3): faster, and less than 5e-4 away. As `torch.nn.functional.gelu`; Hendrycks and
    Gimpel 2016. Raises `ValueError` for another `approximate`.

    >>> import minigrad as mg
    >>> mg.gelu(mg.Tensor([0.0, 1.0]))
    Tensor([0.        , 0.84134475])
    >>> mg.gelu(mg.Tensor([0.0, 1.0]), approximate="tanh")
    Tensor([0.        , 0.84119199])
    """
    if approximate == "none":
        return gated(x, normal_cdf(x))
    if approximate != "tanh":
        raise ValueError(f'gelu: approximate is "none" or "tanh"; got {approximate!r}.')
    y = hardtanh(x, -22.0, 22.0)  # beyond it the sigmoid is 0 or 1, and the cube would overflow
    return gated(x, sigmoid(y * (1 + 0.044715 * y * y) * (2 * sqrt(2 / pi))))


# --- squashing without exponentials ---------------------------------------------------------


@elementwise
def hardtanh(x, low=-1.0, high=1.0):
    """x cut off at `low` and `high`, elementwise. At both the derivative is taken as 0.

    As `torch.nn.functional.hardtanh`.

    >>> import minigrad as mg
    >>> mg.hardtanh(mg.Tensor([-3.0, 0.5, 3.0]))
    Tensor([-1. ,  0.5,  1. ])
    """
    return np.clip(x, low, high)


hardtanh.partial(lambda z, x, low, high: ~((x <= low) | (x >= high)))
hardtanh.op.samples = Domain(-3.0, 3.0, avoid=(-1.0, 1.0))


@real("x")
def hard_swish(x):
    """x times a straight line from 0 at -3 to 1 at 3, flat beyond: a swish without exp.

    As `torch.nn.functional.hardswish`; Howard et al. 2019.

    >>> import minigrad as mg
    >>> mg.hard_swish(mg.Tensor([-1.0, 1.0, 4.0]))
    Tensor([-0.33333333,  0.66666667,  4.        ])
    """
    return gated(x, (hardtanh(x, -3.0, 3.0) + 3) / 6)


@real("x")
@elementwise
def softsign(x):
    """x / (1 + |x|), elementwise. As `torch.nn.functional.softsign`.

    >>> import minigrad as mg
    >>> mg.softsign(mg.Tensor([-1.0, 3.0]))
    Tensor([-0.5 ,  0.75])
    """
    x = np.nan_to_num(x, nan=np.nan)  # the largest number for infinity
    return x / (1 + np.abs(x))


softsign.partial(lambda z, x: np.square(1 / (1 + np.abs(x))))
softsign.op.samples = nonzero
