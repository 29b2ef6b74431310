"""float16 that is added up, counted or squared: as good as float64 rounded to it.

Each call is made with more values than float16 can count (65,504), and its value and gradient are
compared with those in float64, in units of the last place of float16. Sums along rows that are not
contiguous are NumPy's, and as exact as NumPy's are.
"""

import numpy as np
import pytest
from calls import CALLS, calls_of

import minigrad as mg
from minigrad.testing.inputs import draw

N = 70_000
HALF = np.float16
ZEROS, ONES = np.zeros(N, HALF), np.ones(N, HALF)
LABELS = np.zeros(N // 2, int)

REDUCTIONS = {
    "mean": np.mean,
    "mean of some": lambda x: np.mean(x, where=np.arange(N) % 70 > 0),
    "nanmean": np.nanmean,
    "sum": np.sum,
    "sum of float32": lambda x: np.sum(x, dtype=np.float32),
    "average": lambda x: np.average(x, weights=ONES),
    "var": np.var,
    "var, ddof": lambda x: np.var(x, ddof=1),
    "nanvar": np.nanvar,
    "std": np.std,
    "norm": np.linalg.norm,
    "norm of order 3": lambda x: np.linalg.norm(x, 3),
    "max": np.max,
    "median": np.median,
    "quantile": lambda x: np.quantile(x, 0.3),
    "sort": lambda x: np.sort(x)[5],
    "sort of all": np.sort,
    "running maximum": lambda x: np.maximum.accumulate(x)[-1],
    "vecdot": lambda x: np.vecdot(x, ONES / 256) if hasattr(np, "vecdot") else np.dot(x, ONES),
    "logsumexp": mg.logsumexp,
    "softmax": lambda x: mg.softmax(x)[:5].sum(),
    "log_softmax": lambda x: mg.log_softmax(x)[0],
    "mse": lambda x: mg.mse(x, ZEROS),
    "l1": lambda x: mg.l1(x, ZEROS),
    "huber": lambda x: mg.huber(x, ZEROS),
    "hinge": lambda x: mg.hinge(x, ONES),
    "binary_cross_entropy": lambda x: mg.binary_cross_entropy(x, ONES),
    "cross_entropy": lambda x: mg.cross_entropy(np.reshape(x, (-1, 2)), LABELS),
    "kl_div": lambda x: mg.kl_div(np.reshape(x, (-1, 2)), np.full((N // 2, 2), 0.5, HALF)),
    "avgpool": lambda x: mg.avgpool(np.reshape(x, (1, 1, N)), (1, N)),
    "global_avgpool": lambda x: mg.global_avgpool(np.reshape(x, (1, 1, N))),
    "batch_norm": lambda x: mg.batch_norm(np.reshape(x, (N, 1)))[0, 0],
    "layer_norm": lambda x: mg.layer_norm(x)[0],
    "rms_norm": lambda x: mg.rms_norm(x)[0],
}
INPUTS = {
    "normal": np.random.default_rng(0).normal(size=N).astype(HALF),
    "equal": np.full(N, 0.5, HALF),
}


def in_last_places(x, exact):
    """The largest distance, where the exact number is one that float16 can hold."""
    with np.errstate(all="ignore"):
        near = exact.astype(HALF)
        held = np.isfinite(near)
        unit = np.spacing(np.abs(np.where(held, near, 1))).astype(float)
    return np.max(np.where(held, np.abs(x - exact) / unit, 0), initial=0)


def both(f, x):
    """Value and gradient in float16, and in float64."""
    found = []
    for dtype in (HALF, np.float64):
        t = mg.Tensor(x.astype(dtype), requires_grad=True)
        z = f(t)
        z.backward(np.ones(z.shape, z.dtype))
        assert t.grad.dtype == dtype
        found.append((z.data.astype(float), t.grad.astype(float)))
    return found


@pytest.mark.parametrize("values", INPUTS)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_more_values_than_float16_can_count(name, values):
    for half, exact in zip(*both(REDUCTIONS[name], INPUTS[values]), strict=True):
        assert in_last_places(half, exact) <= 2


@pytest.mark.parametrize("name", REDUCTIONS)
def test_the_result_stays_float16(name):
    if name != "sum of float32":
        assert REDUCTIONS[name](mg.Tensor(INPUTS["normal"])).dtype == HALF


def test_gradients_that_are_sums():
    ups = {
        "a broadcast row": (lambda b: np.mean(np.ones((N, 3), HALF) + b), np.ones(3)),
        "a broadcast number": (lambda b: np.sum(b * np.ones(30_000, HALF)), np.ones(())),
        "one value picked often": (lambda x: np.mean(x[np.zeros(N, int)]), np.ones(2)),
        "rows of a table": (
            lambda w: np.sum(mg.embedding(np.zeros(30_000, int), w)) * HALF(0.5), np.ones((2, 1)),
        ),
    }  # fmt: skip
    for f, x in ups.values():
        (_, half), (_, exact) = both(f, x)
        assert in_last_places(half, exact) <= 2


def test_the_examples():
    t = mg.Tensor(np.full(1000, 10.0), dtype=HALF, requires_grad=True)
    assert mg.mse(t, np.zeros(1000, HALF)).item() == 100
    x = mg.Tensor(ZEROS, requires_grad=True)
    np.mean(x).backward()
    np.testing.assert_array_equal(x.grad, HALF(1 / N))


def test_a_dtype_that_is_asked_for_is_kept():
    x = mg.Tensor(INPUTS["normal"])
    for dtype in (np.float32, np.float64):
        assert np.var(x, dtype=dtype).dtype == np.std(x, None, dtype).dtype == dtype


# --- every function and word ----------------------------------------------------------------

CALLED = list(calls_of(CALLS))
LINALG = "array type float16 is unsupported"  # NumPy's linear algebra begins at float32
SIXTEEN_ULP = 16 * float(np.finfo(HALF).eps)


def exact_halves(x):
    """The values that float16 has, in float64."""
    return x.astype(HALF).astype(float) if x.dtype.kind == "f" else x


@pytest.mark.parametrize("call", CALLED, ids=[call[0].__name__ for call in CALLED])
def test_every_function_in_float16(call):
    _, f, case = call
    rng = np.random.default_rng(1)
    given = [exact_halves(np.asarray(x)) for x in draw(case, rng)]
    found = []
    for dtype in (np.float64, HALF):
        arrays = [
            mg.Tensor(x.astype(dtype), requires_grad=True) if x.dtype.kind == "f" else x
            for x in given
        ]
        try:
            z = first_of(f(*arrays))
        except TypeError as error:
            if LINALG not in str(error):
                raise
            return
        z.backward(np.random.default_rng(2).integers(1, 3, z.shape).astype(z.dtype))
        found.append([z.data, *[x.grad for x in arrays if isinstance(x, mg.Tensor)]])
    for exact, half in zip(*found, strict=True):
        if exact is not None:
            scale = np.max(np.abs(exact[np.isfinite(exact)]), initial=1e-3)
            np.testing.assert_allclose(
                half.astype(float), exact, rtol=SIXTEEN_ULP, atol=SIXTEEN_ULP * scale
            )


def first_of(result):
    """The first of several results that has a gradient."""
    while isinstance(result, tuple | list):
        result = result[0]
    return result
