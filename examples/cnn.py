"""A CNN on real digits: [conv, relu] with pooling, fully connected at the end (L11 of the lecture).

Writes cnn.png, cnn_saliency.png and cnn_graph.svg.
"""

from pathlib import Path

import numpy as np
import plots

import minigrad as mg


def build(rng):
    """[conv, relu] three times, pooling after two of them, a fully connected layer at the end."""
    f32 = {"rng": rng, "dtype": np.float32}
    return mg.nn.Sequential(
        mg.nn.Conv2d(1, 8, 3, padding=1, **f32),  # (B, 1, 8, 8) -> (B, 8, 8, 8)
        mg.relu,
        mg.nn.Conv2d(8, 16, 3, padding=1, **f32),
        mg.relu,
        mg.nn.MaxPool(2),  # (B, 16, 8, 8) -> (B, 16, 4, 4)
        mg.nn.Conv2d(16, 32, 3, padding=1, **f32),
        mg.relu,
        mg.nn.MaxPool(2),  # (B, 32, 4, 4) -> (B, 32, 2, 2)
        mg.nn.Flatten(),
        mg.nn.Linear(128, 10, **f32),
    )


def train(network, images, labels, rng, epochs=12, rate=0.006, size=64):
    """AdamW on the cross-entropy, the rate falling to 0 epoch by epoch: the loss at every step."""
    optimiser, losses = mg.optim.AdamW(network.parameters(), lr=rate), []
    for epoch in range(epochs):
        optimiser.lr = rate * (1 - epoch / epochs)
        for x, y in mg.data.batches(images, labels, size=size, shuffle=rng):
            loss = mg.cross_entropy(network(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    optimiser.zero_grad()
    return losses


def guesses(network, images):
    """The class of the largest score of each image."""
    with mg.no_grad():
        return network(images).argmax(axis=1)


def saliency(network, images):
    """How much each pixel changes the winning score: |gradient| (N, 8, 8)."""
    with mg.no_grad():  # the images are followed, the parameters are not
        return np.abs(mg.grad(lambda x: mg.sum(mg.max(network(x), axis=1)))(images))[:, 0]


def picture(losses, labels, guessed, out):
    """The course of the loss, and which digits were taken for which."""
    figure, (way, table) = plots.figure(1, 2, 8, 3.4, width_ratios=[1.2, 1])
    way.semilogy(losses, c=plots.GREY, lw=0.7)
    smooth = np.convolve(losses, np.ones(23) / 23, mode="valid")  # over an epoch
    way.semilogy(np.arange(len(smooth)) + 11, smooth, c=plots.BLUE)
    way.set(title="The loss falls (blue: mean over an epoch)", xlabel="step")
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, guessed), 1)
    table.imshow(np.sqrt(counts), cmap="Blues", vmax=9)
    for (label, guess), count in np.ndenumerate(counts):
        colour = plots.RED if label != guess else plots.INK
        table.text(guess, label, count or "", ha="center", va="center", c=colour, size=8)
    right = np.mean(labels == guessed)
    table.set(title=f"Held-out digits: {right:.1%} right", xlabel="guess", ylabel="digit")
    table.set(xticks=range(10), yticks=range(10))
    plots.save(figure, out / "cnn.png")


def picture_of_saliency(network, images, out):
    """Digits, and how much each pixel of them changes the winning score."""
    figure, axes = plots.figure(2, 1, 7, 2.3)
    plots.maps(axes[0], plots.in_a_row(images[:, 0]), "held-out digits", cmap="gray_r")
    title = "how much each pixel changes the winning score"
    plots.maps(axes[1], plots.in_a_row(saliency(network, images)), title, cmap="viridis")
    plots.save(figure, out / "cnn_saliency.png")


def main(out: Path):
    """Train on four fifths of the digits, test on the others, draw."""
    rng = np.random.default_rng(0)
    learn, (images, labels) = mg.data.split(*mg.data.digits(), held_out=0.2, seed=0)
    network = build(rng)
    losses = train(network, *learn, rng)
    guessed = guesses(network, images)
    print(f"{network}: {np.mean(guessed == labels):.1%} of {len(labels)} held-out digits are right")
    picture(losses, labels, guessed, out)
    picture_of_saliency(network, images[:10], out)
    scores = network(mg.Tensor(images[:1], name="image"))
    path = out / "cnn_graph.svg"
    mg.draw(scores, names={"scores": scores, "network": network}).save(path)
    print(f"Wrote {path}")


if __name__ == "__main__":
    main(plots.folder(__doc__))
