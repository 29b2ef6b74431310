"""XOR, first by hand, then learned: rows L5 and L6 of the lecture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import minigrad as mg
from minigrad.cli.output import saved
from minigrad.nn import Module

POINTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
TARGETS = np.array([[0.0], [1.0], [1.0], [0.0]])
GOAL = 1e-3
HIDDEN = 8

W1 = np.array([[1.0, 1.0], [1.0, 1.0]])
B1 = np.array([0.0, -1.0])
W2 = np.array([[1.0], [-2.0]])
EXPECTED = {
    "X W1": [[0, 0], [1, 1], [1, 1], [2, 2]],
    "X W1 + b": [[0, -1], [1, 0], [1, 0], [2, 1]],
    "h = relu(X W1 + b)": [[0, 0], [1, 0], [1, 0], [2, 1]],
    "h w2": [[0], [1], [1], [0]],
}


def run(out: Path, seed: int, steps: int, console: Console) -> int:
    """Check the hand-set weights, train random ones, draw the trained network: 0 if it learned."""
    if not by_hand(console):
        return 1
    network, loss, prediction = train(seed, steps, console)
    names = {"J": loss, "prediction": prediction}
    names |= {p.name: p for p in network.parameters() if p.name}
    drawing = mg.draw(loss, names=names)
    written = [saved(drawing, out / name) for name in ("xor.svg", "xor.png")]
    written.append(saved(mg.trace(loss, names=names), out / "xor.html"))
    console.print("Wrote " + ", ".join(written), soft_wrap=True)
    return int(not loss.item() < GOAL)


def by_hand(console: Console) -> bool:
    """Compute the lecture's matrices row by row; whether each is what it prints."""
    z = POINTS @ mg.Tensor(W1)
    a = z + B1
    h = mg.relu(a)
    y = h @ W2
    steps = dict(zip(EXPECTED, (z, a, h, y), strict=True))
    console.print("XOR by hand, with the weights")
    for name, weights in (("W1", W1), ("b", B1), ("w2", W2[:, 0])):
        console.print(f"  {name} = {weights.astype(int).tolist()}")
    table = Table()
    table.add_column("x", justify="center")
    for name in steps:
        table.add_column(name, justify="center")
    for i, point in enumerate(POINTS):
        table.add_row(row(point), *[row(t.data[i]) for t in steps.values()])
    console.print(table)
    agree = all(np.array_equal(t.data, EXPECTED[name]) for name, t in steps.items())
    cost = mg.mse(y, TARGETS).item()
    console.print(
        f"Every row is {'as' if agree else 'NOT as'} in the lecture, and the cost is J = {cost:g}."
    )
    return agree and cost == 0


def row(values: Any) -> str:
    """Numbers as the lecture prints them."""
    return "  ".join(f"{value:g}" for value in values)


def train(seed: int, steps: int, console: Console) -> tuple[Module, mg.Tensor, mg.Tensor]:
    """Train a 2-8-1 network from random weights until J < 1e-3; with its loss and prediction."""
    rng = np.random.default_rng(seed)
    x, target = mg.Tensor(POINTS, name="x"), mg.Tensor(TARGETS, name="target")
    network = mg.nn.Sequential(
        mg.nn.Linear(2, HIDDEN, rng=rng), mg.relu, mg.nn.Linear(HIDDEN, 1, rng=rng)
    )
    for name, parameter in zip(("w1", "b1", "w2", "b2"), network.parameters(), strict=True):
        parameter.name = name
    optimiser = mg.optim.Adam(network.parameters(), lr=0.03)
    loss, prediction = cost(network, x, target)
    console.print(f"Training a 2-{HIDDEN}-1 network from random weights (seed {seed}):")
    step, next_report = 0, 1
    while not loss.item() < GOAL and step < steps:
        optimiser.step()
        step += 1
        loss, prediction = cost(network, x, target)
        if step == next_report:
            console.print(f"  step {step:5}   J = {loss.item():.6f}")
            next_report *= 2
    console.print(f"  step {step:5}   J = {loss.item():.6f}", style="bold")
    table = Table("x", "target", "prediction")
    for point, wanted, got in zip(POINTS, TARGETS, prediction.data, strict=True):
        table.add_row(row(point), row(wanted), f"{got[0]:.3f}")
    console.print(table)
    if not loss.item() < GOAL:
        console.print(
            f"J is still above {GOAL:g} after {steps} steps. Hidden units whose relu is 0 at all "
            f"four points learn nothing: try another --seed, or more --steps.",
            style="bold red",
        )
    return network, loss, prediction


def cost(network: Module, x: mg.Tensor, target: mg.Tensor) -> tuple[mg.Tensor, mg.Tensor]:
    """Forward and backward: the cost J and the prediction, the parameters' gradients renewed."""
    with mg.sources():
        prediction = network(x)
        loss = mg.mse(prediction, target)
    network.zero_grad()
    loss.backward()
    return loss, prediction
