"""Exponentials and logarithms, elementwise."""

from __future__ import annotations

from math import log as ln

import numpy as np

from minigrad.core.op import elementwise
from minigrad.core.samples import Domain, positive, reals

exp = elementwise(np.exp, lambda z, x: z, samples=reals)
exp2 = elementwise(np.exp2, lambda z, x: ln(2) * z, samples=reals)
expm1 = elementwise(np.expm1, lambda z, x: z + 1, samples=reals)

log = elementwise(np.log, lambda z, x: 1 / x, samples=positive)
log2 = elementwise(np.log2, lambda z, x: 1 / (ln(2) * x), samples=positive)
log10 = elementwise(np.log10, lambda z, x: 1 / (ln(10) * x), samples=positive)
log1p = elementwise(np.log1p, lambda z, x: 1 / (1 + x), samples=Domain(-0.8, 3.0))


def bounded(z):
    """0 in place of infinities, so that -inf - z is -inf, not nan."""
    return np.where(np.isfinite(z), z, 0)


logaddexp = elementwise(  # where both are -inf the derivatives are 0
    np.logaddexp,
    lambda z, x, y: np.exp(x - bounded(z)),
    lambda z, x, y: np.exp(y - bounded(z)),
    samples=reals,
)
logaddexp2 = elementwise(
    np.logaddexp2,
    lambda z, x, y: np.exp2(x - bounded(z)),
    lambda z, x, y: np.exp2(y - bounded(z)),
    samples=reals,
)
