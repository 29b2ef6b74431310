"""Learning-rate schedules and clipping: against their formulas, and against PyTorch if there."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.optim import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    OneCycleLR,
    SequentialLR,
    StepLR,
)


def cycle(step, start, top, end, turn, last):
    """The one-cycle rate along half cosines, by interpolation of the angle."""
    angle = np.interp(step, [0, turn, last], [-np.pi, 0, np.pi])
    low = start if step <= turn else end
    return low + (top - low) * (1 + np.cos(angle)) / 2


WARM = {"start_factor": 0.1, "total_iters": 4}
CASES = {  # ours, the formula, the name and settings in PyTorch
    "constant": (
        ConstantLR(0.3, factor=0.5, total_iters=3),
        lambda n: 0.15 if n < 3 else 0.3,
        ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
    ),
    "step": (
        StepLR(0.3, 4, 0.5),
        lambda n: 0.3 * 0.5 ** math.floor(n / 4),
        ("StepLR", {"step_size": 4, "gamma": 0.5}),
    ),
    "linear": (
        LinearLR(0.3, **WARM),
        lambda n: np.interp(n, [0, 4], [0.03, 0.3]),
        ("LinearLR", WARM),
    ),
    "linear down": (
        LinearLR(0.3, 1.0, 0.25, 10),
        lambda n: np.interp(n, [0, 10], [0.3, 0.075]),
        ("LinearLR", {"start_factor": 1.0, "end_factor": 0.25, "total_iters": 10}),
    ),
    "cosine": (
        CosineAnnealingLR(0.3, 12, eta_min=0.01),
        lambda n: 0.01 + 0.29 * math.cos(math.pi * n / 24) ** 2,
        ("CosineAnnealingLR", {"T_max": 12, "eta_min": 0.01}),
    ),
    "cosine, up again": (
        CosineAnnealingLR(0.3, 5),
        lambda n: 0.3 * math.cos(math.pi * n / 10) ** 2,
        ("CosineAnnealingLR", {"T_max": 5}),
    ),
    "one cycle": (
        OneCycleLR(0.3, 20, pct_start=0.25, final_div_factor=100),
        lambda n: cycle(n, 0.012, 0.3, 0.00012, 4, 19),
        ("OneCycleLR", {"total_steps": 20, "pct_start": 0.25, "final_div_factor": 100}),
    ),
    "one cycle, turning between two steps": (
        OneCycleLR(0.3, 20, anneal_strategy="linear", pct_start=0.33),
        lambda n: np.interp(n, [0, 5.6, 19], [0.012, 0.3, 1.2e-6]),
        ("OneCycleLR", {"total_steps": 20, "pct_start": 0.33, "anneal_strategy": "linear"}),
    ),
}
STEPS = range(20)


@pytest.mark.parametrize("case", CASES)
def test_a_schedule_follows_its_formula(case):
    schedule, formula, _ = CASES[case]
    found, wanted = [schedule(n) for n in STEPS], [formula(n) for n in STEPS]
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-16)
    assert {type(schedule(n)) for n in STEPS} == {float}
    assert eval(repr(schedule)) == schedule == pickle.loads(pickle.dumps(schedule))


def rates_of_torch(torch, make):
    """The rates that a scheduler of PyTorch gives one after the other."""
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler, found = make(optimizer), []
        for n in STEPS:
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if n < STEPS[-1]:
                scheduler.step()
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_schedule_is_that_of_torch(case):
    torch = pytest.importorskip("torch")
    schedule, _, (name, settings) = CASES[case]
    if name == "OneCycleLR":
        settings = {"max_lr": 0.3, "cycle_momentum": False, **settings}
    kind = getattr(torch.optim.lr_scheduler, name)
    wanted = rates_of_torch(torch, lambda optimizer: kind(optimizer, **settings))
    np.testing.assert_allclose([schedule(n) for n in STEPS], wanted, rtol=1e-9, atol=1e-15)


def test_one_after_another_is_that_of_torch():
    torch = pytest.importorskip("torch")
    theirs = torch.optim.lr_scheduler

    def make(optimizer):
        parts = [theirs.LinearLR(optimizer, **WARM), theirs.CosineAnnealingLR(optimizer, T_max=9)]
        parts.append(theirs.StepLR(optimizer, 2, 0.5))
        return theirs.SequentialLR(optimizer, parts, milestones=[4, 13])

    parts = LinearLR(0.3, **WARM), CosineAnnealingLR(0.3, 9), StepLR(0.3, 2, 0.5)
    schedule = SequentialLR(parts, [4, 13])
    found = [schedule(n) for n in STEPS]
    assert found[3:6] == [parts[0](3), parts[1](0), parts[1](1)]
    assert found[12:15] == [parts[1](8), parts[2](0), parts[2](1)]
    np.testing.assert_allclose(found, rates_of_torch(torch, make), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: StepLR(0.0, 3), r"StepLR\(lr=0.0.*positive"),
        (lambda: StepLR(0.1, 0), "step_size is at least 1"),
        (lambda: LinearLR(0.1, start_factor=0.0), "start_factor"),
        (lambda: LinearLR(0.1, end_factor=1.5), "end_factor"),
        (lambda: CosineAnnealingLR(0.1, 0), "T_max"),
        (lambda: CosineAnnealingLR(0.1, 3, eta_min=-1.0), "eta_min"),
        (lambda: OneCycleLR(0.1, 3), "too few steps"),
        (lambda: OneCycleLR(0.1, 100, anneal_strategy="square"), '"cos" or "linear"'),
        (lambda: OneCycleLR(0.1, 10)(10), "no step 10: it ends after 10 steps"),
        (lambda: SequentialLR([StepLR(0.1, 3)], [3]), "one milestone"),
        (lambda: SequentialLR([StepLR(0.1, 3)] * 3, [5, 3]), "milestones grow"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


MAKERS = {
    "sgd": lambda p, lr: mg.optim.SGD(p, lr),
    "momentum": lambda p, lr: mg.optim.SGD(p, lr, momentum=0.9),
    "adam": lambda p, lr: mg.optim.Adam(p, lr),
    "adamw": lambda p, lr: mg.optim.AdamW(p, lr),
    "rmsprop": lambda p, lr: mg.optim.RMSprop(p, lr),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_an_optimizer_asks_its_schedule_at_each_step(kind):
    schedule = SequentialLR([LinearLR(0.3, **WARM), CosineAnnealingLR(0.3, 9)], [4])
    w, v = (mg.Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    scheduled, by_hand = MAKERS[kind]([w], schedule), MAKERS[kind]([v], 1.0)
    assert scheduled.lr == schedule(0)
    for step in range(10):
        by_hand.lr = schedule(step)
        w.grad = v.grad = np.array([1.0, -2.0, 0.5 * step])
        scheduled.step()
        by_hand.step()
        assert scheduled.lr == schedule(step)
        assert w.data.tobytes() == v.data.tobytes()
    for twin in (copy.deepcopy(scheduled), pickle.loads(pickle.dumps(scheduled))):
        assert (twin.schedule, twin.steps) == (schedule, 10)
    scheduled.lr = 0.5
    scheduled.step()
    assert scheduled.lr == 0.5


def test_a_step_past_the_end_of_a_schedule_changes_nothing():
    w = mg.Tensor(np.ones(2), requires_grad=True)
    optimizer = mg.optim.Adam([w], OneCycleLR(0.1, 4, pct_start=0.5))
    for _ in range(4):
        w.grad = np.ones(2)
        optimizer.step()
    before = pickle.dumps((w, vars(optimizer)))
    with pytest.raises(ValueError, match="no step 4"):
        optimizer.step()
    assert pickle.dumps((w, vars(optimizer))) == before


# --- clipping ---------------------------------------------------------------------------------

gradients = st.lists(
    st.tuples(st.sampled_from(["f4", "f8"]), st.integers(0, 5), st.floats(-3, 3)), min_size=1
)


@given(gradients, st.floats(0.1, 10), st.sampled_from([1.0, 2.0, 3.5, math.inf]))
def test_clipping_follows_its_formula(kinds, max_norm, order):
    rng = np.random.default_rng(0)
    parameters, all_together = [], []
    for dtype, size, power in kinds:
        p = mg.Tensor(np.ones(size, dtype), requires_grad=True)
        p.grad = (10**power * rng.normal(size=size)).astype(dtype)
        all_together.append(p.grad.astype(float))
        parameters.append(p)
    idle = mg.Tensor(1.0, requires_grad=True)
    before = [p.grad.copy() for p in parameters]
    norm = mg.optim.clip_grad_norm([*parameters, idle], max_norm, order)
    flat = np.concatenate(all_together)
    wanted = np.linalg.norm(flat, order) if flat.size else 0.0
    np.testing.assert_allclose(norm, wanted, rtol=1e-10)
    assert idle.grad is None
    for p, old in zip(parameters, before, strict=True):
        scaled = old * min(1.0, max_norm / (wanted + 1e-6))
        np.testing.assert_allclose(p.grad, scaled, rtol=1e-6)
        assert p.grad.dtype == p.dtype


@pytest.mark.parametrize("order", [1.0, 2.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_is_that_of_torch(order, max_norm):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    values = [rng.normal(size=shape) for shape in ((3, 2), (4,), ())]
    ours = [mg.Tensor(v, requires_grad=True) for v in values]
    theirs = [torch.tensor(v, requires_grad=True) for v in values]
    for p, t, v in zip(ours, theirs, values, strict=True):
        p.grad, t.grad = np.asarray(v * 3), torch.tensor(v * 3)
    norm = mg.optim.clip_grad_norm(ours, max_norm, order)
    wanted = torch.nn.utils.clip_grad_norm_(theirs, max_norm, order)
    np.testing.assert_allclose(norm, wanted.item(), rtol=1e-12)
    for p, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad, t.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("size", [1e-200, 1e200, 5e-324])
def test_a_norm_does_not_overflow_on_the_way(size):
    w = mg.Tensor(np.ones(2), requires_grad=True)
    w.grad = np.array([3 * size, 4 * size])
    assert mg.optim.clip_grad_norm(w, 1.0) == pytest.approx(5 * size, rel=1e-12)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_gradients_without_a_finite_norm_are_left_alone(wrong):
    w, v = (mg.Tensor(np.ones(2), requires_grad=True) for _ in range(2))
    first, second = np.array([1.0, 2.0]), np.array([1.0, wrong])
    w.grad, v.grad = first, second
    with pytest.raises(FloatingPointError, match=r"norm of the gradients is (nan|inf)"):
        mg.optim.clip_grad_norm([w, v], 1.0)
    assert w.grad is first
    assert v.grad is second
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(mg.optim.clip_grad_norm([w, v], 1.0, error_if_nonfinite=False))
    assert np.isnan(v.grad).any()


def test_a_shared_and_a_read_only_gradient_are_scaled_once_and_not_written():
    w, v = (mg.Tensor(np.ones(2), requires_grad=True) for _ in range(2))
    shared = np.array([3.0, 4.0])
    shared.flags.writeable = False
    w.grad = v.grad = shared
    mg.optim.clip_grad_norm([w, v, w], 1.0)
    np.testing.assert_allclose(w.grad, shared / 50**0.5, rtol=1e-6)
    np.testing.assert_array_equal(v.grad, w.grad)


def test_a_gradient_with_a_graph_keeps_it():
    w = mg.Tensor([3.0], requires_grad=True)
    np.sum(w**3).backward(create_graph=True)
    assert mg.optim.clip_grad_norm(w, 1.0) == 27.0
    assert w.grad.requires_grad


@pytest.mark.parametrize("settings", [(-1.0,), (math.nan,), (1.0, 0.0), (1.0, -2.0)])
def test_a_limit_that_makes_no_sense_is_refused(settings):
    with pytest.raises(ValueError, match="max_norm is at least 0"):
        mg.optim.clip_grad_norm([], *settings)
