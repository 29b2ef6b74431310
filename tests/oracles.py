"""What the tests compare with. Written as plainly as can be; nothing here uses the engine.

Gradients by central differences, and convolution and pooling by nested loops, with their
gradients by the same loops read backwards.
"""

from itertools import product

import numpy as np


def central_differences(f, arrays, cotangent, step=1e-3):
    """The gradient of sum(cotangent * f(*arrays)) in each array, element by element.

    Five points, so the error is of order step**4; `f` must be smooth within two steps.
    """
    gradients = []
    for position, array in enumerate(arrays):
        gradient = np.zeros(np.shape(array))
        for place in np.ndindex(gradient.shape):
            directions = [np.zeros(np.shape(a)) for a in arrays]
            directions[position][place] = 1.0
            gradient[place] = difference_along(
                lambda *xs: np.sum(cotangent * f(*xs)), arrays, directions, step
            )
        gradients.append(gradient)
    return gradients


def difference_along(f, arrays, directions, step=1e-3):
    """The derivative of a scalar `f` along directions, one for each array."""

    def moved(distance):
        return f(*[a + distance * d for a, d in zip(arrays, directions, strict=True)])

    return (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step)


def positions(size, span, stride, padding):
    """How many places a filter fits at along one axis."""
    return (size + sum(padding) - span) // stride + 1


def convolved_shape(x, w, stride, padding, dilation):
    """(images, filters, rows, columns) of the result."""
    spans = [(w.shape[2 + k] - 1) * dilation[k] + 1 for k in (0, 1)]
    down, across = (positions(x.shape[2 + k], spans[k], stride[k], padding[k]) for k in (0, 1))
    return x.shape[0], w.shape[0], down, across


def taps(x, w, stride, padding, dilation, groups):
    """Every product of a convolution: (index of the output, of x, of w), outside x left out."""
    _, _, height, width = x.shape
    filters, depth, rows, columns = w.shape
    for n, o, i, j in np.ndindex(convolved_shape(x, w, stride, padding, dilation)):
        first = o // (filters // groups) * depth
        for c, u, v in product(range(depth), range(rows), range(columns)):
            row = i * stride[0] - padding[0][0] + u * dilation[0]
            column = j * stride[1] - padding[1][0] + v * dilation[1]
            if 0 <= row < height and 0 <= column < width:
                yield (n, o, i, j), (n, first + c, row, column), (o, c, u, v)


def conv2d(x, w, b, stride, padding, dilation, groups):
    """The sum over taps, plus the bias."""
    z = np.zeros(convolved_shape(x, w, stride, padding, dilation))
    if b is not None:
        z += b.reshape(-1, 1, 1)
    for at_z, at_x, at_w in taps(x, w, stride, padding, dilation, groups):
        z[at_z] += x[at_x] * w[at_w]
    return z


def conv2d_gradients(g, x, w, stride, padding, dilation, groups):
    """The gradients of sum(g * conv2d(x, w, b)) in x, w and b."""
    in_x, in_w = np.zeros(x.shape), np.zeros(w.shape)
    for at_z, at_x, at_w in taps(x, w, stride, padding, dilation, groups):
        in_x[at_x] += g[at_z] * w[at_w]
        in_w[at_w] += g[at_z] * x[at_x]
    in_b = np.array([sum(g[:, o].ravel().tolist()) for o in range(g.shape[1])])
    return in_x, in_w, in_b


def windows(x, size, stride):
    """(index of the output, indices of x in the window, row by row) of every whole window."""
    *maps, height, width = x.shape
    down = range((height - size[0]) // stride[0] + 1)
    across = range((width - size[1]) // stride[1] + 1)
    for place in np.ndindex(*maps):
        for i, j in product(down, across):
            inside = [
                (*place, i * stride[0] + u, j * stride[1] + v)
                for u, v in product(range(size[0]), range(size[1]))
            ]
            yield (*place, i, j), inside


def pooled_shape(x, size, stride):
    return (
        *x.shape[:-2],
        (x.shape[-2] - size[0]) // stride[0] + 1,
        (x.shape[-1] - size[1]) // stride[1] + 1,
    )


def maxpool(x, size, stride):
    z = np.zeros(pooled_shape(x, size, stride))
    for at, inside in windows(x, size, stride):
        z[at] = max(x[place] for place in inside)
    return z


def maxpool_gradient(g, x, size, stride):
    """Each window's cotangent goes to the first of its largest values."""
    gradient = np.zeros(x.shape)
    for at, inside in windows(x, size, stride):
        best = inside[0]
        for place in inside:
            if x[place] > x[best]:
                best = place
        gradient[best] += g[at]
    return gradient


def avgpool(x, size, stride):
    z = np.zeros(pooled_shape(x, size, stride))
    for at, inside in windows(x, size, stride):
        z[at] = sum(x[place] for place in inside) / len(inside)
    return z


def avgpool_gradient(g, x, size, stride):
    """Each window's cotangent is shared equally."""
    gradient = np.zeros(x.shape)
    for at, inside in windows(x, size, stride):
        for place in inside:
            gradient[place] += g[at] / len(inside)
    return gradient
