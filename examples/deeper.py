"""Why deeper: one wide hidden layer against two, on two spirals (L7 of the lecture).

Prints the accuracy on new points, mean and spread over the seeds; writes deeper.png.
"""

from pathlib import Path

import numpy as np
import plots

import minigrad as mg

NETWORKS = {"25": (25,), "12 + 13": (12, 13), "54": (54,)}  # 54: as many parameters as 12 + 13
RATES = {"25": 0.05, "12 + 13": 0.005, "54": 0.1}  # the best of each by `search`
SEEDS = range(4, 12)


def spirals(count, rng, turns=2.25, noise=0.015):
    """Two spirals, one in each class: points (2 * count, 2) and labels 0, 1."""
    along = np.sqrt(rng.uniform(0.02, 1, size=(2, count)))  # evenly spread over the arm
    angle = 2 * np.pi * turns * along + np.pi * np.arange(2)[:, None]
    points = along[..., None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    points += rng.normal(0, noise, points.shape)
    return points.reshape(-1, 2), np.repeat([0, 1], count)


def build(hidden, rng):
    """2 inputs, the hidden layers with relu, 1 output: the logit of class 1."""
    layers, inputs = [], 2
    for nodes in hidden:
        layers += [mg.nn.Linear(inputs, nodes, rng=rng), mg.relu]
        inputs = nodes
    return mg.nn.Sequential(*layers, mg.nn.Linear(inputs, 1, rng=rng))


def train(network, points, labels, rate, steps=1500):
    """Adam on the cross-entropy of all points at once; the rate falls linearly to 0."""
    optimiser = mg.optim.Adam(network.parameters(), lr=rate)
    targets = labels[:, None].astype(float)
    for step in range(steps):
        loss = mg.binary_cross_entropy(network(points), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.lr = rate * (1 - step / steps)
        optimiser.step()


def logits(network, points):
    """The network's outputs for points (N, 2), as a plain array (N,)."""
    return network(points).numpy()[:, 0]


def run(hidden, seed, rate, steps=1500):
    """A network trained on the points of a seed, and the part of 2000 new ones it gets right."""
    network = build(hidden, np.random.default_rng(seed))
    train(network, *spirals(150, np.random.default_rng(seed)), rate, steps)
    points, labels = spirals(1000, np.random.default_rng(1000 + seed))
    return network, np.mean((logits(network, points) > 0) == labels)


def search(rates=(0.005, 0.01, 0.02, 0.05, 0.1), seeds=range(4)):
    """Print how each network does at each rate, on seeds that the comparison does not use."""
    for name, hidden in NETWORKS.items():
        means = {rate: np.mean([run(hidden, seed, rate)[1] for seed in seeds]) for rate in rates}
        print(f"{name:8}", *(f"{rate}: {right:.1%}  " for rate, right in means.items()))


def picture(results, out):
    """The regions of each network's median run, and how every run did."""
    figure, (*planes, spread) = plots.figure(1, 4, 12, 3.3)
    for row, (axes, (name, runs)) in enumerate(zip(planes, results.items(), strict=True)):
        right = np.array([right for _, right in runs])
        median = int(np.argsort(right)[len(right) // 2])
        points, labels = spirals(150, np.random.default_rng(SEEDS[median]))
        plots.regions(
            axes, lambda p, net=runs[median][0]: logits(net, p), points, labels, margin=0.15
        )
        layers = "two layers" if "+" in name else "one layer"
        axes.set(title=f"{layers}, {name} nodes: {right[median]:.1%}", xticks=[], yticks=[])
        spread.scatter(100 * right, np.full(len(right), -row), c=plots.BLUE, alpha=0.6)
        spread.plot(100 * right.mean(), -row, "|", c=plots.RED, ms=22, mew=2)
    spread.set(yticks=[0, -1, -2], yticklabels=list(results), ylim=(-2.5, 0.5), ylabel="nodes")
    spread.set(title="New points right: seeds, mean (bar)", xlabel="%", xticks=range(85, 101, 5))
    plots.save(figure, out / "deeper.png")


def main(out: Path):
    """Train each network once for each seed, print the numbers, draw."""
    results = {}
    for name, hidden in NETWORKS.items():
        results[name] = runs = [run(hidden, seed, RATES[name]) for seed in SEEDS]
        right = 100 * np.array([right for _, right in runs])
        parameters = sum(p.size for p in runs[0][0].parameters())
        print(f"{name:>7} nodes, {parameters} parameters, rate {RATES[name]:<5}: new points right "
              f"{right.mean():.1f} % (median {np.median(right):.1f}, standard deviation "
              f"{right.std(ddof=1):.1f}, worst {right.min():.1f})")  # fmt: skip
    picture(results, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
