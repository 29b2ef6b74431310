"""Pooling as regularization: training minus validation accuracy (L25 of the lecture).

Small training sets, eight seeds, networks with as many parameters; three more networks tell the
pooling from the smaller last layer that comes with it. Writes pooling_gap.png.
"""

from pathlib import Path

import numpy as np
import plots
from cnn import guesses, train

import minigrad as mg

SEEDS = range(8)
EPOCHS = {100: 30, 300: 15, 1000: 6}  # by how many digits there are to learn from
VALIDATION = 797  # digits that no network learns from


def overlapping(x):
    """Max pooling with F = 2, S = 1 and background at two borders: as large as before."""
    return mg.maxpool(np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1))), 2, stride=1)


def as_it_is(x):
    """No pooling."""
    return x


def one_of_16(x):
    """No pooling, but as few values as pooling twice leaves: those at one place of each 4x4."""
    return x[:, :, 1::4, 1::4]


NETWORKS = {  # filters of both layers, what comes after each, stride, side of the last maps
    "max pooling": ((16, 32), (mg.maxpool, mg.maxpool), 1, 2),
    "average pooling": ((16, 32), (mg.avgpool, mg.avgpool), 1, 2),
    "stride 2": ((16, 32), (as_it_is, as_it_is), 2, 2),
    "neither": ((12, 8), (as_it_is, as_it_is), 1, 8),
    "max pooling, S = 1": ((12, 8), (overlapping, overlapping), 1, 8),
    "neither, as wide": ((16, 32), (as_it_is, as_it_is), 1, 8),
    "neither, one of 16": ((16, 32), (as_it_is, one_of_16), 1, 2),
}
EFFECTS = {  # two networks with nothing else between them, but for the first pair
    "pooling against neither,\nas many parameters": ("max pooling", "neither"),
    "pooling,\nsmall last layer": ("max pooling", "stride 2"),
    "pooling,\nlarge last layer": ("max pooling, S = 1", "neither"),
    "the smaller last layer,\nno pooling": ("neither, one of 16", "neither, as wide"),
}


def build(name, rng):
    """[conv, relu, pool] twice and a fully connected end, for images (B, 1, 8, 8)."""
    (first, second), (after_first, after_second), stride, side = NETWORKS[name]
    settings = {"stride": stride, "padding": 1, "remainder": "drop", "rng": rng}
    return mg.nn.Sequential(
        mg.nn.Conv2d(1, first, 3, **settings, dtype=np.float32),
        mg.relu,
        after_first,
        mg.nn.Conv2d(first, second, 3, **settings, dtype=np.float32),
        mg.relu,
        after_second,
        mg.nn.Flatten(),
        mg.nn.Linear(second * side * side, 10, rng=rng, dtype=np.float32),
    )


def parts(count, seed):
    """Which digits to learn from, and which to validate with: other ones for each seed."""
    order = np.random.default_rng(1000 + seed).permutation(max(EPOCHS) + VALIDATION)
    return order[:count], order[-VALIDATION:]


def run(name, count, seed):
    """Accuracy on the digits that a network learned from, and on the validation digits."""
    images, labels = mg.data.digits()
    known, new = parts(count, seed)
    rng = np.random.default_rng(seed)
    network = build(name, rng)
    train(network, images[known], labels[known], rng, EPOCHS[count], rate=0.01, size=50)
    return [np.mean(guesses(network, images[part]) == labels[part]) for part in (known, new)]


def differences(found):
    """For each effect and count: what is found of one network minus the other, seed by seed."""
    return {
        effect: {count: found[one, count] - found[other, count] for count in EPOCHS}
        for effect, (one, other) in EFFECTS.items()
    }


def error(values):
    """The standard error of the mean."""
    return values.std(ddof=1) / len(values) ** 0.5


def picture(gaps, right, out):
    """Every run's gap by network and size of the training set, and what the pairs tell."""
    figure, (all_, to_gap, to_right) = plots.figure(1, 3, 13, 4.2, width_ratios=[1.25, 1, 1])
    colours = dict(zip(EPOCHS, (plots.ORANGE, plots.GREEN, plots.BLUE), strict=True))
    for (name, count), gap in gaps.items():
        row = -list(NETWORKS).index(name) + 0.25 * (1 - list(EPOCHS).index(count))
        all_.scatter(gap, np.full(len(gap), row), c=colours[count], alpha=0.45, s=16, lw=0)
        all_.plot(gap.mean(), row, "|", c=plots.INK, ms=9, mew=1.6)
    all_.set_yticks([-n for n in range(len(NETWORKS))], list(NETWORKS))
    all_.set(title="Training minus validation accuracy: seeds, mean", xlabel="points")
    all_.axhline(-3.5, c=plots.GREY, lw=0.7, ls=":")
    picture_of_pairs(to_gap, gaps, colours)
    to_gap.set_yticks([-n for n in range(len(EFFECTS))], list(EFFECTS))
    to_gap.set(title="Added to the gap (2 standard errors)", xlabel="points")
    picture_of_pairs(to_right, right, colours)
    to_right.set(title="Added to validation accuracy", xlabel="points", yticks=to_gap.get_yticks())
    to_right.tick_params(labelleft=False)
    to_right.legend(loc="lower right", fontsize=8)
    plots.save(figure, out / "pooling_gap.png")


def picture_of_pairs(axes, found, colours):
    """What the pairs of networks tell, with two standard errors to both sides."""
    for row, by_count in enumerate(differences(found).values()):
        for shift, (count, added) in enumerate(by_count.items()):
            axes.errorbar(
                added.mean(), -row + 0.25 * (1 - shift), xerr=2 * error(added),
                fmt="o", c=colours[count], ms=5, label=None if row else f"{count:,} digits",
            )  # fmt: skip
    axes.axvline(0, c=plots.INK, lw=0.8)


def main(out: Path):
    """Train each network once for each count and seed, print, draw."""
    gaps, right = {}, {}
    for name in NETWORKS:
        parameters = sum(p.size for p in build(name, 0).parameters())
        print(f"{name}, {parameters} parameters:")
        for count in EPOCHS:
            known, new = 100 * np.array([run(name, count, seed) for seed in SEEDS]).T
            gap = known - new
            gaps[name, count], right[name, count] = gap, new
            print(f"  {count:4} digits: training {known.mean():5.1f} %, validation "
                  f"{new.mean():.1f} % (standard deviation {new.std(ddof=1):.1f}), "
                  f"gap {gap.mean():5.2f} ({gap.std(ddof=1):.2f})")  # fmt: skip
    for what, found in (("the gap", gaps), ("the validation accuracy", right)):
        print(f"Added to {what}, seed by seed (standard error):")
        for effect, by_count in differences(found).items():
            told = [f"{count}: {d.mean():+.2f} ({error(d):.2f})" for count, d in by_count.items()]
            print(f"  {effect.replace(chr(10), ' '):50}", ", ".join(told))
    picture(gaps, right, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
