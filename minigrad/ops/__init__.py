"""The ops, one family a file: each op stands with its rule and its sample inputs side by side.

The families that a tensor's methods need are loaded with it. The others with rules for NumPy's
functions are announced here, and loaded when one of these functions first meets a tensor; those
whose words NumPy lacks are loaded by `minigrad` when a word is first used.
"""

from operator import attrgetter

import numpy as np

from minigrad.core.registry import announce

LATE = {
    "calculus": "diff trapezoid gradient",
    "decompositions": "linalg.cholesky linalg.qr linalg.eigh linalg.eigvalsh linalg.svd"
    " linalg.svdvals",
    "einsum": "einsum",
    "exponential": "exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2",
    "filtering": "convolve correlate interp",
    "linalg": "linalg.inv linalg.solve linalg.pinv linalg.lstsq linalg.det linalg.slogdet"
    " linalg.matrix_power linalg.multi_dot linalg.tensorinv linalg.tensorsolve",
    "missing": "nansum nanprod nanmean nanvar nanstd nanmax nanmin nancumsum nancumprod nanmedian"
    " nanquantile nanpercentile",
    "norms": "linalg.vector_norm linalg.matrix_norm linalg.norm linalg.cond",
    "padding": "pad",
    "sorting": "sort partition",
    "trigonometry": "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh"
    " deg2rad radians rad2deg degrees hypot arctan2 sinc",
}
for family, names in LATE.items():
    announce(f"minigrad.ops.{family}", [attrgetter(name)(np) for name in names.split()])
