"""NumPy's ufuncs on tensors: derivatives, conventions at kinks, hard points, methods, keywords."""

import numpy as np
import pytest
from differences import assert_derivatives

import minigrad as mg
from minigrad.core.registry import complete_registry
from minigrad.dispatch import PREDICATES

rng = np.random.default_rng(5)

# name -> an interval for each array
UNARY = {
    "absolute": (0.2, 2), "fabs": (-2, -0.2), "negative": (-2, 2), "positive": (-2, 2),
    "conjugate": (-2, 2), "reciprocal": (0.3, 2), "square": (-2, 2), "sqrt": (0.3, 3),
    "cbrt": (-3, -0.3), "exp": (-2, 2), "exp2": (-2, 2), "expm1": (-2, 2), "log": (0.3, 3),
    "log2": (0.3, 3), "log10": (0.3, 3), "log1p": (-0.6, 2), "sin": (-3, 3), "cos": (-3, 3),
    "tan": (-1, 1), "arcsin": (-0.8, 0.8), "arccos": (-0.8, 0.8), "arctan": (-2, 2),
    "sinh": (-2, 2), "cosh": (-2, 2), "tanh": (-2, 2), "arcsinh": (-2, 2), "arccosh": (1.3, 3),
    "arctanh": (-0.8, 0.8), "deg2rad": (-3, 3), "rad2deg": (-3, 3), "radians": (-3, 3),
    "degrees": (-3, 3), "sign": (0.2, 2), "floor": (0.1, 0.9), "ceil": (1.1, 1.9),
    "trunc": (-1.9, -1.1), "rint": (0.6, 1.4), "spacing": (1.1, 1.9),
}  # fmt: skip
BINARY = {
    "add": ((-2, 2), (-2, 2)), "subtract": ((-2, 2), (-2, 2)), "multiply": ((-2, 2), (-2, 2)),
    "divide": ((-2, 2), (0.4, 2)), "power": ((0.3, 2), (-2, 3)),
    "float_power": ((0.3, 2), (-2, 3)), "maximum": ((0, 1), (0, 1)), "minimum": ((0, 1), (0, 1)),
    "fmax": ((0, 1), (0, 1)), "fmin": ((0, 1), (0, 1)), "copysign": ((-2, -0.2), (0.2, 2)),
    "heaviside": ((0.2, 2), (-2, 2)), "hypot": ((0.3, 2), (-2, 2)),
    "arctan2": ((-2, -0.3), (-2, 2)), "logaddexp": ((-3, 3), (-3, 3)),
    "logaddexp2": ((-3, 3), (-3, 3)), "remainder": ((6.1, 6.9), (2.1, 2.9)),
    "fmod": ((-6.9, -6.1), (2.1, 2.9)), "floor_divide": ((6.1, 6.9), (2.1, 2.9)),
}  # fmt: skip
APART = {"matmul", "matvec", "vecmat", "vecdot", "divmod", "modf", "frexp", "ldexp", "nextafter"}
OF_INTEGERS = {
    "bitwise_and", "bitwise_count", "bitwise_or", "bitwise_xor", "invert", "left_shift",
    "right_shift", "gcd", "lcm", "isnat",
}  # fmt: skip


registry = complete_registry()


def draw(interval, shape):
    return rng.uniform(*interval, shape)


def gradients(f, *arrays):
    return mg.grad(lambda *xs: np.sum(f(*xs)), tuple(range(len(arrays))))(*arrays)


def test_every_ufunc_of_numpy_has_a_rule_or_gives_plain_arrays():
    for name in dir(np):
        ufunc = getattr(np, name)
        if isinstance(ufunc, np.ufunc) and ufunc.__name__ not in OF_INTEGERS:
            assert ufunc in registry or ufunc in PREDICATES, name
    named = {f.__name__ for f in registry if isinstance(f, np.ufunc)}
    assert {*UNARY, *BINARY, *APART} <= named


@pytest.mark.parametrize("name", UNARY)
def test_unary_derivatives(name):
    f = getattr(np, name)
    for shape in ((2, 3), (), (0, 2)):
        assert_derivatives(f, draw(UNARY[name], shape))


@pytest.mark.parametrize("name", BINARY)
def test_binary_derivatives(name):
    f = getattr(np, name)
    for shapes in (((2, 3), (2, 3)), ((2, 1), (3,)), ((), (4,)), ((2, 1, 2), ())):
        assert_derivatives(f, *(draw(d, s) for d, s in zip(BINARY[name], shapes, strict=True)))


@pytest.mark.parametrize("name", BINARY)
def test_binary_derivatives_of_one_array_beside_a_constant(name):
    f = getattr(np, name)
    x, y = (draw(d, (3,)) for d in BINARY[name])
    assert_derivatives(lambda t: f(t, y), x)
    assert_derivatives(lambda t: f(x, t), y)


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_float32_stays_float32(name):
    domains = [UNARY[name]] if name in UNARY else BINARY[name]
    arrays = [draw(d, (3,)).astype(np.float32) for d in domains]
    f = getattr(np, name)
    value, pullback = mg.vjp(f, *arrays)
    assert value.dtype == f(*arrays).dtype
    for g in pullback(np.ones(3, value.dtype)):
        assert g.dtype == np.float32
    for position in range(len(arrays) - 1):  # a Python number adapts
        mixed = [*arrays[:position], 1.5, *arrays[position + 1 :]]
        assert f(*mixed[:-1], mg.Tensor(arrays[-1])).dtype == value.dtype


# --- conventions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "at", "slopes"),
    [
        (np.absolute, (0.0,), (0,)),
        (np.fabs, (0.0,), (0,)),
        (np.sign, (0.0,), (0,)),
        (np.floor, (2.0,), (0,)),
        (np.ceil, (2.0,), (0,)),
        (np.rint, (0.5,), (0,)),
        (np.trunc, (-1.0,), (0,)),
        (np.round, (0.5,), (0,)),
        (np.heaviside, (0.0, 0.3), (0, 1)),
        (np.heaviside, (1.0, 0.3), (0, 0)),
        (np.maximum, (1.5, 1.5), (0.5, 0.5)),
        (np.minimum, (1.5, 1.5), (0.5, 0.5)),
        (np.fmax, (1.5, 1.5), (0.5, 0.5)),
        (np.fmin, (1.5, 1.5), (0.5, 0.5)),
        (np.fmax, (1.0, np.nan), (1, 0)),
        (np.fmin, (np.nan, 1.0), (0, 1)),
        (np.copysign, (0.0, -2.0), (0, 0)),
        (np.copysign, (3.0, -2.0), (-1, 0)),
        (np.copysign, (-3.0, -2.0), (1, 0)),
        (np.copysign, (-3.0, 2.0), (-1, 0)),
        (np.hypot, (0.0, 0.0), (0, 0)),
        (np.arctan2, (0.0, 0.0), (0, 0)),
        (np.remainder, (7.5, 2.0), (1, -3)),
        (np.remainder, (-7.5, 2.0), (1, 4)),
        (np.fmod, (-7.5, 2.0), (1, 3)),
        (np.remainder, (6.0, 2.0), (1, -3)),
        (np.floor_divide, (7.5, 2.0), (0, 0)),
        (np.sinc, (0.0,), (0,)),
    ],
)
def test_conventions_at_kinks_and_ties(f, at, slopes):
    np.testing.assert_array_equal(gradients(f, *map(np.array, at)), slopes)
    second = gradients(lambda *xs: sum(gradients(f, *xs)), *map(np.array, at))
    assert np.all(np.isfinite(second))


def test_power_with_a_zero_base_is_right_to_the_second_order():
    base = np.zeros(5)
    exponents = np.array([0.0, 1.0, 2.0, 3.0, 2.5])
    first, by_exponent = gradients(np.power, base, exponents)
    np.testing.assert_array_equal(first, [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(by_exponent, [0, 0, 0, 0, 0])
    for n, second in ((0.0, 0), (1.0, 0), (2.0, 2), (3.0, 0), (2, 2), (3, 0)):
        assert mg.grad(mg.grad(lambda x, n=n: x**n))(0.0) == second
    third = mg.grad(mg.grad(mg.grad(lambda x: x**3.0)))
    assert third(0.0) == 6
    negative = mg.grad(lambda x: np.power(x, 3.0))
    assert negative(-2.0) == 12


def test_logarithms_of_sums_take_infinities():
    for f in (np.logaddexp, np.logaddexp2):
        np.testing.assert_array_equal(gradients(f, np.array(-np.inf), np.array(-np.inf)), [0, 0])
        np.testing.assert_array_equal(gradients(f, np.array(-np.inf), np.array(1.0)), [0, 1])
        np.testing.assert_array_equal(gradients(f, np.array(1e300), np.array(1e300 / 2)), [1, 0])


def test_slopes_far_out_neither_overflow_nor_vanish():
    assert mg.grad(np.arcsinh)(1e200) == 1e-200
    assert mg.grad(np.arccosh)(1e200) == pytest.approx(1e-200)
    np.testing.assert_allclose(gradients(np.hypot, np.array(3e200), np.array(4e200)), [0.6, 0.8])
    np.testing.assert_allclose(
        gradients(np.arctan2, np.array(3e200), np.array(4e200)), [1.6e-201, -1.2e-201]
    )


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("x", [0.0, 1e-9, -1e-3, 0.2, 1 / np.pi, -0.5, 1.0, 7.3])
def test_sinc_to_every_order(order, x):
    # sinc(x) is the integral of cos(pi x t) over [0, 1]; so its derivatives are integrals too
    nodes, weights = np.polynomial.legendre.leggauss(60)
    t = (nodes + 1) / 2
    expected = np.sum(
        weights / 2 * (np.pi * t) ** order * np.cos(np.pi * x * t + order * np.pi / 2)
    )
    f = np.sinc
    for _ in range(order):
        f = mg.grad(f)
    assert f(x) == pytest.approx(expected, rel=1e-11, abs=1e-13 * np.pi**order)


def test_sinc_of_arrays():
    assert_derivatives(np.sinc, draw((-2, 2), (2, 3)))
    assert mg.grad(np.sinc)(np.float32(0.3)).dtype == np.float32


# --- functions with two results, or with an argument that has no gradient -------------------------


def test_modf_frexp_divmod_and_ldexp():
    x = np.array([-2.75, 0.3, 5.5])
    for i in (0, 1):
        np.testing.assert_array_equal(np.modf(mg.Tensor(x))[i].numpy(), np.modf(x)[i])
        assert_derivatives(lambda t, i=i: np.modf(t)[i], x)
        assert_derivatives(lambda t, i=i: divmod(t, 2.0)[i], x)
        assert_derivatives(lambda t, i=i: divmod(7.0, t)[i], x)
    mantissa, exponent = np.frexp(mg.Tensor(x, requires_grad=True))
    np.testing.assert_array_equal(mantissa.numpy(), np.frexp(x)[0])
    assert type(exponent) is np.ndarray
    assert_derivatives(lambda t: np.frexp(t)[0], x)
    assert_derivatives(lambda t: np.ldexp(t, np.array([[3], [-2]])), x)
    np.testing.assert_array_equal(np.frexp(mg.Tensor([np.inf, 0.0]))[0].numpy(), [np.inf, 0])


def test_nextafter_moves_with_its_first_argument():
    first, second = gradients(np.nextafter, np.array([1.0, 2.0]), np.array([3.0, 1.0]))
    np.testing.assert_array_equal(first, [1, 1])
    np.testing.assert_array_equal(second, [0, 0])


def test_rounding_to_decimals():
    x = np.array([1.234, -5.678])
    for t in (mg.Tensor(x), mg.Tensor(x, requires_grad=True)):
        np.testing.assert_array_equal(np.round(t, 2).numpy(), [1.23, -5.68])
        np.testing.assert_array_equal(t.round(1).numpy(), [1.2, -5.7])
    np.testing.assert_array_equal(np.round(mg.Tensor([1234.0]), decimals=-2).numpy(), [1200])
    np.testing.assert_array_equal(np.fix(mg.Tensor(x)).numpy(), [1, -5])
    np.testing.assert_array_equal(mg.grad(lambda t: np.sum(np.round(t, 1)))(x), [0, 0])


def test_python_operators():
    x = draw((2.1, 2.9), (3,))
    for f in (lambda t: t % 2, lambda t: 7 % t, lambda t: t // 2, lambda t: 7 // t, abs):
        assert_derivatives(f, x)
    assert (mg.Tensor([7, 8]) // 2).dtype == np.int64


# --- methods of ufuncs ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum"])
def test_reduce_and_accumulate(name):
    ufunc, x = getattr(np, name), rng.normal(size=(3, 4))
    for call in (
        lambda t: ufunc.reduce(t),
        lambda t: ufunc.reduce(t, 1),
        lambda t: ufunc.reduce(t, axis=None),
        lambda t: ufunc.reduce(t, axis=(0, 1), keepdims=True),
        lambda t: ufunc.reduce(t, axis=1, initial=0.5),
        lambda t: ufunc.reduce(t, axis=1, initial=0.5, where=np.array([True, False] * 2)),
        lambda t: ufunc.accumulate(t),
        lambda t: ufunc.accumulate(t, 1),
        lambda t: ufunc.accumulate(t, axis=-2),
    ):
        np.testing.assert_allclose(call(mg.Tensor(x)).numpy(), call(x), rtol=1e-14)
        assert_derivatives(call, x)
    assert ufunc.reduce(mg.Tensor(x), dtype=np.float32).dtype == np.float32
    assert ufunc.accumulate(mg.Tensor(x), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum", "hypot", "arctan2"])
def test_outer(name):
    ufunc, x, y = getattr(np, name), rng.uniform(1, 2, (2, 1)), rng.uniform(2, 3, 3)
    np.testing.assert_array_equal(ufunc.outer(mg.Tensor(x), y).numpy(), ufunc.outer(x, y))
    np.testing.assert_array_equal(ufunc.outer(x, mg.Tensor(y)).numpy(), ufunc.outer(x, y))
    assert_derivatives(ufunc.outer, x, y)
    assert_derivatives(ufunc.outer, x, np.array(0.5))


def test_logaddexp_reduces_to_logsumexp():
    x = rng.normal(size=(2, 3))
    result = np.logaddexp.reduce(mg.Tensor(x), axis=1)
    np.testing.assert_allclose(result.numpy(), np.logaddexp.reduce(x, 1))


def test_running_extremes_share_ties():
    def slope(f, x, cotangent):
        return mg.vjp(f, np.array(x))[1](np.array(cotangent))[0]

    x, g = [1.0, 1.0, 0.0, 1.0, 2.0, 2.0], [1.0, 10.0, 100.0, 1000.0, 1e4, 1e5]
    third = 1000 / 3
    expected = [1 + 5 + 50 + third, 5 + 50 + third, 0, third, 1e4 + 5e4, 5e4]
    np.testing.assert_allclose(slope(np.maximum.accumulate, x, g), expected)
    np.testing.assert_allclose(slope(np.minimum.accumulate, [-v for v in x], g), expected)
    missing = slope(np.maximum.accumulate, [1.0, np.nan, 3.0], [1.0, 10.0, 100.0])
    np.testing.assert_array_equal(missing, [1, 110, 0])


# --- keywords -------------------------------------------------------------------------------


def test_dtype_is_taken_and_the_gradient_comes_back_in_the_first():
    t = mg.Tensor([1.0, 2.0], requires_grad=True)
    z = np.multiply(t, 3.0, dtype=np.float32)
    assert z.dtype == np.float32
    z.backward(np.ones(2))
    assert t.grad.dtype == np.float64
    np.testing.assert_array_equal(t.grad, [3, 3])
    assert np.exp(mg.Tensor([1, 2]), dtype=np.float32).dtype == np.float32


def test_integers_come_only_of_tensors_without_a_gradient():
    t = mg.Tensor([1.5, 2.5])
    assert np.add(t, 1, dtype=int).dtype == np.int64
    np.testing.assert_array_equal(t.astype(int).numpy(), [1, 2])
    assert np.sum(mg.Tensor([0.5, 2.5]), dtype=int).item() == 2
    tracked = mg.Tensor([1.5, 2.5], requires_grad=True)
    for call in (lambda: tracked.astype(int), lambda: np.sum(tracked, dtype=int)):
        with pytest.raises(TypeError, match="stays floating-point; int64 has none"):
            call()


@pytest.mark.parametrize("tracked", [False, True])
def test_keywords_without_a_meaning_here_are_refused(tracked):
    t = mg.Tensor([1.0, 2.0], requires_grad=tracked)
    for call in (
        lambda: np.add(t, 1, out=np.zeros(2)),
        lambda: np.add.reduce(t, out=np.zeros(())),
        lambda: np.add.accumulate(t, out=np.zeros(2)),
        lambda: np.add.outer(t, t, out=np.zeros((2, 2))),
        lambda: np.sum(t, out=np.zeros(())),
        lambda: t.sum(out=np.zeros(())),
    ):
        with pytest.raises(TypeError, match=r"np\.(add|sum).* takes no out="):
            call()
    with pytest.raises(TypeError, match="takes no where="):
        np.exp(t, where=np.array([True, False]))
    with pytest.raises(TypeError, match="takes no casting="):
        np.exp(t, casting="no")
    array = np.zeros(2)
    with pytest.raises(TypeError, match=r"array \+= t"):
        array += t
    np.testing.assert_array_equal(array, 0)


def test_what_has_no_rule_says_so():
    t = mg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"np\.add\.reduceat has no derivative rule"):
        np.add.reduceat(t, [0, 1])
    with pytest.raises(TypeError, match=r"np\.hypot\.reduce has no derivative rule"):
        np.hypot.reduce(t)
    with pytest.raises(TypeError, match=r"np\.i0 has no derivative rule"):
        np.i0(t)
    assert type(np.add.reduceat(t.detach(), [0, 1])) is np.ndarray


# --- comparisons and predicates -------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        np.isnan, np.isinf, np.isfinite, np.isneginf, np.isposinf, np.signbit, np.isreal,
        np.iscomplex, np.logical_not, np.argsort, np.argmax, np.argmin, np.nanargmax,
        np.nanargmin, np.all, np.any, np.nonzero, np.flatnonzero, np.argwhere, np.count_nonzero,
        np.logical_or.reduce, np.logical_and.accumulate,
        lambda t: np.greater(t, 0), lambda t: np.less_equal(0, t), lambda t: t == t,
        lambda t: np.logical_xor(t, 1), lambda t: np.isclose(t, 0), lambda t: np.isin(t, [0.5]),
        lambda t: np.greater.outer(t, t), lambda t: np.searchsorted(t, 0.7),
        lambda t: np.digitize(t, [0.0, 1.0]), lambda t: np.argpartition(t, 1),
        lambda t: np.lexsort((t, t)), lambda t: t.all(), lambda t: t.any(axis=0, keepdims=True),
    ],
)  # fmt: skip
def test_predicates_give_plain_arrays(f):
    x = np.array([-1.0, 0.0, 0.5, 2.0])
    result = f(mg.Tensor(x, requires_grad=True))
    for part in result if isinstance(result, tuple) else (result,):
        assert not isinstance(part, mg.Tensor)
        assert np.asarray(part).dtype.kind in "bi"
    np.testing.assert_equal(result, f(x))


def test_predicates_may_write_into_an_array_of_their_own():
    mask = np.zeros(2, bool)
    np.greater(mg.Tensor([1.0, -1.0], requires_grad=True), 0, out=mask)
    np.testing.assert_array_equal(mask, [True, False])
