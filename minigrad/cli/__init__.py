"""The command `minigrad`: the lecture's two networks, and formulas, drawn and traced."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from minigrad.errors import MinigradError

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


@commands.command()
@out_option
@seed_option
@click.option(
    "--steps", type=click.IntRange(min=1), default=2000, help="Give up after so many steps."
)
def xor(out: Path, seed: int, steps: int) -> None:
    """XOR by a multi-layer perceptron, by hand, then learned.

    Writes its graph, xor.svg and xor.png, and a page that plays backprop, xor.html.
    """
    from minigrad.cli.xor import run

    run(folder(out), seed, steps, Console())


@commands.command()
@click.option(
    "--data",
    default="digits",
    metavar="digits|PATH",
    help="The built-in digits, or a folder with the IDX files of MNIST or Fashion-MNIST.",
)
@out_option
@seed_option
@click.option("--epochs", type=click.IntRange(min=1), default=20, help="Passes over the images.")
@click.option("--batch", type=click.IntRange(min=1), default=32, help="Images in a batch.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=0.003,
              help="Learning rate of AdamW; it falls to 0.")  # fmt: skip
def cnn(data: str, out: Path, seed: int, epochs: int, batch: int, rate: float) -> None:
    """A convolutional network on real images: [conv, relu, maxpool] x 2 and linear.

    Writes its graph, cnn.svg, and a page that plays backprop, cnn.html.
    """
    from minigrad.cli.cnn import load, run

    run(load(data, seed), folder(out), seed, epochs, batch, rate, Console())


formula_argument = click.argument("formula")
inputs_argument = click.argument("inputs", nargs=-1, metavar="[NAME=SHAPE]...")
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

    Inputs are random numbers of a shape, or numbers: minigrad draw "relu(x @ w + b)" x=4x2
    w=2x3 b=[0,0.5,1] -o f.svg
    """
    from minigrad.cli import formulas

    result = formulas.computed(formula, inputs, data, seed)
    click.echo(formulas.draw(result, out, theme=theme, direction=direction))


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

    Inputs as in draw: minigrad trace "relu(x @ w + b)" x=4x2 w=2x3 b=3 -o f.html
    """
    from minigrad.cli import formulas

    click.echo(formulas.trace(formulas.computed(formula, inputs, data, seed), out))


def folder(out: Path) -> Path:
    """The folder, made if need be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"cannot make the folder {out}: {error.strerror}.") from error
    return out


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 when done, 1 when training failed, 2 for wrong arguments."""
    try:
        status = commands.main(arguments, prog_name="minigrad", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        status = 0
    except click.ClickException as error:
        click.echo(f"minigrad: {error.format_message()} (see minigrad --help)", err=True)
        status = 2
    except MinigradError as error:
        click.echo(f"minigrad: {error}", err=True)
        status = 2
    except OSError as error:
        click.echo(f"minigrad: {error.filename}: {error.strerror}.", err=True)
        status = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("minigrad: stopped.", err=True)
        status = 130
    sys.exit(status)
