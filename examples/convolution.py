"""The convolution layer: one position, sliding, sizes, padding (L8, L9, L12 to L14).

Writes convolution.png, convolution_sizes.png and convolution_volumes.png.
"""

from pathlib import Path

import numpy as np
import plots
from plots.scene import scene

import minigrad as mg

ACROSS = np.linspace(-2, 2, 5)  # over the five columns of a filter
EDGES = {  # what each of six filters looks for: (5, 5) for red, green and blue alike
    "left to right": np.tile(ACROSS, (5, 1)),
    "top to bottom": np.tile(ACROSS[:, None], (1, 5)),
    "diagonal": np.add.outer(-ACROSS, ACROSS),
    "spots": np.pad(np.full((1, 1), 25.0), 2) - 1,
    "brightness": np.ones((5, 5)),
}


def six_filters():
    """Five filters that look for the same in each colour, and one for red: (6, 3, 5, 5)."""
    alike = [np.stack([part] * 3) / np.abs(part).sum() / 3 for part in EDGES.values()]
    red = np.array([2, -1, -1]).reshape(3, 1, 1) * np.ones((5, 5)) / 100
    return np.stack([*alike, red])


def at_one_position(image, w, b, row, column):
    """w.x + b: the dot product of a filter with the 5x5x3 patch at a position, and the patch."""
    patch = image[:, row : row + 5, column : column + 5]
    return w.ravel() @ patch.ravel() + b, patch


def output_size(n, f, stride=1, padding=0):
    """(N - F) / stride + 1 with the border added to N, or None where the filter does not fit."""
    steps, rest = divmod(n + 2 * padding - f, stride)
    return None if rest else steps + 1


def true_convolution(x, w):
    """The mathematician's convolution, whose filter is flipped; networks do without."""
    return mg.conv2d(x, w[:, :, ::-1, ::-1])


def picture_of_maps(image, out):
    """One patch and its number, then the six activation maps."""
    figure, axes = plots.mosaic("IIP012;IIF345", 10.5, 3.8)
    w, (row, column) = six_filters(), (12, 14)
    number, patch = at_one_position(image, w[0], 0.0, row, column)
    plots.maps(axes["I"], image.transpose(1, 2, 0), "An image, 32x32x3, one patch of it ...")
    plots.maps(axes["P"], patch.transpose(1, 2, 0), "... 5x5x3 ...")
    plots.signed(axes["F"], w[0, 0], "... times a filter, 5x5x3")
    axes["F"].set_xlabel(f"75 products, summed: {number:.3f}")
    maps = mg.conv2d(image[None], w)[0]
    for i, (map_, name) in enumerate(zip(maps, [*EDGES, "red"], strict=True)):
        plots.signed(axes[str(i)], map_, f"28x28: {name}")
    plots.frame(axes["I"], row, column, 5)
    plots.frame(axes["0"], row, column, 1)
    plots.save(figure, out / "convolution.png")


def picture_of_sizes(out):
    """Where a 3x3 filter stops on a 7x7 input, stride by stride, and with a border of zeros."""
    figure, axes = plots.figure(1, 4, 11, 3.3)
    for panel, (stride, padding) in zip(axes, ((1, 0), (2, 0), (3, 0), (1, 1)), strict=True):
        n, size = 7 + 2 * padding, output_size(7, 3, stride, padding)
        grid, start = np.pad(np.ones((7, 7)), padding), 1 - padding
        squares = np.arange(start, start + n + 1)
        panel.pcolormesh(
            squares, squares, grid, cmap="Blues", vmin=-0.15, vmax=3, edgecolors="w", linewidth=1.5
        )
        for i, place in enumerate(range(0, n - 2 if size else n, stride)):
            ends, fits = np.array([place + 0.1, place + 2.9]) + start, place + 3 <= n
            panel.plot(ends, [9.5 + 0.4 * i] * 2, c=plots.INK if fits else plots.RED, lw=3.5)
        panel.set_title(
            f"stride {stride}{', border of 1' if padding else ''}: "
            + (f"{size}x{size}" if size else "cannot be applied")
        )
        total = "7 + 2" if padding else "7"
        panel.text(0, 13.2, f"({total} - 3) / {stride} + 1 = {(n - 3) / stride + 1:.3g}")
        panel.set(aspect="equal", xlim=(-0.1, 10.3), ylim=(13.4, -0.1))
        panel.axis("off")
    plots.save(figure, out / "convolution_sizes.png")


def chains():
    """The lecture's two chains of volumes: how each was made, and its shape (C, H, W)."""
    six, ten = mg.nn.Conv2d(3, 6, 5, rng=0), mg.nn.Conv2d(6, 10, 5, rng=1)
    same = mg.nn.Conv2d(3, 10, 5, padding=2, rng=2)
    x = mg.Tensor(np.zeros((1, 3, 32, 32)))
    with_border = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)))
    first = [("", x), (described(six), six(x)), (described(ten), ten(six(x)))]
    second = [("", x), ("a border\nof two zeros", with_border), (described(same), same(x))]
    return [[(how, t.shape[1:]) for how, t in chain] for chain in (first, second)]


def described(layer):
    """The filters of a layer and how many numbers they hold."""
    filters, depth, f, _ = layer.weight.shape
    count = sum(p.size for p in layer.parameters())
    return f"{filters} filters {f}x{f}x{depth}\n{count:,} parameters"


def picture_of_volumes(out):
    """The volumes as boxes to scale; depth runs to the right."""
    figure, axes = plots.figure(2, 1, 7, 4.6)
    titles = ("A filter is as deep as its input", "A border of 2 keeps the size 32x32")
    for panel, chain, title in zip(axes, chains(), titles, strict=True):
        plots.volumes(panel, chain, title)
    plots.save(figure, out / "convolution_volumes.png")


def main(out: Path):
    """Print the lecture's numbers and draw."""
    image, w = scene(), six_filters()
    number, patch = at_one_position(image, w[0], 0.0, 12, 14)
    print(f"one position: a dot product of {patch.size} dimensions, {number:.3f}")
    for chain in chains():
        print(" -> ".join("{1}x{2}x{0}".format(*shape) for _, shape in chain))
    for stride in (1, 2, 3):
        print(f"7x7 input, 3x3 filter, stride {stride}: {output_size(7, 3, stride)}")
    try:
        mg.conv2d(np.zeros((1, 1, 7, 7)), np.zeros((1, 1, 3, 3)), stride=3)
    except mg.errors.ShapeError as error:
        print(f"refused: {error}")
    print(f"ten 5x5x3 filters with a bias: {mg.nn.Conv2d(3, 10, 5, rng=0)}")
    difference = np.abs(true_convolution(image[None], w) - mg.conv2d(image[None], w)).max((0, 2, 3))
    print(f"flipping the filters changes the six maps by up to {difference.round(2)}")
    picture_of_maps(image, out)
    picture_of_sizes(out)
    picture_of_volumes(out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
