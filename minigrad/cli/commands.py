"""What the command `minigrad` can do: the lecture's two networks, and formulas, drawn and traced.

What does the work loads when it is wanted.
"""

from __future__ import annotations

import math
from pathlib import Path

import click

from minigrad.cli.output import console, say

MOST = 1_000_000_000  # steps, epochs, images of a batch
CONTEXT = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="minigrad")
def commands() -> None:
    """Train the lecture's networks; draw graphs and play backprop, of them or of a formula."""


out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder for the pictures; made if it is not there.",
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, help="Seed of the random weights and batches."
)


def finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """A number that is one: ranges let nan and infinity through."""
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number.")
    return value


@commands.command()
@out_option
@seed_option
@click.option(
    "--steps", type=click.IntRange(1, MOST), default=2000, help="Give up after so many steps."
)
def xor(out: Path, seed: int, steps: int) -> int:
    """XOR by a multi-layer perceptron, by hand, then learned.

    Writes its graph, xor.svg and xor.png, and a page that plays backprop, xor.html.
    """
    from minigrad.cli.xor import run

    return run(folder(out), seed, steps, console())


@commands.command()
@click.option(
    "--data",
    default="digits",
    metavar="digits|PATH",
    help="The built-in digits, or a folder with the IDX files of MNIST or Fashion-MNIST.",
)
@out_option
@seed_option
@click.option("--epochs", type=click.IntRange(1, MOST), default=20, help="Passes over the images.")
@click.option("--batch", type=click.IntRange(1, MOST), default=32, help="Images in a batch.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=0.003,
              callback=finite, help="Learning rate of AdamW; it falls to 0.")  # fmt: skip
def cnn(data: str, out: Path, seed: int, epochs: int, batch: int, rate: float) -> int:
    """A convolutional network on real images: [conv, relu, maxpool] x 2 and linear.

    Writes its graph, cnn.svg, and a page that plays backprop, cnn.html.
    """
    from minigrad.cli.cnn import load, run

    return run(load(data, seed), folder(out), seed, epochs, batch, rate, console())


formula_argument = click.argument("formula")
inputs_argument = click.argument("inputs", nargs=-1, metavar="[NAME=VALUE]...")
data_option = click.option(
    "--data", multiple=True, metavar="NAME", help="An input that needs no gradient; repeatable."
)


@commands.command()
@formula_argument
@inputs_argument
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file: .svg .png .pdf .dot .mermaid .graphml .txt; without it, text is printed.",
)
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light")
@click.option("--direction", type=click.Choice(["down", "right", "up", "left"]), default="down")
@data_option
@seed_option
def draw(
    formula: str,
    inputs: tuple[str, ...],
    out: Path | None,
    theme: str,
    direction: str,
    data: tuple[str, ...],
    seed: int,
) -> None:
    """Draw a formula's graph, with values and the gradients of its sum.

    Inputs are numbers, b=[0,0.5,1] or b=2, or a shape, x=4x2 or b="(3,)", of random numbers:
    minigrad draw "relu(x @ w + b)" x=4x2 w=2x3 b=[0,0.5,1] -o f.svg
    """
    from minigrad.cli import formulas

    result, filled = formulas.computed(formula, inputs, data, seed)
    say(formulas.draw(result, out, theme=theme, direction=direction) + filled)


@commands.command()
@formula_argument
@inputs_argument
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("trace.html"),
    help="The file: .html plays the steps, .json and .gif also hold them.",
)
@data_option
@seed_option
def trace(
    formula: str, inputs: tuple[str, ...], out: Path, data: tuple[str, ...], seed: int
) -> None:
    """Play backprop through a formula, step by step: one page that needs no network.

    Inputs as in draw: minigrad trace "relu(x @ w + b)" x=4x2 w=2x3 b=0.5 -o f.html
    """
    from minigrad.cli import formulas

    result, filled = formulas.computed(formula, inputs, data, seed)
    say(formulas.trace(result, out) + filled)


def folder(out: Path) -> Path:
    """The folder, made if need be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"cannot make the folder {out}: {error.strerror}.") from error
    return out
