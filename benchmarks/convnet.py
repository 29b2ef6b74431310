"""A small convolutional network, and its training step (float32, SGD) as each library writes it.

Every step computes forward, loss, backward and update, and must come to the same losses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod, sqrt
from typing import Any

import numpy as np

import minigrad as mg

RATE = 1e-4  # every network here learns with it, the largest too
Step = Callable[[], float]


@dataclass(frozen=True)
class Network:
    """Twice convolution, relu and maxpool 2, then a linear layer, on colour images in a batch."""

    filters: tuple[int, int]
    size: int  # of a filter
    padding: int = 0
    side: int = 32  # of an image
    batch: int = 32

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the weights and biases, layer by layer."""
        first, second = self.filters
        side = self.side
        for _ in self.filters:
            side = (side + 2 * self.padding - self.size + 1) // 2
        window = (self.size, self.size)
        filters = [(first, 3, *window), (first,), (second, first, *window), (second,)]
        return [*filters, (second * side * side, 10), (10,)]

    def data(self) -> tuple[Any, Any, list[Any]]:
        """The same images, labels and weights for every candidate."""
        rng = np.random.default_rng(0)
        images = rng.normal(size=(self.batch, 3, self.side, self.side)).astype(np.float32)
        labels = rng.integers(0, 10, self.batch)
        return images, labels, [random_weights(rng, shape) for shape in self.shapes()]


LENET = Network((6, 10), 5)
WIDE = Network((32, 64), 3)


def random_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Weights small enough that the loss stays finite whatever the size of the network."""
    fan_in = prod(shape[1:]) if len(shape) == 4 else shape[0]
    return (rng.normal(size=shape) / sqrt(fan_in)).astype(np.float32)


def with_minigrad(network: Network) -> Step:
    """The step as a user of minigrad writes it."""
    images, labels, weights = network.data()
    parameters = [mg.Tensor(w, requires_grad=True) for w in weights]
    w1, b1, w2, b2, w3, b3 = parameters
    x = mg.Tensor(images)
    optimiser = mg.optim.SGD(parameters, lr=RATE)
    conv2d = partial(mg.conv2d, padding=network.padding)

    def step() -> float:
        h = mg.maxpool(mg.relu(conv2d(x, w1, b1)), remainder="drop")
        h = mg.maxpool(mg.relu(conv2d(h, w2, b2)), remainder="drop")
        loss = mg.cross_entropy(h.reshape(len(labels), -1) @ w3 + b3, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def with_torch(network: Network, threads: int = 1, channels_last: bool = False) -> Step:
    """The step in eager PyTorch."""
    import torch

    torch.set_num_threads(threads)
    functional = torch.nn.functional
    images, labels, weights = network.data()
    parameters = [torch.tensor(w, requires_grad=True) for w in weights]
    w1, b1, w2, b2, w3, b3 = parameters
    x, target = torch.tensor(images), torch.tensor(labels)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(parameters, lr=RATE)
    conv2d = partial(functional.conv2d, padding=network.padding)

    def step() -> float:
        h = functional.max_pool2d(functional.relu(conv2d(x, w1, b1)), 2)
        h = functional.max_pool2d(functional.relu(conv2d(h, w2, b2)), 2)
        loss = functional.cross_entropy(h.reshape(len(target), -1) @ w3 + b3, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def with_jax(network: Network) -> Step:
    """The whole step compiled by JAX, on all cores; the weights are updated in place."""
    import jax
    import jax.numpy as jnp

    images, labels, weights = network.data()
    window, border = (1, 1, 2, 2), [(network.padding, network.padding)] * 2

    def layer(x: jax.Array, w: jax.Array, b: jax.Array) -> jax.Array:
        z = jax.lax.conv_general_dilated(x, w, (1, 1), border) + b[:, None, None]
        return jax.lax.reduce_window(jax.nn.relu(z), -jnp.inf, jax.lax.max, window, window, "VALID")

    def loss(parameters: list[jax.Array], x: jax.Array, target: jax.Array) -> jax.Array:
        w1, b1, w2, b2, w3, b3 = parameters
        h = layer(layer(x, w1, b1), w2, b2)
        scores = jax.nn.log_softmax(h.reshape(len(target), -1) @ w3 + b3)
        return -jnp.take_along_axis(scores, target[:, None], axis=1).mean()

    @partial(jax.jit, donate_argnums=0)
    def update(parameters: list[jax.Array], x: jax.Array, target: jax.Array) -> Any:
        value, gradients = jax.value_and_grad(loss)(parameters, x, target)
        return value, [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]

    x, target = jnp.asarray(images), jnp.asarray(labels)
    parameters = [jnp.array(w) for w in weights]

    def step() -> float:
        nonlocal parameters
        value, parameters = update(parameters, x, target)
        return float(value)

    return step


def with_mygrad(network: Network) -> Step:
    """The step with MyGrad, its checks as they come."""
    import mygrad
    from mygrad.nnet import conv_nd, max_pool, relu, softmax_crossentropy

    x, labels, weights = network.data()
    parameters = [mygrad.tensor(w) for w in weights]
    w1, b1, w2, b2, w3, b3 = parameters

    def layer(x: Any, w: Any, b: Any) -> Any:
        z = relu(conv_nd(x, w, stride=1, padding=network.padding) + b.reshape(-1, 1, 1))
        if odd := z.shape[-1] % 2:  # its pooling refuses the remainder that others drop
            z = z[..., :-odd, :-odd]
        return max_pool(z, (2, 2), 2)

    def step() -> float:
        h = layer(layer(x, w1, b1), w2, b2)
        loss = softmax_crossentropy(mygrad.matmul(h.reshape(len(labels), -1), w3) + b3, labels)
        loss.backward()
        for p in parameters:
            p.data -= RATE * np.asarray(p.grad)
        return loss.item()

    return step
