"""How the time of a training step grows with the batch and with the side of the images.

The network is LeNet-like, its 5x5 filters padded by 2 so that both poolings tile any side that 4
divides. `python -m benchmarks.growth` measures all sizes and draws docs/pictures/growth.png; as
part of `python -m benchmarks` the smallest and the largest of both rows are measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.convnet import LENET, Network
from benchmarks.convolutional import CANDIDATES, SINGLE, time_step
from benchmarks.measure import Row, ratios, readable
from benchmarks.processes import in_new_process

PADDED = replace(LENET, padding=2)
BATCHES = [replace(PADDED, batch=2**k) for k in range(11)]
SIDES = [replace(PADDED, batch=8, side=2**k) for k in range(3, 8)]
SHOWN = {  # candidate -> colour and style of its line: blue and orange, as in the examples
    SINGLE: ("#0072b2", "-"),
    "minigrad, 2 threads": ("#0072b2", "--"),
    "PyTorch NCHW, 1 thread": ("#e69f00", "-"),
    "PyTorch NCHW, 2 threads": ("#e69f00", "--"),
}
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "growth.png"
Times = dict[str, dict[Network, list[float]]]


def measured(networks: Iterable[Network], rounds: int) -> Times:
    """Seconds of a step by each candidate that is installed, one figure a round."""
    sizes = list(networks)
    names = [name for name in SHOWN if find_spec(CANDIDATES[name].module)]
    times: Times = {name: {network: [] for network in sizes} for name in names}
    expected: dict[Network, list[float]] = {}
    for _ in range(rounds):
        for name in names:
            found = in_new_process(time_steps, name, sizes)
            for network, (losses, seconds) in zip(sizes, found, strict=True):
                wanted = expected.setdefault(network, losses)
                np.testing.assert_allclose(losses, wanted, rtol=2e-5, err_msg=f"{name}, {network}")
                times[name][network].append(seconds)
    return times


def time_steps(name: str, networks: list[Network]) -> list[tuple[list[float], float]]:
    """The losses and the seconds of a step at every size, in this process."""
    return [time_step(name, network, 0.2) for network in networks]


def run(quick: bool = False) -> list[Row]:
    """Our time as a ratio to PyTorch's at the four ends, on as many threads."""
    ends = [BATCHES[0], BATCHES[-1], SIDES[0], SIDES[-1]]
    times = measured(ends, 3 if quick else 7)
    peers = [name for name in times if CANDIDATES[name].module != "minigrad"]
    mine = {CANDIDATES[name].threads: name for name in times if name not in peers}
    rows = []
    for end in ends:
        what = f"LeNet-like step, padded, batch {end.batch}, {end.side}x{end.side}"
        for peer in peers:
            ours = mine[CANDIDATES[peer].threads]
            figure = f"{readable(statistics.median(times[ours][end]))}, {ours.partition(', ')[2]}"
            rows.append(Row(what, peer, figure, *ratios(times[ours][end], times[peer][end])))
        if not peers:
            rows.append(Row(what, "-", readable(statistics.median(times[SINGLE][end])), None))
    return rows


def draw(times: Times, path: Path) -> None:
    """Milliseconds against both sizes, side by side, every axis logarithmic."""
    from examples.plots import figure, save

    made, (left, right) = figure(1, 2, 7.2, 3.2, sharey=True, width_ratios=(11, 8))
    panel(left, times, {network.batch: network for network in BATCHES})
    panel(right, times, {network.side: network for network in SIDES})
    left.set(xlabel="images in the batch", ylabel="milliseconds a step")
    left.set_title("Batch, images 32x32")
    right.set(xlabel="side of the images, in pixels")
    right.set_title("Side, batch 8")
    right.legend()
    save(made, path)


def panel(axes: Any, times: Times, sizes: dict[int, Network]) -> None:
    """One line a candidate, the medians over the rounds, and one in proportion to the pixels."""
    medians = {
        name: [statistics.median(times[name][network]) * 1e3 for network in sizes.values()]
        for name in times
    }
    for name, line in medians.items():
        colour, style = SHOWN[name]
        axes.plot(list(sizes), line, style, color=colour, marker="o", ms=3.5, label=name)
    pixels = np.array([network.batch * network.side**2 for network in sizes.values()])
    guide = medians[SINGLE][-1] * pixels / pixels[-1]
    guide[guide < min(medians[SINGLE])] = np.nan  # below all that is measured it only takes room
    axes.plot(list(sizes), guide, ":", color="#8c959f", label="in proportion to the pixels")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    labelled = list(sizes)[:: 1 + len(sizes) // 8]  # all of a few, every second of many
    axes.set_xticks(labelled, [str(size) for size in labelled])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(color="#d8dee4", lw=0.6)


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=PICTURE)
def main(path: Path) -> None:
    """Measure all sizes and draw the picture."""
    draw(measured(dict.fromkeys([*BATCHES, *SIDES]), 5), path)


if __name__ == "__main__":
    main()
