"""What stride 2 saves, and what it costs (L23 of the lecture).

Stride 1, stride 2, and stride 1 with pooling: multiplications and values kept by formula and as
counted in the recorded graph, memory and time of a step as measured, the accuracy on digits over
eight seeds. Writes stride.png.
"""

import tracemalloc
from math import prod
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
import plots
from cnn import guesses, train

import minigrad as mg

WAYS = {"stride 1": (1, 1), "stride 2": (2, 1), "stride 1, pooling": (1, 2)}  # stride, pool's size
LECTURE = {"shape": (3, 32, 32), "filters": (6, 10), "size": 5, "padding": 0}  # L9's two layers
DIGITS = {"shape": (1, 8, 8), "filters": (8, 16), "size": 3, "padding": 1}
SEEDS = range(8)


def cost_by_formula(shape, filters, size, padding, stride, pool):
    """Multiplications and values of one image: all layers of a way, 10 scores at the end."""
    depth, side, _ = shape
    multiplications = values = 0
    for count in filters:
        side = (side + 2 * padding - size) // stride + 1
        multiplications += side * side * count * size * size * depth
        values += 2 * side * side * count  # the sums, and what relu leaves of them
        depth = count
        if pool > 1:
            side //= pool
            values += side * side * count
    return multiplications + side * side * depth * 10, values + 2 * 10  # products, and with b


def build(shape, filters, size, padding, stride, pool, rng):
    """The network that the formula is about. Where the stride does not fit, the rest is dropped."""
    depth, *image = shape
    settings = {"padding": padding, "stride": stride, "remainder": "drop"}
    layers = []
    for count in filters:
        layers += [mg.nn.Conv2d(depth, count, size, **settings, rng=rng, dtype=np.float32), mg.relu]
        layers += [mg.nn.MaxPool(pool)] if pool > 1 else []
        depth = count
    features = mg.nn.Sequential(*layers, mg.nn.Flatten())
    flat = features(np.zeros((1, shape[0], *image), np.float32)).shape[1]
    return mg.nn.Sequential(*features, mg.nn.Linear(flat, 10, rng=rng, dtype=np.float32))


def cost_in_graph(scores):
    """Multiplications and values that the graph of the scores has recorded."""
    graph, multiplications, values = mg.graph(scores), 0, 0
    for node, op in graph.nodes(data="op"):
        size = graph.values[node].size
        shapes = {slot: graph.values[n].shape for n, _, slot in graph.in_edges(node, "slot")}
        if op == "conv2d":
            multiplications += size * prod(shapes[1][1:])  # a filter at each place
        elif op == "matmul":
            multiplications += size * shapes[0][-1]
        if op not in ("", "reshape"):  # a reshaped array is the same memory
            values += size
    return multiplications, values


def step(network, images):
    """Forward and backward."""
    mg.cross_entropy(network(images), np.arange(len(images)) % 10).backward()


def peak(network, images):
    """Bytes: the most memory that a step takes beyond what was there before it."""
    step(network, images)
    tracemalloc.start()
    step(network, images)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def times(networks, images, rounds=25):
    """Seconds of the processor's time of a step of each network: medians, taken in turns."""
    taken = [[] for _ in networks]
    with mg.threads(1):
        for _ in range(rounds):
            for network, seconds in zip(networks, taken, strict=True):
                start = process_time()
                step(network, images)
                seconds.append(process_time() - start)
    return [median(seconds) for seconds in taken]


def measure(case, batch=64):
    """For each way: parameters, multiplications, values, and the memory and time of a step."""
    images = np.random.default_rng(0).normal(size=(batch, *case["shape"])).astype(np.float32)
    networks = [build(**case, stride=s, pool=p, rng=0) for s, p in WAYS.values()]
    rows = []
    for (stride, pool), network in zip(WAYS.values(), networks, strict=True):
        counted = cost_in_graph(network(images[:1]))
        assert counted == cost_by_formula(**case, stride=stride, pool=pool)
        parameters = sum(p.size for p in network.parameters())
        rows.append((parameters, *counted, peak(network, images)))
    return [(*row, time) for row, time in zip(rows, times(networks, images), strict=True)]


def accuracy(way, seed, epochs=8):
    """The part of 360 held-out digits that a network gets right: all is drawn with the seed."""
    stride, pool = WAYS[way]
    learn, (images, labels) = mg.data.split(*mg.data.digits(), held_out=0.2, seed=seed)
    rng = np.random.default_rng(seed)
    network = build(**DIGITS, stride=stride, pool=pool, rng=rng)
    train(network, *learn, rng, epochs=epochs)
    return np.mean(guesses(network, images) == labels)


def picture(measured, right, out):
    """What each way costs, as a part of what stride 1 costs, and every seed's accuracy."""
    figure, (*bars, seeds) = plots.figure(1, 3, 12, 3, width_ratios=[1.1, 1.1, 0.7])
    colours = [plots.GREY, plots.ORANGE, plots.BLUE]
    for axes, (title, rows) in zip(bars, measured.items(), strict=True):
        for n, (way, row, colour) in enumerate(zip(WAYS, rows, colours, strict=True)):
            shares = [100 * cost / first for cost, first in zip(row[1:], rows[0][1:], strict=True)]
            made = axes.bar(np.arange(4) + 0.28 * (n - 1), shares, 0.26, color=colour, label=way)
            axes.bar_label(made, fmt="%.0f", size=8)
        axes.set_xticks(
            range(4), ["multipli-\ncations", "values\nkept", "memory\nof a step", "time\nof a step"]
        )
        axes.set(title=title, ylim=(0, 128), yticks=[0, 50, 100], ylabel="% of stride 1")
    bars[0].legend(ncols=3, loc="upper left", fontsize=8, columnspacing=1, handlelength=1)
    for n, (way, colour) in enumerate(zip(WAYS, colours, strict=True)):
        seeds.scatter(100 * right[way], np.full(len(right[way]), -n), c=colour, alpha=0.6)
        seeds.plot(100 * right[way].mean(), -n, "|", c=plots.RED, ms=22, mew=2)
    seeds.set_yticks([0, -1, -2], [way.replace(", ", ",\n") for way in WAYS])
    seeds.set(title="Held-out digits right: seeds, mean", xlabel="%", ylim=(-2.5, 0.5))
    plots.save(figure, out / "stride.png")


def main(out: Path):
    """Count, measure, train each network once for each seed, print, draw."""
    cases = {"The lecture's volumes, 32x32x3": LECTURE, "Digits, 8x8x1": DIGITS}
    measured = {title: measure(case) for title, case in cases.items()}
    for title, rows in measured.items():
        for way, (parameters, multiplications, values, memory, seconds) in zip(
            WAYS, rows, strict=True
        ):
            print(f"{title}: {way:17} {parameters:6} parameters, {multiplications:9,} "
                  f"multiplications, {values:6,} values; a step with 64 images: "
                  f"{memory / 1e6:5.2f} MB, {seconds / rows[0][-1]:.2f} "
                  "of stride 1's time")  # fmt: skip
    right = {way: np.array([accuracy(way, seed) for seed in SEEDS]) for way in WAYS}
    for way, parts in right.items():
        print(f"{way:17} held-out digits right {100 * parts.mean():.1f} % "
              f"(standard deviation {100 * parts.std(ddof=1):.1f})")  # fmt: skip
    picture(measured, right, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
