"""What one neuron looks at: the whole image, or a small patch of it (L16 of the lecture).

Writes neuron_view.png.
"""

from pathlib import Path

import numpy as np
import plots
from plots.scene import scene

import minigrad as mg

PLACES = (3, 3), (10, 20), (22, 8)  # rows and columns of three neurons of an activation map


def views(rng):
    """What one number of each layer looks at: gradients (3, 32, 32) of it by the scene."""
    full, filters = mg.nn.Linear(3072, 10, rng=rng), mg.nn.Conv2d(3, 10, 5, rng=rng)
    functions = [lambda x: full(x.reshape(1, -1))[0, 0]]
    functions += [lambda x, at=at: filters(x)[0, 0, *at] for at in PLACES]
    with mg.no_grad():  # the parameters are not followed, so the gradients are plain arrays
        of_full, *of_some = [mg.grad(f)(scene()[None])[0] for f in functions]
    return of_full, of_some


def picture(of_full, of_some, out):
    """The image, and the weights with which one number, or three, look at it."""
    figure, axes = plots.figure(1, 3, 9, 3.1)
    plots.maps(axes[0], scene().transpose(1, 2, 0), "The image: 32x32x3, or 3072x1")
    by_full, by_one = np.count_nonzero(of_full), np.count_nonzero(of_some[0])
    plots.signed(axes[1], of_full[0], f"Fully connected: one number,\n{by_full} weights")
    plots.signed(
        axes[2], sum(of_some)[0], f"Convolution: three numbers,\nthe same {by_one} weights"
    )
    plots.save(figure, out / "neuron_view.png")


def main(out: Path):
    """Count what each looks at, and draw."""
    of_full, of_some = views(np.random.default_rng(0))
    print(f"a fully connected neuron looks at {np.count_nonzero(of_full)} of 32x32x3 = 3072 inputs")
    print(f"a neuron of a convolution at {np.count_nonzero(of_some[0])}, and each with the same "
          f"weights")  # fmt: skip
    picture(of_full, of_some, out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
