"""Why convolution: few connections, shared weights, and what moves with the image (L19 to L21).

Writes why_connections.png, why_shared.png and why_equivariance.png.
"""

from pathlib import Path

import numpy as np
import plots

import minigrad as mg


def receptive_field(layers, side=11):
    """Which inputs (side, side) the middle output of so many 3x3 convolutions depends on.

    Those through which a gradient passes; all weights are positive, so none can cancel.
    """
    w = np.random.default_rng(0).uniform(0.5, 1, (layers, 1, 1, 3, 3))

    def middle(x):
        for filters in w:
            x = mg.conv2d(x, filters)
        return x[0, 0, x.shape[2] // 2, x.shape[3] // 2]

    return mg.grad(middle)(np.zeros((1, 1, side, side)))[0, 0] != 0


def connections(layer, inputs=8):
    """The weight of each connection, (outputs, inputs): the Jacobian of a layer of one row."""
    return mg.jacobian(layer)(np.zeros(inputs))


def costs(image, filters):
    """(weights, connections) of a convolution and of a full layer from and to the same shapes.

    `image` is (C, H, W), `filters` (O, C, F, F); each connection is one multiplication.
    """
    w = np.zeros(filters)
    outputs = mg.conv2d(np.zeros((1, *image)), w).size
    full = int(np.prod(image)) * outputs
    return {"convolution": (w.size, w[0].size * outputs), "full": (full, full)}


def by_position(x, w, cotangent):
    """The gradients (Ho, Wo, Fh, Fw) that a filter would have if each position had its own."""
    patches = np.lib.stride_tricks.sliding_window_view(x, w.shape)  # (Ho, Wo, Fh, Fw)

    def weighted(own):
        return mg.sum(cotangent * mg.sum(patches * own, axis=(2, 3)))

    return mg.grad(weighted)(np.broadcast_to(w, patches.shape))


def shared(x, w, cotangent):
    """The gradient (Fh, Fw) of the one filter that `conv2d` slides over x (H, W)."""
    _, pullback = mg.vjp(lambda w: mg.conv2d(x[None, None], w[None, None])[0, 0], w)
    return pullback(cotangent)[0]


def moved(image, rows, columns):
    """An image (H, W) moved down and to the right; what leaves comes in again opposite."""
    return np.roll(image, (rows, columns), axis=(0, 1))


def convolved(image, w):
    """The activation map (H, W) by a 3x3 filter, the border taken from the opposite side."""
    return mg.conv2d(np.pad(image, 1, mode="wrap")[None, None], w[None, None])[0, 0]


def picture_of_connections(out):
    """Every connection of both layers, and the receptive field, layer by layer."""
    figure, axes = plots.mosaic("FFFCCC;123456", 9, 4, height_ratios=[2, 1])
    rng = np.random.default_rng(1)
    w, full = np.array([1.0, 2.0, 3.0]), rng.uniform(1, 3, (6, 8))
    convolution = connections(lambda x: mg.conv1d(x[None, None], w[None, None])[0, 0])
    for name, weights, title in (
        ("F", connections(lambda x: full @ x), "Full: {} connections, {} weights"),
        ("C", convolution, "Convolution: {} connections, {} weights (colours)"),
    ):
        kinds = np.unique(weights[weights != 0])
        for output, input_ in np.argwhere(weights):
            kind = int(np.searchsorted(kinds, weights[output, input_]))
            colour = plots.GREY if len(kinds) > 3 else (plots.BLUE, plots.ORANGE, plots.RED)[kind]
            axes[name].plot([input_, output + 1], [0, 1], c=colour, lw=0.8 + (len(kinds) <= 3))
        axes[name].scatter(range(8), [0] * 8, c=plots.INK, zorder=3)
        axes[name].scatter(np.arange(6) + 1, [1] * 6, c=plots.INK, zorder=3)
        axes[name].set_title(title.format(np.count_nonzero(weights), len(kinds)))
        axes[name].axis("off")
    for layers in range(1, 6):
        field = receptive_field(layers)
        side = field.any(0).sum()
        plots.maps(
            axes[str(layers)],
            field,
            f"{layers} deep: {side}x{side}",
            cmap="Blues",
            vmin=0,
            vmax=1.5,
        )
    plots.maps(axes["6"], np.ones((11, 11)), "full: all at once", cmap="Greys", vmin=0, vmax=2)
    plots.save(figure, out / "why_connections.png")


def picture_of_shared(out):
    """The gradient of the filter, position by position, and their sum."""
    rng = np.random.default_rng(2)
    x, w, cotangent = rng.normal(size=(5, 5)), rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    parts = by_position(x, w, cotangent)
    figure, axes = plots.figure(1, 4, 9.5, 3.1)
    plots.signed(axes[0], x, "An image, 5x5")
    plots.signed(axes[1], cotangent, "The gradient of the\n3x3 activation map")
    parted = np.pad(parts, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    parted = parted.transpose(0, 2, 1, 3).reshape(12, 12)[:-1, :-1]  # nine maps, with gaps
    plots.signed(axes[2], parted, "What each position\nwants of the filter")
    plots.signed(axes[3], shared(x, w, cotangent), "The sum of the nine:\nthe filter's gradient")
    plots.save(figure, out / "why_shared.png")


def picture_of_equivariance(out):
    """A digit and its map, the moved digit and its map, and the difference to the moved map."""
    digit = np.pad(mg.data.digits()[0][3, 0], 6).astype(float)  # (20, 20)
    sobel = np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0])
    map_, by = convolved(digit, sobel), (-4, 5)
    map_of_moved = convolved(moved(digit, *by), sobel)
    difference = map_of_moved - moved(map_, *by)
    figure, axes = plots.figure(1, 5, 11, 2.6)
    look = {"cmap": "gray_r", "vmin": -0.08}
    plots.maps(axes[0], digit, "An image ...", **look)
    plots.signed(axes[1], map_, "... and its map")
    plots.maps(axes[2], moved(digit, *by), "The image moved ...", **look)
    plots.signed(axes[3], map_of_moved, "... has the map moved")
    plots.signed(axes[4], difference, f"The difference: at most {np.abs(difference).max():g}")
    plots.save(figure, out / "why_equivariance.png")


def main(out: Path):
    """Print the numbers of a 32x32x3 image and six 5x5x3 filters; draw."""
    for name, (weights, links) in costs((3, 32, 32), (6, 3, 5, 5)).items():
        print(f"32x32x3 -> 28x28x6, {name:11}: {weights:10,} weights, {links:10,} connections")
    sides = [int(receptive_field(layers).any(0).sum()) for layers in range(1, 6)]
    print(f"receptive field of 1 to 5 layers of 3x3 filters: {sides} pixels wide")
    rng = np.random.default_rng(0)
    x, w, cotangent = rng.normal(size=(8, 8)), rng.normal(size=(3, 3)), rng.normal(size=(6, 6))
    error = np.abs(by_position(x, w, cotangent).sum((0, 1)) - shared(x, w, cotangent)).max()
    print(f"the filter's gradient is the sum over the positions, to within {error:.0e}")
    picture_of_connections(out)
    picture_of_shared(out)
    picture_of_equivariance(out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
