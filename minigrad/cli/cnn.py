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
from rich.text import Text

import minigrad as mg
from minigrad.cli.output import first_that_fits, saved
from minigrad.data import Batches, batches, digits, load_idx, split
from minigrad.errors import DataError, ShapeError

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
    if data.held_out_images.shape[-2:] != (height, width):
        held = "x".join(map(str, data.held_out_images.shape[-2:]))
        raise DataError(f"the images are {height}x{width} to learn from, but {held} held out.")
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
        mg.nn.Linear(32 * (height // 4) * (width // 4), classes_of(data), rng=rng, dtype=f32),
    )


def classes_of(data: Data) -> int:
    """How many classes the labels are of. Raises `DataError` where there are no images."""
    if not len(data.labels) or not len(data.held_out_labels):
        raise DataError(f"{data.name} needs images to learn from and images held out.")
    return int(max(data.labels.max(), data.held_out_labels.max())) + 1


def run(
    data: Data, out: Path, seed: int, epochs: int, batch: int, rate: float, console: Console
) -> int:
    """Train, test on what was held out, and draw the graph of one image's loss: 0 if it learned."""
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
    examples = batches(data.images, data.labels, size=batch, shuffle=rng)
    loss = train(network, examples, epochs, rate, console)
    seconds = perf_counter() - start
    guessed = classify(network, data.held_out_images)
    told = data.held_out_labels, guessed
    console.print(first_that_fits(console, confusion(*told), by_class(*told)))
    right = np.mean(guessed == data.held_out_labels)
    console.print(
        f"{right:.2%} of the held-out images are right, after {seconds:.1f} s of training."
    )
    drawing, played = pictures(network, data)
    written = [saved(drawing, out / "cnn.svg"), saved(played, out / "cnn.html")]
    console.print("Wrote " + ", ".join(written), soft_wrap=True)
    if not np.isfinite(loss):
        console.print(f"The loss is {loss}: try a smaller --rate.", style="bold red")
        return 1
    return 0


def train(
    network: mg.nn.Sequential,
    data: Batches[tuple[Array, ...]],
    epochs: int,
    rate: float,
    console: Console,
) -> float:
    """AdamW on the cross-entropy; the learning rate falls linearly to 0. Returns the last loss."""
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
    return loss.item()


def classify(network: mg.nn.Sequential, images: Array) -> Array:
    """The class of the largest score of each image, computed 256 at a time."""
    network.eval()
    with mg.no_grad():
        scores = [network(mg.Tensor(part)) for part in batches(images, size=256)]
    return np.concatenate([t.argmax(axis=1) for t in scores])


def confusion(labels: Array, guessed: Array) -> Table:
    """How many images of each class (rows) were taken for each class (columns)."""
    counts = counted(labels, guessed)
    table = Table(title="Held-out images: class (row), guess (column)")
    for heading in ("", *map(str, range(len(counts))), "right"):
        table.add_column(heading, justify="right")
    for label, found in enumerate(counts):
        cells = [cell(n, label == guess) for guess, n in enumerate(found)]
        table.add_row(Text(str(label), "bold"), *cells, share(found[label], found.sum()))
    return table


def by_class(labels: Array, guessed: Array) -> Table:
    """The same where it is narrow: how many are right, and what most others are taken for."""
    table = Table(title="Held-out images")
    for heading in ("class", "images", "right", "else often"):
        table.add_column(heading, justify="right")
    for label, found in enumerate(counted(labels, guessed)):
        wrong = found.copy()
        wrong[label] = 0
        other = str(wrong.argmax()) if wrong.any() else ""
        right = share(found[label], found.sum())
        table.add_row(str(label), str(found.sum()), right, other)
    return table


def counted(labels: Array, guessed: Array) -> Array:
    """The numbers of images by class and by guess."""
    classes = int(max(labels.max(), guessed.max())) + 1
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, guessed), 1)
    return counts


def share(part: int, whole: int) -> str:
    """A part of a whole in percent; nothing of nothing."""
    return f"{part / whole:.1%}" if whole else ""


def cell(number: int, right: bool) -> Text:
    """One cell: right guesses green, wrong ones red, none as a dot."""
    if number == 0:
        return Text("·", "dim")
    return Text(str(number), "green" if right else "bold red")


def pictures(network: mg.nn.Sequential, data: Data) -> tuple[Any, Any]:
    """The loss of the first held-out image: its graph as a picture, and backprop as a page."""
    network.zero_grad()
    image = mg.Tensor(data.held_out_images[:1], requires_grad=True, name="image")
    with mg.sources():
        scores = network(image)
        loss = mg.cross_entropy(scores, data.held_out_labels[:1])
    loss.backward()
    names = {"loss": loss, "scores": scores}
    return mg.draw(loss, names=names, images=True), mg.trace(loss, names=names)
