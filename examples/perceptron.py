"""A perceptron: AND by hand, AND learned, and why XOR is out of reach (L1 to L3 of the lecture).

Writes perceptron_and.png and perceptron_xor.png.
"""

from pathlib import Path

import numpy as np
import plots
from matplotlib.patches import Patch

import minigrad as mg

POINTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND, XOR = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 0])
LINES = np.radians(np.arange(0, 360, 1.5)), np.linspace(-1.5, 1.5, 201)  # angles of w, betas
BY_HAND = [(np.array([0.5, 0.5]), 0.5), (np.array([0.5, 0.5]), 0.8)]


def perceptron(x, w, beta):
    """The lecture's classifier, of points x (..., 2): 0 if w1*x1 + w2*x2 <= beta else 1."""
    return np.where(x @ w <= beta, 0, 1)


def cost(w, beta, target):
    """How far the points are on the wrong side of the line, summed: Rosenblatt's criterion."""
    side = 2 * target - 1  # -1 below the line, 1 above it
    return mg.sum(mg.relu(-side * (POINTS @ w - beta)))


slope = mg.grad(cost, argnums=(0, 1))  # the perceptron's learning rule: nothing else is needed


def learn(target, rate=0.3, most=100, seed=2):
    """Go down the slope until all four points are right: the path of (w, beta)."""
    rng = np.random.default_rng(seed)
    w, beta = rng.normal(size=2), rng.normal()
    path = [(w, beta)]
    while (perceptron(POINTS, w, beta) != target).any() and len(path) < most:
        to_w, to_beta = slope(w, beta, target)
        w, beta = w - rate * to_w, beta - rate * to_beta
        path.append((w, beta))
    return path


def right_by_line(target, angles, betas):
    """How many of the four points each line gets right: w at an angle (rows: betas)."""
    w = np.stack([np.cos(angles), np.sin(angles)])  # (2, angles)
    guesses = POINTS @ w > betas[:, None, None]  # (betas, 4, angles)
    return (guesses == (target[:, None] == 1)).sum(1)


def picture_of_and(path, out):
    """The step, the two lines of the lecture, and the lines on the way of learning."""
    figure, (step, hand, learned) = plots.figure(1, 3, 9.5, 3.2)
    sums = POINTS @ BY_HAND[0][0]
    ends = np.array([-0.25, 1.25])
    for (_, beta), style, lift in zip(BY_HAND, ("-", "--"), (0, 0.03), strict=True):
        levels = np.array([0, 0, 1, 1]) + lift
        step.plot([ends[0], beta, beta, ends[1]], levels, style, c=plots.INK, label=f"β = {beta}")
    plots.classes(step, np.stack([sums, AND], axis=1), AND, s=45)
    step.set(title="AND: the sum x1/2 + x2/2, then a step", xlabel="weighted sum", ylabel="y")
    step.set(yticks=[0, 1])
    step.legend(loc="center left")
    plane(hand, AND, "Both lines by hand solve AND")
    for (w, beta), style in zip(BY_HAND, ("-", "--"), strict=True):
        line(hand, w, beta, ls=style, c=plots.INK, label=f"β = {beta}")
    hand.legend(loc="lower left")
    plane(learned, AND, f"Learned: {len(path) - 1} steps, to the bold line")
    for i, (w, beta) in enumerate(path):
        line(learned, w, beta, c=str(0.85 - 0.5 * i / len(path)), lw=1)
    line(learned, *path[-1], c=plots.GREEN, lw=2.5)
    plots.save(figure, out / "perceptron_and.png")


def picture_of_xor(out):
    """A best line for XOR, and the number of right points for every line there is."""
    figure, (best, *sweeps) = plots.figure(1, 3, 9.5, 3.2, width_ratios=[1, 1.15, 1.15])
    plane(best, XOR, "XOR: one point is always wrong")
    w, beta = np.array([1.0, 1.0]), 0.5
    line(best, w, beta, c=plots.INK)
    wrong = POINTS[perceptron(POINTS, w, beta) != XOR]
    best.scatter(*wrong.T, s=320, facecolors="none", edgecolors=plots.RED, linewidths=2)
    for axes, target, name in zip(sweeps, (AND, XOR), ("AND", "XOR"), strict=True):
        right = right_by_line(target, *LINES)
        colours = ["#f1f3f5", "#d0d7de", "#8fb8d8", "#3d84b8", plots.ORANGE]
        axes.contourf(np.degrees(LINES[0]), LINES[1], right, np.arange(-0.5, 5), colors=colours)
        axes.set(title=f"{name}: the best line has {right.max()} of 4", xticks=[0, 90, 180, 270])
        axes.set(xlabel="direction of w (degrees)", ylabel="β, with |w| = 1")
    handles = [Patch(color=c, label=f"{n} right") for n, c in enumerate(colours)]
    figure.legend(handles=handles, loc="outside lower right", ncols=5)
    plots.save(figure, out / "perceptron_xor.png")


def plane(axes, target, title):
    """The four points, circles for 0 and triangles for 1."""
    plots.classes(axes, POINTS, target, s=70)
    axes.set(aspect="equal", xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xticks=[0, 1], yticks=[0, 1])
    axes.set(title=title, xlabel="x1", ylabel="x2")


def line(axes, w, beta, **look):
    """The line w1*x1 + w2*x2 = beta."""
    foot = beta * w / (w @ w)
    axes.axline(foot, foot + np.array([-w[1], w[0]]), **look)


def main(out: Path):
    """Print what the lecture prints, and draw it."""
    for w, beta in BY_HAND:
        print(f"w = {w}, β = {beta}: AND = {perceptron(POINTS, w, beta)}")
    path = learn(AND)
    w, beta = path[-1]
    print(f"learned in {len(path) - 1} steps: w = {w.round(2)}, β = {beta:.2f}: "
          f"AND = {perceptron(POINTS, w, beta)}")  # fmt: skip
    right = [(perceptron(POINTS, w, beta) == XOR).sum() for w, beta in learn(XOR)]
    print(f"XOR, the same rule: never more than {max(right)} of 4 right in {len(right)} steps.")
    print(f"XOR, every line there is: never more than {right_by_line(XOR, *LINES).max()} of 4.")
    picture_of_and(path, out)
    picture_of_xor(out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
