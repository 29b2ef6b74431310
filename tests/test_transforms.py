"""vjp, grad and value_and_grad: every order, nested, of arrays and of tensors."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import GENERATORS

import minigrad as mg
from minigrad.errors import GradientTypeError, ShapeError

numbers = st.floats(-1.5, 1.5)


# --- orders ---------------------------------------------------------------------------------

DERIVATIVES = {  # a function and its first three derivatives, by the book
    "tanh": (
        np.tanh,
        lambda x: 1 - math.tanh(x) ** 2,
        lambda x: -2 * math.tanh(x) * (1 - math.tanh(x) ** 2),
        lambda x: (6 * math.tanh(x) ** 2 - 2) * (1 - math.tanh(x) ** 2),
    ),
    "exp": (np.exp, math.exp, math.exp, math.exp),
    "x**4": (lambda x: x**4, lambda x: 4 * x**3, lambda x: 12 * x**2, lambda x: 24 * x),
    "log(3 + x)": (
        lambda x: np.log(3 + x),
        lambda x: 1 / (3 + x),
        lambda x: -1 / (3 + x) ** 2,
        lambda x: 2 / (3 + x) ** 3,
    ),
    "x exp(-x)": (
        lambda x: x * np.exp(-x),
        lambda x: (1 - x) * math.exp(-x),
        lambda x: (x - 2) * math.exp(-x),
        lambda x: (3 - x) * math.exp(-x),
    ),
    "1 / (2 + x)": (
        lambda x: 1 / (2 + x),
        lambda x: -1 / (2 + x) ** 2,
        lambda x: 2 / (2 + x) ** 3,
        lambda x: -6 / (2 + x) ** 4,
    ),
    "sigmoid": (
        mg.sigmoid,
        lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2,
        lambda x: -math.tanh(x / 2) / (4 * math.cosh(x / 2) ** 2),
        lambda x: (
            (2 * math.tanh(x / 2) ** 2 - 1 / math.cosh(x / 2) ** 2) / (8 * math.cosh(x / 2) ** 2)
        ),
    ),
}


@pytest.mark.parametrize("name", DERIVATIVES)
@given(x=numbers)
def test_three_orders_of_a_function_of_one_number(name, x):
    f, *derivatives = DERIVATIVES[name]
    for derivative in derivatives:
        f = mg.grad(f)
        found = f(x)
        assert isinstance(found, np.float64)
        np.testing.assert_allclose(found, derivative(x), rtol=1e-10, atol=1e-10)


def test_orders_by_repeated_backward_agree_with_nested_grad():
    def f(x):
        return np.sum(np.exp(-x * x) * x)

    values = np.array([0.3, -0.7, 1.1])
    x = mg.Tensor(values, requires_grad=True)
    f(x).backward(create_graph=True)
    first, x.grad = x.grad, None
    first.sum().backward(create_graph=True)
    second, x.grad = x.grad, None
    second.sum().backward()
    g1 = mg.grad(f)
    g2 = mg.grad(lambda x: np.sum(g1(x)))
    g3 = mg.grad(lambda x: np.sum(g2(x)))
    for found, wanted in [(first.numpy(), g1), (second.numpy(), g2), (x.grad, g3)]:
        np.testing.assert_allclose(found, wanted(values), rtol=1e-13)


@given(rng=GENERATORS)
def test_the_hessian_of_a_network_is_symmetric_and_that_of_differences(rng):
    x, target = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    shapes = [(2, 3), (3,), (3, 1)]
    sizes = [math.prod(s) for s in shapes]

    def loss(theta):
        w1, b, w2 = (
            np.reshape(theta[sum(sizes[:i]) : sum(sizes[: i + 1])], shape)
            for i, shape in enumerate(shapes)
        )
        return mg.mse(np.tanh(x @ w1 + b) @ w2, target)

    theta = rng.normal(size=sum(sizes))
    rows = np.array(
        [mg.grad(lambda t, u=u: mg.grad(loss)(t) @ u)(theta) for u in np.eye(theta.size)]
    )
    np.testing.assert_allclose(rows, rows.T, atol=1e-13)
    direction = rng.normal(size=theta.size)
    direction /= np.linalg.norm(direction)
    expected = oracles.difference_along(lambda t: mg.grad(loss)(t), [theta], [direction])
    np.testing.assert_allclose(rows @ direction, expected, rtol=1e-7, atol=1e-9)
    slope = oracles.difference_along(loss, [theta], [direction])
    np.testing.assert_allclose(mg.grad(loss)(theta) @ direction, slope, rtol=1e-7, atol=1e-9)


# --- perturbation confusion -----------------------------------------------------------------


@given(x=numbers)
def test_an_inner_derivative_holds_the_outer_variable_constant(x):
    assert mg.grad(lambda x: x * mg.grad(lambda y: x + y)(1.0))(x) == 1.0
    assert mg.grad(lambda x: mg.grad(lambda y: x)(1.0))(x) == 0.0
    found = mg.grad(lambda x: x * mg.grad(lambda y: x * y)(2.0))(x)
    np.testing.assert_allclose(found, 2 * x)


@given(x=numbers)
def test_an_inner_derivative_at_the_outer_variable(x):
    found = mg.grad(lambda x: x * mg.grad(lambda y: x * y * y)(x))(x)  # x * 2 x x
    np.testing.assert_allclose(found, 6 * x**2, atol=1e-14)
    found = mg.grad(lambda x: mg.grad(lambda y: np.exp(x * y))(x))(x)  # x exp(x x)
    np.testing.assert_allclose(found, (1 + 2 * x * x) * math.exp(x * x))


@given(x=numbers, y=numbers)
def test_three_levels_that_share_their_variables(x, y):
    def outer(x):
        def middle(y):
            def inner(z):
                return x * y * z**2

            return mg.grad(inner)(x * y)  # 2 x y z at z = x y: 2 (x y)^2

        return x * mg.grad(middle)(y)  # x * 4 x x y

    np.testing.assert_allclose(mg.grad(outer)(x), 12 * x * x * y, atol=1e-12)


NESTED = {
    "grad in grad": lambda x: mg.grad(lambda x: mg.grad(lambda y: x * y * y)(2.0))(x),
    "jvp in jvp": lambda x: mg.jvp(
        lambda x: mg.jvp(lambda y: x * y * y, (2.0,), (1.0,))[1], (x,), (1.0,)
    )[1],
    "jvp in grad": lambda x: mg.grad(lambda x: mg.jvp(lambda y: x * y * y, (2.0,), (1.0,))[1])(x),
    "grad in jvp": lambda x: mg.jvp(lambda x: mg.grad(lambda y: x * y * y)(2.0), (x,), (1.0,))[1],
}


@pytest.mark.parametrize("name", NESTED)
def test_nested_derivatives_of_numbers_are_numbers(name):
    found = NESTED[name](3.0)
    assert type(found) is np.float64
    assert found == 4.0


def test_a_pullback_called_inside_another_derivative():
    _, pullback = mg.vjp(lambda y: y**3, 2.0)
    assert mg.grad(lambda g: pullback(g)[0] * g)(5.0) == 2 * 12.0 * 5.0


def test_a_pullback_taken_outside_and_called_twice():
    x = np.array([1.0, 2.0])
    _, pullback = mg.vjp(lambda x: x * x, x)
    first, second = pullback(np.array([1.0, 10.0]))[0], pullback(np.array([1.0, 0.0]))[0]
    np.testing.assert_array_equal(first, [2.0, 40.0])
    np.testing.assert_array_equal(second, [2.0, 0.0])


def test_a_derivative_inside_a_recorded_graph():
    w = mg.Tensor(3.0, requires_grad=True)
    slope = mg.grad(lambda y: w * y**2)(2.0)  # 4 w
    (slope * w).backward()
    np.testing.assert_allclose(w.grad, 8 * 3.0)


def test_a_parameter_given_as_the_argument_keeps_its_graph():
    w = mg.Tensor(3.0, requires_grad=True)
    slope = mg.grad(lambda y: y**3)(w)
    assert w.grad is None
    slope.backward()
    np.testing.assert_allclose([slope.item(), w.grad], [27.0, 18.0])


def test_threads_nest_on_their_own():
    start = threading.Barrier(4)

    def work(x):
        start.wait(10)
        return [mg.grad(lambda x: x * mg.grad(lambda y: x * y * y)(x))(x) for _ in range(100)]

    with ThreadPoolExecutor(4) as pool:
        for x, found in enumerate(pool.map(work, [1.0, 2.0, 3.0, 4.0]), 1):
            np.testing.assert_allclose(found, [6.0 * x * x] * 100)


# --- what goes in comes out -----------------------------------------------------------------


def f_of_two(x, y):
    return np.sum(x * x * y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_in_arrays_out(dtype):
    x, y = np.ones((2, 3), dtype), np.ones(3, dtype)
    value, (in_x, in_y) = mg.value_and_grad(f_of_two, (0, 1))(x, y)
    assert type(value) is dtype
    for found, given_ in [(in_x, x), (in_y, y)]:
        assert type(found) is np.ndarray
        assert (found.shape, found.dtype) == (given_.shape, dtype)
        assert found.flags.writeable
        assert not np.shares_memory(found, given_)


def test_numbers_in_numbers_out():
    value, gradient = mg.value_and_grad(lambda x: x * x)(3.0)
    assert type(value) is type(gradient) is np.float64
    assert (value, gradient) == (9.0, 6.0)


@pytest.mark.parametrize("tracked", [False, True])
def test_tensors_in_tensors_out(tracked):
    x, y = mg.Tensor([1.0, 2.0], requires_grad=tracked), mg.Tensor([3.0, 4.0])
    value, (in_x, in_y) = mg.value_and_grad(f_of_two, (0, 1))(x, y)
    for found in (value, in_x, in_y):
        assert isinstance(found, mg.Tensor)
        assert found.requires_grad == tracked
    assert value.item() == 3.0 + 16.0
    np.testing.assert_array_equal(in_x.numpy(), [6.0, 16.0])
    np.testing.assert_array_equal(in_y.numpy(), [1.0, 4.0])
    assert x.grad is None
    assert y.grad is None


def test_what_one_call_hands_out_is_its_own():
    x = np.array([1.0, 2.0])
    value, pullback = mg.vjp(lambda x, y: x + y, x, x)
    one, two = pullback(x)
    again, _ = pullback(x)
    arrays = [x, value, one, two, again]
    for i, first in enumerate(arrays):
        assert not any(np.shares_memory(first, other) for other in arrays[i + 1 :])


def test_arguments_are_not_modified():
    x, g = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    _, pullback = mg.vjp(lambda x: np.exp(x) * x, x)
    x_before = x.copy()
    x[:] = 0  # nor does writing to them matter
    expected = (1 + x_before) * np.exp(x_before) * g
    np.testing.assert_allclose(pullback(g)[0], expected)
    np.testing.assert_array_equal(g, [3.0, 4.0])


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("order", [1, 2])
def test_what_does_not_depend_on_the_argument_is_not_visited(order, inside):
    asked = []

    @mg.general
    def watched(x):
        return 2 * x

    @watched.vjp
    def _(g, z, x):
        asked.append(1)
        return 2 * g

    w = mg.Tensor(3.0, requires_grad=True)
    h = watched(w)  # 6
    f = lambda x: x**3 * (watched(w) if inside else h)  # noqa: E731
    for _ in range(order):
        f = mg.grad(f)
    found = f(2.0)
    assert not asked
    found.backward()
    assert asked
    assert w.grad == {1: 2 * 12.0, 2: 2 * 12.0}[order]


def test_a_function_of_nothing_has_its_value_and_an_empty_pullback():
    w = mg.Tensor(3.0, requires_grad=True)
    value, pullback = mg.vjp(lambda: w * w)
    assert pullback() == ()
    value.backward()
    assert w.grad == 6.0
    value, change = mg.jvp(lambda: 2.0 * w, (), ())
    assert (value.item(), change.item()) == (6.0, 0.0)


def test_a_result_that_depends_on_nothing_has_zero_gradient():
    value, gradient = mg.value_and_grad(lambda x: 3.0)(np.ones(2))
    assert value == 3.0
    np.testing.assert_array_equal(gradient, [0.0, 0.0])
    np.testing.assert_array_equal(
        mg.grad(lambda x, y: x.sum(), 1)(np.ones(2), np.ones(3)), np.zeros(3)
    )


def test_the_identity():
    value, pullback = mg.vjp(lambda x: x, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(value, [1.0, 2.0])
    np.testing.assert_array_equal(pullback(np.array([3.0, 4.0]))[0], [3.0, 4.0])


def test_a_pullback_of_many_outputs_and_inputs():
    rng = np.random.default_rng(0)
    x, w, g = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    value, pullback = mg.vjp(np.matmul, x, w)
    np.testing.assert_allclose(value, x @ w)
    in_x, in_w = pullback(g)
    np.testing.assert_allclose(in_x, g @ w.T)
    np.testing.assert_allclose(in_w, x.T @ g)


# --- arguments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 12.0), (1, 4.0), (-1, 4.0), (-2, 12.0), ((0,), (12.0,)), ((1, 0), (4.0, 12.0))],
)
def test_argnums(argnums, expected):
    found = mg.grad(lambda x, y: x * x * y, argnums)(2.0, 3.0)
    assert isinstance(found, tuple) == isinstance(expected, tuple)
    np.testing.assert_array_equal(found, expected)


def test_other_arguments_are_given_as_they_are():
    seen = []

    def f(x, how, *, scale):
        seen.append((how, scale))
        return x * scale

    assert mg.grad(f)(2.0, "how", scale=5) == 5.0
    assert seen == [("how", 5)]


@pytest.mark.parametrize("argnums", [2, -3, (0, 2)])
def test_an_argument_that_is_not_there_is_named(argnums):
    with pytest.raises(TypeError, match=r"argnums .*2 positional"):
        mg.grad(lambda x, y: x * y, argnums)(1.0, 2.0)


def test_an_argument_named_twice_is_refused():
    with pytest.raises(TypeError, match="twice"):
        mg.grad(lambda x, y: x * y, (0, -2))(1.0, 2.0)


def test_grad_needs_one_number():
    with pytest.raises(ShapeError, match=r"one number; this one returned shape \(2,\)"):
        mg.grad(lambda x: x)(np.ones(2))


@pytest.mark.parametrize("cotangent", [1.0, [1.0], np.ones((1, 2)), mg.Tensor(1.0)])
def test_a_cotangent_must_fit(cotangent):
    _, pullback = mg.vjp(lambda x: x * 2, np.ones(2))
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        pullback(cotangent)


@pytest.mark.parametrize("primal", [1, [1, 2], np.array([True]), np.array([1j]), "x"])
def test_primals_must_be_floating(primal):
    with pytest.raises(GradientTypeError):
        mg.grad(lambda x: np.sum(x))(primal)


# --- gradients that are tensors -------------------------------------------------------------


@pytest.mark.parametrize("tracked", [False, True])
def test_gradients_that_are_tensors_are_each_their_own(tracked):
    x, y, g = (mg.Tensor(v, requires_grad=tracked) for v in (1.0, 2.0, 3.0))
    value, pullback = mg.vjp(lambda x, y: x + y, x, y)
    found = [value, *pullback(), *pullback(g), g, x, y]
    for i, one in enumerate(found):
        assert not any(np.shares_memory(one.data, other.data) for other in found[i + 1 :])


def test_a_pullback_under_no_grad_is_not_recorded():
    x = mg.Tensor(2.0, requires_grad=True)
    _, pullback = mg.vjp(lambda x: x**3, x)
    with mg.no_grad():
        (gradient,) = pullback()
    assert gradient.item() == 12.0
    assert not gradient.requires_grad
    assert pullback()[0].requires_grad


# --- forward mode -------------------------------------------------------------------------------

X, T = np.array([0.5, -1.0, 2.0]), np.array([1.0, 10.0, -3.0])
SQUARES = np.array([[2.0, 1.0], [0.5, 3.0]])
TURNED = np.array([[0.3, -1.0], [2.0, 0.7]])

PUSHED = {  # a function, where, along what, and the change by hand
    "elementwise, one": (np.exp, (X,), (T,), np.exp(X) * T),
    "elementwise, two": (np.multiply, (X, T), (T, X), T * T + X * X),
    "elementwise, a constant partial": (np.subtract, (X, X), (T, X), T - X),
    "elementwise, broadcast": (
        np.multiply, (X, np.array([[2.0], [3.0]])), (T, np.array([[1.0], [0.0]])),
        np.array([2 * T + X, 3 * T]),
    ),
    "linear, one": (np.cumsum, (X,), (T,), np.cumsum(T)),
    "linear, turned": (np.transpose, (SQUARES,), (TURNED,), TURNED.T),
    "linear in each": (np.matmul, (SQUARES, TURNED), (TURNED, SQUARES),
                       TURNED @ TURNED + SQUARES @ SQUARES),
    "linear in all at once": (
        lambda x, y: np.concatenate([x, y]), (X, T), (T, X), np.concatenate([T, X])
    ),
    "linear, beside a constant": (lambda x: np.concatenate([x, X]), (X,), (T,), [*T, 0, 0, 0]),
    "linear, the first beside a constant": (lambda x: x @ TURNED, (SQUARES,), (SQUARES,),
                                            SQUARES @ TURNED),
    "general": (np.linalg.inv, (SQUARES,), (TURNED,),
                -np.linalg.inv(SQUARES) @ TURNED @ np.linalg.inv(SQUARES)),
    "general, to one number": (np.linalg.norm, (X,), (T,), X @ T / np.linalg.norm(X)),
    "general, of two": (np.linalg.solve, (SQUARES, X[:2]), (TURNED, T[:2]),
                        np.linalg.solve(SQUARES, T[:2] - TURNED @ np.linalg.solve(SQUARES, X[:2]))),
    "general, only its second": (lambda b: np.linalg.solve(SQUARES, b), (X[:2],), (T[:2],),
                                 np.linalg.solve(SQUARES, T[:2])),
    "general, with settings": (lambda x: np.prod(x, axis=0), (X,), (T,),
                               -T[0] * 2 + T[1] - T[2] / 2),
    "several steps": (lambda x: np.sum(np.sin(x) * x), (X,), (T,), (np.cos(X) * X + np.sin(X)) @ T),
    "an argument that it ignores": (lambda x, y: x * 2, (X, X), (T, T), 2 * T),
    "a constant": (lambda x: 7.0, (X,), (T,), 0.0),
    "the argument": (lambda x: x, (X,), (T,), T),
}  # fmt: skip


@pytest.mark.parametrize("name", PUSHED)
def test_forward_mode_by_hand(name):
    f, primals, tangents, expected = PUSHED[name]
    value, change = mg.jvp(f, primals, tangents)
    np.testing.assert_array_equal(value, f(*primals))
    np.testing.assert_allclose(change, expected, rtol=1e-13)
    assert np.shape(change) == np.shape(value)
    assert not isinstance(change, mg.Tensor)
    _, pullback = mg.vjp(f, *primals)
    g = np.random.default_rng(0).normal(size=np.shape(value))
    both = sum(np.sum(a * t) for a, t in zip(pullback(g), tangents, strict=True))
    np.testing.assert_allclose(np.sum(g * expected), both, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", PUSHED)
def test_forward_over_forward_is_forward_over_reverse(name):
    f, primals, tangents, _ = PUSHED[name]

    def along(*x):
        return mg.jvp(f, x, tangents)[1]

    def pulled(*x):
        return sum(np.sum(g * t) for g, t in zip(mg.vjp(total, *x)[1](), tangents, strict=True))

    def total(*x):
        return np.sum(f(*x))

    twice = np.sum(mg.jvp(along, primals, tangents)[1])
    np.testing.assert_allclose(twice, mg.jvp(pulled, primals, tangents)[1], rtol=1e-10, atol=1e-12)


def test_a_change_has_the_dtype_of_its_value_and_is_its_own():
    x = np.array([1.0, 2.0], np.float32)
    value, change = mg.jvp(lambda x: (x, x.sum(), 2 * x), (x,), (x,))
    assert [a.dtype for a in (*value, *change)] == [np.float32] * 6
    arrays = [x, value[0], value[2], change[0], change[2]]
    for i, first in enumerate(arrays):
        assert not any(np.shares_memory(first, other) for other in arrays[i + 1 :])


@pytest.mark.parametrize("given_", [np.float64, np.float16, np.int64, np.bool_])
def test_rules_are_given_cotangents_and_tangents_of_the_dtype_of_the_function(given_):
    seen = []

    @mg.linear
    def watched(x):
        seen.append(x.dtype)
        return 2 * x

    @watched.adjoint
    def _(g, z, x):
        seen.append(g.dtype)
        return 2 * g

    x = np.ones(2, np.float32)
    mg.vjp(watched, x)[1](np.ones(2, given_))
    mg.jvp(watched, (x,), (np.ones(2, given_),))
    assert set(seen) == {np.dtype(np.float32)}


def test_tensors_give_changes_that_are_tensors_with_their_graph():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    t = mg.Tensor([3.0, 4.0], requires_grad=True)
    value, change = mg.jvp(lambda x: np.sum(x**3), (x,), (t,))
    assert isinstance(value, mg.Tensor)
    change.backward()
    np.testing.assert_array_equal(x.grad, [6.0 * 3, 12.0 * 4])
    np.testing.assert_array_equal(t.grad, [3.0, 12.0])


@pytest.mark.parametrize(
    ("tangents", "words"),
    [((T[:2],), r"shape \(2,\).*has \(3,\)"), ((), "1 tangents are needed.*got 0"),
     ((T, T), "1 tangents are needed.*got 2")],
)  # fmt: skip
def test_a_tangent_must_fit(tangents, words):
    with pytest.raises(ShapeError, match=words):
        mg.jvp(np.sin, (X,), tangents)


# --- Jacobians ----------------------------------------------------------------------------------

JACOBIANS = {  # a function, where, and every partial derivative by hand; how it is computed
    "rows: of one number": (lambda x: np.sum(x**2), (X,), 2 * X),
    "rows: of one number, 0-d by 0-d": (lambda x: x**3, (2.0,), 12.0),
    "rows: a product of all": (np.prod, (X,), [-2.0, 1.0, -0.5]),
    "rows: a norm": (np.linalg.norm, (X,), X / np.linalg.norm(X)),
    "rows: a mean of a matrix": (np.mean, (SQUARES,), np.full((2, 2), 0.25)),
    "rows: fewer results": (lambda x: np.stack([x[0] * x[1], x[2]]), (X,),
                            [[-1, 0.5, 0], [0, 0, 1]]),
    "columns: as many": (np.exp, (X,), np.diag(np.exp(X))),
    "columns: more results": (lambda x: np.outer(x, [1.0, 2.0]), (X[:1],), [[[1.0], [2.0]]]),
    "columns: of a matrix": (lambda x: x.T, (SQUARES,),
                             np.eye(4).reshape(2, 2, 2, 2).swapaxes(0, 1)),
    "columns: of one number": (lambda x: np.array([1.0, 2.0]) * x * x, (3.0,), [6.0, 12.0]),
    "none depends": (lambda x: np.ones(2), (X,), np.zeros((2, 3))),
    "no elements": (lambda x: x[:0], (X,), np.zeros((0, 3))),
}  # fmt: skip


@pytest.mark.parametrize("name", JACOBIANS)
@pytest.mark.parametrize("tensors", [False, True])
def test_jacobians_by_hand(name, tensors):
    f, primals, expected = JACOBIANS[name]
    given_ = [mg.Tensor(x) if tensors else x for x in primals]
    found = mg.jacobian(f)(*given_)
    assert isinstance(found, mg.Tensor) == tensors
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-13)
    assert found.shape == np.shape(expected)


def test_a_jacobian_has_the_dtype_of_its_function():
    x = np.array([1.0, 2.0], np.float32)
    for f in (np.sum, np.exp, lambda x: np.concatenate([x, x, x]), lambda x: x[:0]):
        assert mg.jacobian(f)(x).dtype == np.float32


@pytest.mark.parametrize("scalars", [True, False])
def test_a_jacobian_has_the_structure_of_output_and_input(scalars):
    def f(p, y):
        both = {"sum": np.sum(p["x"] * y), "product": [p["x"] * p["b"]]}
        return both["sum"] if scalars else both

    x, b, y = np.array([1.0, 2.0]), np.array(3.0), np.array([5.0, 7.0])
    found = mg.jacobian(f, (0, 1))({"x": x, "b": b}, y)
    of_sum = found if scalars else found["sum"]
    np.testing.assert_array_equal(of_sum[0]["x"], y)
    np.testing.assert_array_equal(of_sum[0]["b"], 0.0)
    np.testing.assert_array_equal(of_sum[1], x)
    if not scalars:
        (product,) = found["product"]
        np.testing.assert_array_equal(product[0]["x"], 3.0 * np.eye(2))
        np.testing.assert_array_equal(product[0]["b"], x)
        np.testing.assert_array_equal(product[1], np.zeros((2, 2)))


def test_the_mode_is_the_one_with_fewer_passes():
    passes = []

    @mg.general
    def watched(x):
        return np.outer(np.array([1.0, 2.0]), x)[: len(x) - 1]

    @watched.vjp
    def _(g, z, x):
        passes.append(isinstance(g, mg.Tensor))
        return np.array([1.0, 2.0])[: len(x) - 1] @ g

    mg.jacobian(lambda x: np.sum(watched(x)))(X)
    assert passes == [False]  # one row, in reverse
    passes.clear()
    mg.jacobian(watched)(X)
    assert len(passes) == 3  # three columns of six results each
    assert all(passes)


def test_hessians_by_hand():
    found = mg.hessian(lambda x, y: np.sum(x**2 * y), (0, 1))(X, T)
    np.testing.assert_allclose(found[0][0], np.diag(2 * T))
    np.testing.assert_allclose(found[0][1], np.diag(2 * X))
    np.testing.assert_allclose(found[1][0], np.diag(2 * X))
    np.testing.assert_array_equal(found[1][1], np.zeros((3, 3)))
    np.testing.assert_allclose(mg.hessian(lambda x, y: np.sum(x**2 * y), 1)(X, T), np.zeros((3, 3)))


def test_a_hessian_times_a_vector_by_hand():
    f, x, y = (lambda x, y: np.sum(x**2 * y)), X, T
    products = mg.hvp(f, (x, y), (T, X))
    np.testing.assert_allclose(products[0], 2 * y * T + 2 * x * X)
    np.testing.assert_allclose(products[1], 2 * x * T)
    (whole,) = mg.hvp(lambda x: np.prod(x) ** 2, (X,), (T,))
    np.testing.assert_allclose(whole, mg.hessian(lambda x: np.prod(x) ** 2)(X) @ T, rtol=1e-12)


@pytest.mark.parametrize("order", [mg.grad, mg.jacobian, mg.hessian])
def test_what_needs_one_number_or_an_argument_says_so(order):
    with pytest.raises(TypeError, match=r"argnums 1 names an argument that is not there: 1 posit"):
        order(np.sum, 1)(X)
