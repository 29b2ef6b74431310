"""Exponentials and logarithms, elementwise."""

from __future__ import annotations

from math import log as ln
from math import sqrt

import numpy as np

from minigrad.core.op import elementwise
from minigrad.core.samples import Domain, positive, reals
from minigrad.ops.activations import sigmoid

exp = elementwise(np.exp, lambda z, x: z, samples=reals)
exp2 = elementwise(  # in two halves: ln(2) * z is a number where z is too large to be one
    np.exp2, lambda z, x: np.square(sqrt(ln(2)) * np.exp2(x / 2)), samples=reals
)
expm1 = elementwise(np.expm1, lambda z, x: np.exp(x), samples=reals)

log = elementwise(np.log, lambda z, x: 1 / x, samples=positive)
log2 = elementwise(np.log2, lambda z, x: 1 / ln(2) / x, samples=positive)
log10 = elementwise(np.log10, lambda z, x: 1 / ln(10) / x, samples=positive)
log1p = elementwise(np.log1p, lambda z, x: 1 / (1 + x), samples=Domain(-0.8, 3.0))


# --- log(exp(x) + exp(y)): the derivatives are functions of x - y alone ----------------------


@elementwise
def difference(x, y):
    """x - y, without a word where it overflows; inf - inf is 0, and -inf - -inf is -inf.

    So both derivatives of log(exp(x) + exp(y)) are 1/2 at (inf, inf), and 0 where both are -inf.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        d = np.subtract(x, y)
    return np.where(np.isnan(d) & np.equal(x, y), np.minimum(x, 0), d)


difference.partial(1)
difference.partial(-1)
difference.op.samples = reals

logaddexp = elementwise(
    np.logaddexp,
    lambda z, x, y: sigmoid(difference(x, y)),
    lambda z, x, y: sigmoid(difference(y, x)),
    samples=reals,
)
logaddexp2 = elementwise(
    np.logaddexp2,
    lambda z, x, y: sigmoid(ln(2) * difference(x, y)),
    lambda z, x, y: sigmoid(ln(2) * difference(y, x)),
    samples=reals,
)
