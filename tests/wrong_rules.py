"""Ops whose rules are wrong, each in one way that has happened to somebody.

`WRONG` maps what is wrong to the op and to a part of the message that must name it.
"""

import numpy as np

import minigrad as mg
from minigrad.core.node import Node
from minigrad.testing import case, nonzero, reals

NUMBER = "the derivative is wrong"
MATRIX = [case((3, 3))]  # square, so that shapes cannot give a mistake away


def unary(value, rule, samples=reals):
    return mg.elementwise(value, rule, name="op", samples=samples)


def binary(value, *rules, samples=reals):
    return mg.elementwise(value, *rules, name="op", samples=samples)


def linear(value, *rules, samples=MATRIX, **more):
    return mg.linear(value, *rules, name="op", samples=samples, **more)


def general(value, *rules, samples=MATRIX, **more):
    return mg.general(value, *rules, name="op", samples=samples, **more)


def plain(x):
    """The numbers alone: what this returns is a constant for a higher derivative."""
    return x.numpy() if isinstance(x, Node) else x


def in_numbers(x):
    """The same as nested lists, and so a constant as well."""
    return plain(x).tolist()


bad_square = unary(lambda x: x**2, lambda z, x: 3 * x)

# --- elementwise ----------------------------------------------------------------------------

ELEMENTWISE = {
    "flipped sign": (unary(lambda x: np.cos(x), lambda z, x: np.sin(x)), NUMBER),
    "dropped term": (unary(lambda x: x * np.exp(x), lambda z, x: np.exp(x)), NUMBER),
    "missing factor": (unary(lambda x: x * x, lambda z, x: x), NUMBER),
    "a tenth of a percent": (unary(lambda x: np.tanh(x), lambda z, x: 1.001 * (1 - z * z)), NUMBER),
    "ten in a million": (
        unary(lambda x: abs(x), lambda z, x: 1.00001 * np.sign(x), nonzero),
        NUMBER,
    ),
    "one in ten million, where it is analytic": (
        unary(lambda x: np.sin(x), lambda z, x: (1 + 1e-7) * np.cos(x)),
        NUMBER,
    ),
    "square forgotten": (unary(lambda x: np.tanh(x), lambda z, x: 1 - z), NUMBER),
    "result for argument": (unary(lambda x: np.sin(x), lambda z, x: np.cos(z)), NUMBER),
    "dropped rule": (unary(lambda x: np.sin(x), lambda z, x: 0 * x), NUMBER),
    "constant of the wrong sign": (binary(lambda x, y: x - y, 1, 1), NUMBER),
    "swapped partials": (
        binary(lambda x, y: x * y**2, lambda z, x, y: 2 * x * y, lambda z, x, y: y**2),
        NUMBER,
    ),
    "no rule for an array that matters": (
        binary(lambda x, y: x * y, lambda z, x, y: y, None),
        "the rule is None",
    ),
    "wrong for negative numbers": (unary(lambda x: x**3, lambda z, x: 3 * x * abs(x)), NUMBER),
    "wrong only at 0": (unary(lambda x: np.sin(x), lambda z, x: np.cos(x) * (x != 0)), NUMBER),
    "wrong only at ties": (
        binary(np.maximum, lambda z, x, y: x >= y, lambda z, x, y: y >= x),
        NUMBER,
    ),
    "nothing at ties": (
        binary(np.minimum, lambda z, x, y: x < y, lambda z, x, y: y < x),
        NUMBER,
    ),
    "beyond both slopes at a kink": (
        unary(lambda x: abs(x), lambda z, x: np.where(x == 0, 2.0, np.sign(x)), nonzero),
        "a kink",
    ),
    "nan at a kink": (
        unary(lambda x: abs(x), lambda z, x: x / np.where(z == 0, np.nan, z), nonzero),
        "a kink",
    ),
    "wrong only at second order": (
        unary(lambda x: np.sin(x), lambda z, x: np.cos(plain(x))),
        "order 2",
    ),
    "half right at second order": (
        unary(lambda x: x**3, lambda z, x: 3 * x * plain(x)),
        "order 2",
    ),
    "another op's wrong rule": (unary(lambda x: x**3, lambda z, x: 3 * bad_square(x)), "order 2"),
    "wrong only where it broadcasts": (
        binary(
            lambda x, y: x * y,
            lambda z, x, y: y * (z.shape == x.shape),
            lambda z, x, y: x,
        ),
        NUMBER,
    ),
    "wrong only in 0-d": (
        unary(lambda x: np.sin(x), lambda z, x: np.cos(x) * bool(x.ndim)),
        NUMBER,
    ),
    "wrong only in float32": (
        unary(lambda x: np.sin(x), lambda z, x: np.cos(x) + 0.1 * (x.dtype == np.float32)),
        "in float32",
    ),
    "float64 for float32": (
        unary(lambda x: x * np.float64(2.0), lambda z, x: 0 * x + 2),
        "float32 arrays is float64",
    ),
    "a setting ignored": (
        mg.elementwise(
            lambda x, *, power: x**power,
            lambda z, x, *, power: 2 * x,
            name="op",
            samples=[case((3,), power=2), case((3,), power=3)],
        ),
        NUMBER,
    ),
}

# --- linear ---------------------------------------------------------------------------------

REDUCED = [case((3, 3), axis=0), case((3, 3), axis=1), case((3, 3), axis=-1)]


def total(x, *, axis):
    return np.add.reduce(x, axis)


LINEAR = {
    "the adjoint's cotangent as numbers": (
        linear(lambda x: 2 * x, lambda g, z, x: 2 * np.array(in_numbers(g))),
        "takes its cotangent out of the graph",
    ),
    "mean for sum": (
        linear(
            total, lambda g, z, x, *, axis: np.broadcast_to(g / 3, x.shape), samples=REDUCED[:1]
        ),
        NUMBER,
    ),
    "wrong broadcast axis": (
        linear(total, lambda g, z, x, *, axis: np.broadcast_to(g, x.shape), samples=REDUCED),
        NUMBER,
    ),
    "wrong only for a negative axis": (
        linear(
            total,
            lambda g, z, x, *, axis: np.broadcast_to(np.expand_dims(g, max(axis, 0)), x.shape),
            samples=REDUCED,
        ),
        NUMBER,
    ),
    "not transposed": (linear(lambda x: x.T, lambda g, z, x: g), NUMBER),
    "a factor not transposed": (
        linear(
            lambda x, y: x @ y,
            lambda g, z, x, y: g @ y,
            lambda g, z, x, y: x.T @ g,
            samples=[case((3, 3), (3, 3))],
        ),
        NUMBER,
    ),
    "a linear op that is not linear": (linear(lambda x: x + 1, lambda g, z, x: g), "forward mode"),
    "a product stated as jointly linear": (
        linear(
            lambda x, y: x @ y,
            lambda g, z, x, y: g @ y.T,
            lambda g, z, x, y: x.T @ g,
            samples=[case((3, 3), (3, 3))],
            jointly=True,
        ),
        "forward mode",
    ),
    "a sum not stated as jointly linear": (
        linear(
            lambda x, y: x + 2 * y,
            lambda g, z, x, y: g,
            lambda g, z, x, y: 2 * g,
            samples=[case((3,), (3,))],
        ),
        "forward mode",
    ),
    "the wrong way round": (
        linear(lambda x: np.roll(x, 1, 0), lambda g, z, x: np.roll(g, 1, 0)),
        NUMBER,
    ),
    "a running sum not reversed": (
        linear(lambda x: np.cumsum(x, 0), lambda g, z, x: np.cumsum(g, 0)),
        NUMBER,
    ),
    "rows for columns": (
        linear(
            lambda x: np.reshape(x, -1, order="F"),
            lambda g, z, x: np.reshape(g, x.shape),
        ),
        NUMBER,
    ),
    "repeats overwritten": (
        linear(
            lambda x: x[[0, 0, 2]],
            lambda g, z, x: mg.concatenate([g[1:2], 0 * g[:1], g[2:]]),
        ),
        NUMBER,
    ),
    "wrong only with stride < size": (
        linear(
            lambda x, *, size, stride: np.stack(
                [x[..., i : i + size].sum(-1) for i in (0, stride)], -1
            ),
            lambda g, z, x, *, size, stride: np.concatenate(
                [np.repeat(g[..., :1], stride, -1), np.repeat(g[..., 1:], size, -1)], -1
            ),
            samples=[case((2, 4), size=2, stride=2), case((2, 3), size=2, stride=1)],
        ),
        NUMBER,
    ),
    "swapped branches": (
        linear(
            lambda x, y: np.where([True, False, True], x, y),
            lambda g, z, x, y: np.where([False, True, False], g, 0),
            lambda g, z, x, y: np.where([True, False, True], g, 0),
            samples=[case((3,), (3,))],
            jointly=True,
        ),
        NUMBER,
    ),
}

# --- general --------------------------------------------------------------------------------


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


def norm(x):
    return np.sqrt(np.sum(x * x))


GENERAL = {
    "the sum of softmax dropped": (general(softmax, lambda g, z, x: g * z), NUMBER),
    "not linear in its cotangent": (general(lambda x: x, lambda g, z, x: g * g), NUMBER),
    "the cotangent's sign lost": (general(lambda x: x, lambda g, z, x: abs(g)), NUMBER),
    "the cotangent ignored": (general(norm, lambda g, z, x: x / z + 0 * g), NUMBER),
    "nan at 0": (
        general(norm, lambda g, z, x: g * x / z, samples=[case(np.zeros(2))]),
        "a kink",
    ),
    "keepdims forgotten": (
        general(
            lambda x, *, keepdims: np.sum(x * x, -1, keepdims=keepdims),
            lambda g, z, x, *, keepdims: 2 * x * (g if keepdims else g[:, None]).mean(),
            samples=[case((3, 3), keepdims=False), case((3, 3), keepdims=True)],
        ),
        NUMBER,
    ),
    "every tie is given everything": (
        general(
            lambda x: np.max(x, -1),
            lambda g, z, x: np.where(x == z[..., None], g[..., None], 0),
            samples=[case((2, 3))],
        ),
        NUMBER,
    ),
    "wrong shape": (general(softmax, lambda g, z, x: g[0]), "shape (3,)"),
    "a tuple": (general(softmax, lambda g, z, x: (g,)), "must return an array"),
    "nothing": (general(softmax, lambda g, z, x: None), "must return an array"),
    "single precision for double": (
        general(lambda x: 2 * x, lambda g, z, x: (2 * g).astype(np.float32)),
        "returns float32",
    ),
    "the cotangent taken out of the graph": (
        general(lambda x: 2 * x, lambda g, z, x: 2 * plain(g)),
        "takes its cotangent out of the graph",
    ),
    "the same beside a part that stays": (
        general(
            lambda x: x[0] * x[1], lambda g, z, x: mg.stack([plain(g) * x[1], g * x[0], 0 * x[2]])
        ),
        NUMBER,
    ),
    "the cotangent as a number": (
        general(lambda x: np.sum(2 * x), lambda g, z, x: np.full(x.shape, 2 * g.item())),
        "takes its cotangent out of the graph",
    ),
    "the cotangent as a float": (
        general(lambda x: np.sum(2 * x), lambda g, z, x: np.full(x.shape, 2 * float(g))),
        "its rule fails where it is recorded",
    ),
    "whole numbers": (general(lambda x: x, lambda g, z, x: np.sign(g).astype(int)), "returns int"),
}

# --- memory ---------------------------------------------------------------------------------

buffer = np.zeros((3, 3))
calls = iter(range(10**9))


def doubled_in_place(g, z, x):
    g *= 2
    return g


def exp_in_place(x):
    return np.exp(x, out=x)


def into_the_buffer(g, z, x):
    g = plain(g)
    return np.multiply(g, 2, out=buffer) if g.shape == buffer.shape else 2 * g


def value_into_the_buffer(x):
    return np.multiply(x, 2, out=buffer if x.dtype == float else None)


MEMORY = {
    "writes into its cotangent": (
        linear(lambda x: 2 * x, doubled_in_place),
        "rule writes into an array that it was given",
    ),
    "writes into its input": (
        general(lambda x: 2 * x, lambda g, z, x: 2 * np.multiply(g, 1, out=plain(x))),
        "rule writes into an array that it was given",
    ),
    "its value writes into its input": (
        general(exp_in_place, lambda g, z, x: g * z),
        "function writes into an array that it was given",
    ),
    "returns the same memory": (linear(lambda x: 2 * x, into_the_buffer), "the same memory"),
    "its value returns the same memory": (
        linear(value_into_the_buffer, lambda g, z, x: 2 * g),
        "the same memory",
    ),
    "other values when called again": (
        general(lambda x: x * next(calls), lambda g, z, x: g),
        "called a second time",
    ),
    "depends on the memory layout": (
        linear(
            lambda x: x.reshape(-1),
            lambda g, z, x: (
                g.reshape(x.shape, order="F" if x.flags.f_contiguous else "C")
                if isinstance(x, np.ndarray)
                else g.reshape(x.shape)
            ),
            samples=[case((2, 3))],
        ),
        "with Fortran",
    ),
}

WRONG = ELEMENTWISE | LINEAR | GENERAL | MEMORY
