"""SciPy's special functions on tensors, where SciPy is installed; they register themselves."""

import subprocess
import sys

import numpy as np
import pytest
from differences import assert_derivatives

import minigrad as mg

sp = pytest.importorskip("scipy.special")
rng = np.random.default_rng(3)

# name -> an interval for each array
UNARY = {
    "exp2": (-2, 2), "expm1": (-2, 2), "log1p": (-0.5, 2), "cbrt": (0.3, 2), "exp10": (-1, 1),
    "erf": (-2, 2), "erfc": (-2, 2), "erfi": (-1, 1), "erfcx": (-1, 2), "dawsn": (-2, 2),
    "erfinv": (-0.8, 0.8), "erfcinv": (0.2, 1.8), "ndtr": (-2, 2), "ndtri": (0.1, 0.9),
    "log_ndtr": (-6, 2), "ndtri_exp": (-4, -0.3), "expit": (-4, 4), "logit": (0.1, 0.9),
    "log_expit": (-4, 4), "entr": (0.2, 2), "gamma": (0.5, 3), "gammaln": (0.5, 3),
    "loggamma": (0.5, 3), "gammasgn": (-0.9, -0.1), "digamma": (0.5, 3), "psi": (0.5, 3),
    "wrightomega": (-2, 2), "cosm1": (-2, 2), "sindg": (-90, 90), "cosdg": (-90, 90),
    "tandg": (-60, 60), "cotdg": (30, 80), "exp1": (0.4, 2), "expi": (0.4, 2), "j0": (-4, 4),
    "j1": (-4, 4), "y0": (0.6, 4), "y1": (0.6, 4), "i0": (-2, 2), "i1": (-2, 2), "k0": (0.4, 2),
    "k1": (0.4, 2), "i0e": (0.3, 2), "i1e": (-2, -0.3), "k0e": (0.4, 2), "k1e": (0.4, 2),
}  # fmt: skip
BINARY = {
    "xlogy": ((-2, 2), (0.4, 2)), "xlog1py": ((-2, 2), (-0.5, 2)), "rel_entr": ((0.3, 2),) * 2,
    "kl_div": ((0.3, 2),) * 2, "beta": ((0.5, 3),) * 2, "betaln": ((0.5, 3),) * 2,
    "binom": ((4.2, 6), (0.5, 3)), "poch": ((0.5, 3),) * 2, "powm1": ((0.4, 2), (-2, 2)),
    "huber": ((0.8, 1.2), (1.5, 3)), "pseudo_huber": ((0.5, 2), (-2, 2)),
}  # fmt: skip
OF_ORDER = {
    "jv": (0.5, 4), "jn": (0.5, 4), "yv": (0.8, 4), "iv": (0.5, 2), "kv": (0.5, 2),
    "ive": (0.5, 2), "kve": (0.5, 2), "gammainc": (0.5, 3), "gammaincc": (0.5, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    f, x = getattr(sp, name), rng.uniform(*UNARY[name], (2, 3))
    np.testing.assert_allclose(f(mg.Tensor(x)).numpy(), f(x), rtol=1e-14)
    assert_derivatives(f, x)
    assert_derivatives(f, x[0, 0])


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    f = getattr(sp, name)
    for shapes in (((2, 3), (2, 3)), ((2, 1), (3,)), ((), (4,))):
        x, y = (rng.uniform(*d, s) for d, s in zip(BINARY[name], shapes, strict=True))
        np.testing.assert_allclose(f(mg.Tensor(x), y).numpy(), f(x, y), rtol=1e-14)
        assert_derivatives(f, x, y)
    assert_derivatives(lambda t: sp.huber(1.0, t), np.array([-0.5, 0.4, 2.0, -3.0]))


@pytest.mark.parametrize("name", OF_ORDER)
def test_functions_of_an_order(name):
    f, x = getattr(sp, name), rng.uniform(*OF_ORDER[name], (2, 3))
    for order in (1, 2.5, np.array([[1.0], [3.0]]), [0.5, 1.5, 2.5]):
        np.testing.assert_allclose(f(order, mg.Tensor(x)).numpy(), f(order, x), rtol=1e-14)
        assert_derivatives(lambda t, v=order: f(v, t), x)
    tracked = mg.Tensor(1.5, requires_grad=True)
    with pytest.raises(TypeError, match="gradient"):
        f(tracked, x)


def test_functions_with_two_results():
    x = rng.uniform(0.4, 2, (3,))
    for f in (sp.sici, sp.fresnel):
        for i in (0, 1):
            np.testing.assert_array_equal(f(mg.Tensor(x))[i].numpy(), f(x)[i])
            assert_derivatives(lambda t, f=f, i=i: f(t)[i], x)


@pytest.mark.parametrize("name", [*UNARY, *BINARY, *OF_ORDER])
def test_float32_stays_float32(name):
    f = getattr(sp, name)
    domains = (UNARY | {k: (v,) for k, v in OF_ORDER.items()} | BINARY)[name]
    domains = [domains] if name in UNARY else domains
    arrays = [rng.uniform(*d, 3).astype(np.float32) for d in domains]
    if name in OF_ORDER:
        value, pullback = mg.vjp(lambda t: f(1, t), *arrays)
    else:
        value, pullback = mg.vjp(f, *arrays)
        assert value.dtype == f(*arrays).dtype
    for g in pullback(np.ones(3)):
        assert g.dtype == np.float32


def test_hard_points():
    slopes = mg.grad(lambda x, y: np.sum(sp.xlogy(x, y)), (0, 1))
    np.testing.assert_array_equal(slopes(np.zeros(2), np.array([0.0, np.e])), [[0, 1], [0, 0]])
    slopes = mg.grad(lambda x, y: np.sum(sp.xlog1py(x, y)), (0, 1))
    np.testing.assert_array_equal(slopes(np.zeros(2), np.array([-1.0, 0.0])), [[0, 0], [0, 0]])
    assert mg.grad(sp.log_ndtr)(-1e7) == pytest.approx(1e7, rel=1e-12)
    assert mg.grad(sp.log_ndtr)(50.0) == 0
    assert mg.grad(sp.expit)(40.0) == pytest.approx(np.exp(-40))
    assert mg.grad(sp.expit)(-800.0) == 0
    assert mg.grad(mg.grad(sp.j1))(0.0) == 0
    assert mg.grad(sp.i1)(0.0) == 0.5


def test_what_has_no_simple_derivative_says_so():
    t = mg.Tensor([0.5], requires_grad=True)
    with pytest.raises(TypeError, match="struve has no derivative rule"):
        sp.struve(1, t)
    assert type(sp.struve(1, t.detach())) is np.ndarray
    for f in (sp.logsumexp, sp.softmax):  # no ufuncs, so they cannot be told of tensors
        with pytest.raises(TypeError, match="out of the graph"):
            f(t)


def test_scipy_is_not_imported_and_may_come_before_or_after():
    code = """if True:
        import sys
        {first}
        {second}
        assert ("scipy" in sys.modules) == {there}
        import scipy.special
        import minigrad as mg
        print(mg.grad(scipy.special.erf)(0.0))
    """
    for first, second, there in (
        ("import minigrad", "minigrad.grad(minigrad.erf)(0.0)", False),
        ("import scipy.special", "import minigrad", True),
    ):
        program = code.format(first=first, second=second, there=there)
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
        assert float(ran.stdout) == 2 / np.sqrt(np.pi)
