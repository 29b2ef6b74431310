"""A convolutional network on real images, trained and drawn: row L11 of the lecture."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import minigrad as mg
from minigrad.data import Batches, batches, digits, load_idx, split
from minigrad.errors import ShapeError

Array = npt.NDArray[Any]


class Data(NamedTuple):
    """Images (N, 1, H, W) in [0, 1] and labels (N,), to train on and held out."""

    name: str
    images: Array
    labels: Array
    held_out_images: Array
    held_out_labels: Array


def load(source: str, seed: int) -> Data:
    """The built-in digits, a fifth of them held out, or the IDX files of a folder."""
    if source == "digits":
        (images, labels), (held_images, held_labels) = split(*digits(), held_out=0.2, seed=seed)
        return Data("digits", images, labels, held_images, held_labels)
    return Data(source, *load_idx(source, "train"), *load_idx(source, "test"))


def build(data: Data, rng: np.random.Generator) -> mg.nn.Sequential:
    """[conv, relu, maxpool] x 2 and linear, for images of the size that the data has."""
    height, width = data.images.shape[-2:]
    if min(height, width) < 4:
        raise ShapeError(f"images of {height}x{width} are too small to be halved twice.")
    f32 = np.float32
    return mg.nn.Sequential(
        mg.nn.Conv2d(1, 16, 3, padding=1, rng=rng, dtype=f32),
        mg.relu,
        mg.nn.MaxPool(2, remainder="drop"),
        mg.nn.Conv2d(16, 32, 3, padding=1, rng=rng, dtype=f32),
        mg.relu,
        mg.nn.MaxPool(2, remainder="drop"),
        mg.nn.Flatten(),
        mg.nn.Linear(
            32 * (height // 4) * (width // 4), int(data.labels.max()) + 1, rng=rng, dtype=f32
        ),
    )


def run(
    data: Data, out: Path, seed: int, epochs: int, batch: int, rate: float, console: Console
) -> None:
    """Train, test on what was held out, and draw the graph of one image's loss."""
    rng = np.random.default_rng(seed)
    network = build(data, rng)
    shape = "x".join(map(str, data.images.shape[2:]))
    count = sum(p.size for p in network.parameters())
    console.print(
        f"{data.name}: {len(data.images):,} images of {shape} to learn from, "
        f"{len(data.held_out_images):,} held out; a network of {count:,} parameters.",
        soft_wrap=True,
    )
    start = perf_counter()
    train(
        network, batches(data.images, data.labels, size=batch, shuffle=rng), epochs, rate, console
    )
    seconds = perf_counter() - start
    guessed = classify(network, data.held_out_images)
    console.print(confusion(data.held_out_labels, guessed))
    right = np.mean(guessed == data.held_out_labels)
    console.print(
        f"{right:.2%} of the held-out images are right, after {seconds:.1f} s of training."
    )
    written = [out / "cnn.svg", out / "cnn.html"]
    pictures(network, data, *written)
    console.print("Wrote " + ", ".join(str(path) for path in written), soft_wrap=True)


def train(
    network: mg.nn.Sequential,
    data: Batches[tuple[Array, ...]],
    epochs: int,
    rate: float,
    console: Console,
) -> None:
    """AdamW on the cross-entropy; the learning rate falls linearly to 0."""
    optimiser = mg.optim.AdamW(network.parameters(), lr=rate)
    total = epochs * len(data)
    progress = Progress(
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        console=console,
    )
    with progress:
        task = progress.add_task("", total=total, epoch=1, loss=np.nan)
        for epoch in range(1, epochs + 1):
            for images, labels in data:
                loss = mg.cross_entropy(network(mg.Tensor(images)), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.lr = rate * (1 - optimiser.steps / total)
                optimiser.step()
                progress.update(task, advance=1, epoch=epoch, loss=loss.item())


def classify(network: mg.nn.Sequential, images: Array) -> Array:
    """The class of the largest score of each image, computed 256 at a time."""
    network.eval()
    with mg.no_grad():
        scores = [network(mg.Tensor(part)) for part in batches(images, size=256)]
    return np.concatenate([t.argmax(axis=1) for t in scores])


def confusion(labels: Array, guessed: Array) -> Table:
    """How many images of each class (rows) were taken for each class (columns)."""
    classes = int(max(labels.max(), guessed.max())) + 1
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, guessed), 1)
    table = Table(title="Held-out images: class (row) against guess (column)")
    for heading in ("", *map(str, range(classes)), "right"):
        table.add_column(heading, justify="right")
    for label, found in enumerate(counts):
        cells = [cell(n, label == guess) for guess, n in enumerate(found)]
        table.add_row(f"[bold]{label}", *cells, f"{found[label] / max(found.sum(), 1):.1%}")
    return table


def cell(number: int, right: bool) -> str:
    """One cell: right guesses green, wrong ones red, none as a dot."""
    if number == 0:
        return "[dim]·"
    return f"[green]{number}" if right else f"[bold red]{number}"


def pictures(network: mg.nn.Sequential, data: Data, svg: Path, html: Path) -> None:
    """The loss of the first held-out image: its graph as a picture, and backprop as a page."""
    network.zero_grad()
    image = mg.Tensor(data.held_out_images[:1], requires_grad=True, name="image")
    with mg.sources():
        scores = network(image)
        loss = mg.cross_entropy(scores, data.held_out_labels[:1])
    loss.backward()
    names = {"loss": loss, "scores": scores}
    mg.draw(loss, names=names, images=True).save(svg)
    mg.trace(loss, names=names).save(html)
