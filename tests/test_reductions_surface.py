"""NumPy's reductions on tensors: values, derivatives, keywords, zeros, ties, what is missing."""

import warnings

import numpy as np
import pytest
from differences import assert_derivatives
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

rng = np.random.default_rng(11)

PLAIN = {
    "sum": np.sum, "mean": np.mean, "prod": np.prod, "max": np.max, "min": np.min,
    "ptp": np.ptp, "var": np.var, "std": np.std, "median": np.median,
    "average": np.average, "quantile": lambda a, **k: np.quantile(a, 0.3, **k),
    "percentile": lambda a, **k: np.percentile(a, 70, **k),
}  # fmt: skip
MISSING = {
    "nansum": np.nansum, "nanmean": np.nanmean, "nanprod": np.nanprod, "nanmax": np.nanmax,
    "nanmin": np.nanmin, "nanvar": np.nanvar, "nanstd": np.nanstd, "nanmedian": np.nanmedian,
    "nanquantile": lambda a, **k: np.nanquantile(a, 0.3, **k),
    "nanpercentile": lambda a, **k: np.nanpercentile(a, 70, **k),
}  # fmt: skip
MASKED = ["sum", "mean", "prod", "max", "min", "var", "std"]
AXES = [None, 0, -1, 1, (0, 2), (-1, 0), (0, 1, 2), ()]


def assert_as_numpy(f, *arrays, rtol=1e-13):
    """The value and dtype of `f` of tensors are those of `f` of arrays."""
    expected, found = f(*arrays), f(*map(mg.Tensor, arrays))
    assert isinstance(found, mg.Tensor)
    assert found.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found.numpy(), expected, rtol=rtol, atol=1e-15, strict=False)
    assert found.shape == np.shape(expected)


def gradient(f, x):
    return mg.grad(lambda t: np.sum(f(t)))(np.asarray(x, float))


# --- every reduction, every axis ------------------------------------------------------------


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", [*PLAIN, *MISSING])
def test_values_and_derivatives_along_any_axes(name, axis):
    if axis == () and name not in MASKED:
        return
    f = (PLAIN | MISSING)[name]
    x = rng.normal(size=(2, 3, 4))
    for keepdims in (False, True):
        assert_as_numpy(lambda t, k=keepdims: f(t, axis=axis, keepdims=k), x)
    assert_derivatives(lambda t: f(t, axis=axis), x)


@pytest.mark.parametrize("name", [*PLAIN, *MISSING])
def test_dtypes_as_numpy_and_float32_stays(name):
    f = (PLAIN | MISSING)[name]
    whole = rng.integers(-5, 5, (3, 4))
    assert_as_numpy(lambda t: f(t, axis=0), whole)
    single = rng.normal(size=(3, 4)).astype(np.float32)
    assert_as_numpy(lambda t: f(t, axis=0), single, rtol=1e-5)
    assert mg.grad(lambda t: np.sum(f(t, axis=0)))(single).dtype == np.float32
    assert_as_numpy(lambda t: f(t), np.array(2.5))
    assert gradient(f, 2.5).shape == ()


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std", "nansum", "nanmean"])
def test_dtype_keyword(name):
    f = (PLAIN | MISSING)[name]
    x = rng.normal(size=(3, 4))
    assert_as_numpy(lambda t: f(t, dtype=np.float32), x, rtol=1e-5)
    assert mg.grad(lambda t: f(t, dtype=np.float32))(x).dtype == np.float64


@pytest.mark.parametrize("name", MASKED)
def test_where(name):
    f = PLAIN[name]
    x, mask = rng.normal(size=(3, 4)), rng.random((3, 4)) < 0.7
    mask[:, 0] = True
    also = {"initial": 0.3} if name in ("max", "min") else {}
    for where in (mask, mask[:1], mask[:, 1:2] | True):
        for axis in (None, 1):
            assert_as_numpy(lambda t, w=where, a=axis: f(t, axis=a, where=w, **also), x)
            assert_derivatives(lambda t, w=where, a=axis: f(t, axis=a, where=w, **also), x)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "nansum", "nanprod", "nanmax"])
def test_initial(name):
    f = (PLAIN | MISSING)[name]
    x = rng.normal(size=(3, 4))
    for initial in (0.25, -7.0, 7.0):
        assert_as_numpy(lambda t, i=initial: f(t, axis=0, initial=i), x)
        assert_derivatives(lambda t, i=initial: f(t, axis=0, initial=i), x)
    assert_as_numpy(lambda t: f(t, axis=0, initial=0.5), np.zeros((0, 2)))


@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
def test_degrees_of_freedom_and_a_known_mean(name):
    f = (PLAIN | MISSING)[name]
    x = rng.normal(size=(3, 4))
    known = np.mean(x, axis=1, keepdims=True)
    for also in ({"ddof": 1}, {"ddof": 0.5}, {"correction": 1}, {"mean": known}):
        assert_as_numpy(lambda t, k=also: f(t, axis=1, **k), x)
        assert_derivatives(lambda t, k=also: f(t, axis=1, **k), x)
    assert_derivatives(lambda t, m: f(t, axis=1, mean=m), x, known + 0.1)
    with pytest.raises(ValueError, match="give one of them"):
        f(mg.Tensor(x), ddof=1, correction=1)


def test_methods_are_the_functions():
    x = rng.normal(size=(3, 4))
    for name in ("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "cumprod"):
        for args in ((), (1,), (-2,)):
            t = mg.Tensor(x, requires_grad=True)
            found = getattr(t, name)(*args)
            np.testing.assert_allclose(found.numpy(), getattr(x, name)(*args), rtol=1e-14)
            assert found.requires_grad
    assert mg.Tensor(x).var(0, ddof=1, keepdims=True).shape == (1, 4)
    np.testing.assert_allclose(mg.Tensor(x).max(1, None, True).numpy(), x.max(1, None, True))


@pytest.mark.parametrize("name", [*PLAIN, *MISSING, "cumsum", "cumprod", "nancumsum"])
@pytest.mark.parametrize("tracked", [False, True])
def test_out_is_refused(name, tracked):
    if name == "average":
        return
    f = (PLAIN | MISSING).get(name) or getattr(np, name)
    with pytest.raises(TypeError, match="takes no out="):
        f(mg.Tensor([1.0, 2.0], requires_grad=tracked), out=np.zeros(()))


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
        elements=st.floats(-1e3, 1e3, width=32),
    ),
    st.data(),
)
def test_sums_of_any_shape_against_numpy(x, data):
    axes = st.integers(-x.ndim, x.ndim - 1)
    unique = st.lists(axes, unique_by=lambda a: a % x.ndim, min_size=1).map(tuple)
    axis = data.draw(st.none() | axes | unique)
    keepdims = data.draw(st.booleans())
    for f in (np.sum, np.mean, np.prod, np.max, np.var, np.std, np.median):
        if np.all(np.abs(np.prod(np.abs(x) + 1)) < 1e300):
            found = f(mg.Tensor(x), axis=axis, keepdims=keepdims)
            expected = f(x, axis=axis, keepdims=keepdims)
            np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-9)
            assert found.shape == expected.shape


# --- zeros, ties, constants -----------------------------------------------------------------


@pytest.mark.parametrize("x", [[2.0, 3.0, 5.0], [0.0, 3.0, 5.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("f", [np.prod, np.cumprod])
def test_products_with_zeros_to_the_third_order(f, x):
    x = np.array(x)
    assert_derivatives(f, x)
    weights = np.array([0.3, -1.2, 2.0])
    slope = mg.grad(lambda t: np.sum(weights[: np.size(f(x))] * f(t)))
    mixed = mg.grad(lambda t: mg.grad(lambda u: slope(u)[0])(t)[1])(x)
    last = weights[0] if f is np.prod else weights[2]
    np.testing.assert_allclose(mixed, [0, 0, last])  # of x0 x1 x2, by x0, x1 and x2


def test_the_gradient_of_a_product_that_underflowed():
    x = np.array([1e-200, 1e-200])
    assert np.prod(x) == 0
    np.testing.assert_array_equal(gradient(np.prod, x), x)
    np.testing.assert_array_equal(gradient(lambda t: np.cumprod(t)[1], x), x)


def test_prod_over_several_axes_with_zeros():
    x = rng.normal(size=(2, 3, 2))
    x[0, 1, 0] = x[1, 0, 0] = x[1, 2, 1] = 0
    for axis in (None, (0, 2), 1, (2, 1)):
        assert_derivatives(lambda t, a=axis: np.prod(t, axis=a), x)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e8 / 3, 1e300])
@pytest.mark.parametrize("shape", [(7,), (1,), (3, 4)])
def test_equal_values_vary_by_exactly_nothing(value, shape):
    x = np.full(shape, value)
    for f in (np.var, np.std, np.nanvar, np.nanstd, np.ptp):
        found, slope = mg.value_and_grad(f)(x)
        assert found == 0
        np.testing.assert_array_equal(slope, 0)
    assert np.all(np.isfinite(mg.hessian(np.std)(np.full(3, 0.1))))
    mask = np.arange(shape[-1]) != 1
    np.testing.assert_array_equal(gradient(lambda t: np.std(t, where=mask), x), 0)


def test_std_along_an_axis_where_one_row_is_constant():
    x = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]])
    slope = gradient(lambda t: np.std(t, axis=1), x)
    np.testing.assert_array_equal(slope[0], 0)
    np.testing.assert_allclose(slope[1], (x[1] - x[1].mean()) / (3 * np.std(x[1])))


def test_variance_of_values_far_from_zero():
    x = 1e9 + np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(gradient(np.var, x), [-2 / 3, 0, 2 / 3], atol=1e-12)


@pytest.mark.parametrize(
    ("f", "x", "shares"),
    [
        (np.max, [1, 3, 3, 3], [0, 1, 1, 1]),
        (np.min, [1, 1, 3, 1], [1, 1, 0, 1]),
        (np.amax, [[2, 2], [2, 0]], [[1, 1], [1, 0]]),
        (np.nanmax, [np.nan, 3, 3], [0, 1, 1]),
        (np.nanmin, [np.nan, 3, 3], [0, 1, 1]),
        (np.median, [1, 2, 2, 2, 9], [0, 1, 1, 1, 0]),
        (np.median, [2, 2, 2, 2], [1, 1, 1, 1]),
        (lambda t: np.quantile(t, 0.0), [1, 1, 2], [1, 1, 0]),
        (np.max, [1, np.nan, 3], [0, 1, 0]),
        (np.max, [-np.inf, -np.inf], [1, 1]),
    ],
)
def test_ties_share_equally(f, x, shares):
    np.testing.assert_allclose(gradient(f, x), shares / np.sum(shares))


@pytest.mark.parametrize(
    ("initial", "slopes"), [(0, [0, 0.5, 0.5]), (3, [0, 1 / 3, 1 / 3]), (9, [0, 0, 0])]
)
def test_the_initial_value_takes_its_share_of_a_tie(initial, slopes):
    x = np.array([1.0, 3.0, 3.0])
    np.testing.assert_allclose(gradient(lambda t: np.max(t, initial=initial), x), slopes)
    np.testing.assert_allclose(gradient(lambda t: np.min(t, initial=-initial), -x), slopes)


def test_median_between_tied_groups():
    np.testing.assert_allclose(gradient(np.median, [1, 1, 3, 3]), [0.25] * 4)


# --- order statistics -----------------------------------------------------------------------

METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("f", [np.quantile, np.nanquantile])
def test_quantiles_by_every_method(f, method):
    x = rng.normal(size=(3, 7))
    q = np.array([[0.0, 0.13, 0.5], [0.72, 0.9, 1.0]])
    for axis in (None, 1, (0, 1)):
        for keepdims in (False, True):
            assert_as_numpy(lambda t, a=axis, k=keepdims: f(t, q, a, method=method, keepdims=k), x)
    assert_derivatives(lambda t: f(t, q, 1, method=method), x)


def test_quantiles_refuse_what_has_no_rule():
    t = mg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="take no weights="):
        np.quantile(t, 0.5, method="inverted_cdf", weights=[1.0, 2.0])
    with pytest.raises(TypeError, match="out of the graph"):
        np.quantile(np.ones(3), t)
    with pytest.raises(ValueError, match="range"):
        np.quantile(t, 1.5)
    assert np.isnan(np.median(mg.Tensor([1.0, np.nan])).item())


def test_percentile_of_a_list_of_them():
    x = rng.normal(size=(4, 5))
    assert_as_numpy(lambda t: np.percentile(t, [10, 50], axis=0), x)
    assert_as_numpy(lambda t: np.nanpercentile(t, [10, 50], axis=0), x)


# --- averages -------------------------------------------------------------------------------


def test_average_with_weights():
    x, w = rng.normal(size=(3, 4)), rng.uniform(0.5, 2, (3, 4))
    assert_as_numpy(lambda t, v: np.average(t, weights=v), x, w)
    assert_as_numpy(lambda t, v: np.average(t, axis=1, weights=v, keepdims=True), x, w)
    assert_as_numpy(lambda t, v: np.average(t, axis=1, weights=v), x, w[0])
    assert_as_numpy(lambda t, v: np.average(t, axis=(1, 0), weights=v), x, w.T.copy())
    for f in (
        lambda t, v: np.average(t, weights=v),
        lambda t, v: np.average(t, axis=0, weights=v[:, 0]),
        lambda t, v: np.average(t, axis=(1, 0), weights=v.T),
        lambda t, v: np.average(t, axis=0, weights=v, returned=True)[1],
    ):
        assert_derivatives(f, x, w)
    mean, number = np.average(mg.Tensor(x), axis=0, returned=True)
    np.testing.assert_array_equal(number, [3, 3, 3, 3])
    np.testing.assert_allclose(mean.numpy(), x.mean(0))


def test_average_says_what_is_wrong_with_weights():
    t = mg.Tensor(np.ones((3, 4)))
    with pytest.raises(ZeroDivisionError, match="sum to zero"):
        np.average(t, axis=1, weights=[1.0, -1.0, 0.0, 0.0])
    with pytest.raises(TypeError, match="axis must say"):
        np.average(t, weights=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"\(2,\) fit neither the values, \(3, 4\)"):
        np.average(t, axis=0, weights=[1.0, 2.0])


# --- what is missing ------------------------------------------------------------------------


@pytest.mark.parametrize("name", MISSING)
def test_nan_is_left_out_of_value_and_gradient(name):
    f = MISSING[name]
    x = rng.normal(size=(3, 5))
    holes = np.array([[0, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 0, 1, 1, 0]], bool)
    with_holes = np.where(holes, np.nan, x)
    for axis in (None, 0, 1):
        assert_as_numpy(lambda t, a=axis: f(t, axis=a), with_holes)
        assert_derivatives(lambda t, a=axis: f(np.where(holes, np.nan, t), axis=a), x)
    slope = gradient(lambda t: f(t, axis=1), with_holes)
    np.testing.assert_array_equal(slope[holes], 0)
    assert np.all(np.isfinite(slope))


@pytest.mark.parametrize("name", ["nanmax", "nanmin", "nanmean", "nanmedian", "nanquantile"])
def test_nothing_but_nan_gives_nan(name):
    f = MISSING[name]
    x = np.array([[np.nan, np.nan], [1.0, np.nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # "All-NaN slice encountered"
        found = f(mg.Tensor(x), axis=1).numpy()
        np.testing.assert_array_equal(found, [np.nan, 1])
        if name != "nanmean":
            np.testing.assert_array_equal(gradient(lambda t: f(t, axis=1)[1], x)[1], [1, 0])


@pytest.mark.parametrize("f", [np.nancumsum, np.nancumprod])
def test_running_past_what_is_missing(f):
    x, holes = rng.normal(size=(2, 4)), np.array([[1, 0, 0, 1], [0, 0, 1, 0]], bool)
    assert_as_numpy(lambda t: f(t, axis=1), np.where(holes, np.nan, x))
    assert_derivatives(lambda t: f(np.where(holes, np.nan, t), axis=1), x)


def test_infinity_is_not_missing():
    x = np.array([1.0, np.nan, np.inf])
    for f in (np.nansum, np.nanmean, np.nanmax, np.nanprod):
        assert f(mg.Tensor(x)).item() == np.inf
    assert np.nanmin(mg.Tensor(-x)).item() == -np.inf


# --- running sums and products --------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, 1, -1, -2])
@pytest.mark.parametrize("f", [np.cumsum, np.cumprod, np.nancumsum, np.nancumprod])
def test_running_sums_and_products(f, axis):
    x = rng.normal(size=(3, 4))
    assert_as_numpy(lambda t: f(t, axis), x)
    assert_as_numpy(lambda t: f(t, axis, dtype=np.float32), x, rtol=1e-5)
    assert_as_numpy(lambda t: f(t, axis), rng.integers(0, 5, (3, 4)))
    assert_as_numpy(lambda t: f(t, axis), np.zeros((2, 0)))
    assert_derivatives(lambda t: f(t, axis), x)
    assert_derivatives(lambda t: f(t, axis), np.zeros((2, 0)))


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="NumPy has them since 2.1")
@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_names_of_the_array_api(name):
    f, x = getattr(np, name), rng.normal(size=(2, 3))
    assert_as_numpy(lambda t: f(t, axis=1, include_initial=True), x)
    assert_derivatives(lambda t: f(t, axis=1, include_initial=True), x)
    assert_as_numpy(f, x[0])
    with pytest.raises(ValueError, match="axis must be given"):
        f(mg.Tensor(x))


# --- differences and integrals --------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_diff(n, axis):
    x, one = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    column = one[:1] if axis == 0 else one[:, :1]
    for also in ({}, {"prepend": 0.5}, {"append": column}, {"prepend": column, "append": 2}):
        assert_as_numpy(lambda t, k=also: np.diff(t, n, axis, **k), x)
        assert_derivatives(lambda t, k=also: np.diff(t, n, axis, **k), x)
    assert_derivatives(lambda t, e: np.diff(t, n, axis, prepend=e), x, column)


def test_diff_says_what_is_wrong():
    with pytest.raises(ValueError, match="0 or more"):
        np.diff(mg.Tensor([1.0]), -1)
    with pytest.raises(ValueError, match="needs an axis"):
        np.diff(mg.Tensor(1.0))
    np.testing.assert_array_equal(np.diff(mg.Tensor([True, False, False])), [True, False])


def test_trapezoid():
    y, x = rng.normal(size=(3, 4)), np.cumsum(rng.uniform(0.5, 1, (3, 4)), axis=1)
    for f in (
        lambda t: np.trapezoid(t),
        lambda t: np.trapezoid(t, dx=0.3, axis=0),
        lambda t: np.trapezoid(t, x[0]),
        lambda t: np.trapezoid(t, x[:, 0], axis=0),
        lambda t: np.trapezoid(t, x, axis=1),
    ):
        assert_as_numpy(f, y)
        assert_derivatives(f, y)
    assert_derivatives(lambda t, u: np.trapezoid(t, u), y, x)
    assert_derivatives(lambda t, u: np.trapezoid(t, u[0]), y, x)


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient(edge_order):
    f = rng.normal(size=(4, 5))
    x, y = np.cumsum(rng.uniform(0.5, 1, 4)), np.cumsum(rng.uniform(0.5, 1, 5))
    for args, axis in (
        ((), 0), ((0.5,), 1), ((y,), -1), ((x,), 0), ((2,), (0,)),
    ):  # fmt: skip

        def one(t, args=args, axis=axis):
            return np.gradient(t, *args, axis=axis, edge_order=edge_order)

        assert_as_numpy(one, f, rtol=1e-12)
        assert_derivatives(one, f)
    for args in ((), (0.5,), (2.0, y), (x, y)):
        found = np.gradient(mg.Tensor(f), *args, edge_order=edge_order)
        expected = np.gradient(f, *args, edge_order=edge_order)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a.numpy(), b, rtol=1e-12)
    assert_derivatives(lambda t, u: np.gradient(t, u, axis=1, edge_order=edge_order), f, y)
    single = f.astype(np.float32)
    assert_as_numpy(lambda t: np.gradient(t, y, axis=1), single, rtol=1e-5)
    assert_as_numpy(lambda t: np.gradient(t, 0.5, axis=1), single, rtol=1e-5)


def test_gradient_says_what_is_wrong():
    t = mg.Tensor(np.ones((1, 5)))
    with pytest.raises(ValueError, match="axis 0 has 1 values"):
        np.gradient(t)
    with pytest.raises(TypeError, match="3 distances were given for 2 axes"):
        np.gradient(t, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="edge_order is 1 or 2"):
        np.gradient(t, axis=1, edge_order=3)
    with pytest.raises(ValueError, match="3 coordinates for 5 values"):
        np.gradient(t, [1.0, 2.0, 3.0], axis=1)


# --- log-sum-exp ----------------------------------------------------------------------------


def test_logsumexp_at_the_ends_of_the_range():
    inf = np.inf
    for x, value, slopes in (
        ([1e308, 1e308], 1e308, [0.5, 0.5]),
        ([1e308, -1e308], 1e308, [1, 0]),
        ([-1e308, -1e308], -1e308, [0.5, 0.5]),
        ([-inf, 0.0], 0, [0, 1]),
        ([-inf, -inf], -inf, [0, 0]),
        ([-1000.0, -1000.0], -1000 + np.log(2), [0.5, 0.5]),
    ):
        found, slope = mg.value_and_grad(mg.logsumexp)(np.array(x))
        assert found == value
        np.testing.assert_allclose(slope, slopes)
    assert np.all(np.isfinite(mg.hessian(mg.logsumexp)(np.array([-inf, 0.0, 1.0]))))
