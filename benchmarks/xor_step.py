"""One training step of the XOR network: 2-8-1, batch 4, float64, SGD.

Every candidate computes forward, loss, backward and update, and must come to the same losses.
Run it with `python -m benchmarks.xor_step`.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

import minigrad as mg
from benchmarks.measure import Row
from benchmarks.pairs import Step, beside_each
from benchmarks.table import show

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
RATE = 0.1


def weights() -> list[np.ndarray]:
    """The same random weights for every candidate: w1, b1, w2, b2."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=(2, 8)), rng.normal(size=8), rng.normal(size=(8, 1)), np.zeros(1)]


def by_hand() -> Step:
    """The step as one writes it in NumPy without any library."""
    w1, b1, w2, b2 = weights()

    def step() -> float:
        z = X @ w1 + b1
        h = np.maximum(z, 0)
        d = h @ w2 + b2 - Y
        loss = (d * d).mean()
        g = d * (2 / d.size)
        gz = (g @ w2.T) * (z > 0)
        for p, gradient in ((w2, h.T @ g), (b2, g.sum(0)), (w1, X.T @ gz), (b1, gz.sum(0))):
            p -= RATE * gradient
        return loss

    return step


def with_minigrad() -> Step:
    """The step as a user of minigrad writes it."""
    w1, b1, w2, b2 = (mg.Tensor(w, requires_grad=True) for w in weights())
    x, y = mg.Tensor(X), mg.Tensor(Y)
    optimiser = mg.optim.SGD([w1, b1, w2, b2], lr=RATE)

    def step() -> float:
        loss = mg.mse(mg.relu(x @ w1 + b1) @ w2 + b2, y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def with_torch() -> Step:
    """The step in eager PyTorch, on one thread (more only slow it down)."""
    import torch

    torch.set_num_threads(1)
    w1, b1, w2, b2 = (torch.tensor(w, requires_grad=True) for w in weights())
    x, y = torch.tensor(X), torch.tensor(Y)
    optimiser = torch.optim.SGD([w1, b1, w2, b2], lr=RATE)
    functional = torch.nn.functional

    def step() -> float:
        loss = functional.mse_loss(functional.relu(x @ w1 + b1) @ w2 + b2, y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def with_autograd() -> Step:
    """The step with HIPS autograd."""
    import autograd
    import autograd.numpy as anp

    def loss(parameters: list[np.ndarray]) -> np.ndarray:
        w1, b1, w2, b2 = parameters
        return anp.mean((anp.maximum(X @ w1 + b1, 0.0) @ w2 + b2 - Y) ** 2)

    derivative = autograd.value_and_grad(loss)
    parameters = weights()

    def step() -> float:
        value, gradients = derivative(parameters)
        for p, g in zip(parameters, gradients, strict=True):
            p -= RATE * g
        return value

    return step


def with_mygrad() -> Step:
    """The step with MyGrad, its checks as they come."""
    import mygrad

    parameters = [mygrad.tensor(w) for w in weights()]

    def step() -> float:
        w1, b1, w2, b2 = parameters
        z = mygrad.matmul(mygrad.maximum(mygrad.matmul(X, w1) + b1, 0.0), w2) + b2
        loss = ((z - Y) ** 2).mean()
        loss.backward()
        for p in parameters:
            p.data -= RATE * p.grad
        return loss.item()

    return step


def with_jax() -> Step:
    """The whole step compiled by JAX; the parameters stay on its device."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def loss(parameters: list[jax.Array]) -> jax.Array:
        w1, b1, w2, b2 = parameters
        # where, not maximum: JAX halves the gradient at the tie in 0
        z = X @ w1 + b1
        return jnp.mean((jnp.where(z > 0, z, 0.0) @ w2 + b2 - Y) ** 2)

    @jax.jit
    def update(parameters: list[jax.Array]) -> tuple[jax.Array, list[jax.Array]]:
        value, gradients = jax.value_and_grad(loss)(parameters)
        return value, [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]

    parameters = [jnp.asarray(w) for w in weights()]

    def step() -> float:
        nonlocal parameters
        value, parameters = update(parameters)
        return float(value)

    return step


def with_micrograd() -> Step:
    """The step with micrograd, which knows numbers only."""
    from micrograd.engine import Value

    w1, b1, w2, b2 = ([Value(v) for v in w.ravel()] for w in weights())
    parameters = [*w1, *b1, *w2, *b2]

    def step() -> float:
        loss = Value(0.0)
        for (p, q), (target,) in zip(X.tolist(), Y.tolist(), strict=True):
            hidden = [(w1[j] * p + w1[8 + j] * q + b1[j]).relu() for j in range(8)]
            out = sum((h * w for h, w in zip(hidden, w2, strict=True)), b2[0])
            loss = loss + (out - target) ** 2 * 0.25
        for parameter in parameters:
            parameter.grad = 0.0
        loss.backward()
        for parameter in parameters:
            parameter.data -= RATE * parameter.grad
        return loss.data

    return step


PEERS = {
    "torch": ("PyTorch eager", with_torch),
    "jax": ("JAX jit", with_jax),
    "autograd": ("autograd", with_autograd),
    "mygrad": ("MyGrad", with_mygrad),
    "micrograd": ("micrograd", with_micrograd),
}


def run(quick: bool = False) -> list[Row]:
    """Our time as a ratio to each candidate that is installed."""
    peers = {"NumPy by hand": by_hand}
    peers |= dict(peer for module, peer in PEERS.items() if find_spec(module))
    goals = {"NumPy by hand": 1.4, "PyTorch eager": 0.22}
    what = "XOR step, 2-8-1, batch 4, float64, SGD"
    return beside_each(what, with_minigrad, peers, goals, tolerance=1e-10, quick=quick)


if __name__ == "__main__":
    show(run())
