"""1x1 convolution and the fully connected layer: each stands in for the other (L15).

A classifier of single digits, trained, is turned fully convolutional and slid over a larger
image. Writes one_by_one.png.
"""

from pathlib import Path

import numpy as np
import plots

import minigrad as mg

NOTHING = 10  # the class of crops with no digit in the middle


def as_convolution(linear, channels, size):
    """The convolution that does at each position what `linear` does to (channels, size, size)."""
    weight, bias = linear.weight.data, linear.bias.data
    layer = mg.nn.Conv2d(channels, bias.size, size, dtype=weight.dtype)
    layer.weight.assign(weight.T.reshape(layer.weight.shape))
    layer.bias.assign(bias)
    return layer


def as_linear(convolution):
    """The fully connected layer that does to one patch, stretched, what the convolution does."""
    weight, bias = convolution.weight.data, convolution.bias.data
    layer = mg.nn.Linear(weight[0].size, bias.size, dtype=weight.dtype)
    layer.weight.assign(weight.reshape(bias.size, -1).T)
    layer.bias.assign(bias)
    return layer


def classifier(rng):
    """(B, 1, 8, 8) -> scores (B, 11): two convolutions and two fully connected layers."""
    f32 = {"rng": rng, "dtype": np.float32}
    return mg.nn.Sequential(
        mg.nn.Conv2d(1, 16, 3, **f32),
        mg.relu,
        mg.nn.Conv2d(16, 32, 3, **f32),
        mg.relu,
        mg.nn.Flatten(),  # (B, 32, 4, 4) -> (B, 512)
        mg.nn.Linear(512, 64, **f32),
        mg.relu,
        mg.nn.Linear(64, 11, **f32),
    )


def fully_convolutional(network):
    """The same function of an 8x8 image, that also takes a larger one: no fully connected layer."""
    wide, scores = as_convolution(network[5], 32, 4), as_convolution(network[7], 64, 1)
    return mg.nn.Sequential(network[:4], wide, mg.relu, scores)


def between(images, rng):
    """As many crops with no digit in the middle: off by 3 to 5 pixels in a field of digits."""
    tiles = images[rng.integers(len(images), size=(len(images), 2, 2))]  # (N, 2, 2, 1, 8, 8)
    tiles = tiles * (rng.random((len(images), 2, 2, 1, 1, 1)) < 0.5)  # half of them empty
    field = tiles.transpose(0, 3, 1, 4, 2, 5).reshape(-1, 1, 16, 16)
    row, column = rng.permutation([rng.integers(3, 6), rng.integers(0, 9)])
    return field[..., row : row + 8, column : column + 8].astype(images.dtype)


def train(network, images, labels, rng, epochs=12, rate=0.003):
    """AdamW on digits and on crops without one."""
    optimiser = mg.optim.AdamW(network.parameters(), lr=rate)
    for epoch in range(epochs):
        optimiser.lr = rate * (1 - epoch / epochs)
        for digits, classes in mg.data.batches(images, labels, size=64, shuffle=rng):
            x = np.concatenate([digits, between(digits, rng)])
            y = np.concatenate([classes, np.full(len(digits), NOTHING)])
            loss = mg.cross_entropy(network(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def canvas(images, corners, shape=(26, 50)):
    """A large image with small ones at the given corners."""
    large = np.zeros((1, 1, *shape), images.dtype)
    for image, (row, column) in zip(images, corners, strict=True):
        large[0, :, row : row + 8, column : column + 8] = image
    return large


def found(scores, sure=0.5):
    """Where a digit is likelier than around it: (row, column, digit) for scores (11, H, W)."""
    chance = mg.softmax(scores, axis=0)
    digit = 1 - chance[NOTHING]
    around = np.lib.stride_tricks.sliding_window_view(np.pad(digit, 4), (9, 9)).max((2, 3))
    return [(r, c, int(chance[:NOTHING, r, c].argmax()))
            for r, c in np.argwhere((digit == around) & (digit > sure))]  # fmt: skip


def picture(large, scores, peaks, out):
    """The large image and what was found in it, beside the chance of a digit at each position."""
    figure, (image, chance) = plots.figure(1, 2, 10, 2.9)
    plots.maps(image, large[0, 0], "Trained on 8x8, slid over 26x50: the digits found",
               cmap="gray_r", vmin=-0.1)  # fmt: skip
    for row, column, digit in peaks:
        plots.frame(image, row, column, 8)
        image.text(column - 0.3, row - 0.8, digit, c=plots.RED, weight="bold")
    digit = 1 - mg.softmax(scores, axis=0)[NOTHING]
    shown = plots.maps(chance, digit, "Chance of a digit, at all 19x43 positions", cmap="viridis")
    figure.colorbar(shown, ax=chance, shrink=0.7)
    plots.save(figure, out / "one_by_one.png")


def main(out: Path):
    """Show the equality, train, turn fully convolutional, slide."""
    rng = np.random.default_rng(0)
    x, depth = rng.normal(size=(1, 64, 84, 84)), mg.nn.Linear(64, 5, rng=rng)
    by_layer = np.moveaxis(depth(np.moveaxis(x, 1, -1)).numpy(), -1, 1)
    by_convolution = as_convolution(depth, 64, 1)(x).numpy()
    print(f"84x84x64 -> 84x84x5, shape {by_convolution.shape}, by a fully connected layer at each "
          f"position: differs by {np.abs(by_layer - by_convolution).max():.0e}")  # fmt: skip
    learn, held_out = mg.data.split(*mg.data.digits(), held_out=0.2, seed=0)
    network = classifier(rng)
    train(network, *learn, rng)
    right = np.mean(network(held_out[0]).argmax(axis=1) == held_out[1])
    print(f"single digits: {right:.1%} of {len(held_out[0])} held out are right")
    corners = [(2, 2), (14, 8), (3, 15), (15, 23), (1, 28), (12, 33), (16, 41), (2, 40)]
    large = canvas(held_out[0][:8], corners)
    scores = fully_convolutional(network)(large).numpy()[0]
    peaks = found(scores)
    print("there:", sorted((*c, int(d)) for c, d in zip(corners, held_out[1][:8], strict=True)))
    print("found:", sorted((int(r), int(c), d) for r, c, d in peaks))
    picture(large, scores, peaks, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
