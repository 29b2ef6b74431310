"""Digits moved, enlarged and shrunk: what convolution gives, and what pooling (L24 of the lecture).

Five networks with as many parameters learn upright digits and are tested on the others. Writes
moved_and_scaled.png.
"""

from pathlib import Path

import numpy as np
import plots
from cnn import guesses, train
from scipy.ndimage import affine_transform

import minigrad as mg

SEEDS = range(8)
MOVES, SCALES = (1, 2), (0.7, 0.8, 0.9, 1.1, 1.2, 1.3)
COLOURS = {
    "fully connected": plots.GREY,
    "convolution": plots.ORANGE,
    "convolution, stride 2": plots.RED,
    "convolution, max pooling": plots.BLUE,
    "convolution, pooling over all": plots.GREEN,
}
GAINS = {  # what is compared, and the two networks
    "convolution": ("convolution", "fully connected"),
    "convolution with stride 2": ("convolution, stride 2", "fully connected"),
    "pooling instead of stride 2": ("convolution, max pooling", "convolution, stride 2"),
    "pooling instead of neither": ("convolution, max pooling", "convolution"),
}


def build(name, rng):
    """A network for images (B, 1, 12, 12), with about 7,650 parameters."""
    settings = {"rng": rng, "dtype": np.float32}
    flat, pool = mg.nn.Flatten(), mg.nn.MaxPool(2)

    def convolution(depth, filters, stride=1):
        layer = mg.nn.Conv2d(
            depth, filters, 3, padding=1, stride=stride, remainder="drop", **settings
        )
        return mg.nn.Sequential(layer, mg.relu)

    def full(inputs, outputs=10):
        return mg.nn.Linear(inputs, outputs, **settings)

    layers = {
        "fully connected": lambda: (flat, full(144, 49), mg.relu, full(49)),
        "convolution": lambda: (convolution(1, 41), convolution(41, 4), flat, full(4 * 12 * 12)),
        "convolution, stride 2": lambda: (
            convolution(1, 16, 2), convolution(16, 32, 2), flat, full(32 * 3 * 3)
        ),
        "convolution, max pooling": lambda: (
            convolution(1, 16), pool, convolution(16, 32), pool, flat, full(32 * 3 * 3)
        ),
        "convolution, pooling over all": lambda: (
            convolution(1, 16), pool, convolution(16, 48), mg.nn.MaxPool(6), flat, full(48)
        ),
    }  # fmt: skip
    return mg.nn.Sequential(*layers[name]())


def framed(images):
    """Digits (N, 1, 8, 8) with two pixels of background on every side: (N, 1, 12, 12)."""
    return np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))


def moved(images, by):
    """The images moved by so many pixels right, left, down and up: four times as many."""
    steps = ((0, by), (0, -by), (by, 0), (-by, 0))
    return np.concatenate([np.roll(images, step, axis=(2, 3)) for step in steps])


def scaled(images, by):
    """The images enlarged or shrunk about their middle, by linear interpolation, on background."""
    middle = (images.shape[-1] - 1) / 2
    start = middle - middle / by
    return affine_transform(images, [1, 1, 1 / by, 1 / by], [0, 0, start, start], order=1)


def tests(images):
    """What the networks are tested on, by name; each holds the digits once or several times."""
    return {
        "upright": images,
        **{f"moved {by}": moved(images, by) for by in MOVES},
        **{f"x {by}": scaled(images, by) for by in SCALES},
    }


def run(name, seed, epochs=10):
    """A network trained on upright digits, and which part of each test it gets right."""
    learn, (images, labels) = mg.data.split(*mg.data.digits(), held_out=0.2, seed=seed)
    rng = np.random.default_rng(seed)
    network = build(name, rng)
    train(network, framed(learn[0]), learn[1], rng, epochs=epochs)
    return network, {
        what: np.mean(guesses(network, shown).reshape(-1, len(labels)) == labels)
        for what, shown in tests(framed(images)).items()
    }


def picture(right, out):
    """A digit as it is tested, and the accuracy by move and by scale."""
    figure, axes = plots.mosaic("TT;MS", 9.5, 5.2, height_ratios=[1, 2.6], width_ratios=[1, 1.7])
    digit = framed(mg.data.digits()[0][4:5])
    shown = tests(digit)
    row = plots.in_a_row(np.stack([shown[what][0, 0] for what in shown]))
    plots.maps(axes["T"], row, cmap="gray_r")
    for n, what in enumerate(shown):
        axes["T"].text(13 * n + 5.5, -1.5, what, ha="center", size=9)
        plots.frame(axes["T"], 0, 13 * n, 12)
    moves = {0: "upright"} | {by: f"moved {by}" for by in MOVES}
    scales = {by: f"x {by}" for by in SCALES[:3]} | {1: "upright"}
    scales |= {by: f"x {by}" for by in SCALES[3:]}
    for place, along, title in (("M", moves, "moved, pixels"), ("S", scales, "scaled by")):
        for name, colour in COLOURS.items():
            parts = 100 * np.array(
                [[seed[what] for what in along.values()] for seed in right[name]]
            )
            mean, spread = parts.mean(0), parts.std(0, ddof=1)
            axes[place].plot(list(along), mean, "o-", ms=4, c=colour, label=name)
            axes[place].fill_between(
                list(along), mean - spread, mean + spread, fc=colour, alpha=0.15
            )
        axes[place].set(xlabel=title, ylim=(0, 101), xticks=list(along))
    axes["M"].set(ylabel="%", title="Held-out digits right, 8 seeds")
    axes["S"].set(title="Mean, and standard deviation (shaded)")
    axes["S"].legend(loc="lower right")
    plots.save(figure, out / "moved_and_scaled.png")


def main(out: Path):
    """Train each network once for each seed, print means, spreads and differences, draw."""
    right = {}
    for name in COLOURS:
        runs = [run(name, seed) for seed in SEEDS]
        right[name] = [parts for _, parts in runs]
        print(f"{name}, {sum(p.size for p in runs[0][0].parameters())} parameters, held-out right:")
        for what in right[name][0]:
            parts = 100 * np.array([seed[what] for seed in right[name]])
            print(f"  {what:8} {parts.mean():5.1f} % (standard deviation {parts.std(ddof=1):4.1f})")
    for what, (better, than) in GAINS.items():
        print(f"{what} adds, points of accuracy (seed by seed, standard error):")
        for test in right[better][0]:
            pairs = zip(right[better], right[than], strict=True)
            gain = 100 * np.array([a[test] - b[test] for a, b in pairs])
            print(f"  {test:8} {gain.mean():+5.1f} ({gain.std(ddof=1) / len(gain) ** 0.5:.1f})")
    picture(right, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
