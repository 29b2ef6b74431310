"""XOR by a multi-layer perceptron: set by hand, then learned (L4 to L6, L22 of the lecture).

Writes xor_by_hand.svg, xor_before.svg and xor_after.svg (the graphs, values and gradients in
them), xor_regions.png, xor_planes.png (what the hidden layer does to the four points), and
xor_trace.html, which plays the backprop of the first step.
"""

from pathlib import Path

import numpy as np
import plots
from scipy.optimize import linprog

import minigrad as mg

POINTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([0.0, 1.0, 1.0, 0.0])
HIDDEN = 8
SEEDS = range(8)  # for networks with two hidden neurons


def by_hand():
    """The lecture's network on the four points: every matrix that it prints, and the cost J."""
    x = mg.Tensor(POINTS, name="X")
    target = mg.Tensor(XOR, name="f*(X)")
    w1 = mg.Tensor([[1.0, 1.0], [1.0, 1.0]], requires_grad=True, name="W1")
    b = mg.Tensor([0.0, -1.0], requires_grad=True, name="b")
    w2 = mg.Tensor([1.0, -2.0], requires_grad=True, name="w2")
    z = x @ w1
    a = z + b
    h = mg.relu(a)
    y = h @ w2
    return {"z = X W1": z, "a = z + b": a, "h = relu(a)": h, "y = h w2": y, "J": mg.mse(y, target)}


def network(seed, activation=mg.relu, hidden=HIDDEN):
    """2 inputs, hidden neurons with an activation, 1 output; weights drawn at random."""
    rng = np.random.default_rng(seed)
    return mg.nn.Sequential(
        mg.nn.Linear(2, hidden, rng=rng), activation, mg.nn.Linear(hidden, 1, rng=rng)
    )


def set_by_hand():
    """The lecture's weights in a network with two hidden neurons."""
    net = network(seed=0, hidden=2)
    weights = ([[1, 1], [1, 1]], [0, -1], [[1], [-2]], [0])
    for parameter, values in zip(net.parameters(), weights, strict=True):
        parameter.assign(np.array(values, float))
    return net


def cost_of(net):
    """J = 1/4 * sum (f*(x) - f(x))^2 over the four points, and its gradients in `.grad`."""
    net.zero_grad()
    target = mg.Tensor(XOR[:, None], name="f*(X)")
    cost = mg.mse(net(mg.Tensor(POINTS, name="X")), target)
    cost.backward()
    return cost


def train(net, goal=1e-4, most=2000, rate=0.03):
    """Adam until J is below the goal: J after every step."""
    optimiser = mg.optim.Adam(net.parameters(), lr=rate)
    costs = [cost_of(net).item()]
    while costs[-1] >= goal and len(costs) <= most:
        optimiser.step()
        costs.append(cost_of(net).item())
    return costs


def dividing_line(points, labels):
    """(w1, w2, c) with w.p + c >= 1 at the points of class 1, <= -1 at those of class 0; or None.

    There is such a line exactly if any line divides the classes: this linear program says so.
    """
    side = np.where(labels > 0.5, 1.0, -1.0)[:, None]
    rows = -side * np.hstack([points, np.ones((len(points), 1))])
    found = linprog(np.zeros(3), A_ub=rows, b_ub=-np.ones(len(points)), bounds=(None, None))
    return found.x if found.success else None


def score(net, points):
    """How far the network's answer is above one half, at plain points (N, 2)."""
    return net(points).numpy()[:, 0] - 0.5


def picture_of_regions(before, after, costs, out):
    """Who gets which part of the plane, by hand, at random and learned, and J on the way."""
    figure, (hand, random, learned, way) = plots.figure(1, 4, 11, 2.9)
    plots.regions(hand, lambda p: np.maximum(p @ np.ones((2, 2)) + [0, -1], 0) @ [1, -2] - 0.5,
                  POINTS, XOR)  # fmt: skip
    hand.set_title("By hand: a stripe")
    for axes, net, title in (
        (random, before, "Random weights"),
        (learned, after, "Learned: J < 0.0001"),
    ):
        plots.regions(axes, lambda p, net=net: score(net, p), POINTS, XOR)
        axes.set_title(title)
    for axes in (hand, random, learned):
        axes.set(xlabel="x1", xticks=[0, 1], yticks=[0, 1])
    hand.set(ylabel="x2")
    way.semilogy(costs, c=plots.INK)
    way.set(title="The cost J falls", xlabel="step")
    plots.save(figure, out / "xor_regions.png")


def picture_of_planes(networks, out):
    """The four points in the plane of x, in that of the sums before relu, and after relu."""
    figure, axes = plots.figure(len(networks), 3, 8, 2.8 * len(networks))
    for row, (title, net) in zip(axes, networks.items(), strict=True):
        before, after = net[0](POINTS).numpy(), net[:2](POINTS).numpy()
        for place, what, letter, points, answer in (
            (row[0], f"{title}: plane of x", "x", POINTS, net),
            (row[1], "a = x W1 + b: no line", "a", before, None),
            (row[2], "h = relu(a): one line", "h", after, net[2:]),
        ):
            answered = answer and (lambda p, net=answer: score(net, p))
            plots.regions(place, answered, points, XOR, margin=0.9, square=True)
            place.set(title=what, xticks=[0, 1], yticks=[0, 1])
            place.set(xlabel=f"{letter}1", ylabel=f"{letter}2")
        for pair, colour in (([0, 3], plots.BLUE), ([1, 2], plots.ORANGE)):
            row[1].plot(*before[pair].T, c=colour, ls=":", zorder=2)  # they cross in the middle
        across, up = max(before[3] - before[0], before[2] - before[1], key=np.linalg.norm)
        beside = np.array([[up, -across]] * 4)  # beside the longer of those two
        plots.inputs_written(row[1], before, POINTS, beside)
        normal = net[2].weight.numpy()[:, 0]  # points to the side of class 1
        plots.inputs_written(row[2], after, POINTS, np.where(XOR[:, None], normal, -normal))
    drawn = axes[0, 0].collections[-2:]
    figure.legend(drawn, ["XOR is 0", "XOR is 1"], loc="outside lower center", ncols=2)
    plots.save(figure, out / "xor_planes.png")


def hidden_planes(out):
    """Train networks with two hidden neurons, say where a line divides the points, draw."""
    networks = {f"seed {seed}": network(seed, hidden=2) for seed in SEEDS}
    costs = {name: train(net)[-1] for name, net in networks.items()}
    hand = set_by_hand()
    for name, net in [("by hand", hand), *networks.items()]:
        before, after = [dividing_line(net[:n](POINTS).numpy(), XOR) for n in (1, 2)]
        print(f"two hidden neurons, {name}: J = {cost_of(net).item():.4f}; a line divides "
              f"the points before relu: {before is not None}, "
              f"after: {after is not None}")  # fmt: skip
    learned = [name for name, cost in costs.items() if cost < 1e-4]
    print(f"{len(learned)} of {len(networks)} learned XOR")
    picture_of_planes({"By hand": hand} | {f"Learned, {n}": networks[n] for n in learned}, out)


def draw(cost, names, path):
    """Write the graph that the cost was computed by, with the values and gradients in it."""
    mg.draw(cost, names=names).save(path)
    print(f"Wrote {path}")


def main(out: Path):
    """Compare with the lecture, train, draw before and after."""
    steps = by_hand()
    for name, value in steps.items():
        print(f"{name} = {value.data.tolist()}")
    steps["J"].backward()
    draw(steps["J"], {name[0]: t for name, t in steps.items()}, out / "xor_by_hand.svg")

    net = network(seed=0)
    cost = cost_of(net)
    draw(cost, {"network": net}, out / "xor_before.svg")
    mg.trace(cost, names={"network": net}).save(out / "xor_trace.html")
    costs = train(net)
    draw(cost_of(net), {"network": net}, out / "xor_after.svg")
    print(f"learned: J = {costs[-1]:.6f} after {len(costs) - 1} steps (it was {costs[0]:.3f})")
    picture_of_regions(network(seed=0), net, costs, out)
    hidden_planes(out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
