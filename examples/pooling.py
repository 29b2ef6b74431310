"""Pooling: smaller maps, no parameters, and small shifts forgiven (L17, L18 of the lecture).

Writes pooling.png and pooling_shift.png.
"""

from pathlib import Path

import numpy as np
import plots

import minigrad as mg

USUAL = [(2, 2), (3, 2)]  # the usual settings: size F and stride S


def pooled_with_gradient(x, size, stride):
    """The largest value under each position of the filter, and how often each input was it.

    That count is the gradient of the sum of the result: only the winners get any.
    """
    value, pullback = mg.vjp(lambda x: mg.maxpool(x, size, stride=stride), x)
    return value, pullback(np.ones_like(value))[0]


def moved(images, column=2):
    """Digits (N, 1, 8, 8) in 14x14, from a column on, and the same one pixel further right."""
    still = np.pad(images, ((0, 0), (0, 0), (3, 3), (column, 6 - column)))
    return still, np.roll(still, 1, axis=3)


def same_after_shift(images, size, stride):
    """The part of the pooled values, not counting empty background, that the shift leaves alone.

    The mean over four columns to start from, as the filter's grid may lie anywhere.
    """
    parts = []
    for column in range(1, 5):
        still, shifted = [
            mg.maxpool(x, size, stride=stride, remainder="drop") for x in moved(images, column)
        ]
        ink = (still > 0) | (shifted > 0)
        parts.append(np.mean((still == shifted)[ink]))
    return np.mean(parts)


def numbered(axes, array, title, cmap, darkest):
    """A map with its numbers written in it."""
    plots.maps(axes, array, title, cmap=cmap, vmin=0, vmax=darkest)
    for (row, column), value in np.ndenumerate(array):
        axes.text(column, row, f"{value:g}", ha="center", va="center",
                  c=plots.INK if value else plots.GREY)  # fmt: skip


def picture(out):
    """For both usual settings: a map, the pooled one, and where the gradient goes."""
    figure, axes = plots.figure(2, 3, 7, 5)
    rng = np.random.default_rng(4)
    for (size, stride), (given, small, slope) in zip(USUAL, axes, strict=True):
        side = 6 if size == 2 else 7
        x = rng.permutation(np.repeat(np.arange(10.0), 5))[: side**2].reshape(side, side)
        value, gradient = pooled_with_gradient(x, size, stride)
        numbered(given, x, f"a map, {side}x{side}", "Blues", 14)
        numbered(small, value, f"F = {size}, S = {stride}: {len(value)}x{len(value)}", "Blues", 14)
        numbered(slope, gradient, "its gradient: how often it won", "Oranges", 6)
    plots.save(figure, out / "pooling.png")


def picture_of_shift(images, out):
    """A digit, the same moved by one pixel, both pooled, and how much stays on average."""
    figure, axes = plots.mosaic("ABCS;DEFS", 9, 3.9, width_ratios=[1, 1, 1, 1.7])
    for names, image, what in zip(("ABC", "DEF"), moved(images[8:9]), ("", "moved"), strict=True):
        settings = {"cmap": "gray_r", "vmin": -0.08, "vmax": 1}
        plots.maps(axes[names[0]], image[0, 0], what or "a digit", **settings)
        for name, size in zip(names[1:], (2, 4), strict=True):
            small = mg.maxpool(image, size, remainder="drop")[0, 0]
            plots.maps(axes[name], small, f"F = S = {size}", **settings)
    windows = [(1, 1), *USUAL, (4, 4)]
    same = [100 * same_after_shift(images, *window) for window in windows]
    bars = axes["S"].bar(range(4), same, color=[plots.GREY, *[plots.BLUE] * 3])
    axes["S"].bar_label(bars, fmt="%.0f %%")
    axes["S"].set(title="Values that one pixel's shift\nleaves as they were", yticks=[])
    labels = ["no pooling", *[f"F = {size}\nS = {stride}" for size, stride in windows[1:]]]
    axes["S"].set_xticks(range(4), labels)
    axes["S"].spines["left"].set_visible(False)
    plots.save(figure, out / "pooling_shift.png")


def main(out: Path):
    """Print sizes, parameters and what a shift leaves; draw."""
    x = np.zeros((1, 10, 28, 28))
    print(f"28x28x10 -> {mg.maxpool(x).shape[1:]} (depth first): depth unchanged; parameters: "
          f"{len(mg.nn.MaxPool(2).parameters())}")  # fmt: skip
    images, _ = mg.data.digits()
    for size, stride in [(1, 1), *USUAL, (4, 4)]:
        same = same_after_shift(images, size, stride)
        print(f"F = {size}, S = {stride}: a shift by one pixel leaves {same:.0%} of the values")
    picture(out)
    picture_of_shift(images, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
