"""Losses, term by term with Python's own numbers: values, reductions, hard points, refusals."""

import math
import warnings

import numpy as np
import pytest
import scipy.special
from differences import assert_derivatives

import minigrad as mg
from minigrad.errors import DataError, LeavesGraphError, ShapeError

RNG = np.random.default_rng(0)
PREDICTION, TARGET = RNG.normal(size=(2, 4, 3))
SIGNS = np.where(RNG.random((4, 3)) > 0.5, 1.0, -1.0)
INSIDE = RNG.uniform(0.1, 0.9, size=(4, 3))
SHARES = RNG.uniform(0.1, 0.9, size=(4, 3))


def logistic(x):
    return 1 / (1 + math.exp(-x))


ELEMENTWISE = {  # the word, its arrays, the term of one element
    "mse": (mg.mse, (PREDICTION, TARGET), lambda x, y: (x - y) ** 2),
    "l1": (mg.l1, (PREDICTION, TARGET), lambda x, y: abs(x - y)),
    "huber": (
        mg.huber,
        (PREDICTION, TARGET),
        lambda x, y: (x - y) ** 2 / 2 if abs(x - y) < 1 else abs(x - y) - 0.5,
    ),
    "huber(0.3)": (
        lambda *a, **k: mg.huber(*a, delta=0.3, **k),
        (PREDICTION, TARGET),
        lambda x, y: (x - y) ** 2 / 2 if abs(x - y) < 0.3 else 0.3 * (abs(x - y) - 0.15),
    ),
    "hinge": (mg.hinge, (PREDICTION, SIGNS), lambda x, y: max(0, 1 - x * y)),
    "hinge(0.2)": (
        lambda *a, **k: mg.hinge(*a, margin=0.2, **k),
        (PREDICTION, SIGNS),
        lambda x, y: max(0, 0.2 - x * y),
    ),
    "binary_cross_entropy": (
        mg.binary_cross_entropy,
        (PREDICTION, SHARES),
        lambda x, t: -t * math.log(logistic(x)) - (1 - t) * math.log(1 - logistic(x)),
    ),
    "binary_cross_entropy(from probabilities)": (
        lambda *a, **k: mg.binary_cross_entropy(*a, from_logits=False, **k),
        (INSIDE, SHARES),
        lambda s, t: -t * math.log(s) - (1 - t) * math.log(1 - s),
    ),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_loss_of_each_element_and_its_reductions(name):
    loss, arrays, term = ELEMENTWISE[name]
    terms = np.array(
        [term(float(x), float(y)) for x, y in zip(*map(np.ravel, arrays), strict=True)]
    )
    each = loss(*arrays, reduction="none")
    np.testing.assert_allclose(each, terms.reshape(4, 3), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(loss(*arrays), math.fsum(terms) / 12, rtol=1e-12)
    np.testing.assert_allclose(loss(*arrays, reduction="sum"), math.fsum(terms), rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_loss_derivatives(name, reduction):
    loss, (x, y), _ = ELEMENTWISE[name]
    assert_derivatives(lambda x: loss(x, y, reduction=reduction), x)
    if "hinge" not in name:  # its targets are signs
        assert_derivatives(lambda x, y: loss(x, y, reduction=reduction), x, y)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_loss_keeps_single_precision(name, reduction):
    loss, arrays, _ = ELEMENTWISE[name]
    x, y = (mg.Tensor(a, dtype=np.float32, requires_grad=True) for a in arrays)
    y = y.detach() if "hinge" in name else y
    z = loss(x, y, reduction=reduction)
    assert z.dtype == np.float32
    z.backward(np.ones(z.shape))
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_loss_refuses_shapes_that_would_broadcast_and_unknown_reductions(name):
    loss, (x, y), _ = ELEMENTWISE[name]
    with pytest.raises(ShapeError, match="must be equal"):
        loss(x, y[:, :1])
    with pytest.raises(ValueError, match=r'"mean", "sum" or "none"; got \'average\''):
        loss(x, y, reduction="average")


TOGETHER = {  # prediction and target, what they would broadcast to, and what to do
    ((5, 1), (5,)): ("would broadcast to (5, 5), a loss of 25 pairs", "target.reshape(5, 1)"),
    ((5,), (5, 1)): ("would broadcast to (5, 5), a loss of 25 pairs", "target.reshape(5,)"),
    ((5, 1), (1, 5)): ("would broadcast to (5, 5), a loss of 25 pairs", "target.reshape(5, 1)"),
    ((4, 3), (3,)): ("would broadcast to (4, 3), a loss of 12 pairs", "one target for each"),
    ((4, 3), (4, 1)): ("would broadcast to (4, 3), a loss of 12 pairs", "one target for each"),
    ((5, 1), ()): ("would broadcast to (5, 1), a loss of 5 pairs", "np.full((5, 1), target)"),
    ((), (5,)): ("would broadcast to (5,), a loss of 5 pairs", "leave out the mean"),
    ((4, 3), (12,)): ("do not even broadcast", "target.reshape(4, 3)"),
    ((4, 3), (5,)): ("do not even broadcast", "one target for each"),
}
PAIRED = {name: loss for name, (loss, *_) in ELEMENTWISE.items()} | {"kl_div": mg.kl_div}


@pytest.mark.parametrize("shapes", TOGETHER, ids=str)
@pytest.mark.parametrize("name", PAIRED)
def test_loss_shows_both_shapes_and_what_they_would_broadcast_to(name, shapes):
    loss = PAIRED[name]
    x, y = (np.full(shape, 0.5) for shape in shapes)
    for prediction in (x, mg.Tensor(x, requires_grad=True)):
        with pytest.raises(ShapeError) as caught:
            loss(prediction, y)
        for told in (*map(str, shapes), *TOGETHER[shapes]):
            assert told in str(caught.value)


@pytest.mark.parametrize("loss", [mg.cross_entropy, mg.nll])
def test_a_column_of_labels_is_refused_and_the_way_out_told(loss):
    with pytest.raises(ShapeError, match=r"\(5, 4\) and \(5, 1\)\. Give labels\.ravel\(\)"):
        loss(mg.Tensor(np.zeros((5, 4))), np.zeros((5, 1), int))


def test_subgradients_where_prediction_and_target_meet():
    assert mg.grad(mg.l1)(np.array(2.0), 2.0) == 0
    assert mg.grad(mg.huber)(np.array(3.0), 2.0) == 1
    assert mg.grad(mg.grad(mg.huber))(np.array(2.2), 2.0) == 1
    assert mg.grad(mg.hinge)(np.array(1.0), 1.0) == 0


# --- cross_entropy and nll -------------------------------------------------------------------

LOGITS = np.random.default_rng(1).normal(size=(5, 4)) * 2
LABELS = np.array([3, 0, 1, 1, 2])
WEIGHTS = np.array([0.5, 2.0, 1.0, 0.25])


def log_softmax(row):
    total = math.fsum(math.exp(v) for v in row)
    return [v - math.log(total) for v in row]


def row_losses(logits, targets, weights):
    """-sum over the classes of weight * target * log softmax, row by row."""
    return [
        -math.fsum(w * t * p for w, t, p in zip(weights, row, log_softmax(x), strict=True))
        for x, row in zip(logits, targets, strict=True)
    ]


@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("ignored", [None, 1, -100])
def test_cross_entropy_of_labels(smoothing, weights, ignored):
    labels = LABELS.copy()
    if ignored == -100:
        labels[[0, 4]] = -100
    options = {
        "label_smoothing": smoothing,
        "class_weights": weights,
        "ignored_label": ignored,
    }
    w = np.ones(4) if weights is None else weights
    targets = [
        [smoothing / 4 + (1 - smoothing) * (c == label) for c in range(4)] for label in labels
    ]
    losses = row_losses(LOGITS, targets, w)
    losses = [0 if y == ignored else v for y, v in zip(labels, losses, strict=True)]
    counted = math.fsum(w[y] for y in labels if y != ignored)
    found = {
        reduction: mg.cross_entropy(LOGITS, labels, reduction=reduction, **options)
        for reduction in ("none", "sum", "mean")
    }
    np.testing.assert_allclose(found["none"], losses, rtol=1e-12)
    np.testing.assert_allclose(found["sum"], math.fsum(losses), rtol=1e-12)
    np.testing.assert_allclose(found["mean"], math.fsum(losses) / counted, rtol=1e-12)
    for reduction in found:
        assert_derivatives(
            lambda x, r=reduction: mg.cross_entropy(x, labels, reduction=r, **options), LOGITS
        )
    gradient = mg.grad(lambda x: mg.cross_entropy(x, labels, **options))(LOGITS)
    assert not gradient[labels == ignored].any()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy_of_probabilities(smoothing, weights):
    targets = np.random.default_rng(2).dirichlet(np.ones(4), size=5)
    smooth = targets * (1 - smoothing) + smoothing / 4
    losses = row_losses(LOGITS, smooth, np.ones(4) if weights is None else weights)
    options = {"label_smoothing": smoothing, "class_weights": weights}
    none = mg.cross_entropy(LOGITS, targets, reduction="none", **options)
    np.testing.assert_allclose(none, losses, rtol=1e-12)
    mean = mg.cross_entropy(LOGITS, targets, **options)
    np.testing.assert_allclose(mean, math.fsum(losses) / 5, rtol=1e-12)
    assert_derivatives(lambda x, t: mg.cross_entropy(x, t, **options), LOGITS, targets)


def test_one_hot_probabilities_are_labels():
    rows = mg.one_hot(LABELS, 4)
    for options in ({}, {"label_smoothing": 0.1}):
        np.testing.assert_allclose(
            mg.cross_entropy(LOGITS, rows, **options),
            mg.cross_entropy(LOGITS, LABELS, **options),
            rtol=1e-14,
        )
    np.testing.assert_allclose(
        mg.cross_entropy(LOGITS, rows.astype(int), class_weights=WEIGHTS, reduction="none"),
        mg.cross_entropy(LOGITS, LABELS, class_weights=WEIGHTS, reduction="none"),
        rtol=1e-14,
    )


def test_nll_is_what_remains_of_cross_entropy():
    log_probabilities = mg.log_softmax(LOGITS)
    for options in (
        {},
        {"class_weights": WEIGHTS},
        {"ignored_label": 1, "reduction": "sum"},
        {"ignored_label": 1, "class_weights": WEIGHTS, "reduction": "none"},
    ):
        found = mg.nll(log_probabilities, LABELS, **options)
        np.testing.assert_allclose(found, mg.cross_entropy(LOGITS, LABELS, **options), rtol=1e-13)
        assert_derivatives(lambda p, o=options: mg.nll(p, LABELS, **o), log_probabilities)
    picked = [-log_probabilities[i, y] for i, y in enumerate(LABELS)]
    np.testing.assert_array_equal(mg.nll(log_probabilities, LABELS, reduction="none"), picked)


def test_cross_entropy_keeps_single_precision():
    x = mg.Tensor(LOGITS, dtype=np.float32, requires_grad=True)
    for options in (
        {},
        {"class_weights": WEIGHTS},
        {"label_smoothing": 0.1},
        {"ignored_label": 1},
        {"label_smoothing": 0.1, "class_weights": WEIGHTS, "ignored_label": 1},
    ):
        for reduction in ("mean", "sum", "none"):
            z = mg.cross_entropy(x, LABELS, reduction=reduction, **options)
            assert z.dtype == np.float32
            z.backward(np.ones(z.shape))
    assert x.grad.dtype == np.float32


def test_cross_entropy_with_every_row_ignored_is_zero():
    """0 / 0 would make every parameter NaN; nothing was asked for, so nothing is learned."""
    for options in ({}, {"class_weights": WEIGHTS}, {"label_smoothing": 0.2}):
        loss, gradient = mg.value_and_grad(
            lambda x, o=options: mg.cross_entropy(x, [7] * 5, ignored_label=7, **o)
        )(LOGITS)
        assert loss == 0
        assert not gradient.any()


def test_cross_entropy_with_impossible_classes():
    """A masked class (logit -inf) that is not wanted costs nothing; one that is, infinity."""
    x = np.array([[1.0, -np.inf, 2.0], [-np.inf, 0.0, -np.inf]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = [math.log(1 + math.exp(1)), 0]
        each = mg.cross_entropy(x, [0, 1], reduction="none")
        np.testing.assert_allclose(each, expected, rtol=1e-12)
        rows = mg.one_hot([0, 1], 3)
        loss, gradient = mg.value_and_grad(mg.cross_entropy)(x, rows)
        np.testing.assert_allclose(loss, sum(expected) / 2, rtol=1e-12)
        assert np.all(np.isfinite(gradient))
        assert mg.cross_entropy(x, [1, 0]) == np.inf
        ignored = mg.cross_entropy(x, [1, 1], ignored_label=1, reduction="none")
        np.testing.assert_array_equal(ignored, [0, 0])


def test_cross_entropy_far_out():
    x = np.array([[1e308, -1e308], [800.0, 0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss, gradient = mg.value_and_grad(mg.cross_entropy)(x, [0, 1])
    assert loss == 400
    np.testing.assert_array_equal(gradient, [[0, 0], [0.5, -0.5]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mg.cross_entropy(LOGITS, LABELS[:3]), ShapeError, r"\(5, 4\) and \(3,\)"),
        (lambda: mg.cross_entropy(LOGITS[0], LABELS[:4]), ShapeError, r"probabilities \(N, C\)"),
        (lambda: mg.cross_entropy(np.ones((3, 1)), np.ones((3, 1))), ShapeError, "binary_cross"),
        (lambda: mg.cross_entropy(LOGITS, [0, 1, 2, 3, 4]), DataError, "label 4 at position 4"),
        (lambda: mg.cross_entropy(LOGITS, [0, 1, 2, 3, -1]), DataError, "label -1 at position 4"),
        (lambda: mg.nll(LOGITS, [0, 1, 2, 3, 0.5]), DataError, "label 0[.]5 at position 4"),
        (lambda: mg.nll(LOGITS, [0, 1, 2, 3, np.nan]), DataError, "NaN, the first at position 4"),
        (
            lambda: mg.cross_entropy(LOGITS, LABELS, class_weights=np.ones(3)),
            ShapeError,
            "one for each of 4 classes",
        ),
        (lambda: mg.cross_entropy(LOGITS, -np.ones((5, 4))), DataError, "smallest is -1"),
        (
            lambda: mg.cross_entropy(LOGITS, np.ones((5, 4)), ignored_label=0),
            TypeError,
            "is for labels",
        ),
        (lambda: mg.cross_entropy(LOGITS, LABELS, label_smoothing=1.5), ValueError, "part of 1"),
        (lambda: mg.cross_entropy(LOGITS, LABELS, reduction="max"), ValueError, "got 'max'"),
        (
            lambda: mg.cross_entropy(
                LOGITS, LABELS, class_weights=mg.Tensor(WEIGHTS, requires_grad=True)
            ),
            LeavesGraphError,
            "out of the graph",
        ),
        (lambda: mg.huber(PREDICTION, TARGET, delta=0.0), ValueError, "more than 0"),
        (lambda: mg.hinge(PREDICTION, np.zeros((4, 3))), DataError, "-1 or 1; these hold"),
        (lambda: mg.kl_div(PREDICTION, PREDICTION), DataError, "0 or more"),
        (lambda: mg.kl_div(PREDICTION, SHARES[:1]), ShapeError, "must be equal"),
        (lambda: mg.binary_cross_entropy(PREDICTION, SHARES + 1), DataError, "targets are prob"),
        (
            lambda: mg.binary_cross_entropy(PREDICTION, SHARES, from_logits=False),
            DataError,
            "from_logits=False predictions",
        ),
    ],
)
def test_refusals_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- kl_div and binary_cross_entropy ---------------------------------------------------------


def test_kl_div_of_each_row():
    rng = np.random.default_rng(3)
    target, prediction = 0.1 + 0.6 * rng.dirichlet(np.ones(4), size=(2, 3, 5))
    expected = scipy.special.rel_entr(target, prediction).sum(axis=-1)
    each = mg.kl_div(np.log(prediction), target, reduction="none")
    np.testing.assert_allclose(each, expected, rtol=1e-10)
    np.testing.assert_allclose(mg.kl_div(np.log(prediction), target), expected.mean(), rtol=1e-10)
    total = mg.kl_div(np.log(prediction), target, reduction="sum")
    np.testing.assert_allclose(total, expected.sum(), rtol=1e-10)
    for reduction in ("mean", "sum", "none"):
        assert_derivatives(
            lambda q, p, r=reduction: mg.kl_div(q, p, reduction=r), np.log(prediction), target
        )
    np.testing.assert_allclose(mg.kl_div(np.log(target), target), 0, atol=1e-15)


def test_kl_div_with_zeros():
    """0 log 0 is 0, also where the prediction rules the class out as well."""
    target = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    prediction = np.log([[0.5, 0.25, 0.25], [1e-300, 0.5, 0.5]])
    prediction[0, 2] = -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (q, p) = mg.grad(mg.kl_div, (0, 1))(prediction, target)
        each = mg.kl_div(prediction, target, reduction="none")
    np.testing.assert_allclose(each, [math.log(2), 0], atol=1e-15)
    np.testing.assert_allclose(q, -target / 2)
    assert np.all(np.isfinite(p))


def test_binary_cross_entropy_far_out():
    x = np.array([-1e308, -800.0, 800.0, 1e308])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right, slope = mg.value_and_grad(mg.binary_cross_entropy)(x, np.array([0.0, 0, 1, 1]))
        each = mg.binary_cross_entropy(x, np.array([1.0, 1, 0, 0]), reduction="none")
        wrong = mg.grad(mg.binary_cross_entropy)(x / 4, np.array([1.0, 1, 0, 0]))
    assert right == 0
    assert not slope.any()
    np.testing.assert_array_equal(each, np.abs(x))
    np.testing.assert_array_equal(wrong, [-0.25, -0.25, 0.25, 0.25])


def test_binary_cross_entropy_of_certain_probabilities():
    """Certain and right costs nothing, tiny probabilities keep their digits."""
    s, t = np.array([0.0, 1.0, 1e-20]), np.array([0.0, 1.0, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        each = mg.binary_cross_entropy(s, t, from_logits=False, reduction="none")
        slope = mg.grad(
            lambda s: mg.binary_cross_entropy(s, t, from_logits=False, reduction="sum")
        )(s)
    np.testing.assert_array_equal(each, [0, 0, 1e-20])
    np.testing.assert_array_equal(slope, [1, -1, 1])
    with np.errstate(divide="ignore"):
        assert mg.binary_cross_entropy([0.0], [1.0], from_logits=False) == np.inf


def test_both_forms_of_binary_cross_entropy_agree():
    found = mg.binary_cross_entropy(mg.sigmoid(PREDICTION), SHARES, from_logits=False)
    np.testing.assert_allclose(found, mg.binary_cross_entropy(PREDICTION, SHARES), rtol=1e-12)


# --- PyTorch, where it is installed ----------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_same_as_pytorch(reduction):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    weights = torch.tensor(WEIGHTS)
    cases = [
        ("mse_loss", mg.mse, PREDICTION, SHARES, {}, {}),
        ("l1_loss", mg.l1, PREDICTION, SHARES, {}, {}),
        ("huber_loss", mg.huber, PREDICTION, SHARES, {"delta": 0.4}, {"delta": 0.4}),
        (
            "binary_cross_entropy_with_logits",
            mg.binary_cross_entropy,
            PREDICTION,
            SHARES,
            {},
            {},
        ),
        (
            "binary_cross_entropy",
            mg.binary_cross_entropy,
            INSIDE,
            SHARES,
            {},
            {"from_logits": False},
        ),
        (
            "cross_entropy",
            mg.cross_entropy,
            LOGITS,
            LABELS,
            {"weight": weights, "label_smoothing": 0.2, "ignore_index": 1},
            {"class_weights": WEIGHTS, "label_smoothing": 0.2, "ignored_label": 1},
        ),
        (
            "nll_loss",
            mg.nll,
            LOGITS,
            LABELS,
            {"weight": weights, "ignore_index": 1},
            {"class_weights": WEIGHTS, "ignored_label": 1},
        ),
    ]
    for peer, word, x, y, theirs, ours in cases:
        t = torch.tensor(x, requires_grad=True)
        value = getattr(functional, peer)(t, torch.tensor(y), reduction=reduction, **theirs)
        g = np.random.default_rng(4).normal(size=tuple(value.shape))
        (expected,) = torch.autograd.grad(value, t, torch.tensor(g))
        found, pullback = mg.vjp(
            lambda x, word=word, y=y, ours=ours: word(x, y, reduction=reduction, **ours), x
        )
        np.testing.assert_allclose(found, value.detach().numpy(), rtol=1e-11)
        np.testing.assert_allclose(pullback(g)[0], expected.numpy(), rtol=1e-10, atol=1e-14)
