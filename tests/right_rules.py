"""The ops of `wrong_rules` done right: so that it is the mistake that is caught and not the op."""

import numpy as np
from wrong_rules import REDUCED, binary, general, linear, norm, softmax, total, unary

import minigrad as mg
from minigrad.testing import Domain, case, nonzero, positive

RIGHT = {
    "cos": unary(lambda x: np.cos(x), lambda z, x: -np.sin(x)),
    "x exp x": unary(lambda x: x * np.exp(x), lambda z, x: (1 + x) * np.exp(x)),
    "tanh": unary(lambda x: np.tanh(x), lambda z, x: 1 - z * z),
    "square": unary(lambda x: x * x, lambda z, x: 2 * x),
    "subtract": binary(lambda x, y: x - y, 1, -1),
    "x y squared": binary(lambda x, y: x * y**2, lambda z, x, y: y**2, lambda z, x, y: 2 * x * y),
    "cube": unary(lambda x: x**3, lambda z, x: 3 * x**2),
    "a tie shared": binary(
        np.maximum,
        lambda z, x, y: np.where(x == y, 0.5, x > y),
        lambda z, x, y: np.where(x == y, 0.5, x < y),
    ),
    "a tie given to the first": binary(np.maximum, lambda z, x, y: x >= y, lambda z, x, y: x < y),
    "0 at a kink": unary(lambda x: abs(x), lambda z, x: np.sign(x), nonzero),
    "1 at a kink": unary(lambda x: abs(x), lambda z, x: np.where(x < 0, -1.0, 1.0), nonzero),
    "a jump": unary(lambda x: np.floor(x), 0, Domain(0.0, 3.0, avoid=(0.0, 1.0, 2.0, 3.0))),
    "an infinite slope": unary(lambda x: np.cbrt(x), lambda z, x: 1 / (3 * z * z), nonzero),
    "only the second derivative jumps": unary(
        lambda x: x * abs(x), lambda z, x: 2 * abs(x), nonzero
    ),
    "power": mg.elementwise(
        lambda x, *, power: x**power,
        lambda z, x, *, power: power * x ** (power - 1),
        name="op",
        samples=[case((3,), power=2, domain=positive), case((3,), power=-1.5, domain=positive)],
    ),
    "total": linear(
        total,
        lambda g, z, x, *, axis: np.broadcast_to(np.expand_dims(g, axis), x.shape),
        samples=REDUCED,
    ),
    "transpose": linear(lambda x: x.T, lambda g, z, x: g.T),
    "product": linear(
        lambda x, y: x @ y,
        lambda g, z, x, y: g @ y.T,
        lambda g, z, x, y: x.T @ g,
        samples=[case((3, 3), (3, 3))],
    ),
    "sum of two": linear(
        lambda x, y: x + 2 * y,
        lambda g, z, x, y: g,
        lambda g, z, x, y: 2 * g,
        samples=[case((3,), (3,))],
        jointly=True,
    ),
    "running sum": linear(
        lambda x: np.cumsum(x, 0), lambda g, z, x: np.flip(np.cumsum(np.flip(g, 0), 0), 0)
    ),
    "softmax": general(softmax, lambda g, z, x: z * (g - np.sum(g * z, axis=-1, keepdims=True))),
    "norm": general(
        norm,
        lambda g, z, x: g * x / np.where(z == 0, 1, z),
        samples=[case((3,)), case(np.zeros(2))],
    ),
    "a mask": mg.linear(
        lambda mask, x: mask * x,
        None,
        lambda g, z, mask, x: mask * g,
        name="op",
        samples=[case(np.array([True, False]), (2,))],
    ),
}
