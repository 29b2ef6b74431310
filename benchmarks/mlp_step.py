"""One training step of a classifier: 784-128-10, relu, batch 64, float32, cross-entropy, Adam.

Every candidate computes forward, loss, backward and update, and must come to the same losses.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

import minigrad as mg
from benchmarks.measure import Row
from benchmarks.pairs import Step, beside_each
from benchmarks.table import show

RNG = np.random.default_rng(0)
IMAGES = RNG.random((64, 784), dtype=np.float32)
LABELS = RNG.integers(0, 10, 64)
SHAPES = (784, 128), (128,), (128, 10), (10,)
WEIGHTS = [(RNG.normal(size=shape) * 0.05).astype(np.float32) for shape in SHAPES]
RATE, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8


def with_minigrad() -> Step:
    """The step as a user of minigrad writes it."""
    w1, b1, w2, b2 = (mg.Tensor(w, requires_grad=True) for w in WEIGHTS)
    x = mg.Tensor(IMAGES)
    optimiser = mg.optim.Adam([w1, b1, w2, b2], lr=RATE)

    def step() -> float:
        loss = mg.cross_entropy(mg.relu(x @ w1 + b1) @ w2 + b2, LABELS)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def with_torch() -> Step:
    """The step in eager PyTorch, on one thread."""
    import torch

    torch.set_num_threads(1)
    functional = torch.nn.functional
    w1, b1, w2, b2 = (torch.tensor(w, requires_grad=True) for w in WEIGHTS)
    x, labels = torch.tensor(IMAGES), torch.tensor(LABELS)
    optimiser = torch.optim.Adam([w1, b1, w2, b2], lr=RATE)

    def step() -> float:
        loss = functional.cross_entropy(functional.relu(x @ w1 + b1) @ w2 + b2, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def adam(p: Any, gradient: Any, mean: Any, square: Any, count: Any) -> tuple[Any, Any, Any]:
    """The algorithm as the paper writes it, for libraries without it: p, m and v afterwards."""
    mean = BETA1 * mean + (1 - BETA1) * gradient
    square = BETA2 * square + (1 - BETA2) * gradient**2
    m, v = mean / (1 - BETA1**count), square / (1 - BETA2**count)
    return p - RATE * m / (v**0.5 + EPS), mean, square


def with_jax() -> Step:
    """The whole step compiled by JAX, on all cores; its state is updated in place."""
    import jax
    import jax.numpy as jnp

    def loss(parameters: list[jax.Array], x: jax.Array, labels: jax.Array) -> jax.Array:
        w1, b1, w2, b2 = parameters
        scores = jax.nn.log_softmax(jax.nn.relu(x @ w1 + b1) @ w2 + b2)
        return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()

    @partial(jax.jit, donate_argnums=0)
    def update(state: Any, count: float, x: jax.Array, labels: jax.Array) -> Any:
        parameters, means, squares = state
        value, gradients = jax.value_and_grad(loss)(parameters, x, labels)
        updated = map(adam, parameters, gradients, means, squares, [count] * 4)
        return value, tuple(map(list, zip(*updated, strict=True)))

    # a copy each, since what is donated must not be shared
    state = tuple([jnp.array(w * scale) for w in WEIGHTS] for scale in (1, 0, 0))
    x, labels, count = jnp.asarray(IMAGES), jnp.asarray(LABELS), 0

    def step() -> float:
        nonlocal state, count
        count += 1
        value, state = update(state, float(count), x, labels)
        return float(value)

    return step


def with_mygrad() -> Step:
    """The step with MyGrad, its checks as they come, and Adam by hand: it has no optimisers."""
    import mygrad
    from mygrad.nnet import relu, softmax_crossentropy

    parameters = [mygrad.tensor(w) for w in WEIGHTS]
    moments = [(0.0, 0.0)] * 4
    count = 0

    def step() -> float:
        nonlocal count
        count += 1
        w1, b1, w2, b2 = parameters
        hidden = relu(mygrad.matmul(IMAGES, w1) + b1)
        loss = softmax_crossentropy(mygrad.matmul(hidden, w2) + b2, LABELS)
        loss.backward()
        for i, p in enumerate(parameters):
            p.data[...], mean, square = adam(p.data, p.grad, *moments[i], count)
            moments[i] = mean, square
        return loss.item()

    return step


PEERS = {
    "torch": ("PyTorch eager", with_torch),
    "jax": ("JAX jit", with_jax),
    "mygrad": ("MyGrad", with_mygrad),
}


def run(quick: bool = False) -> list[Row]:
    """Our time as a ratio to each peer that is installed."""
    peers = dict(peer for module, peer in PEERS.items() if find_spec(module))
    what = "MLP step, 784-128-10, batch 64, float32, Adam"
    goals = {"PyTorch eager": 0.7}
    return beside_each(what, with_minigrad, peers, goals, tolerance=1e-5, quick=quick)


if __name__ == "__main__":
    show(run())
