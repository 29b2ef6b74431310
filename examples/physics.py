"""How long is the pendulum? Parameters of a differential equation, fitted through its solver.

The solver is plain NumPy; minigrad differentiates it, step by step (beyond the lecture). Writes
physics.png.
"""

from pathlib import Path

import numpy as np
import plots

import minigrad as mg

GRAVITY = 9.81  # m / s^2
TIMES = np.linspace(0, 10, 161)  # s
NAMES = ("length (m)", "drag (1/s)", "first angle (rad)", "first speed (rad/s)")
TRUTH = np.array([1.0, 0.15, 2.0, 0.5])
NOISE = 0.05  # rad, standard deviation


def acceleration(angle, speed, length, drag):
    """The equation: angle'' = -g / length * sin(angle) - drag * angle', at any swing."""
    return -GRAVITY / length * np.sin(angle) - drag * speed


def solve(parameters):
    """The angle at all `TIMES`, by the classical Runge-Kutta method of fourth order."""
    length, drag, angle, speed = parameters
    angles, h = [angle], TIMES[1] - TIMES[0]

    def slope(angle, speed):
        return speed, acceleration(angle, speed, length, drag)

    for _ in TIMES[1:]:
        v1, a1 = slope(angle, speed)
        v2, a2 = slope(angle + h / 2 * v1, speed + h / 2 * a1)
        v3, a3 = slope(angle + h / 2 * v2, speed + h / 2 * a2)
        v4, a4 = slope(angle + h * v3, speed + h * a3)
        angle = angle + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
        speed = speed + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        angles.append(angle)
    return np.stack(angles)


def measure(rng):
    """The true angles with noise on them."""
    return solve(TRUTH) + rng.normal(0, NOISE, TIMES.size)


def fit(measured, start, steps=30):
    """Levenberg and Marquardt's least squares: the parameters after every step that helped.

    Each step solves the linear problem that the Jacobian of the solver makes of the fit, with a
    damping that falls while steps help.
    """
    path, damping = [np.array(start)], 1e-2
    cost = np.sum((solve(path[-1]) - measured) ** 2)
    for _ in range(steps):
        residual, j = solve(path[-1]) - measured, mg.jacobian(solve)(path[-1])
        normal = j.T @ j
        tried = path[-1] - np.linalg.solve(
            normal + damping * np.diag(np.diag(normal)), j.T @ residual
        )
        new = np.sum((solve(tried) - measured) ** 2) if tried[0] > 0 else np.inf
        if new < cost:
            gain, cost, damping = cost - new, new, damping / 5
            path.append(tried)
            if gain < 1e-9 * cost:
                break
        else:
            damping *= 5
    return np.array(path)


def uncertainty(parameters):
    """The standard deviation of each fitted parameter that the noise causes, to first order."""
    j = mg.jacobian(solve)(parameters)
    return NOISE * np.sqrt(np.diag(np.linalg.inv(j.T @ j)))


def landscape(measured, fitted, lengths, drags):
    """The sum of squares for every length and drag, the other two as fitted: (drags, lengths)."""
    length, drag = np.meshgrid(lengths, drags)
    angles = solve((length, drag, np.full_like(length, fitted[2]), np.full_like(length, fitted[3])))
    return np.sum((angles - measured[:, None, None]) ** 2, axis=0)


def picture(measured, path, out):
    """The measured swing with the first guess and the fit, and the way over the landscape."""
    figure, (swing, way) = plots.figure(1, 2, 10, 3.3, width_ratios=[1.5, 1])
    swing.plot(TIMES, measured, ".", c=plots.GREY, label="measured")
    swing.plot(TIMES, solve(path[0]), "--", c=plots.ORANGE, label="first guess")
    swing.plot(TIMES, solve(path[-1]), c=plots.BLUE, label="fitted")
    swing.set(title="The fit goes through the measured angles", xlabel="s", ylabel="rad")
    swing.legend(ncols=3, loc="upper right")
    lengths, drags = np.linspace(0.7, 1.7, 100), np.linspace(0.0, 0.7, 70)
    squares = landscape(measured, path[-1], lengths, drags)
    shown = way.contourf(lengths, drags, np.log10(squares), 12, cmap="Greys")
    figure.colorbar(shown, ax=way, label="log10 of the sum of squares")
    way.plot(*path[:, :2].T, "o-", c=plots.ORANGE, ms=4)
    way.plot(*path[-1, :2], "*", c=plots.BLUE, ms=14)
    way.set(title=f"{len(path) - 1} steps to the least squares", xlabel=NAMES[0], ylabel=NAMES[1])
    plots.save(figure, out / "physics.png")


def main(out: Path):
    """Measure, fit, print what was found beside the truth, draw."""
    measured = measure(np.random.default_rng(0))
    path = fit(measured, start=(1.4, 0.4, 1.5, 0.0))
    rows = zip(NAMES, path[0], path[-1], uncertainty(path[-1]), TRUTH, strict=True)
    for name, guess, found, spread, true in rows:
        print(f"{name:20} guess {guess:5.2f}, fitted {found:6.3f} ± {spread:.3f}, true {true:5.2f}")
    picture(measured, path, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
