"""Optimizers, against their formulas written out in plain NumPy, and against PyTorch if there."""

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

RNG = np.random.default_rng(3)
GRADIENTS = [RNG.normal(size=(3, 2)) for _ in range(6)]
START = RNG.normal(size=(3, 2))


def run(make, gradients=GRADIENTS, start=START):
    """The parameter after one step for each gradient."""
    w = mg.Tensor(start, requires_grad=True)
    optimizer = make([w])
    for gradient in gradients:
        optimizer.zero_grad()
        mg.sum(w * gradient).backward()
        optimizer.step()
    return w.data


def sgd_by_hand(lr, momentum, weight_decay):
    w, v = START.copy(), 0.0
    for g in GRADIENTS:
        v = momentum * v + (g + weight_decay * w)
        w = w - lr * v
    return w


def adam_by_hand(lr, beta1, beta2, eps, weight_decay, decoupled):
    w, m, s = START.copy(), 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        if decoupled:
            w = w - lr * weight_decay * w
        else:
            g = g + weight_decay * w
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        w = w - lr * (m / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return w


def rmsprop_by_hand(lr, alpha, eps, momentum, centered, weight_decay):
    w, s, m, b = START.copy(), 0.0, 0.0, 0.0
    for g in GRADIENTS:
        g = g + weight_decay * w
        s = alpha * s + (1 - alpha) * g**2
        m = alpha * m + (1 - alpha) * g
        b = momentum * b + g / (np.sqrt(s - centered * m**2) + eps)
        w = w - lr * b
    return w


rates = st.floats(0.001, 1.0)
decays = st.sampled_from([0.0, 0.1])


@given(lr=rates, momentum=st.sampled_from([0.0, 0.5, 0.9]), decay=decays)
def test_sgd_follows_its_formula(lr, momentum, decay):
    found = run(lambda p: mg.optim.SGD(p, lr, momentum=momentum, weight_decay=decay))
    np.testing.assert_allclose(found, sgd_by_hand(lr, momentum, decay), rtol=1e-12, atol=1e-14)


@given(lr=rates, beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.999), decay=decays)
@pytest.mark.parametrize("decoupled", [False, True])
def test_adam_follows_its_formula(decoupled, lr, beta1, beta2, decay):
    kind = mg.optim.AdamW if decoupled else mg.optim.Adam
    found = run(lambda p: kind(p, lr, betas=(beta1, beta2), eps=1e-6, weight_decay=decay))
    wanted = adam_by_hand(lr, beta1, beta2, 1e-6, decay, decoupled)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


@given(lr=rates, alpha=st.floats(0.1, 0.99), momentum=st.sampled_from([0.0, 0.9]), decay=decays)
@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop_follows_its_formula(centered, lr, alpha, momentum, decay):
    settings = {"alpha": alpha, "eps": 1e-3, "momentum": momentum, "weight_decay": decay}
    found = run(lambda p: mg.optim.RMSprop(p, lr, centered=centered, **settings))
    wanted = rmsprop_by_hand(lr, alpha, 1e-3, momentum, centered, decay)
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9)


def test_a_gradient_that_never_changes_has_no_variance_and_gives_no_nan():
    for alpha in (0.3, 0.5, 0.7, 0.9):
        w = mg.Tensor(np.ones(100), requires_grad=True)
        optimizer = mg.optim.RMSprop([w], 1e-9, alpha=alpha, centered=True)
        for _ in range(100):
            w.grad = np.linspace(0.1, 1.0, 100)
            optimizer.step()
        assert np.isfinite(w.data).all()


@pytest.mark.parametrize(
    ("ours", "theirs", "settings"),
    [
        ("RMSprop", "RMSprop", {"lr": 0.1, "weight_decay": 0.1}),
        ("RMSprop", "RMSprop", {"lr": 0.1, "alpha": 0.5, "momentum": 0.9}),
        ("RMSprop", "RMSprop", {"lr": 0.1, "centered": True, "momentum": 0.5, "eps": 1e-2}),
        ("SGD", "SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
        ("Adam", "Adam", {"lr": 0.1, "weight_decay": 0.1}),
        ("AdamW", "AdamW", {"lr": 0.1, "weight_decay": 0.1}),
    ],
)
def test_optimizers_are_those_of_torch(ours, theirs, settings):
    torch = pytest.importorskip("torch")
    w = torch.tensor(START, requires_grad=True)
    optimizer = getattr(torch.optim, theirs)([w], **settings)
    for gradient in GRADIENTS:
        w.grad = torch.tensor(gradient)
        optimizer.step()
    found = run(lambda p: getattr(mg.optim, ours)(p, **settings))
    np.testing.assert_allclose(found, w.detach().numpy(), rtol=1e-10)


MAKERS = [
    lambda p: mg.optim.SGD(p, 0.1),
    lambda p: mg.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1),
    lambda p: mg.optim.Adam(p, weight_decay=0.1),
    lambda p: mg.optim.AdamW(p),
    lambda p: mg.optim.RMSprop(p, weight_decay=0.1),
    lambda p: mg.optim.RMSprop(p, momentum=0.9, centered=True),
    lambda p: mg.optim.SGD(p, mg.optim.StepLR(0.1, 30)),
    lambda p: mg.optim.Adam(p, mg.optim.CosineAnnealingLR(0.1, 30)),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_writes_in_place_and_allocates_no_array(make, dtype):
    w = mg.Tensor(np.ones((300, 300)), requires_grad=True, dtype=dtype)
    optimizer = make([w])
    memory = w.data.__array_interface__["data"]
    w.grad = np.ones((300, 300), dtype)
    optimizer.step()
    tracemalloc.start()
    try:
        optimizer.step()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < w.data.nbytes / 10
    assert w.data.__array_interface__["data"] == memory
    assert w.dtype == dtype
    assert np.all(w.data < 1)


@pytest.mark.parametrize("make", MAKERS)
def test_a_gradient_is_not_changed_and_a_parameter_without_one_is_left_alone(make):
    w, idle = (mg.Tensor(START, requires_grad=True) for _ in range(2))
    optimizer = make([w, idle])
    w.grad = GRADIENTS[0].copy()
    optimizer.step()
    np.testing.assert_array_equal(w.grad, GRADIENTS[0])
    np.testing.assert_array_equal(idle.data, START)
    assert not np.array_equal(w.data, START)


def test_the_learning_rate_can_be_set_at_any_time():
    w = mg.Tensor([1.0], requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=0.1)
    for lr, wanted in ((0.5, 0.5), (0.25, 0.25)):
        optimizer.lr = lr
        w.grad = np.ones(1)
        optimizer.step()
        np.testing.assert_allclose(w.data, wanted)


def test_a_step_after_the_forward_pass_spoils_its_backward_pass_loudly():
    w = mg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    optimizer = mg.optim.SGD([w], lr=0.1)
    loss = mg.sum(w * w)
    loss.backward()
    optimizer.step()
    with pytest.raises(mg.errors.OverwrittenError, match=r"'w'.*test_optim.py:\d+"):
        loss.backward()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda w: mg.optim.SGD([], 0.1), ValueError, "empty"),
        (lambda w: mg.optim.SGD([w, w], 0.1), ValueError, "more than once"),
        (lambda w: mg.optim.SGD([w * 2], 0.1), TypeError, "requires_grad=True"),
        (lambda w: mg.optim.SGD([mg.Tensor(1.0)], 0.1), TypeError, "requires_grad=True"),
        (lambda w: mg.optim.SGD([1.0], 0.1), TypeError, "is 1.0"),
        (lambda w: mg.optim.SGD([w], 0.0), ValueError, "lr=0.0"),
        (lambda w: mg.optim.SGD([w], np.nan), ValueError, "lr=nan"),
        (lambda w: mg.optim.SGD([w], 0.1, momentum=1.0), ValueError, "momentum=1.0"),
        (lambda w: mg.optim.Adam([w], betas=(0.9, 1.0)), ValueError, r"betas=\(0.9, 1.0\)"),
        (lambda w: mg.optim.Adam([w], betas=(1.0, 0.9)), ValueError, r"betas=\(1.0, 0.9\)"),
        (lambda w: mg.optim.Adam([w], betas=(-0.1, 0.9)), ValueError, r"betas=\(-0.1, 0.9\)"),
        (lambda w: mg.optim.AdamW([w], betas=(0.9, -0.1)), ValueError, r"betas=\(0.9, -0.1\)"),
        (lambda w: mg.optim.Adam([w], weight_decay=-1.0), ValueError, "weight_decay=-1.0"),
        (lambda w: mg.optim.SGD([w], 0.1, momentum=-0.1), ValueError, "momentum=-0.1"),
        (lambda w: mg.optim.SGD([w], 0.1, weight_decay=-0.1), ValueError, "weight_decay=-0.1"),
        (lambda w: mg.optim.SGD([w], -0.1), ValueError, "lr=-0.1"),
        (lambda w: mg.optim.Adam([w], eps=0.0), ValueError, "eps=0.0"),
        (lambda w: mg.optim.RMSprop([w], alpha=1.0), ValueError, "alpha=1.0"),
        (lambda w: mg.optim.RMSprop([w], eps=0.0), ValueError, "eps=0.0"),
        (lambda w: mg.optim.SGD([w], lambda step: -1.0), ValueError, "lr=-1.0 for step 0"),
        (lambda w: mg.optim.SGD([w], lambda step: np.nan), ValueError, "lr=nan"),
        (lambda w: setattr(mg.optim.SGD([w], 0.1), "lr", -0.1), ValueError, "lr=-0.1"),
    ],
)
def test_what_cannot_be_optimised_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make(mg.Tensor([1.0], requires_grad=True))


def test_plain_descent_in_one_loop_is_descent_step_by_step():
    rng = np.random.default_rng(0)
    values = [rng.normal(size=shape).astype(d) for shape, d in (((3, 4), "f4"), ((4,), "f8"))]
    gradients = [rng.normal(size=v.shape).astype(v.dtype) for v in values]
    found = []
    for step in (mg.optim.SGD.step, mg.optim.Optimizer.step):
        parameters = [mg.Tensor(v, requires_grad=True) for v in (*values, values[0])]
        optimizer = mg.optim.SGD(parameters, lr=0.1)
        for _ in range(3):
            for p, g in zip(parameters[:2], gradients, strict=True):  # the third has none
                p.grad = g
            step(optimizer)
        assert optimizer.steps == 3
        assert parameters[0]._written == parameters[1]._written != parameters[2]._written
        found.append([p.data.tobytes() for p in parameters])
    assert found[0] == found[1]


class OfOnesOwn(mg.optim.Optimizer):
    """A user's optimizer."""

    def update(self, i, value, grad):
        value -= 0.1 * grad


WRONG_GRADIENTS = {
    "shape": (np.ones(2), ValueError, r"'second' has shape \(2,\), but the parameter has \(3,\)"),
    "scalar": (np.float64(1.0), ValueError, r"'second' has shape \(\)"),
    "complex": (np.ones(3) * 1j, TypeError, "'second' is complex128"),
    "objects": (np.array([None] * 3), TypeError, "'second' is object"),
    "list": ([1.0, 1.0, 1.0], TypeError, "is no array, but list"),
    "masked": (np.ma.masked_array(np.ones(3), [1, 0, 0]), TypeError, "no array, but MaskedArray"),
    "nan": (np.array([1.0, np.nan, 1.0]), FloatingPointError, "'second' has nan or infinity"),
    "infinity": (np.array([1.0, np.inf, 1.0]), FloatingPointError, "zero_grad"),
}


@pytest.mark.parametrize("wrong", WRONG_GRADIENTS)
@pytest.mark.parametrize(
    "make",
    [
        lambda p: mg.optim.SGD(p, 0.1, check_finite=True),
        lambda p: mg.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1, check_finite=True),
        lambda p: mg.optim.Adam(p, 0.1, weight_decay=0.1, check_finite=True),
        lambda p: mg.optim.AdamW(p, 0.1, check_finite=True),
        lambda p: mg.optim.AdamW(p, mg.optim.StepLR(0.1, 1), check_finite=True),
        lambda p: mg.optim.RMSprop(p, 0.1, momentum=0.9, weight_decay=0.1, check_finite=True),
        lambda p: OfOnesOwn(p, 0.1, check_finite=True),
    ],
    ids=["sgd", "momentum", "adam", "adamw", "scheduled", "rmsprop", "own"],
)
def test_a_step_that_raises_has_changed_nothing(make, wrong):
    def everything():
        arrays = [p.numpy().copy() for p in parameters]
        return pickle.dumps((arrays, [p._written for p in parameters], memory()))

    def memory():
        left_out = ("parameters", "each", "scratch", "decayed")
        return {key: value for key, value in vars(optimizer).items() if key not in left_out}

    first, second = parameters = [
        mg.Tensor(np.arange(3.0), requires_grad=True, name=name) for name in ("first", "second")
    ]
    optimizer = make(parameters)
    first.grad, second.grad = np.ones(3), np.ones(3)
    optimizer.step()
    for p in parameters:
        p._written = (0, None)
    before = everything()
    grad, error, message = WRONG_GRADIENTS[wrong]
    second.grad = grad
    with pytest.raises(error, match=message):
        optimizer.step()
    assert everything() == before
    second.grad = None
    optimizer.step()
    assert optimizer.steps == 2


def test_gradients_of_other_kinds_that_fit_are_taken():
    x = mg.Tensor(np.ones(2, np.float32), requires_grad=True)
    y = mg.Tensor(1.0, requires_grad=True)
    optimizer = mg.optim.SGD([x, y], lr=0.5)
    x.grad, y.grad = np.ones(2), np.float64(1.0)
    optimizer.step()
    x.grad, y.grad = mg.Tensor(np.ones(2, np.float32)), np.array(1)
    optimizer.step()
    np.testing.assert_array_equal(x.numpy(), np.zeros(2, np.float32))
    assert y.item() == 0.0
    x.grad = np.array([np.nan, 0.0], np.float32)
    optimizer.step()  # whoever wants it checked says so
    assert np.isnan(x.numpy()[0])
