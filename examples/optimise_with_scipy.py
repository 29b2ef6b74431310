"""A hanging chain: SciPy's minimisers, given derivatives by minigrad (beyond the lecture).

The chain of springs hangs where its energy is least. `scipy.optimize.minimize` finds that place
from the value, gradient and Hessian-vector products of one NumPy function. Writes
optimise_with_scipy.png.
"""

from pathlib import Path

import numpy as np
import plots
from scipy.optimize import minimize

import minigrad as mg

LINKS, STIFFNESS, LENGTH, WEIGHT = 20, 1000.0, 1.5, 1.0  # of the whole chain; it spans 1


def energy(inner):
    """Springs and weight of the chain whose inner joints are at (x1, y1, x2, y2, ...)."""
    joints = np.concatenate([[[0.0, 0.0]], np.reshape(inner, (-1, 2)), [[1.0, 0.0]]])
    lengths = np.sqrt(np.sum(np.diff(joints, axis=0) ** 2, axis=1))
    springs = 0.5 * STIFFNESS * LINKS * np.sum((lengths - LENGTH / LINKS) ** 2)
    return springs + WEIGHT / LINKS * np.sum(joints[:, 1])


def start():
    """A parabola that is too short."""
    x = np.linspace(0, 1, LINKS + 1)[1:-1]
    return np.stack([x, x * (x - 1)], axis=1).ravel()


def hessian_product(inner, direction):
    """The Hessian of the energy times a direction, without the Hessian."""
    return mg.hvp(energy, (inner,), (direction,))[0]


METHODS = {  # what each is given besides the energy
    "BFGS": {},
    "BFGS with gradient": {"jac": mg.grad(energy)},
    "trust-ncg with gradient and Hessian": {"jac": mg.grad(energy), "hessp": hessian_product},
}


def hang(name):
    """Minimise the energy: SciPy's result, and the chain after each step."""
    chains = [start()]
    result = minimize(
        energy,
        start(),
        method=name.split()[0],
        callback=lambda inner: chains.append(inner.copy()),
        options={"maxiter": 2000},
        **METHODS[name],
    )
    return result, chains


def force_left(inner):
    """The largest force on a joint that nothing balances."""
    return np.linalg.norm(mg.grad(energy)(inner).reshape(-1, 2), axis=1).max()


def picture(runs, out):
    """The chain on its way down, and how fast each method gets there."""
    figure, (way, speed) = plots.figure(1, 2, 9, 3.4)
    _, chains = runs["trust-ncg with gradient and Hessian"]
    for step, shade in ((0, 0.8), (5, 0.65), (20, 0.5), (60, 0.35), (len(chains) - 1, 0.0)):
        x, y = np.vstack([[0, 0], chains[step].reshape(-1, 2), [1, 0]]).T
        way.plot(x, y, "o-", ms=3, c=str(shade) if shade else plots.BLUE, label=f"step {step}")
    way.set(title="A chain finds its place", aspect="equal")
    way.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    least = min(result.fun for result, _ in runs.values())
    looks = ((plots.GREY, "-"), (plots.ORANGE, "--"), (plots.BLUE, "-"))
    for (name, (_, chains)), (colour, style) in zip(runs.items(), looks, strict=True):
        above = [energy(chain) - least for chain in chains]
        speed.semilogy(np.maximum(above, 1e-13), style, c=colour, label=name)
    speed.set(title="Energy above the least, step by step", xlabel="step", ylim=(1e-13, None))
    speed.legend()
    plots.save(figure, out / "optimise_with_scipy.png")


def main(out: Path):
    """Minimise by each method, print what it took, draw."""
    runs = {name: hang(name) for name in METHODS}
    for name, (result, _) in runs.items():
        asked = {"energies": result.nfev, "gradients": "jac" in METHODS[name] and result.njev}
        asked["Hessian products"] = "hessp" in METHODS[name] and result.nhev
        took = ", ".join(f"{count} {what}" for what, count in asked.items() if count)
        print(f"{name}: {result.nit} steps, {took}; a force of "
              f"{force_left(result.x):.0e} is left")  # fmt: skip
    picture(runs, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
