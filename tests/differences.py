"""Central differences: what the tests hold first and second derivatives against."""

import numpy as np

import minigrad as mg

STEP = 1e-5


def assert_derivatives(f, *arrays, seed=0):
    """Check the gradient, the tangent and the second derivative of `f` at `arrays`.

    Each along random directions, with a random cotangent, against central differences: of the
    values of `f` on plain arrays, and of the gradient once that is known to be right.
    """
    rng = np.random.default_rng(seed)
    cotangent = rng.normal(size=np.shape(f(*arrays)))
    along, across = ([rng.normal(size=np.shape(a)) for a in arrays] for _ in range(2))
    every = tuple(range(len(arrays)))

    def objective(*xs):
        return np.sum(cotangent * f(*xs))

    def slope(*xs):
        return sum(np.sum(g * d) for g, d in zip(gradient(*xs), across, strict=True))

    gradient = mg.grad(objective, every)
    found = gradient(*arrays)
    assert [g.shape for g in found] == [np.shape(a) for a in arrays]
    expected = difference(objective, arrays, along)
    np.testing.assert_allclose(inner(found, along), expected, rtol=1e-6, atol=1e-8)
    _, tangent = mg.jvp(f, arrays, tuple(along))
    np.testing.assert_allclose(np.sum(cotangent * tangent), expected, rtol=1e-6, atol=1e-8)
    curvature = mg.grad(slope, every)(*arrays)
    expected = difference(slope, arrays, along)
    np.testing.assert_allclose(inner(curvature, along), expected, rtol=1e-5, atol=1e-7)


def difference(f, arrays, directions):
    """The central difference of a scalar function along the directions."""
    after, before = (
        f(*[a + sign * STEP * d for a, d in zip(arrays, directions, strict=True)])
        for sign in (1, -1)
    )
    return (after - before) / (2 * STEP)


def inner(xs, ys):
    """The sum of all products."""
    return sum(np.sum(x * y) for x, y in zip(xs, ys, strict=True))
