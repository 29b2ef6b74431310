"""At least one call of every NumPy function and every public word, to check its derivatives by.

An op states samples of its own; what is made of ops has its calls here. `CALLS` maps the function
to sample calls: a `case` of arrays and settings, or a lambda and the case that it is called with.
"""

from importlib.util import find_spec

import numpy as np

import minigrad as mg
from minigrad.testing import Case, Domain, case, nonzero, positive, reals

SQUARE = np.array([[2.0, -1.0, 0.5], [0.3, 1.5, 1.0], [-0.7, 0.4, 3.0]])
STACK = np.stack([SQUARE, SQUARE.T + 1.0])
SYMMETRIC = STACK + STACK.mT
DEFINITE = STACK.mT @ STACK
TALL = np.random.default_rng(1).normal(size=(4, 3))
WITH_NAN = np.array([[0.3, np.nan, -1.2], [2.0, 0.7, np.nan]])
PROBABILITIES = Domain(0.05, 0.95)
LABELS = np.array([2, 0, 1])
MASK = np.array([[True, False, True], [False, True, True]])


def given(f, *inputs, **settings):
    """A call of `f` in place of the function itself."""
    return f, case(*inputs, **settings)


def joined(*functions):
    """Calls for functions of a list of two arrays, each written out with its keywords."""
    return [given(f, (2, 3), (2, 3)) for f in functions]


REDUCED = [case((2, 3)), case((2, 3), axis=0), case((2, 3, 2), axis=(0, -1), keepdims=True)]
ALONG = [case((2, 3)), case((2, 3), axis=0)]
MASKED = [*REDUCED, case((2, 3), axis=1, where=MASK)]
EXTREME = [*REDUCED, case((2, 3), axis=1, where=MASK, initial=-9.0)]
LEAST = [*REDUCED, case((2, 3), axis=1, where=MASK, initial=9.0)]
MISSING = [case(WITH_NAN), case(WITH_NAN, axis=0), case((2, 3), axis=1, keepdims=True)]
UFUNC_REDUCED = [case((2, 3)), case((2, 3), axis=1, keepdims=True), case((2, 3), axis=None)]

NUMPY = {
    # sums and the like
    np.sum: MASKED,
    np.add.reduce: UFUNC_REDUCED,
    np.mean: MASKED,
    np.prod: MASKED,
    np.multiply.reduce: UFUNC_REDUCED,
    np.max: EXTREME,
    np.amax: EXTREME,
    np.maximum.reduce: UFUNC_REDUCED,
    np.min: LEAST,
    np.amin: LEAST,
    np.minimum.reduce: UFUNC_REDUCED,
    np.logaddexp.reduce: [case((2, 3)), case((2, 3), axis=1, keepdims=True)],
    np.ptp: REDUCED,
    np.var: [*REDUCED, case((2, 3), axis=1, ddof=1)],
    np.std: [*REDUCED, case((2, 3), axis=1, ddof=1)],
    np.average: [
        case((2, 3), axis=1),
        given(lambda x, w: np.average(x, 1, w), (2, 3), (3,), domain=positive),
    ],
    np.median: REDUCED,
    np.quantile: [case((2, 3), q=0.3), case((2, 5), q=np.array([0.1, 0.8]), axis=1)],
    np.percentile: [case((2, 3), q=30), case((2, 5), q=[10, 80], axis=1)],
    np.nansum: MISSING,
    np.nanprod: MISSING,
    np.nanmean: MISSING,
    np.nanmax: MISSING,
    np.nanmin: MISSING,
    np.nanvar: MISSING,
    np.nanstd: [case(WITH_NAN), case((2, 3), axis=1, keepdims=True)],
    np.nanmedian: MISSING,
    np.nanquantile: [case(WITH_NAN, q=0.3), case((2, 3), q=[0.1, 0.8], axis=1)],
    np.nanpercentile: [case(WITH_NAN, q=30), case((2, 3), q=[10, 80], axis=1)],
    # running sums and differences
    np.cumsum: ALONG,
    np.add.accumulate: ALONG,
    np.cumprod: ALONG,
    np.multiply.accumulate: ALONG,
    np.maximum.accumulate: ALONG,
    np.minimum.accumulate: ALONG,
    np.nancumsum: [case(WITH_NAN), case(WITH_NAN, axis=1)],
    np.nancumprod: [case(WITH_NAN), case(WITH_NAN, axis=1)],
    np.diff: [case((2, 3)), case((4, 2), n=2, axis=0), case((3,), prepend=0.5)],
    np.trapezoid: [case((2, 3)), case((2, 3), dx=0.5, axis=0), case((2, 3), x=[0.0, 1.0, 3.0])],
    np.gradient: [case((4,)), given(lambda x: np.gradient(x, 0.5, axis=1), (2, 4)), case((3, 4))],
    # elementwise
    np.divmod: [given(np.divmod, (2, 3), (3,), domain=(Domain(5.1, 5.9), Domain(2.1, 2.4)))],
    np.round: [case((2, 3), domain=Domain(0.6, 1.4))],
    np.around: [case((2, 3), domain=Domain(0.6, 1.4))],
    np.fix: [case((2, 3), domain=Domain(1.1, 1.9))],
    np.modf: [case((2, 3), domain=Domain(1.1, 1.9))],
    np.ldexp: [case((2, 3), np.array([1, 2, -1]))],
    np.frexp: [case((2, 3), domain=Domain(1.1, 1.9))],
    np.clip: [case((2, 3), a_min=-1.0, a_max=1.5), given(np.clip, (2, 3), (3,), (2, 1))],
    np.nan_to_num: [case(WITH_NAN), case(WITH_NAN, nan=2.0)],
    np.where: [given(lambda x, y: np.where(MASK, x, y), (2, 3), (3,))],
    # products
    np.dot: [case((2, 3), (3, 2)), case((3,), (3,)), case((), (2,)), case((2, 3), (2, 3, 2))],
    np.vdot: [case((2, 3), (2, 3))],
    np.inner: [case((2, 3), (4, 3)), case((3,), (3,))],
    np.outer: [case((2,), (3,)), case((2, 2), (3,))],
    np.linalg.outer: [case((2,), (3,))],
    np.vecdot: [case((2, 3), (3,)), case((2, 3), (2, 3), axis=0)],
    np.linalg.vecdot: [case((2, 3), (2, 3))],
    np.linalg.matmul: [case((2, 3), (3, 2))],
    np.tensordot: [case((2, 3, 2), (3, 2, 2)), case((2, 3), (3, 2), axes=1)],
    np.linalg.tensordot: [case((2, 3), (3, 2), axes=1)],
    np.einsum: [
        given(lambda x, y: np.einsum("ij,jk->ik", x, y), (2, 3), (3, 2)),
        given(lambda x: np.einsum("ii->i", x), (3, 3)),
        given(lambda x, y: np.einsum("...i,i", x, y), (2, 3), (3,)),
        given(lambda x, y, z: np.einsum("i,ij,j", x, y, z), (2,), (2, 3), (3,)),
    ],
    np.kron: [case((2, 2), (2, 3)), case((2,), (2, 2))],
    np.cross: [case((2, 3), (2, 3)), case((3,), (3,))],
    np.linalg.cross: [case((2, 3), (2, 3))],
    np.trace: [case((3, 3)), case((2, 3, 3), offset=1, axis1=1, axis2=2)],
    np.linalg.trace: [case((2, 3, 3), offset=-1)],
    # matrices
    np.linalg.solve: [
        given(np.linalg.solve, SQUARE, (3,)),
        given(np.linalg.solve, STACK, (2, 3, 2)),
    ],
    np.linalg.pinv: [case(TALL), case(TALL.T)],
    np.linalg.lstsq: [given(lambda a, b: np.linalg.lstsq(a, b, rcond=None)[:2], TALL, (4, 2))],
    np.linalg.slogdet: [case(SQUARE), case(STACK)],
    np.linalg.matrix_power: [
        given(lambda x, n=n: np.linalg.matrix_power(x, n), SQUARE) for n in (0, 3, -2)
    ],
    np.linalg.multi_dot: [
        given(lambda x, y, z: np.linalg.multi_dot([x, y, z]), (2, 3), (3, 2), (2, 4))
    ],
    np.linalg.tensorinv: [given(lambda x: np.linalg.tensorinv(x, 1), STACK.reshape(2, 9)[:, :2])],
    np.linalg.tensorsolve: [given(np.linalg.tensorsolve, SQUARE, (3,))],
    np.linalg.cholesky: [case(DEFINITE), case(DEFINITE, upper=True)],
    np.linalg.qr: [case(SQUARE), case(TALL), given(lambda x: np.linalg.qr(x, "r"), TALL.T)],
    np.linalg.eigh: [given(lambda x: np.linalg.eigh(x + x.mT).eigenvalues, STACK)],
    np.linalg.eigvalsh: [given(lambda x: np.linalg.eigvalsh(x + x.mT), STACK)],
    np.linalg.svd: [given(lambda x: np.linalg.svd(x, full_matrices=False), TALL)],
    np.linalg.svdvals: [case(TALL), case(STACK)],
    np.linalg.norm: [
        case((2, 3)),
        case((2, 3), axis=1),
        *[
            given(lambda x, o=o: np.linalg.norm(x, o, axis=0), (3, 2))
            for o in (1, 3, -1, np.inf, -np.inf)
        ],
        *[
            given(lambda x, o=o: np.linalg.norm(x, o), TALL)
            for o in ("fro", "nuc", 2, -2, 1, np.inf)
        ],
    ],
    np.linalg.vector_norm: [case((2, 3)), case((2, 3), axis=1, ord=3, keepdims=True)],
    np.linalg.matrix_norm: [case(TALL), case(STACK, ord=2), case(STACK, ord="nuc")],
    np.linalg.cond: [case(SQUARE), given(lambda x: np.linalg.cond(x, "fro"), SQUARE)],
    # shape
    np.ravel: [case((2, 3)), case((2, 3), order="F")],
    np.atleast_1d: [case(()), case((2,))],
    np.atleast_2d: [case((2,)), given(lambda x, y: np.atleast_2d(x, y), (), (2,))],
    np.atleast_3d: [case((2,)), case((2, 3))],
    np.full_like: [
        given(lambda x: np.full_like(mg.Tensor(MASK), x, float), ()),
        given(lambda x: np.full_like(mg.Tensor(SQUARE), x, shape=(2, 3)), (3,)),
    ],
    np.broadcast_arrays: [given(np.broadcast_arrays, (2, 1), (3,))],
    np.rollaxis: [given(lambda x: np.rollaxis(x, 2), (2, 3, 2))],
    np.matrix_transpose: [case((2, 3, 2))],
    np.linalg.matrix_transpose: [case((2, 3, 2))],
    np.flipud: [case((2, 3))],
    np.fliplr: [case((2, 3))],
    np.diagonal: [case((3, 3)), case((2, 3, 3), offset=1, axis1=1, axis2=2)],
    np.linalg.diagonal: [case((2, 3, 3), offset=-1)],
    np.diag: [case((3,), k=1), case((3, 3), k=-1)],
    np.diagflat: [case((2, 2)), case((3,), k=-1)],
    np.repeat: [case((2, 3), repeats=2), case((2, 3), repeats=[1, 0, 2], axis=1)],
    np.resize: [case((2, 3), new_shape=(2, 4)), case((3,), new_shape=2)],
    np.meshgrid: [given(np.meshgrid, (2,), (3,))],
    np.delete: [case((2, 3), obj=1, axis=1), case((5,), obj=[0, -1])],
    np.tile: [case((2, 3), reps=2), case((3,), reps=(2, 2))],
    np.pad: [
        *[
            given(lambda x, m=m: np.pad(x, ((1, 2), (0, 1)), m), (3, 3))
            for m in ("constant", "edge", "wrap", "reflect", "symmetric", "linear_ramp", "mean")
        ],
        given(lambda x: np.pad(x, 2, "reflect", reflect_type="odd"), (4,)),
        given(lambda x: np.pad(x, 1, "maximum"), (2, 3)),
    ],
    # joining and splitting
    np.concatenate: joined(
        lambda x, y: np.concatenate([x, y], 1), lambda x, y: np.concatenate([x, y], None)
    ),
    np.stack: joined(lambda x, y: np.stack([x, y], -1)),
    np.vstack: joined(lambda x, y: np.vstack([x, y])),
    np.hstack: joined(lambda x, y: np.hstack([x, y])),
    np.dstack: joined(lambda x, y: np.dstack([x, y])),
    np.column_stack: joined(lambda x, y: np.column_stack([x, y])),
    np.block: joined(lambda x, y: np.block([[x, y], [y, x]])),
    np.append: joined(np.append, lambda x, y: np.append(x, y, 0)),
    np.split: [given(lambda x: np.split(x, [1], 1), (2, 3))],
    np.array_split: [given(lambda x: np.array_split(x, 2, 1), (2, 3))],
    np.hsplit: [given(lambda x: np.hsplit(x, [2]), (2, 3))],
    np.vsplit: [given(lambda x: np.vsplit(x, 2), (2, 3))],
    np.dsplit: [given(lambda x: np.dsplit(x, 2), (1, 2, 2))],
    # selecting
    np.take: [
        given(lambda x: np.take(x, [[2, 0], [0, -1]], 1), (2, 3)),
        given(lambda x: np.take(x, 4), (2, 3)),
    ],
    np.take_along_axis: [
        given(lambda x: np.take_along_axis(x, np.array([[2, 0], [0, 0]]), 1), (2, 3))
    ],
    np.compress: [given(lambda x: np.compress([True, False, True], x, 1), (2, 3))],
    np.extract: [given(lambda x: np.extract(MASK, x), (2, 3))],
    np.choose: [given(lambda x, y: np.choose([0, 1, 1], [x, y]), (2, 3), (3,))],
    np.select: [given(lambda x, y: np.select([MASK, ~MASK], [x, y], 0.5), (2, 3), (3,))],
    np.interp: [given(lambda f: np.interp([0.5, 2.2, 9.0], [0.0, 1.0, 3.0], f), (3,))],
    np.convolve: [
        given(lambda x, y, m=m: np.convolve(x, y, m), (4,), (3,)) for m in ("full", "same", "valid")
    ],
    np.correlate: [
        given(lambda x, y, m=m: np.correlate(x, y, m), (4,), (3,))
        for m in ("full", "same", "valid")
    ],
}

WORDS = {
    mg.selu: [case((2, 3), domain=nonzero)],
    mg.celu: [case((2, 3), domain=nonzero), case((3,), alpha=0.5, domain=nonzero)],
    mg.silu: [case((2, 3))],
    mg.mish: [case((2, 3))],
    mg.gelu: [case((2, 3)), case((2, 3), approximate="tanh")],
    mg.hard_swish: [case((2, 3), domain=Domain(-5.0, 5.0, avoid=(-3.0, 3.0)))],
    mg.softsign: [case((2, 3), domain=nonzero)],
    mg.log_sigmoid: [case((2, 3))],
    mg.conv1d: [case((2, 2, 5), (2, 2, 3), (2,), padding=1, stride=2)],
    mg.conv2d: [case((1, 2, 3, 4), (2, 1, 2, 2), (2,), groups=2, padding="same")],
    mg.conv3d: [case((1, 1, 2, 3, 3), (2, 1, 2, 2, 2), dilation=1)],
    mg.conv_transpose2d: [case((1, 2, 2, 2), (2, 1, 2, 2), (1,), stride=2)],
    mg.maxpool: [case((1, 4, 4)), case((5, 5), size=3, stride=2)],
    mg.avgpool: [case((1, 4, 4)), case((5, 5), size=3, stride=2)],
    mg.global_maxpool: [case((2, 2, 3))],
    mg.global_avgpool: [case((2, 2, 3))],
    mg.batch_norm: [case((3, 2), domain=reals)],
    mg.layer_norm: [case((2, 4))],
    mg.group_norm: [given(lambda x: mg.group_norm(x, 2), (2, 4, 2))],
    mg.rms_norm: [case((2, 4))],
    mg.dropout: [given(lambda x: mg.dropout(x, 0.4, rng=np.random.default_rng(3)), (2, 6))],
    mg.embedding: [given(lambda w: mg.embedding(LABELS, w), (3, 2))],
    mg.scaled_dot_product_attention: [case((2, 3), (4, 3), (4, 2))],
    mg.mse: [case((2, 3), (2, 3))],
    mg.l1: [case((2, 3), (2, 3))],
    mg.huber: [case((2, 3), (2, 3))],
    mg.hinge: [given(lambda x: mg.hinge(x, np.array([1, -1, 1])), (3,))],
    mg.kl_div: [case((2, 3), (2, 3), domain=(reals, PROBABILITIES))],
    mg.nll: [given(lambda x: mg.nll(x, LABELS), (3, 4))],
    mg.cross_entropy: [given(lambda x: mg.cross_entropy(x, LABELS), (3, 4))],
    mg.binary_cross_entropy: [case((2, 3), (2, 3), domain=(reals, PROBABILITIES))],
    mg.checkpoint: [given(mg.checkpoint(lambda x: np.tanh(x) ** 2), (2, 3))],
}

NEWER = {  # than NumPy 2.0
    "cumulative_sum": [case((3,)), case((2, 3), axis=1, include_initial=True)],
    "cumulative_prod": [case((3,)), case((2, 3), axis=1, include_initial=True)],
    "matvec": [case((2, 3), (3,)), case((2, 3, 2), (2, 2))],
    "vecmat": [case((3,), (3, 2)), case((2, 3), (2, 3, 2))],
    "unstack": [given(lambda x: np.unstack(x, axis=1), (2, 3))],
}

CALLS = NUMPY | WORDS | {getattr(np, f): calls for f, calls in NEWER.items() if hasattr(np, f)}

if find_spec("scipy") is not None:  # its functions have rules once it is there
    import scipy.special

    CALLS |= {
        scipy.special.sici: [case((2, 3), domain=positive)],
        scipy.special.fresnel: [case((2, 3))],
    }


def calls_of(calls):
    """Each call as a function and the arrays to give it."""
    for function, given_calls in calls.items():
        for call in given_calls:
            if isinstance(call, Case):
                yield function, lambda *arrays, f=function, s=call.settings: f(*arrays, **s), call
            else:
                yield (function, *call)
