"""What the layers of a trained CNN learn: early, middle, late (L10 of the lecture).

Writes layers_filters.png, layers_maps.png and layers_excite.png.
"""

from pathlib import Path

import numpy as np
import plots
from cnn import build, train

import minigrad as mg

STAGES = {"early": 2, "middle": 5, "late": 8}  # how many layers of the network lead there


def exciting(score, count, rng, steps=200, rate=0.05):
    """Gradient ascent: images (count, 1, 8, 8) in [0, 1] that raise `score`, a number an image."""
    x = rng.uniform(0, 0.3, (count, 1, 8, 8)).astype(np.float32)
    uphill = mg.grad(lambda x: mg.sum(score(x)) - 0.5 * mg.sum(x * x))
    with mg.no_grad():  # the image is followed, the parameters are not
        for _ in range(steps):
            g = uphill(x)
            x = np.clip(x + rate * g / (np.abs(g).max((1, 2, 3), keepdims=True) + 1e-6), 0, 1)
    return x


def told_apart(network, learn, held_out):
    """How many held-out digits are nearest to their own class's mean, stage by stage."""
    told = {}
    for name, end in {"input": 0, **STAGES}.items():
        old, new = [
            np.reshape(network[:end](mg.Tensor(images)).numpy(), (len(images), -1))
            for images in (learn[0], held_out[0])
        ]
        means = np.stack([old[learn[1] == digit].mean(0) for digit in range(10)])
        nearest = np.linalg.norm(new[:, None] - means, axis=2).argmin(1)
        told[name] = np.mean(nearest == held_out[1])
    return told


def picture_of_filters(network, trained, untrained, out):
    """The filters of the first layer, and how far apart the classes are after each stage."""
    figure, axes = plots.mosaic("0123SSS;4567SSS", 9.5, 2.9)
    for i, filter_ in enumerate(network[0].weight.data[:, 0]):
        plots.signed(axes[str(i)], filter_)
    axes["0"].set_title("The first layer's eight filters")
    runs = ((trained, plots.BLUE, "trained"), (untrained, plots.GREY, "random weights"))
    for told, colour, label in runs:
        axes["S"].plot([100 * part for part in told.values()], "o-", c=colour, label=label)
    axes["S"].set_xticks(range(4), list(trained))
    axes["S"].set(title="Held-out digits nearest to their class's mean", ylabel="%")
    axes["S"].legend()
    plots.save(figure, out / "layers_filters.png")


def picture_of_maps(network, image, out):
    """The activation maps of all three stages for one digit."""
    figure, axes = plots.mosaic("DEEEEEE;DMMMMMM;DLLLLLL", 10, 2.9, height_ratios=[8, 4, 2])
    plots.maps(axes["D"], image[0], "a digit", cmap="gray_r")
    for stage in STAGES:
        maps = network[: STAGES[stage]](image[None]).numpy()[0]
        title = f"{stage}: {len(maps)} maps of {maps.shape[1]}x{maps.shape[2]}"
        plots.maps(axes[stage[0].upper()], plots.in_a_row(maps), title, cmap="viridis")
    plots.save(figure, out / "layers_maps.png")


def picture_of_excitement(network, rng, out):
    """The images that excite a unit amid eight maps of each convolution, and eight classes."""
    each = np.arange(8), np.arange(8)  # image i excites map i
    early, middle, late = network[:1], network[:3], network[:6]  # before relu, which can be flat
    units = {
        "eight early units": lambda x: early(x)[*each, 4, 4],
        "eight middle units": lambda x: middle(x)[*each, 4, 4],
        "eight late units": lambda x: late(x)[*each, 2, 2],
        "the scores of 0 to 7": lambda x: network(x)[each],
    }
    figure, axes = plots.figure(4, 1, 6, 4.4)
    for panel, (name, score) in zip(axes, units.items(), strict=True):
        images = exciting(score, 8, rng)
        plots.maps(panel, plots.in_a_row(images[:, 0]), f"what excites {name}", cmap="gray_r")
    plots.save(figure, out / "layers_excite.png")


def main(out: Path):
    """Train the network of cnn.py and look inside."""
    rng = np.random.default_rng(0)
    learn, held_out = mg.data.split(*mg.data.digits(), held_out=0.2, seed=0)
    network = build(rng)
    untrained = told_apart(network, learn, held_out)
    train(network, *learn, rng)
    trained = told_apart(network, learn, held_out)
    for name, told in (("random", untrained), ("trained", trained)):
        stages = ", ".join(f"{stage} {part:.1%}" for stage, part in told.items())
        print(f"held-out digits nearest to their class's mean, {name} weights: {stages}")
    picture_of_filters(network, trained, untrained, out)
    picture_of_maps(network, held_out[0][2], out)
    picture_of_excitement(network, rng, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
