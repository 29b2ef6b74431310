"""Exponentials, logarithms and what is made of them, elementwise."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import elementwise
from minigrad.core.samples import positive, reals

exp = elementwise(np.exp, lambda z, x: z, samples=reals)
expm1 = elementwise(np.expm1, lambda z, x: z + 1, samples=reals)
log = elementwise(np.log, lambda z, x: 1 / x, samples=positive)
log1p = elementwise(np.log1p, lambda z, x: 1 / (1 + x), samples=positive)
tanh = elementwise(np.tanh, lambda z, x: 1 - z * z, samples=reals)

logaddexp = elementwise(
    np.logaddexp,
    lambda z, x, y: np.exp(x - z),
    lambda z, x, y: np.exp(y - z),
    samples=reals,
)
